#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "schemas/base/result.h"
#include "sinks/effects/provider.h"

namespace vitalog::sinks {

/// The errcode of any answer of WeChat's or WeCom's API; Malformed without one.
Result<std::int64_t> errcode_of(std::string_view body);

/// 40001, 40014, 42001: the token sent along is not, or no longer, valid.
bool is_token_error(std::int64_t errcode);

/// What an answer of message/template/send means for the attempt:
///
///     0                            accepted
///     -1, 43108, 45009, 40038      not taken for now: busy, another send to the user, quota
///     40001, 40014, 42001          the token: not taken, to be tried with another one
///     40003, 43004, 43101          failed for good at this address: no such openid, does not
///                                  follow, no consent
///     43107, 40037, 47003, 45168   somebody must act: template banned, unknown, other data, word
///     any other                    somebody must act
///
/// What holds no errcode leaves the outcome unknown, a refusal by a 4xx status apart.
SendOutcome classify_wechat_send(int status, std::string_view body);

/// What an answer of a group robot's webhook means: 0 is in the group, the last that is heard of
/// it; -1, 45009 (20 a minute), 45033 not taken for now; any other somebody must act.
SendOutcome classify_wecom_send(int status, std::string_view body);

/// The answer of stable_token.
struct WechatTokenAnswer {
    std::string token;
    std::chrono::seconds expires_in{0};
};
/// Configuration when account, secret or address are refused, Busy otherwise; with the errcode.
Result<WechatTokenAnswer> read_wechat_token(int status, std::string_view body);

}  // namespace vitalog::sinks
