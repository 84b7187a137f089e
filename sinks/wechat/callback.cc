#include "sinks/wechat/callback.h"

#include <algorithm>
#include <array>

#include "sinks/digest.h"

namespace vitalog::sinks {

std::string wechat_callback_signature(std::string_view token, std::string_view timestamp,
                                      std::string_view nonce) {
    std::array<std::string_view, 3> parts{token, timestamp, nonce};
    std::sort(parts.begin(), parts.end());
    std::string joined;
    for (const auto part : parts) joined.append(part);
    return sha1_hex(joined);
}

}  // namespace vitalog::sinks
