#pragma once

#include <string_view>

#include "sinks/effects/provider.h"

namespace vitalog::sinks {

/// What an answer of SendSms to one number means (Tencent sms 2021-01-11, error codes): Ok is
/// accepted; LimitExceeded and RequestLimitExceeded were not taken and may be tried later; a number
/// that is none, or that opted out, failed for good; any other refusal is one of configuration;
/// InternalError, and what can't be read as a refusal, leave the outcome unknown.
SendOutcome classify_tencent_send(int status, std::string_view body);

/// One page of PullSmsSendStatusByPhoneNumber. It lists what has a receipt, so that an attempt that
/// is not there may still have been sent: Found::No is never answered.
struct TencentStatusPage {
    QueryOutcome outcome;
    std::size_t on_page = 0;
};
TencentStatusPage read_tencent_statuses(int status, std::string_view body,
                                        std::string_view session_context);

}  // namespace vitalog::sinks
