#include <cstdint>
#include <string_view>

#include "sinks/tencent/answer.h"
#include "sinks/tencent/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog::sinks;
    using vitalog::schemas::ReceiptState;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const int status : {200, 400, 500}) {
        const auto out = classify_tencent_send(status, text);
        VITALOG_ASSERT(!out.retryable || out.state == ReceiptState::NotSent,
                       "only what was not sent may be retried");
        VITALOG_ASSERT(status == 400 || out.state != ReceiptState::NotSent ||
                           out.code.find("http-") == std::string::npos,
                       "bytes without a code never prove that nothing was sent");
        const auto page = read_tencent_statuses(status, text, "r|i|a");
        VITALOG_ASSERT(page.outcome.found != QueryOutcome::Found::No,
                       "a list of receipts denies nothing");
    }
    if (const auto parts = parse_tc3_authorization(text))
        VITALOG_ASSERT(!parts->signed_headers.empty(), "an authorization names its headers");
    return 0;
}
