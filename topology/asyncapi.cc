#include "topology/asyncapi.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "schemas/base/record.h"
#include "schemas/catalogue.h"
#include "schemas/feed_forms.h"
#include "topology/site.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {
namespace {

using schemas::EventInfo;
using schemas::FeedForm;
using schemas::Topic;
using schemas::TopicInfo;
using schemas::TopicUse;

constexpr std::string_view kDeadLetter = "vitalog.dead-letter.v1";
constexpr std::string_view kAudit = "vitalog.audit.v1";
constexpr std::string_view kKafkaBinding = "0.5.0";

struct HeaderInfo {
    std::string_view name;
    std::string_view meaning;
    bool required = false;
};

constexpr std::array kFeedHeaders{
    HeaderInfo{header::kFormat, "The form of the value; without it the topic's usual one"},
    HeaderInfo{header::kEndpoint,
               "The door or publisher that it came by, for the archive's provenance"},
    HeaderInfo{header::kRetriedRoot, "Of a dead letter tried again: the feed record refused"},
    HeaderInfo{header::kRepeatKey, "The site's own doors, in a cluster: what tells a repeat"},
    HeaderInfo{header::kRepeatBody, "The same: a hash of the value"},
    HeaderInfo{header::kRepeatAnswer, "The same: what a repeat is answered"}};

constexpr std::array kEventHeaders{
    HeaderInfo{header::kSpecVersion, "CloudEvents, here 1.0", true},
    HeaderInfo{header::kId, "32 hex digits; a repeat has the same", true},
    HeaderInfo{header::kType, "The event's type", true},
    HeaderInfo{header::kSource, "vitalog/ and the stage that wrote it", true},
    HeaderInfo{header::kTime, "RFC 3339", true},
    HeaderInfo{header::kContentType, "application/json"},
    HeaderInfo{header::kRoot, "Id of the feed record that it comes from"},
    HeaderInfo{header::kCause, "Id of the record that caused it"},
    HeaderInfo{header::kReceived, "When the root was received, microseconds since 1970"},
    HeaderInfo{header::kUrgent, "1 on an alert or task of high priority"}};

constexpr std::array kDeadLetterHeaders{
    HeaderInfo{header::kReason, "Why it was refused", true},
    HeaderInfo{header::kStage, "Who refused it", true},
    HeaderInfo{header::kDeadSource, "topic/partition/offset of the record, or the door", true},
    HeaderInfo{header::kAt, "The segment or item at fault"},
    HeaderInfo{header::kFormat, "As the record had it"},
    HeaderInfo{header::kEndpoint, "As the record had it"},
    HeaderInfo{header::kRetriedRoot, "As the record had it"},
    HeaderInfo{header::kSize, "Bytes that came, where not all were kept"},
    HeaderInfo{header::kCut, "Kept so many bytes, the first ones"}};

constexpr std::string_view use_of(TopicUse use) {
    switch (use) {
        case TopicUse::Publish:
            return "publish";
        case TopicUse::Consume:
            return "consume";
        case TopicUse::Operate:
            return "operate";
        case TopicUse::Inside:
            return "inside";
    }
    return {};
}

constexpr std::string_view meaning_of(TopicUse use) {
    switch (use) {
        case TopicUse::Publish:
            return "Open to publishers; records of a person keep their order within a key";
        case TopicUse::Consume:
            return "Open to consumers; records change compatibly within a version";
        case TopicUse::Operate:
            return "For operators";
        case TopicUse::Inside:
            return "Inside Vitalog: what is in it may change from version to version";
    }
    return {};
}

/// Names of the messages that a topic carries, as they stand below components/messages.
std::vector<std::string> messages_of(Topic topic) {
    std::vector<std::string> messages;
    for (const FeedForm& form : schemas::kFeedForms)
        if (form.topic == topic) messages.emplace_back(form.name);
    if (!messages.empty()) return messages;
    if (topic == Topic::DeadLetter) return {std::string(kDeadLetter)};
    if (topic == Topic::Audit) return {std::string(kAudit)};
    for (const EventInfo& event : schemas::event_catalogue())
        if (std::find(event.topics.begin(), event.topics.end(), topic) != event.topics.end())
            messages.emplace_back(event.type);
    return messages;
}

/// Writes the parts of the document, each a method, in its order.
class Writer {
  public:
    std::string write(const schemas::TopicNames& names, const std::vector<TopicConfig>& topics) {
        map([&] {
            field("asyncapi", "3.0.0");
            info();
            field("defaultContentType", "application/json");
            map("channels", [&] {
                for (std::size_t i = 0; i < topics.size(); ++i)
                    channel(schemas::kTopics[i], topics[i]);
            });
            map("operations", [&] {
                for (const TopicInfo& topic : schemas::kTopics) operations(topic, names);
            });
            map("components", [&] {
                map("messages", [&] { messages(); });
                map("schemas", [&] { header_schemas(); });
            });
        });
        return std::string(yaml_.c_str()) + "\n";
    }

  private:
    template <class Body>
    void map(Body body) {
        yaml_ << YAML::BeginMap;
        body();
        yaml_ << YAML::EndMap;
    }
    template <class Body>
    void map(std::string_view name, Body body) {
        key(name);
        map(body);
    }
    template <class Body>
    void list(std::string_view name, Body body) {
        key(name);
        yaml_ << YAML::BeginSeq;
        body();
        yaml_ << YAML::EndSeq;
    }
    void key(std::string_view name) { yaml_ << YAML::Key << std::string(name) << YAML::Value; }
    void field(std::string_view name, std::string_view text) {
        key(name);
        yaml_ << std::string(text);
    }
    void number(std::string_view name, std::int64_t value) {
        key(name);
        yaml_ << value;
    }
    void reference(std::string_view name, std::string_view to) {
        map(name, [&] { field("$ref", to); });
    }

    void info() {
        map("info", [&] {
            field("title", "Vitalog");
            field("version", program_version());
            field(
                "description",
                "The topics of a Vitalog site. On Apache Kafka a record's partition is murmur2 of "
                "its key, as the Java client has it (librdkafka: partitioner=murmur2_random), and "
                "consumers read committed records only (isolation.level=read_committed). A tag "
                "says what a topic is to others: publish, consume, operate, inside. Members that "
                "a schema does not name, and further words of an enum, may be added.");
        });
    }

    void channel(const TopicInfo& topic, const TopicConfig& config) {
        map(topic.name, [&] {
            field("address", config.name);
            field("description", fmt::format("{}. Key: {}. Written by: {}.", meaning_of(topic.use),
                                             topic.key, topic.written));
            map("messages", [&] {
                for (const std::string& message : messages_of(topic.topic))
                    reference(message, "#/components/messages/" + message);
            });
            list("tags", [&] { map([&] { field("name", use_of(topic.use)); }); });
            map("bindings", [&] { map("kafka", [&] { topic_binding(config); }); });
        });
    }

    void topic_binding(const TopicConfig& config) {
        using std::chrono::milliseconds;
        const auto kept = std::chrono::duration_cast<milliseconds>(config.retention).count();
        field("topic", config.name);
        number("partitions", config.partitions);
        map("topicConfiguration", [&] {
            list("cleanup.policy", [&] { yaml_ << "delete"; });
            number("retention.ms", kept == 0 ? -1 : kept);
            number("retention.bytes", config.retention_bytes == 0
                                          ? -1
                                          : static_cast<std::int64_t>(config.retention_bytes));
        });
        field("bindingVersion", kKafkaBinding);
    }

    /// What Vitalog does with a topic: it receives what its stages read, and sends what they
    /// write and the audit.
    void operations(const TopicInfo& topic, const schemas::TopicNames& names) {
        bool read = false;
        bool written = topic.topic == Topic::Audit;
        for (const Stage& stage : all_stages()) {
            read |= std::count(stage.reads.begin(), stage.reads.end(), topic.topic) > 0;
            written |= std::count(stage.writes.begin(), stage.writes.end(), topic.topic) > 0;
        }
        if (read) operation("receive", topic, names);
        if (written) operation("send", topic, names);
    }

    void operation(std::string_view action, const TopicInfo& topic,
                   const schemas::TopicNames& names) {
        map(fmt::format("{}.{}", action, topic.name), [&] {
            field("action", action);
            reference("channel", fmt::format("#/channels/{}", topic.name));
            field("summary", fmt::format("Vitalog {} {}", action == "send" ? "writes" : "reads",
                                         names.name(topic.topic)));
        });
    }

    void messages() {
        for (const FeedForm& form : schemas::kFeedForms) {
            map(form.name, [&] {
                message({form.summary, form.content_type, form.key});
                map("headers", [&] { all_of("feedHeaders", header::kFormat, form.format); });
                if (form.schema_file.empty())
                    map("payload", [&] { foreign_payload(form); });
                else
                    reference("payload", fmt::format("json/{}", form.schema_file));
            });
        }
        for (const EventInfo& event : schemas::event_catalogue()) {
            const auto is_feed = [](Topic topic) { return schemas::info(topic).feed; };
            if (std::all_of(event.topics.begin(), event.topics.end(), is_feed)) continue;  // a form
            map(event.type, [&] {
                message({event.summary, "application/json", event.key});
                map("headers", [&] { all_of("eventHeaders", header::kType, event.type); });
                reference("payload", "json/" + event.schema_file());
            });
        }
        dead_letter();
        audit();
    }

    struct Head {
        std::string_view summary;
        std::string_view content_type;
        std::string_view key;
    };
    void message(const Head& head) {
        field("summary", head.summary);
        field("contentType", head.content_type);
        map("bindings", [&] {
            map("kafka", [&] {
                map("key", [&] {
                    field("type", "string");
                    field("description", head.key);
                });
                field("bindingVersion", kKafkaBinding);
            });
        });
    }

    void foreign_payload(const FeedForm& form) {
        const bool json = form.content_type == "application/json";
        if (!json) field("type", "string");
        field("description",
              json ? "JSON in the publisher's form" : "Bytes in the publisher's form");
    }

    /// The headers of a schema below components/schemas, one of them with a value of its own.
    void all_of(std::string_view schema, std::string_view name, std::string_view value) {
        list("allOf", [&] {
            map([&] { field("$ref", fmt::format("#/components/schemas/{}", schema)); });
            map([&] {
                field("type", "object");
                map("properties", [&] { map(name, [&] { field("const", value); }); });
            });
        });
    }

    void dead_letter() {
        map(kDeadLetter, [&] {
            message({"A record that could not be used, with the bytes that it had.",
                     "application/octet-stream", schemas::info(Topic::DeadLetter).key});
            reference("headers", "#/components/schemas/deadLetterHeaders");
            map("payload", [&] {
                field("description", "The value as it was refused, in the form that `format` says");
            });
        });
    }

    void audit() {
        map(kAudit, [&] {
            message({"Somebody read data of a person.", "application/json",
                     schemas::info(Topic::Audit).key});
            map("headers", [&] { all_of("eventHeaders", header::kType, kAudit); });
            map("payload", [&] {
                field("type", "object");
                map("properties", [&] {
                    for (const auto* text :
                         {"at", "user", "role", "method", "path", "query", "person", "resource"})
                        map(text, [&] { field("type", "string"); });
                    for (const auto* count : {"persons", "count", "status"})
                        map(count, [&] { field("type", "integer"); });
                });
                list("required", [&] {
                    yaml_ << "at"
                          << "user"
                          << "method"
                          << "path"
                          << "status";
                });
            });
        });
    }

    void header_schemas() {
        header_schema("feedHeaders", kFeedHeaders);
        header_schema("eventHeaders", kEventHeaders);
        header_schema("deadLetterHeaders", kDeadLetterHeaders);
    }

    template <std::size_t N>
    void header_schema(std::string_view name, const std::array<HeaderInfo, N>& headers) {
        map(name, [&] {
            field("type", "object");
            map("properties", [&] {
                for (const HeaderInfo& header : headers)
                    map(header.name, [&] {
                        field("type", "string");
                        field("description", header.meaning);
                    });
            });
            if (std::none_of(headers.begin(), headers.end(),
                             [](const auto& header) { return header.required; }))
                return;
            list("required", [&] {
                for (const HeaderInfo& header : headers)
                    if (header.required) yaml_ << std::string(header.name);
            });
        });
    }

    YAML::Emitter yaml_;
};

}  // namespace

std::string asyncapi(const schemas::TopicNames& names, const std::vector<TopicConfig>& topics) {
    return Writer().write(names, topics);
}

}  // namespace vitalog::topology
