#include "sinks/tencent/answer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "schemas/json_decode.h"
#include "sinks/effects/no_answer.h"

namespace vitalog::sinks {
namespace {

using schemas::ReceiptState;

struct ApiError {
    std::string_view code;
    std::string_view message;

    template <class V>
    void members(V& v) {
        v.required("Code", code);
        v("Message", message);
    }
};

struct SendStatus {
    std::string_view code;
    std::string_view message;
    std::string_view serial_no;

    template <class V>
    void members(V& v) {
        v.required("Code", code);
        v("Message", message);
        v("SerialNo", serial_no);
    }
};

struct PullStatus {
    std::string_view session_context;
    std::string_view report_status;
    std::string_view description;

    template <class V>
    void members(V& v) {
        v("SessionContext", session_context);
        v("ReportStatus", report_status);
        v("Description", description);
    }
};

struct SendBody {
    std::optional<ApiError> error;
    std::vector<SendStatus> statuses;

    template <class V>
    void members(V& v) {
        v("Error", error);
        v("SendStatusSet", statuses);
    }
};

struct PullBody {
    std::optional<ApiError> error;
    std::vector<PullStatus> statuses;

    template <class V>
    void members(V& v) {
        v("Error", error);
        v("PullSmsSendStatusSet", statuses);
    }
};

template <class Body>
struct Answer {
    Body response;

    template <class V>
    void members(V& v) {
        v.required("Response", response);
    }
};

constexpr std::array<std::string_view, 6> kBadAddress{
    "InvalidParameterValue.IncorrectPhoneNumber",
    "FailedOperation.PhoneNumberInBlacklist",
    "FailedOperation.PhoneNumberParseFail",
    "UnsupportedOperation.UnsupportedRegion",
    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
    "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone"};

SendOutcome refusal(std::string_view code, std::string_view message) {
    SendOutcome out;
    out.code = code;
    out.message = message;
    if (code.starts_with("InternalError")) return out;
    out.state = ReceiptState::NotSent;
    if (std::find(kBadAddress.begin(), kBadAddress.end(), code) != kBadAddress.end())
        out.state = ReceiptState::Failed;
    else if (code.starts_with("LimitExceeded") || code.starts_with("RequestLimitExceeded"))
        out.retryable = true;
    else
        out.configuration = true;
    return out;
}

}  // namespace

SendOutcome classify_tencent_send(int status, std::string_view body) {
    schemas::Decoder decoder;
    const auto answer = schemas::decode<Answer<SendBody>>(body, decoder);
    const bool readable =
        answer && (answer->response.error || answer->response.statuses.size() == 1);
    if (!readable) return unreadable_answer(status, "an answer without a status of the one number");
    if (const auto& error = answer->response.error) return refusal(error->code, error->message);
    const SendStatus& sent = answer->response.statuses.front();
    if (sent.code != "Ok") return refusal(sent.code, sent.message);
    SendOutcome out;
    out.state = ReceiptState::Accepted;
    out.code = sent.code;
    out.provider_id = sent.serial_no;
    return out;
}

TencentStatusPage read_tencent_statuses(int status, std::string_view body,
                                        std::string_view session_context) {
    schemas::Decoder decoder;
    const auto answer = schemas::decode<Answer<PullBody>>(body, decoder);
    TencentStatusPage out;
    if (status != 200 || !answer || answer->response.error) {
        const bool said = answer && answer->response.error;
        out.outcome.code =
            said ? std::string(answer->response.error->code) : "http-" + std::to_string(status);
        return out;
    }
    out.on_page = answer->response.statuses.size();
    for (const PullStatus& entry : answer->response.statuses) {
        if (entry.session_context != session_context || session_context.empty()) continue;
        out.outcome.found = QueryOutcome::Found::Yes;
        out.outcome.state =
            entry.report_status == "SUCCESS" ? ReceiptState::Delivered : ReceiptState::Failed;
        out.outcome.code = entry.description;
        break;
    }
    return out;
}

}  // namespace vitalog::sinks
