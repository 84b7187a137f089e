#include <cstdint>
#include <string_view>

#include "sinks/wechat/answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog::sinks;
    using vitalog::schemas::ReceiptState;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const int status : {200, 400, 500})
        for (const auto& out :
             {classify_wechat_send(status, text), classify_wecom_send(status, text)}) {
            VITALOG_ASSERT(!out.retryable || out.state == ReceiptState::NotSent,
                           "only what was not sent may be retried");
            VITALOG_ASSERT(!(out.retryable && out.configuration),
                           "what somebody must mend is not tried again");
        }
    if (const auto token = read_wechat_token(200, text))
        VITALOG_ASSERT(!token->token.empty() && token->expires_in.count() > 0,
                       "a token is there, and lives");
    return 0;
}
