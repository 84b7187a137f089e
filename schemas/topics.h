#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vitalog::schemas {

/// Every topic there is. The names are the defaults; a site's configuration may rename them.
enum class Topic : std::uint8_t {
    FeedHis, FeedLis, FeedPacs, FeedWearable, FeedDirectory, FeedDecision, FeedReceipt, FeedControl, FeedOperation,
    Subject, Person, Task, Notification,
    Risk, Alert, TaskBoard, Delivery, SendSms, SendWechat, SendWecom, DeadLetter, Audit,
};

inline constexpr std::size_t kTopicCount = 22;

struct TopicInfo {
    Topic topic;
    std::string_view name;
    std::string_view key;      ///< what its records are keyed by
    std::string_view written;  ///< by whom
    bool feed;                 ///< part of the one door: bytes as received
    bool kept_for_ever;        ///< retention does not apply unless configured
    bool single_partition;
};

inline constexpr std::array<TopicInfo, kTopicCount> kTopics{{
    {Topic::FeedHis, "feed.his", "primary identifier", "HL7 listeners, publishers", true, false, false},
    {Topic::FeedLis, "feed.lis", "primary identifier", "HL7 listeners, publishers", true, false, false},
    {Topic::FeedPacs, "feed.pacs", "primary identifier", "publishers", true, false, false},
    {Topic::FeedWearable, "feed.wearable", "account", "wearable ingest", true, false, false},
    {Topic::FeedDirectory, "feed.directory", "patient or team", "POST /directory", true, false, false},
    {Topic::FeedDecision, "feed.decision", "task", "FHIR Task operations", true, false, false},
    {Topic::FeedReceipt, "feed.receipt", "recipient or provider message", "effect workers, gateways", true, false, false},
    {Topic::FeedControl, "feed.control", "kind/name", "vitalog run, POST /admin/clock, POST /admin/publish", true, true, true},
    {Topic::FeedOperation, "feed.operation", "alarm or retried record", "the site's watcher, POST /admin/dead-letter/retry", true, true, true},
    {Topic::Subject, "subject", "identifier, or 'merges'", "intake, identity", false, false, false},
    {Topic::Person, "person", "person", "identity, care, desk", false, true, false},
    {Topic::Task, "task", "task", "intake, care", false, false, false},
    {Topic::Notification, "notification", "recipient, or provider message", "intake, care, desk, notify", false, false, false},
    {Topic::Risk, "risk", "person", "care", false, true, false},
    {Topic::Alert, "alert", "person", "care", false, true, false},
    {Topic::TaskBoard, "task-board", "task", "desk", false, true, false},
    {Topic::Delivery, "delivery", "recipient", "notify", false, true, false},
    {Topic::SendSms, "send.sms", "recipient", "notify", false, false, false},
    {Topic::SendWechat, "send.wechat", "recipient", "notify", false, false, false},
    {Topic::SendWecom, "send.wecom", "recipient", "notify", false, false, false},
    {Topic::DeadLetter, "dead-letter", "key of the refused record", "every stage", false, true, false},
    {Topic::Audit, "audit", "person", "every read of a person's data", false, true, false},
}};

constexpr const TopicInfo& info(Topic topic) { return kTopics[static_cast<std::size_t>(topic)]; }
constexpr std::string_view name_of(Topic topic) { return info(topic).name; }

constexpr std::optional<Topic> topic_named(std::string_view name) {
    for (const auto& entry : kTopics)
        if (entry.name == name) return entry.topic;
    return std::nullopt;
}

}  // namespace vitalog::schemas
