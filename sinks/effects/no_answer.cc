#include "sinks/effects/no_answer.h"

namespace vitalog::sinks {

using schemas::ReceiptState;

SendOutcome without_answer(const HttpOutcome& outcome) {
    SendOutcome out;
    out.message = outcome.reason;
    out.code = "timeout";
    if (outcome.fate == HttpFate::NeverSent) {
        out.state = ReceiptState::NotSent;
        out.code = "unreachable";
        out.retryable = true;
    }
    return out;
}

SendOutcome unreadable_answer(int status, std::string_view what) {
    SendOutcome out;
    out.code = "http-" + std::to_string(status);
    out.message = what;
    if (status >= 400 && status < 500 && status != 408) {
        out.state = ReceiptState::NotSent;
        out.configuration = status != 429;
        out.retryable = status == 429;
    }
    return out;
}

}  // namespace vitalog::sinks
