#pragma once

#include <string>
#include <string_view>

namespace vitalog::sinks {

/// How WeChat signs what it pushes: SHA-1, in hex, of token, timestamp and nonce sorted and joined.
std::string wechat_callback_signature(std::string_view token, std::string_view timestamp,
                                      std::string_view nonce);

}  // namespace vitalog::sinks
