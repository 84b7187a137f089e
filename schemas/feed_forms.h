#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "schemas/topics.h"

namespace vitalog::schemas {

/// One form that the records of a feed may have: the value of their header `format`. Intake reads
/// these and refuses the others; a topic's first form is that of records without the header.
struct FeedForm {
    Topic topic;
    std::string_view format;
    std::string_view name;  ///< of what a record holds, unlike all others
    std::string_view content_type;
    std::string_view schema_file;  ///< below schemas/json/; empty: not a form of ours
    std::string_view key;          ///< what publishers key their records by
    std::string_view summary;
};

inline constexpr std::string_view kHl7ContentType = "x-application/hl7-v2+er7";
inline constexpr std::string_view kHl7Key =
    "AUTHORITY|ID of the patient, such as MRN|2590157853: all messages of a patient have the same";
inline constexpr std::string_view kAccountKey =
    "AUTHORITY|ID of the account: whose the samples are is read from it";
inline constexpr std::string_view kReceiptKey =
    "the attempt's recipient; without one, provider|NAME|ID";

inline constexpr std::array<FeedForm, 16> kFeedForms{{
    {Topic::FeedHis, "hl7v2", "his-hl7v2", kHl7ContentType, "", kHl7Key,
     "One HL7 v2.3 to 2.8 message as it is sent over MLLP, without the frame."},
    {Topic::FeedLis, "hl7v2", "lis-hl7v2", kHl7ContentType, "", kHl7Key,
     "One HL7 v2.3 to 2.8 message of a laboratory, as it is sent over MLLP, without the frame."},
    {Topic::FeedPacs, "hl7v2", "pacs-hl7v2", kHl7ContentType, "", kHl7Key,
     "One HL7 v2.3 to 2.8 message of imaging, as it is sent over MLLP, without the frame."},
    {Topic::FeedWearable, "json", "samples", "application/json", "", kAccountKey,
     "Samples of one account: Open mHealth data points (one, an array, one a line) or an answer of "
     "Huawei Health Kit, "
     "told apart by what is in them."},
    {Topic::FeedWearable, "open-mhealth", "samples-open-mhealth", "application/json", "",
     kAccountKey, "Open mHealth data points of one account, as the HTTP door takes them."},
    {Topic::FeedWearable, "huawei", "samples-huawei", "application/json", "", kAccountKey,
     "An answer of Huawei Health Kit about one account, as the HTTP door takes it."},
    {Topic::FeedDirectory, "json", "directory-patient", "application/json",
     "patient-entry.v1.schema.json", "the patient's identifier",
     "A patient's line of the directory; several as an array or one a line."},
    {Topic::FeedDirectory, "json", "directory-team", "application/json",
     "team-entry.v1.schema.json", "the team",
     "A team's line of the directory; several as an array or one a line."},
    {Topic::FeedDecision, "json", "decision", "application/json", "decision.v1.schema.json",
     "the task", "What a doctor did with a task."},
    {Topic::FeedReceipt, "json", "receipt", "application/json", "receipt.v1.schema.json",
     kReceiptKey, "What became of an attempt; several as an array or one a line."},
    {Topic::FeedReceipt, "resend", "resend", "application/json", "resend.v1.schema.json",
     "the recipient", "An operator wants a message sent once more."},
    {Topic::FeedReceipt, "aliyun-report", "aliyun-report", "application/json", "", kReceiptKey,
     "A report that Aliyun pushed."},
    {Topic::FeedReceipt, "tencent-report", "tencent-report", "application/json", "", kReceiptKey,
     "A report that Tencent pushed."},
    {Topic::FeedReceipt, "wechat-event", "wechat-event", "text/xml", "", kReceiptKey,
     "An event that WeChat pushed."},
    {Topic::FeedControl, "json", "control", "application/json", "control.v1.schema.json",
     "kind/name",
     "Steers processors: a setting, a table, a rule pack, a template pack, a team, the clock."},
    {Topic::FeedOperation, "json", "operation", "application/json", "operation.v1.schema.json",
     "the alarm, or the record tried again",
     "An alarm was raised or cleared, or a dead letter was tried again."},
}};

constexpr bool is_form(Topic topic, std::string_view format) {
    return std::any_of(kFeedForms.begin(), kFeedForms.end(), [&](const FeedForm& form) {
        return form.topic == topic && form.format == format;
    });
}

/// The form of a topic's records without the header; empty where the topic is no feed.
constexpr std::string_view usual_format(Topic topic) {
    for (const FeedForm& form : kFeedForms)
        if (form.topic == topic) return form.format;
    return {};
}

}  // namespace vitalog::schemas
