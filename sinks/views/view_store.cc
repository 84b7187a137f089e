#include "sinks/views/view_store.h"

#include <cerrno>
#include <cstdio>
#include <map>

#include "schemas/json_decode.h"
#include "sinks/views/event_writer.h"
#include "sinks/views/person_writer.h"
#include "sinks/views/sample_writer.h"
#include "sinks/views/schema.h"
#include "sinks/views/sqlite.h"

namespace vitalog::sinks::views {
namespace {

using schemas::Decoder;

/// What the records of `person` are called; a site may rename the topic.
constexpr std::string_view kPersonTypes = "vitalog.person-";

// A commit writes the write-ahead log without fsync: the log can always be read again. sync() is
// for when it cannot.
// A checkpoint fsyncs what it copies, and on the same disk the fsync of an append, or of an alert,
// stands in the queue behind it: of 2 MB for one or two milliseconds, of 32 MB for fifteen. While
// the views catch up, a transaction is larger than the limit, which then costs nothing.
constexpr const char* kSettings =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=500;"
    "PRAGMA cache_size=-131072; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=134217728;";

tl::unexpected<Error> rebuild_needed(const std::string& path, const std::string& why) {
    return fail(Errc::Conflict, "the views in " + path + " " + why +
                                    "; rebuild them with 'vitalog views rebuild --data-dir D'");
}

Result<void> create_tables(sql::Connection& connection) {
    return connection.execute("BEGIN IMMEDIATE;" + std::string(kSchema) +
                              "PRAGMA application_id=" + std::to_string(kApplicationId) +
                              ";PRAGMA user_version=" + std::to_string(kSchemaVersion) +
                              ";COMMIT;");
}

Result<void> check_tables(sql::Connection& connection, const std::string& path,
                          Generation generation) {
    VITALOG_TRY(const auto application, connection.number("PRAGMA application_id"));
    VITALOG_TRY(const auto version, connection.number("PRAGMA user_version"));
    if (application == 0 && version == 0) return create_tables(connection);
    if (application != kApplicationId)
        return fail(Errc::Damaged, path + " is not a database of Vitalog's views");
    if (version != kSchemaVersion)
        return rebuild_needed(path, "have tables of version " + std::to_string(version));
    VITALOG_TRY(const auto others,
                connection.number("SELECT count(*) FROM position WHERE generation<>" +
                                  std::to_string(generation.value())));
    if (others != 0) return rebuild_needed(path, "follow another generation of the log");
    return {};
}

}  // namespace

struct ViewStore::Impl {
    Impl(sql::Connection db, PersonWriter persons, SampleWriter samples, EventWriter events)
        : connection(std::move(db)),
          person_writer(std::move(persons)),
          sample_writer(std::move(samples)),
          event_writer(std::move(events)) {}

    sql::Connection connection;
    PersonWriter person_writer;
    SampleWriter sample_writer;
    EventWriter event_writer;
    sql::Statement save_position;
    Generation generation;
    Decoder decoder;
    std::map<TopicPartition, Offset> positions;

    Result<void> load_positions() {
        VITALOG_TRY(save_position,
                    connection.prepare("INSERT OR REPLACE INTO position VALUES(?1,?2,?3,?4)"));
        VITALOG_TRY(sql::Statement all,
                    connection.prepare("SELECT topic,partition,next_offset FROM position"));
        for (;;) {
            VITALOG_TRY(const bool more, all.next());
            if (!more) return {};
            positions[{all.string(0), Partition(static_cast<std::uint32_t>(all.integer(1)))}] =
                Offset(all.integer(2));
        }
    }

    /// Calls `handle` with the record decoded as E.
    template <class E, class Handle>
    Result<void> with(const RecordView& record, Handle handle) {
        VITALOG_TRY(const E event, schemas::decode<E>(record.value, decoder));
        return handle(event);
    }

    Result<void> person(std::string_view type, const RecordView& record, const Source& source) {
        auto& writer = person_writer;
        if (type == schemas::PersonClinical::kType)
            return with<schemas::PersonClinical>(
                record, [&](const auto& event) { return writer.clinical(event, source); });
        if (type == schemas::PersonSamples::kType)
            return with<schemas::PersonSamples>(
                record, [&](const auto& event) { return sample_writer.samples(event, source); });
        if (type == schemas::PersonIdentified::kType)
            return with<schemas::PersonIdentified>(
                record, [&](const auto& event) { return writer.identified(event, source); });
        if (type == schemas::PersonMerged::kType)
            return with<schemas::PersonMerged>(
                record, [&](const auto& event) { return writer.merged(event, source); });
        if (type == schemas::PersonClash::kType)
            return with<schemas::PersonClash>(
                record, [&](const auto& event) { return writer.clash(event, source); });
        if (type == schemas::PersonBinding::kType)
            return with<schemas::PersonBinding>(record, [&](const auto& event) {
                return writer.bound(event.person, event.entry.team, source);
            });
        return {};  // what care and desk tell each other is not part of the archive
    }

    Result<void> concluded(std::string_view type, const RecordView& record, const Source& source,
                           Applied& applied) {
        auto& writer = event_writer;
        if (type == schemas::RiskEvent::kType)
            return with<schemas::RiskEvent>(
                record, [&](const auto& event) { return writer.risk(event, source); });
        if (type == schemas::AlertEvent::kType)
            return with<schemas::AlertEvent>(record, [&](const auto& event) {
                return writer.alert(event, record.value, source);
            });
        if (type == schemas::Delivery::kType)
            return with<schemas::Delivery>(record, [&](const auto& event) {
                return writer.delivery(event, record.value, source);
            });
        if (type == schemas::TaskState::kType)
            return with<schemas::TaskState>(record, [&](const auto& event) {
                if (event.judged) note(*event.judged, event.task, applied);
                return writer.task(event, record.value, source);
            });
        if (type == schemas::TaskJudged::kType)
            return with<schemas::TaskJudged>(record, [&](const auto& event) {
                note(event.judged, event.task, applied);
                return Result<void>();
            });
        return {};
    }

    static void note(const schemas::Judgement& judged, std::string_view task, Applied& applied) {
        applied.judged.push_back({std::string(judged.root), std::string(task), judged.status,
                                  std::string(judged.message), judged.version});
    }

    /// Io and Damaged stop the views; a record that can't be read is passed over and told about.
    Result<void> apply_one(const TopicPartition& tp, const RecordView& record, Applied& applied) {
        const Source source{tp.partition.value(), record.timestamp.micros(), record.offset.value()};
        const std::string_view type = record.headers.find(header::kType);
        const auto done = type.starts_with(kPersonTypes) ? person(type, record, source)
                                                         : concluded(type, record, source, applied);
        ++applied.records;
        if (done) return {};
        if (done.error().code() == Errc::Io || done.error().code() == Errc::Damaged) return done;
        ++applied.refused;
        applied.refusal = to_string(tp, record.offset) + ": " + done.error().to_string();
        return {};
    }

    Result<void> apply_all(std::span<const ViewBatch> batches, Applied& applied,
                           std::map<TopicPartition, Offset>& next) {
        for (const auto& batch : batches) {
            Offset& from = next.try_emplace(batch.tp, position(batch.tp)).first->second;
            for (const auto& record : batch.records) {
                if (record.offset < from) continue;
                VITALOG_CHECK(apply_one(batch.tp, record, applied));
            }
            from = std::max(from, batch.next);
        }
        VITALOG_CHECK(person_writer.finish());
        for (const auto& [tp, offset] : next)
            VITALOG_CHECK(
                save_position.run(tp.topic, static_cast<std::int64_t>(tp.partition.value()),
                                  static_cast<std::int64_t>(generation.value()), offset.value()));
        return {};
    }

    Offset position(const TopicPartition& tp) const {
        const auto found = positions.find(tp);
        return found == positions.end() ? Offset(0) : found->second;
    }
};

ViewStore::ViewStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ViewStore::ViewStore(ViewStore&&) noexcept = default;
ViewStore& ViewStore::operator=(ViewStore&&) noexcept = default;
ViewStore::~ViewStore() = default;

Result<ViewStore> ViewStore::open(const std::string& path, Generation generation) {
    VITALOG_TRY(sql::Connection connection, sql::Connection::open(path, sql::Mode::Write));
    VITALOG_CHECK(connection.execute(kSettings));
    VITALOG_CHECK(check_tables(connection, path, generation));
    VITALOG_TRY(PersonWriter persons, PersonWriter::open(connection));
    VITALOG_TRY(SampleWriter samples, SampleWriter::open(connection));
    VITALOG_TRY(EventWriter events, EventWriter::open(connection));
    auto impl = std::make_unique<Impl>(std::move(connection), std::move(persons),
                                       std::move(samples), std::move(events));
    impl->generation = generation;
    VITALOG_CHECK(impl->load_positions());
    return ViewStore(std::move(impl));
}

Result<void> ViewStore::remove(const std::string& path) {
    for (const char* suffix : {"-wal", "-shm", ""}) {
        const std::string file = path + suffix;
        if (std::remove(file.c_str()) != 0 && errno != ENOENT)
            return fail(Errc::Io, "can't delete " + file);
    }
    return {};
}

Result<Applied> ViewStore::apply(std::span<const ViewBatch> batches) {
    Applied applied;
    std::map<TopicPartition, Offset> next;
    const std::uint64_t observations = impl_->person_writer.observations();
    const std::uint64_t samples = impl_->sample_writer.written();
    VITALOG_CHECK(impl_->connection.execute("BEGIN IMMEDIATE"));
    auto done = impl_->apply_all(batches, applied, next);
    if (done) done = impl_->connection.execute("COMMIT");
    if (!done) {
        (void)impl_->connection.execute("ROLLBACK");
        impl_->sample_writer.rolled_back();
        VITALOG_CHECK(impl_->person_writer.rolled_back());
        return tl::unexpected(done.error());
    }
    for (const auto& [tp, offset] : next) impl_->positions[tp] = offset;
    applied.observations = impl_->person_writer.observations() - observations;
    applied.samples = impl_->sample_writer.written() - samples;
    return applied;
}

Offset ViewStore::position(const TopicPartition& tp) const {
    return impl_->position(tp);
}

Result<void> ViewStore::sync() {
    // With synchronous=FULL a commit fsyncs the write-ahead log, and with it every commit before.
    VITALOG_CHECK(
        impl_->connection.execute("PRAGMA synchronous=FULL; BEGIN IMMEDIATE; UPDATE position SET "
                                  "generation=generation; COMMIT;"));
    return impl_->connection.execute("PRAGMA synchronous=NORMAL");
}

}  // namespace vitalog::sinks::views
