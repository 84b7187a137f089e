#pragma once

#include <string_view>

#include "sinks/effects/provider.h"

namespace vitalog::sinks {

/// What an answer of SendSms means for the attempt (Aliyun dysmsapi 2017-05-25, error classes): OK
/// is accepted; limits, flow control and isp.SYSTEM_ERROR were not taken and may be tried later; a
/// bad number failed for good; any other refusal is one of configuration; what can't be read as a
/// refusal leaves the outcome unknown.
SendOutcome classify_send_answer(int status, std::string_view body);

/// One page of QuerySendDetails.
struct SendDetails {
    QueryOutcome outcome;    ///< Found::No when this page has no entry with that OutId
    std::int64_t total = 0;  ///< entries over all pages
    std::size_t on_page = 0;
};
SendDetails read_send_details(int status, std::string_view body, std::string_view out_id);

}  // namespace vitalog::sinks
