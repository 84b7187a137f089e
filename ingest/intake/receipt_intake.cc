#include "ingest/intake/receipt_intake.h"

#include <charconv>
#include <optional>
#include <string>

#include "ingest/intake/json_items.h"
#include "schemas/events/message.h"
#include "schemas/flat_xml.h"
#include "schemas/json_decode.h"

namespace vitalog::ingest {
namespace {

using processors::Context;
using processors::Input;
using schemas::ReceiptState;
using schemas::Topic;

/// Where a receipt belongs: the recipient, else the provider's message.
Result<std::string> receipt_key(const schemas::Receipt& receipt) {
    if (!receipt.recipient.empty()) {
        if (receipt.intent.empty() || receipt.attempt.empty())
            return fail(Errc::Missing,
                        "a receipt with 'recipient' needs 'intent' and 'attempt' too");
        return std::string(receipt.recipient);
    }
    if (receipt.provider.empty() || receipt.provider_id.empty())
        return fail(
            Errc::Missing,
            "a receipt needs 'recipient', 'intent' and 'attempt', or 'provider' and 'provider_id'");
    return "provider|" + std::string(receipt.provider) + "|" + std::string(receipt.provider_id);
}

Result<void> pass_on(const schemas::Receipt& receipt, Context& out) {
    VITALOG_TRY(const std::string key, receipt_key(receipt));
    out.emit_event(Topic::Notification, key, receipt);
    return {};
}

/// One element of Aliyun's SmsReport push. `success` comes as a flag, or as the word.
struct AliyunReport {
    std::string_view out_id;
    std::string_view biz_id;
    std::string_view err_code;
    std::string_view report_time;
    schemas::RawJson success;
    template <class V>
    void members(V& v) {
        v("out_id", out_id);
        v("biz_id", biz_id);
        v("err_code", err_code);
        v("report_time", report_time);
        v.required("success", success);
    }
};

/// One element of Tencent's status push. It names the message by the SerialNo of its send alone.
struct TencentReport {
    std::string_view sid;
    std::string_view report_status;
    std::string_view errmsg;
    std::string_view user_receive_time;
    template <class V>
    void members(V& v) {
        v.required("sid", sid);
        v.required("report_status", report_status);
        v("errmsg", errmsg);
        v("user_receive_time", user_receive_time);
    }
};

/// "2017-08-30 00:00:00", the providers' clock: UTC+8 the year round.
std::optional<ReceivedTime> provider_time(std::string_view text) {
    auto parsed = parse_rfc3339(std::string(text) + "+08:00");
    if (!parsed) return std::nullopt;
    return ReceivedTime(*parsed);
}

/// OutId as SendSms was given it: "recipient|intent|attempt".
bool split_out_id(std::string_view out_id, schemas::Receipt& receipt) {
    const std::size_t second = out_id.rfind('|');
    if (second == std::string_view::npos || second == 0) return false;
    const std::size_t first = out_id.rfind('|', second - 1);
    if (first == std::string_view::npos || first == 0) return false;
    receipt.recipient = out_id.substr(0, first);
    receipt.intent = out_id.substr(first + 1, second - first - 1);
    receipt.attempt = out_id.substr(second + 1);
    if (!receipt.intent.empty() && !receipt.attempt.empty()) return true;
    receipt.recipient = receipt.intent = receipt.attempt = {};
    return false;
}

/// Whole seconds since 1970, as WeChat's CreateTime.
std::optional<ReceivedTime> unix_time(std::string_view text) {
    constexpr std::int64_t kMost = 253'402'300'799;  // the end of the year 9999
    std::int64_t seconds = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || rest != text.data() + text.size() || seconds < 0 || seconds > kMost)
        return std::nullopt;
    return ReceivedTime(seconds * 1'000'000);
}

}  // namespace

Result<void> ReceiptIntake::handle(std::string_view format, const Input& input, Context& out) {
    if (format == "json") return each(input, out, &ReceiptIntake::receipt);
    if (format == "resend") return each(input, out, &ReceiptIntake::resend);
    if (format == "aliyun-report") return each(input, out, &ReceiptIntake::aliyun);
    if (format == "tencent-report") return each(input, out, &ReceiptIntake::tencent);
    if (format == "wechat-event") return wechat(input.value, input, out);
    return fail(Errc::Unsupported,
                "receipts in the form '" + std::string(format) +
                    "' are not read; set the header 'format' to json, aliyun-report, "
                    "tencent-report, wechat-event or resend");
}

Result<void> ReceiptIntake::each(const Input& input, Context& out, Handler handle) {
    VITALOG_TRY(const auto items, json_items(input.value));
    if (items.size() == 1) return (this->*handle)(items.front(), input, out);
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto done = (this->*handle)(items[i], input, out);
        if (!done) out.dead_letter(done.error(), "item " + std::to_string(i + 1));
    }
    return {};
}

Result<void> ReceiptIntake::receipt(std::string_view json, const Input&, Context& out) {
    VITALOG_TRY(const auto receipt, schemas::decode<schemas::Receipt>(json, decoder_));
    return pass_on(receipt, out);
}

Result<void> ReceiptIntake::resend(std::string_view json, const Input&, Context& out) {
    VITALOG_TRY(const auto resend, schemas::decode<schemas::Resend>(json, decoder_));
    if (resend.recipient.empty() || resend.intent.empty() || resend.reason.empty())
        return fail(Errc::Missing, "members 'recipient', 'intent' and 'reason' must not be empty");
    out.emit_event(Topic::Notification, resend.recipient, resend);
    return {};
}

Result<void> ReceiptIntake::aliyun(std::string_view json, const Input& input, Context& out) {
    VITALOG_TRY(const auto report, schemas::decode<AliyunReport>(json, decoder_));
    const bool delivered = report.success.text == "true" || report.success.text == "\"true\"";
    if (!delivered && report.success.text != "false" && report.success.text != "\"false\"")
        return fail(Errc::Malformed, "member 'success' must be true or false");
    schemas::Receipt receipt;
    split_out_id(report.out_id, receipt);
    receipt.state = delivered ? ReceiptState::Delivered : ReceiptState::Failed;
    receipt.code = report.err_code;
    receipt.provider = "aliyun";
    receipt.provider_id = report.biz_id;
    receipt.at = provider_time(report.report_time).value_or(input.received);
    return pass_on(receipt, out);
}

Result<void> ReceiptIntake::tencent(std::string_view json, const Input& input, Context& out) {
    VITALOG_TRY(const auto report, schemas::decode<TencentReport>(json, decoder_));
    if (report.report_status != "SUCCESS" && report.report_status != "FAIL")
        return fail(Errc::Malformed, "member 'report_status' must be SUCCESS or FAIL");
    schemas::Receipt receipt;
    receipt.state =
        report.report_status == "SUCCESS" ? ReceiptState::Delivered : ReceiptState::Failed;
    receipt.code = report.errmsg;
    receipt.provider = "tencent";
    receipt.provider_id = report.sid;
    receipt.at = provider_time(report.user_receive_time).value_or(input.received);
    return pass_on(receipt, out);
}

Result<void> ReceiptIntake::wechat(std::string_view xml, const Input& input, Context& out) {
    VITALOG_TRY(const auto event, schemas::parse_flat_xml(xml));
    if (schemas::find(event, "Event") != "TEMPLATESENDJOBFINISH")
        return fail(Errc::Unsupported,
                    "an event of WeChat other than TEMPLATESENDJOBFINISH is not a receipt");
    const std::string_view status = schemas::find(event, "Status");
    if (status.empty()) return fail(Errc::Missing, "the event has no Status");
    schemas::Receipt receipt;
    receipt.state = status == "success" ? ReceiptState::Delivered : ReceiptState::Failed;
    receipt.code = status;
    receipt.provider = "wechat";
    receipt.provider_id = schemas::find(event, "MsgID");
    receipt.at = unix_time(schemas::find(event, "CreateTime")).value_or(input.received);
    return pass_on(receipt, out);
}

}  // namespace vitalog::ingest
