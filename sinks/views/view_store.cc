#include "sinks/views/view_store.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "schemas/base/ids.h"
#include "schemas/json_decode.h"
#include "sinks/views/event_writer.h"
#include "sinks/views/person_writer.h"
#include "sinks/views/place.h"
#include "sinks/views/sample_writer.h"
#include "sinks/views/schema.h"

namespace vitalog::sinks::views {
namespace {

using schemas::Decoder;

/// What the records of `person` are called; a site may rename the topic.
constexpr std::string_view kPersonTypes = "vitalog.person-";
/// A transaction that writes of more groups of merged persons than these goes alone.
constexpr std::size_t kGroupsMax = 256;
/// How often a transaction is tried that another writer's stood in the way of.
constexpr int kTries = 5;

tl::unexpected<Error> rebuild_needed(const std::string& why) {
    return fail(Errc::Conflict,
                "the views " + why + "; rebuild them with 'vitalog views rebuild --data-dir D'");
}

Result<void> check_tables(sql::Connection& connection, Generation generation) {
    VITALOG_TRY(const auto version, connection.tables_version());
    if (!version) return connection.create_tables();
    if (*version != kSchemaVersion)
        return rebuild_needed("have tables of version " + std::to_string(*version));
    VITALOG_TRY(const auto others,
                connection.number("SELECT count(*) FROM position WHERE generation<>" +
                                  std::to_string(generation.value())));
    if (others != 0) return rebuild_needed("follow another generation of the log");
    return {};
}

/// Unsupported: values that the database does not take.
bool of_the_database(const Error& error) {
    return error.code() == Errc::Io || error.code() == Errc::Damaged ||
           error.code() == Errc::Busy || error.code() == Errc::Unsupported;
}

void refuse(Applied& applied, const TopicPartition& tp, const RecordView& record,
            const Error& error) {
    ++applied.refused;
    applied.refusal = to_string(tp, record.offset) + ": " + error.to_string();
}

/// The first eight bytes of an id.
std::int64_t number_of(const std::string& id) {
    std::int64_t number = 0;
    std::memcpy(&number, id.data(), sizeof number);
    return number;
}

void add(Applied& to, Applied&& more) {
    to.observations += more.observations;
    to.samples += more.samples;
    to.records += more.records;
    to.refused += more.refused;
    if (!more.refusal.empty()) to.refusal = std::move(more.refusal);
    for (auto& judged : more.judged) to.judged.push_back(std::move(judged));
}

/// A connection with what is prepared on it.
struct Session {
    std::unique_ptr<sql::Connection> connection;
    PersonWriter persons;
    SampleWriter samples;
    EventWriter events;
    sql::Statement find_position, add_position, save_position;

    static Result<std::unique_ptr<Session>> open(const std::string& place, sql::Tables tables,
                                                 Generation generation) {
        VITALOG_TRY(auto connection, sql::open(place, sql::Mode::Write, tables));
        VITALOG_CHECK(check_tables(*connection, generation));
        VITALOG_TRY(PersonWriter persons, PersonWriter::open(*connection));
        VITALOG_TRY(SampleWriter samples, SampleWriter::open(*connection));
        VITALOG_TRY(EventWriter events, EventWriter::open(*connection));
        auto session = std::make_unique<Session>(Session{std::move(connection),
                                                         std::move(persons),
                                                         std::move(samples),
                                                         std::move(events),
                                                         {},
                                                         {},
                                                         {}});
        VITALOG_CHECK(session->prepare_positions());
        return session;
    }

    Result<void> prepare_positions() {
        const bool sqlite = connection->dialect() == sql::Dialect::Sqlite;
        VITALOG_TRY(
            find_position,
            connection->prepare(
                std::string("SELECT next_offset FROM position WHERE topic=?1 AND partition=?2") +
                (sqlite ? "" : " FOR UPDATE")));
        VITALOG_TRY(add_position, connection->prepare("INSERT INTO position VALUES(?1,?2,?3,0) ON "
                                                      "CONFLICT(topic,partition) DO NOTHING"));
        VITALOG_TRY(save_position,
                    connection->prepare("UPDATE position SET generation=?3,next_offset=?4 WHERE "
                                        "topic=?1 AND partition=?2"));
        return {};
    }

    Result<std::map<TopicPartition, Offset>> positions() {
        std::map<TopicPartition, Offset> known;
        VITALOG_TRY(sql::Statement all,
                    connection->prepare("SELECT topic,partition,next_offset FROM position"));
        for (;;) {
            VITALOG_TRY(const bool more, all.next());
            if (!more) return known;
            known[{all.string(0), Partition(static_cast<std::uint32_t>(all.integer(1)))}] =
                Offset(all.integer(2));
        }
    }

    /// Writes what is kept back to be written once per transaction.
    Result<void> finish() {
        VITALOG_CHECK(persons.finish());
        return samples.finish();
    }
    Result<void> roll_back() {
        connection->rollback();
        samples.rolled_back();
        if (connection->broken()) return {};
        return persons.rolled_back();
    }
};

using Positions = std::map<TopicPartition, Offset>;

}  // namespace

struct ViewStore::Impl {
    std::string place;
    sql::Tables tables = sql::Tables::Live;
    Generation generation;
    std::unique_ptr<Session> session;
    Decoder decoder;
    Positions positions;

    /// False where the tables stand elsewhere than was known: whether a commit that the connection
    /// broke in has succeeded, and whether a server that crashed has lost some, is seen only now.
    Result<bool> connect() {
        if (session && !session->connection->broken()) return true;
        session.reset();
        VITALOG_TRY(auto fresh, Session::open(place, tables, generation));
        VITALOG_TRY(Positions now, fresh->positions());
        session = std::move(fresh);
        std::swap(positions, now);
        return positions == now;
    }

    /// Calls `handle` with the record decoded as E.
    template <class E, class Handle>
    Result<void> with(const RecordView& record, Handle handle) {
        VITALOG_TRY(const E event, schemas::decode<E>(record.value, decoder));
        return handle(event);
    }

    Result<void> person(std::string_view type, const RecordView& record, const Source& source) {
        auto& writer = session->persons;
        if (type == schemas::PersonClinical::kType)
            return with<schemas::PersonClinical>(
                record, [&](const auto& event) { return writer.clinical(event, source); });
        if (type == schemas::PersonSamples::kType)
            return with<schemas::PersonSamples>(
                record, [&](const auto& event) { return session->samples.samples(event, source); });
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
        auto& writer = session->events;
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

    /// What the database fails at stops the transaction; a record that can't be read is passed over
    /// and told about.
    Result<void> apply_one(const TopicPartition& tp, const RecordView& record, Applied& applied) {
        const Source source{tp.partition.value(), record.timestamp.micros(), record.offset.value()};
        const std::string_view type = record.headers.find(header::kType);
        const auto done = type.starts_with(kPersonTypes) ? person(type, record, source)
                                                         : concluded(type, record, source, applied);
        ++applied.records;
        if (done) return {};
        if (of_the_database(done.error())) return done;
        refuse(applied, tp, record, done.error());
        return {};
    }

    /// Begins, and waits for what other writers must have finished before this one reads.
    Result<void> begin(std::span<const ViewBatch> batches, bool alone) {
        auto& connection = *session->connection;
        VITALOG_CHECK(connection.begin());
        if (!connection.remote()) return {};
        std::vector<std::string> persons;
        for (const auto& batch : batches)
            for (const auto& record : batch.records) {
                const std::string_view type = record.headers.find(header::kType);
                if (!type.starts_with(kPersonTypes)) continue;
                const auto person = sql::id_bytes(record.key, "key");
                alone = alone || !person || type == schemas::PersonMerged::kType;
                if (person) persons.push_back(*person);
            }
        VITALOG_CHECK(connection.take_turn(alone));
        auto& links = session->persons.links();
        VITALOG_CHECK(links.refresh());
        if (alone) return {};
        std::set<std::int64_t> groups;
        for (const auto& person : persons) {
            if (!links.linked(person)) continue;
            VITALOG_TRY(const std::string survivor, links.survivor_of(person));
            groups.insert(number_of(survivor));
        }
        if (groups.size() > kGroupsMax) {
            connection.rollback();
            return begin(batches, true);
        }
        return connection.hold({groups.begin(), groups.end()});
    }

    /// Whether the partition stands in the tables where this writer left it.
    Result<bool> stands(const TopicPartition& tp) {
        const auto partition = static_cast<std::int64_t>(tp.partition.value());
        auto& find = session->find_position;
        find.bind(tp.topic, partition);
        VITALOG_TRY(bool found, find.next());
        if (!found) {
            VITALOG_CHECK(session->add_position.run(tp.topic, partition,
                                                    static_cast<std::int64_t>(generation.value())));
            find.bind(tp.topic, partition);
            VITALOG_TRY(found, find.next());
        }
        const Offset there(found ? find.integer(0) : 0);
        find.reset();
        if (there == position(tp)) return true;
        positions[tp] = there;
        return false;
    }

    template <class E>
    void expect(const RecordView& record) {
        if (const auto event = schemas::decode<E>(record.value, decoder))
            session->persons.expect(*event);
    }
    /// What the records will read, at once where each way to the database takes time.
    Result<void> read_ahead(std::span<const ViewBatch> batches) {
        if (!session->connection->remote()) return {};
        for (const auto& batch : batches)
            for (const auto& record : batch.records) {
                const std::string_view type = record.headers.find(header::kType);
                if (type == schemas::PersonClinical::kType) expect<schemas::PersonClinical>(record);
                if (type == schemas::PersonIdentified::kType)
                    expect<schemas::PersonIdentified>(record);
            }
        return session->persons.fetch();
    }

    Result<void> apply_all(std::span<const ViewBatch> batches, Applied& applied, Positions& next) {
        for (const auto& batch : batches) {
            Offset& from = next.try_emplace(batch.tp, position(batch.tp)).first->second;
            for (const auto& record : batch.records) {
                if (record.offset < from) continue;
                VITALOG_CHECK(apply_one(batch.tp, record, applied));
            }
            from = std::max(from, batch.next);
        }
        VITALOG_CHECK(session->finish());
        for (const auto& [tp, offset] : next)
            VITALOG_CHECK(session->save_position.run(
                tp.topic, static_cast<std::int64_t>(tp.partition.value()),
                static_cast<std::int64_t>(generation.value()), offset.value()));
        return {};
    }

    /// Inside the transaction; false where another writer has gone on.
    Result<bool> apply_inside(std::span<const ViewBatch> batches, Applied& applied,
                              Positions& next) {
        VITALOG_CHECK(begin(batches, false));
        bool ours = true;
        for (const auto& batch : batches) {
            VITALOG_TRY(const bool here, stands(batch.tp));
            ours = ours && here;
        }
        if (!ours) return false;
        VITALOG_CHECK(read_ahead(batches));
        VITALOG_CHECK(apply_all(batches, applied, next));
        VITALOG_CHECK(session->connection->commit());
        return true;
    }

    Result<Applied> try_apply(std::span<const ViewBatch> batches) {
        Applied applied;
        Positions next;
        const std::uint64_t observations = session->persons.observations();
        const std::uint64_t samples = session->samples.written();
        const auto done = apply_inside(batches, applied, next);
        if (!done || !*done) VITALOG_CHECK(session->roll_back());
        if (!done) return tl::unexpected(done.error());
        if (!*done) return Applied();
        for (const auto& [tp, offset] : next) positions[tp] = offset;
        applied.observations = session->persons.observations() - observations;
        applied.samples = session->samples.written() - samples;
        return applied;
    }

    /// A record whose values the database does not take fails all that are written with it: here
    /// each has a transaction of its own, and those that fail are refused.
    Result<Applied> one_by_one(std::span<const ViewBatch> batches) {
        Applied all;
        for (const auto& batch : batches) {
            for (std::size_t i = 0; i < batch.records.size(); ++i) {
                ViewBatch one{batch.tp, batch.records.subspan(i, 1),
                              Offset(batch.records[i].offset.value() + 1)};
                auto applied = try_apply({&one, 1});
                if (!applied && applied.error().code() == Errc::Unsupported) {
                    ++all.records;
                    refuse(all, batch.tp, batch.records[i], applied.error());
                    one.records = {};
                    applied = try_apply({&one, 1});
                }
                if (!applied) return applied;
                add(all, std::move(*applied));
            }
            const ViewBatch rest{batch.tp, {}, batch.next};
            VITALOG_CHECK(try_apply({&rest, 1}));
        }
        return all;
    }

    Result<Applied> apply(std::span<const ViewBatch> batches) {
        VITALOG_TRY(const bool known, connect());
        if (!known) return Applied();  // these records may not be the next ones
        auto applied = try_apply(batches);
        for (int n = 1; n < kTries && !applied && applied.error().code() == Errc::Busy; ++n)
            applied = try_apply(batches);
        if (!applied && applied.error().code() == Errc::Unsupported) return one_by_one(batches);
        return applied;
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

Result<ViewStore> ViewStore::open(const std::string& place, Generation generation, Side side) {
    auto impl = std::make_unique<Impl>();
    impl->place = place;
    impl->tables = side == Side::Live ? sql::Tables::Live : sql::Tables::Next;
    impl->generation = generation;
    VITALOG_CHECK(impl->connect());
    return ViewStore(std::move(impl));
}

Result<void> ViewStore::clear_beside(const std::string& place) {
    return sql::drop_next(place);
}

Result<void> ViewStore::take_over(const std::string& place) {
    return sql::switch_to_next(place);
}

Result<Applied> ViewStore::apply(std::span<const ViewBatch> batches) {
    return impl_->apply(batches);
}

Offset ViewStore::position(const TopicPartition& tp) const {
    return impl_->position(tp);
}

Result<void> ViewStore::sync() {
    VITALOG_CHECK(impl_->connect());
    return impl_->session->connection->sync();
}

}  // namespace vitalog::sinks::views
