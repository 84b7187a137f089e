#include "sinks/aliyun/answer.h"

#include <algorithm>
#include <array>

#include "schemas/json_decode.h"
#include "sinks/effects/no_answer.h"

namespace vitalog::sinks {
namespace {

using schemas::ReceiptState;

struct SendAnswer {
    std::string_view code;
    std::string_view message;
    std::string_view biz_id;

    template <class V>
    void members(V& v) {
        v.required("Code", code);
        v("Message", message);
        v("BizId", biz_id);
    }
};

struct Detail {
    std::string_view out_id;
    std::string_view error_code;
    std::int64_t status = 0;

    template <class V>
    void members(V& v) {
        v("OutId", out_id);
        v("ErrCode", error_code);
        v("SendStatus", status);
    }
};

struct DetailList {
    std::vector<Detail> items;

    template <class V>
    void members(V& v) {
        v("SmsSendDetailDTO", items);
    }
};

struct DetailAnswer {
    std::string_view code;
    std::string_view message;
    std::optional<schemas::RawJson> total;  ///< a number or a string of digits: both occur
    DetailList details;

    template <class V>
    void members(V& v) {
        v.required("Code", code);
        v("Message", message);
        v("TotalCount", total);
        v("SmsSendDetailDTOs", details);
    }
};

/// Refused for now: not taken, may be tried again.
constexpr std::array<std::string_view, 4> kLater{"isv.BUSINESS_LIMIT_CONTROL",
                                                 "isv.DAY_LIMIT_CONTROL", "ServiceUnavailable",
                                                 "SignatureNonceUsed"};
constexpr std::array<std::string_view, 3> kLaterFamilies{"isp.", "Throttling", "FlowControl"};
constexpr std::array<std::string_view, 2> kBadAddress{"isv.MOBILE_NUMBER_ILLEGAL",
                                                      "isv.MOBILE_COUNT_OVER_LIMIT"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view code) {
    return std::find(list.begin(), list.end(), code) != list.end();
}

template <std::size_t N>
bool starts_with_any(const std::array<std::string_view, N>& list, std::string_view code) {
    return std::any_of(list.begin(), list.end(),
                       [&](std::string_view prefix) { return code.starts_with(prefix); });
}

std::int64_t number_of(std::string_view raw) {
    std::int64_t value = 0;
    for (const char c : raw)
        if (c >= '0' && c <= '9' && value < 1'000'000'000) value = value * 10 + (c - '0');
    return value;
}

}  // namespace

SendOutcome classify_send_answer(int status, std::string_view body) {
    schemas::Decoder decoder;
    const auto answer = schemas::decode<SendAnswer>(body, decoder);
    if (!answer || answer->code.empty())
        return unreadable_answer(status, "an answer without a code");
    SendOutcome out;
    out.code = answer->code;
    out.message = answer->message;
    if (answer->code == "OK") {
        out.state = ReceiptState::Accepted;
        out.provider_id = answer->biz_id;
    } else if (contains(kBadAddress, answer->code)) {
        out.state = ReceiptState::Failed;
    } else if (contains(kLater, answer->code) || starts_with_any(kLaterFamilies, answer->code)) {
        out.state = ReceiptState::NotSent;
        out.retryable = true;
    } else if (answer->code.starts_with("isv.") || (status >= 400 && status < 500)) {
        out.state = ReceiptState::NotSent;
        out.configuration = true;
    }
    return out;
}

SendDetails read_send_details(int status, std::string_view body, std::string_view out_id) {
    schemas::Decoder decoder;
    const auto answer = schemas::decode<DetailAnswer>(body, decoder);
    SendDetails out;
    if (status != 200 || !answer || answer->code != "OK") {
        out.outcome.code = answer ? std::string(answer->code) : "http-" + std::to_string(status);
        out.outcome.message =
            answer ? std::string(answer->message) : "an answer that is no JSON of QuerySendDetails";
        return out;
    }
    out.on_page = answer->details.items.size();
    out.total =
        answer->total ? number_of(answer->total->text) : static_cast<std::int64_t>(out.on_page);
    out.outcome.found = QueryOutcome::Found::No;
    for (const Detail& detail : answer->details.items) {
        if (detail.out_id != out_id) continue;
        out.outcome.found = QueryOutcome::Found::Yes;
        out.outcome.code = detail.error_code;
        out.outcome.state = detail.status == 3   ? ReceiptState::Delivered
                            : detail.status == 2 ? ReceiptState::Failed
                                                 : ReceiptState::Accepted;
        break;
    }
    return out;
}

}  // namespace vitalog::sinks
