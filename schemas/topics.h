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

/// What a topic is to those outside Vitalog.
enum class TopicUse : std::uint8_t {
    Publish,  ///< they write it
    Consume,  ///< they read it; its records change compatibly
    Operate,  ///< operators read it
    Inside    ///< nobody: what is in it may change from version to version
};

struct TopicInfo {
    Topic topic;
    std::string_view name;
    std::string_view key;      ///< what its records are keyed by
    std::string_view written;  ///< by whom
    TopicUse use;
    bool feed;                 ///< part of the one door: bytes as received
    bool kept_for_ever;        ///< retention does not apply unless configured
    bool single_partition;
};

inline constexpr std::array<TopicInfo, kTopicCount> kTopics{{
    {Topic::FeedHis, "feed.his", "primary identifier", "HL7 listeners, publishers", TopicUse::Publish, true, false, false},
    {Topic::FeedLis, "feed.lis", "primary identifier", "HL7 listeners, publishers", TopicUse::Publish, true, false, false},
    {Topic::FeedPacs, "feed.pacs", "primary identifier", "publishers", TopicUse::Publish, true, false, false},
    {Topic::FeedWearable, "feed.wearable", "account", "wearable ingest", TopicUse::Publish, true, false, false},
    {Topic::FeedDirectory, "feed.directory", "patient or team", "POST /directory", TopicUse::Publish, true, false, false},
    {Topic::FeedDecision, "feed.decision", "task", "FHIR Task operations", TopicUse::Publish, true, false, false},
    {Topic::FeedReceipt, "feed.receipt", "recipient or provider message", "effect workers, gateways", TopicUse::Publish, true, false, false},
    {Topic::FeedControl, "feed.control", "kind/name", "vitalog run, POST /admin/clock, POST /admin/publish", TopicUse::Operate, true, true, true},
    {Topic::FeedOperation, "feed.operation", "alarm or retried record", "the site's watcher, POST /admin/dead-letter/retry", TopicUse::Operate, true, true, true},
    {Topic::Subject, "subject", "identifier, or 'merges'", "intake, identity", TopicUse::Inside, false, false, false},
    {Topic::Person, "person", "person", "identity, care, desk", TopicUse::Inside, false, true, false},
    {Topic::Task, "task", "task", "intake, care", TopicUse::Inside, false, false, false},
    {Topic::Notification, "notification", "recipient, or provider message", "intake, care, desk, notify", TopicUse::Inside, false, false, false},
    {Topic::Risk, "risk", "person", "care", TopicUse::Consume, false, true, false},
    {Topic::Alert, "alert", "person", "care", TopicUse::Consume, false, true, false},
    {Topic::TaskBoard, "task-board", "task", "desk", TopicUse::Consume, false, true, false},
    {Topic::Delivery, "delivery", "recipient", "notify", TopicUse::Consume, false, true, false},
    {Topic::SendSms, "send.sms", "recipient", "notify", TopicUse::Consume, false, false, false},
    {Topic::SendWechat, "send.wechat", "recipient", "notify", TopicUse::Consume, false, false, false},
    {Topic::SendWecom, "send.wecom", "recipient", "notify", TopicUse::Consume, false, false, false},
    {Topic::DeadLetter, "dead-letter", "key of the refused record", "every stage", TopicUse::Operate, false, true, false},
    {Topic::Audit, "audit", "person", "every read of a person's data", TopicUse::Operate, false, true, false},
}};

constexpr const TopicInfo& info(Topic topic) { return kTopics[static_cast<std::size_t>(topic)]; }
constexpr std::string_view name_of(Topic topic) { return info(topic).name; }

constexpr std::optional<Topic> topic_named(std::string_view name) {
    for (const auto& entry : kTopics)
        if (entry.name == name) return entry.topic;
    return std::nullopt;
}

}  // namespace vitalog::schemas
