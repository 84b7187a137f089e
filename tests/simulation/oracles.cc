#include "tests/simulation/oracles.h"

#include "schemas/events/care.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"

namespace vitalog::simulation {
namespace {

using schemas::Topic;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

/// Every record of a topic that can be read, and was before retention.
template <class Visit>
Result<void> for_each(World& world, Topic topic, Visit visit) {
    for (std::uint32_t p = 0; p < world.names().partitions(topic); ++p) {
        RecordBatch batch;
        for (Offset at(0);; at = batch.next) {
            VITALOG_CHECK(world.log().read_all({world.names().name(topic), Partition(p)}, at,
                                               kReadBytes, batch));
            if (batch.records.empty()) break;
            for (const auto& record : batch.records) VITALOG_CHECK(visit(record));
        }
    }
    return {};
}

template <class Set, class Key>
Result<void> once(Set& seen, Key key, std::string_view what) {
    if (seen.insert(std::move(key)).second) return {};
    return fail(Errc::Conflict, std::string(what) + " is there twice");
}

/// No episode of a rule is raised at a person who has one that is open.
class OpenEpisodes {
  public:
    Result<void> see(const schemas::AlertEvent& alert) {
        const std::string id(alert.id);
        const std::pair key{std::string(alert.person), std::string(alert.rule)};
        const auto known = where_.find(id);
        if (known == where_.end() && alert.state == schemas::AlertState::Raised)
            if (const auto open = open_.find(key); open != open_.end() && !open->second.empty())
                return fail(Errc::Conflict,
                            fmt::format("alert {} is raised beside {}, of the same rule and person",
                                        id, *open->second.begin()));
        if (known != where_.end()) open_[known->second].erase(id);
        where_[id] = key;
        if (alert.state != schemas::AlertState::Closed) open_[key].insert(id);
        return {};
    }

  private:
    using Key = std::pair<std::string, std::string>;  // person and rule
    std::map<std::string, Key> where_;
    std::map<Key, std::set<std::string>> open_;
};

Result<void> check_alerts(World& world) {
    schemas::Decoder decoder;
    std::set<std::pair<std::string, std::int64_t>> revisions;
    std::set<std::string> raised;
    OpenEpisodes episodes;
    VITALOG_CHECK(for_each(world, Topic::Alert, [&](const RecordView& record) -> Result<void> {
        VITALOG_TRY(const auto alert, schemas::decode<schemas::AlertEvent>(record.value, decoder));
        const std::string id(alert.id);
        VITALOG_CHECK(once(revisions, std::pair(id, alert.revision),
                           fmt::format("revision {} of alert {}", alert.revision, id)));
        if (alert.state == schemas::AlertState::Raised && alert.revision == 1)
            VITALOG_CHECK(once(raised, id, "the first record of alert " + id));
        return episodes.see(alert);
    }));
    std::map<std::string, std::string> task_of;
    std::set<std::pair<std::string, std::int64_t>> versions;
    return for_each(world, Topic::TaskBoard, [&](const RecordView& record) -> Result<void> {
        if (record.headers.find(header::kType) != schemas::TaskState::kType) return {};
        VITALOG_TRY(const auto task, schemas::decode<schemas::TaskState>(record.value, decoder));
        const auto [known, fresh] = task_of.try_emplace(std::string(task.alert), task.task);
        if (!fresh && known->second != task.task)
            return fail(Errc::Conflict, fmt::format("alert {} has two tasks", task.alert));
        return once(versions, std::pair(std::string(task.task), task.version),
                    fmt::format("version {} of task {}", task.version, task.task));
    });
}

/// Whatever was to be sent, somebody has said what became of it.
Result<void> check_told(World& world, std::set<std::string> attempts) {
    schemas::Decoder decoder;
    VITALOG_CHECK(
        for_each(world, Topic::FeedReceipt, [&](const RecordView& record) -> Result<void> {
            VITALOG_TRY(const auto receipt,
                        schemas::decode<schemas::Receipt>(record.value, decoder));
            attempts.erase(std::string(receipt.attempt));
            return {};
        }));
    if (attempts.empty()) return {};
    return fail(Errc::Conflict, "nothing says what became of attempt " + *attempts.begin());
}

Result<void> check_messages(World& world) {
    schemas::Decoder decoder;
    std::set<std::pair<std::string, std::int64_t>> revisions;
    std::map<std::string, std::string> recipients;
    VITALOG_CHECK(for_each(world, Topic::Delivery, [&](const RecordView& record) -> Result<void> {
        VITALOG_TRY(const auto delivery, schemas::decode<schemas::Delivery>(record.value, decoder));
        return once(revisions, std::pair(std::string(delivery.intent), delivery.revision),
                    fmt::format("revision {} of intent {}", delivery.revision, delivery.intent));
    }));
    std::set<std::string> asked;
    VITALOG_CHECK(
        for_each(world, Topic::Notification, [&](const RecordView& record) -> Result<void> {
            if (record.headers.find(header::kType) != schemas::Intent::kType) return {};
            VITALOG_TRY(const auto intent, schemas::decode<schemas::Intent>(record.value, decoder));
            return once(asked, std::string(intent.intent), fmt::format("intent {}", intent.intent));
        }));
    std::set<std::string> attempts;
    for (const Topic topic : {Topic::SendSms, Topic::SendWechat})
        VITALOG_CHECK(for_each(world, topic, [&](const RecordView& record) -> Result<void> {
            VITALOG_TRY(const auto send, schemas::decode<schemas::Send>(record.value, decoder));
            return once(attempts, std::string(send.attempt),
                        fmt::format("attempt {}", send.attempt));
        }));
    VITALOG_CHECK(check_told(world, attempts));
    for (const auto& provider : world.providers()) {
        std::set<std::string> sent;
        std::set<std::string> intents;
        for (const auto& message : provider->sent()) {
            if (!attempts.contains(message.attempt))
                return fail(Errc::Conflict,
                            fmt::format("{} sent attempt {}, of which the log knows nothing",
                                        provider->name(), message.attempt));
            if (!message.on_disk)
                return fail(Errc::Conflict,
                            fmt::format("{} got attempt {} before its record was on disk",
                                        provider->name(), message.attempt));
            VITALOG_CHECK(once(sent, message.attempt,
                               fmt::format("attempt {} at {}", message.attempt, provider->name())));
            if (!message.resend)
                VITALOG_CHECK(once(intents, message.intent,
                                   fmt::format("the message of intent {} at {}", message.intent,
                                               provider->name())));
        }
    }
    return {};
}

Result<void> check_acknowledged(World& world) {
    for (const auto& kept : world.acknowledged()) {
        RecordBatch batch;
        VITALOG_CHECK(world.log().read_all(kept.tp, kept.offset, 1, batch));
        if (batch.records.empty() || batch.records[0].offset != kept.offset ||
            batch.records[0].value != kept.value)
            return fail(Errc::Conflict,
                        "what was acknowledged is not there: " + to_string(kept.tp, kept.offset));
    }
    // Senders that get no answer send again; the ledger of repeats knows what they sent.
    std::set<std::string> received;
    return for_each(world, Topic::FeedHis, [&](const RecordView& record) -> Result<void> {
        return once(received, std::string(record.value),
                    "the message at " + std::to_string(record.offset.value()) + " of feed.his");
    });
}

using Sequences = std::map<std::string, std::vector<std::string>>;

/// What each person's course gives rise to, in its order. Not `person` itself, where a message that
/// its sender gave twice lies twice: care takes it once. Of `notification` what is to be said, each
/// intent by itself: two tasks may tell one doctor in either order, and what became of it is the
/// providers' affair.
Result<Sequences> by_key(World& world) {
    Sequences sequences;
    schemas::Decoder decoder;
    for (const Topic topic : {Topic::Risk, Topic::Alert, Topic::TaskBoard, Topic::Notification})
        VITALOG_CHECK(for_each(world, topic, [&](const RecordView& record) -> Result<void> {
            const auto type = record.headers.find(header::kType);
            if (type == schemas::Tick::kType || type == schemas::Control::kType) return {};
            std::string key(record.key);
            if (topic == Topic::Notification) {
                if (type != schemas::Intent::kType) return {};
                VITALOG_TRY(const auto intent,
                            schemas::decode<schemas::Intent>(record.value, decoder));
                key.append(" ").append(intent.intent);
            }
            sequences[fmt::format("{} {}", schemas::name_of(topic), key)].push_back(
                fmt::format("{} {} {}", type, record.headers.find(header::kId), record.value));
            return {};
        }));
    return sequences;
}

}  // namespace

Result<void> check_records(World& world) {
    VITALOG_CHECK(check_acknowledged(world));
    VITALOG_CHECK(check_alerts(world));
    return check_messages(world);
}

Result<void> check_same(World& disturbed, World& undisturbed) {
    VITALOG_TRY(const auto made, by_key(disturbed));
    VITALOG_TRY(const auto wanted, by_key(undisturbed));
    std::set<std::string> keys;
    for (const auto* sequences : {&made, &wanted})
        for (const auto& [key, list] : *sequences) keys.insert(key);
    for (const auto& key : keys) {
        const auto line = [&](const Sequences& sequences, std::size_t i) {
            const auto found = sequences.find(key);
            return found == sequences.end() || i >= found->second.size() ? std::string("nothing")
                                                                         : found->second[i];
        };
        const auto size = [&](const Sequences& s) {
            return s.contains(key) ? s.at(key).size() : 0;
        };
        for (std::size_t i = 0; i < std::max(size(made), size(wanted)); ++i)
            if (line(made, i) != line(wanted, i))
                return fail(Errc::Conflict, fmt::format("output {} of '{}' differs from the "
                                                        "undisturbed run\nmade:   {}\nwanted: {}",
                                                        i, key, line(made, i).substr(0, 600),
                                                        line(wanted, i).substr(0, 600)));
    }
    return {};
}

}  // namespace vitalog::simulation
