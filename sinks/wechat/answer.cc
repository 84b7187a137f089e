#include "sinks/wechat/answer.h"

#include <algorithm>
#include <array>

#include "schemas/json_decode.h"
#include "sinks/effects/no_answer.h"

namespace vitalog::sinks {
namespace {

using schemas::ReceiptState;

struct Answer {
    std::int64_t errcode = 0;
    std::string_view errmsg;
    std::int64_t msgid = 0;

    template <class V>
    void members(V& v) {
        v.required("errcode", errcode);
        v("errmsg", errmsg);
        v("msgid", msgid);
    }
};

struct TokenAnswer {
    std::string_view access_token;
    std::int64_t expires_in = 0;
    std::int64_t errcode = 0;
    std::string_view errmsg;

    template <class V>
    void members(V& v) {
        v("access_token", access_token);
        v("expires_in", expires_in);
        v("errcode", errcode);
        v("errmsg", errmsg);
    }
};

constexpr std::array<std::int64_t, 3> kToken{40001, 40014, 42001};
constexpr std::array<std::int64_t, 4> kLater{-1, 43108, 45009, 40038};
constexpr std::array<std::int64_t, 3> kBadAddress{40003, 43004, 43101};
constexpr std::array<std::int64_t, 3> kRobotLater{-1, 45009, 45033};

template <std::size_t N>
bool contains(const std::array<std::int64_t, N>& list, std::int64_t code) {
    return std::find(list.begin(), list.end(), code) != list.end();
}

/// Of an answer that does not say what it means.
SendOutcome without_code(int status) {
    return unreadable_answer(status, "an answer without an errcode");
}

}  // namespace

Result<std::int64_t> errcode_of(std::string_view body) {
    schemas::Decoder decoder;
    VITALOG_TRY(const auto answer, schemas::decode<Answer>(body, decoder));
    return answer.errcode;
}

bool is_token_error(std::int64_t errcode) {
    return contains(kToken, errcode);
}

SendOutcome classify_wechat_send(int status, std::string_view body) {
    schemas::Decoder decoder;
    const auto answer = schemas::decode<Answer>(body, decoder);
    if (!answer) return without_code(status);
    SendOutcome out;
    out.code = std::to_string(answer->errcode);
    out.message = answer->errmsg;
    if (answer->errcode == 0) {
        out.state = ReceiptState::Accepted;
        out.provider_id = std::to_string(answer->msgid);
        return out;
    }
    out.state =
        contains(kBadAddress, answer->errcode) ? ReceiptState::Failed : ReceiptState::NotSent;
    out.retryable = contains(kLater, answer->errcode) || is_token_error(answer->errcode);
    out.configuration = out.state == ReceiptState::NotSent && !out.retryable;
    return out;
}

SendOutcome classify_wecom_send(int status, std::string_view body) {
    schemas::Decoder decoder;
    const auto answer = schemas::decode<Answer>(body, decoder);
    if (!answer) return without_code(status);
    SendOutcome out;
    out.code = std::to_string(answer->errcode);
    out.message = answer->errmsg;
    out.state = answer->errcode == 0 ? ReceiptState::Delivered : ReceiptState::NotSent;
    out.retryable = contains(kRobotLater, answer->errcode);
    out.configuration = answer->errcode != 0 && !out.retryable;
    return out;
}

Result<WechatTokenAnswer> read_wechat_token(int status, std::string_view body) {
    schemas::Decoder decoder;
    const auto answer = schemas::decode<TokenAnswer>(body, decoder);
    if (!answer)
        return fail(Errc::Busy, "stable_token: status " + std::to_string(status) +
                                    " with an answer that is no JSON of it");
    const bool usable = !answer->access_token.empty() && answer->expires_in > 0;
    if (answer->errcode == 0 && usable)
        return WechatTokenAnswer{std::string(answer->access_token),
                                 std::chrono::seconds(answer->expires_in)};
    const bool later = answer->errcode == -1 || answer->errcode == 45009 ||
                       answer->errcode == 45011 || answer->errcode == 0;
    return fail(later ? Errc::Busy : Errc::Configuration,
                std::to_string(answer->errcode) + " " + std::string(answer->errmsg));
}

}  // namespace vitalog::sinks
