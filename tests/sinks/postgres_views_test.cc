// What PostgreSQL's views promise beyond SQLite's. The other tests of the views run over both;
// these are left out where no server can be had (tests/support/with_postgres.py).

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "schemas/events/wearable.h"
#include "sinks/views/postgres_stage.h"
#include "sinks/views/view_workers.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks::views {
namespace {

using namespace vitalog::tests;
using schemas::Topic;

constexpr int kPersons = 12;
constexpr std::size_t kFew = 2;  // records of each partition in a transaction

/// A hospital's weeks in the order of the log: admissions, results, corrections, merges, tasks,
/// messages, watches; every kind of row, several records for most of them.
class Weeks {
  public:
    explicit Weeks(std::uint64_t seed, bool corrections = true)
        : random_(seed), corrections_(corrections) {}

    /// `tell(topic, person's number, event)` for each record.
    template <class Tell>
    void go_on(int records, Tell tell) {
        for (int i = 0; i < records; ++i) {
            const int number = pick(kPersons);
            const std::string person = person_id(number);
            switch (pick(9)) {
                case 0:
                    identify(number, person, tell);
                    break;
                case 1:
                    tell(Topic::Risk, number, risk(person));
                    break;
                case 2:
                    tell(Topic::Alert, number, alert(person));
                    break;
                case 3:
                    tell(Topic::TaskBoard, number, task(person));
                    break;
                case 4:
                    tell(Topic::Delivery, number, delivery(person));
                    break;
                case 5:
                    tell(Topic::Person, number, samples(person));
                    break;
                default:
                    results(number, person, tell);
            }
            ++minute_;
        }
    }
    /// Persons 2n and 2n+1 turn out to be one.
    template <class Tell>
    void merge(int n, Tell tell) {
        const std::string survivor = person_id(2 * n), loser = person_id(2 * n + 1);
        for (const int number : {2 * n, 2 * n + 1})
            tell(Topic::Person, number, schemas::PersonMerged{survivor, loser, "ADT^A40"});
    }
    static std::string person_id(int number) { return hex_id("person " + std::to_string(number)); }

  private:
    int pick(int of) { return static_cast<int>(random_() % static_cast<unsigned>(of)); }
    const std::string& keep(std::string text) {
        return *kept_.emplace_back(std::make_unique<std::string>(std::move(text)));
    }
    /// A moment of the months from January 2020 on.
    std::string when(int minute) const {
        return fmt::format("2020-{:02}-{:02}T{:02}:{:02}:00+08:00", 1 + minute / 40'000 % 12,
                           1 + minute / 1'440 % 28, minute / 60 % 24, minute % 60);
    }

    template <class Tell>
    void identify(int number, const std::string& person, Tell tell) {
        const std::string& value = keep(std::to_string(pick(3 * kPersons)));
        tell(Topic::Person, number, schemas::PersonIdentified{person, {"HOSP", value, "MR"}});
    }
    template <class Tell>
    void results(int number, const std::string& person, Tell tell) {
        const int result = pick(60);
        const int taken = 7'000 * (result % 20);
        auto one = creatinine(keep(hex_id("result " + std::to_string(number * 100 + result))),
                              when(taken), 60.0 + pick(80) / 3.0);
        one.series = keep(hex_id("series " + std::to_string(number * 100 + result % 5)));
        const int said = pick(10);
        if (said == 0 && corrections_) one.status = schemas::ObservationStatus::Corrected;
        if (said == 1 && corrections_) one.status = schemas::ObservationStatus::WrongPatient;
        if (said == 2) {
            one.kind = schemas::ValueKind::Missing;
            one.value.reset();
        }
        one.text = "a\ttab, a \\ and\na line";
        Message message;
        message.person = person;
        message.said = keep(when(minute_ - pick(200) + 200));
        message.report = keep(hex_id("report " + std::to_string(number * 10 + result % 4)));
        message.results = {one};
        schemas::EncounterEvent visit;
        visit.visit = keep("V" + std::to_string(pick(6)));
        visit.trigger = pick(2) == 0 ? "A01" : "A03";
        visit.occurred = at(message.said);
        message.encounter = visit;
        message.patient = schemas::Patient{};
        message.patient->family = pick(2) == 0 ? "王" : "Li";
        if (pick(3) == 0) message.patient->phone = keep(std::to_string(pick(1'000)));
        if (pick(5) == 0) message.patient->cleared = {"phone"};
        tell(Topic::Person, number, message.event());
    }
    schemas::RiskEvent risk(const std::string& person) {
        schemas::RiskEvent event;
        event.person = person;
        event.id = keep(hex_id(person + std::to_string(pick(5))));
        event.method = "aki-nhs";
        event.version = "1";
        event.band = pick(2) == 0 ? "1" : "2";
        event.occurred = at(when(minute_));
        event.retracted = pick(6) == 0;
        return event;
    }
    schemas::AlertEvent alert(const std::string& person) {
        schemas::AlertEvent event;
        event.id = keep(hex_id("alert" + person));
        event.person = person;
        event.rule = "potassium-high";
        event.revision = minute_;
        event.since = event.occurred = at(when(minute_));
        return event;
    }
    schemas::TaskState task(const std::string& person) {
        auto state =
            open_task(keep(hex_id("task" + person)), keep(hex_id("alert" + person)), person);
        state.version = minute_;
        if (pick(2) == 0) state.owner = "li";
        return state;
    }
    schemas::Delivery delivery(const std::string& person) {
        schemas::Delivery event;
        event.intent = keep(hex_id("intent" + person));
        event.recipient = event.person = person;
        event.purpose = "alert";
        event.revision = minute_;
        event.state =
            pick(2) == 0 ? schemas::DeliveryState::Accepted : schemas::DeliveryState::Delivered;
        event.changed = ReceivedTime(1'000 * minute_);
        return event;
    }
    schemas::PersonSamples samples(const std::string& person) {
        schemas::PersonSamples event;
        event.person = person;
        event.event.identifiers = {{"HUAWEI", "1", "ACCT"}};
        event.event.provider = "huawei";
        schemas::SampleSeries series;
        series.loinc = pick(2) == 0 ? "8867-4" : "59408-5";
        series.unit = "/min";
        series.display = "Heart rate";
        series.source = "watch";
        series.start = 1'580'000'000'000 + minute_ * std::int64_t{600'000};
        series.steps = {0, 60'000, 60'000};
        series.values = {70 + pick(9), 71, 72};
        event.event.series.push_back(std::move(series));
        return event;
    }

    std::mt19937_64 random_;
    const bool corrections_;
    int minute_ = 1;
    std::vector<std::unique_ptr<std::string>> kept_;
};

/// Records by topic and partition: even persons in one, odd ones in the other.
class Log {
  public:
    template <class E>
    void add(Topic topic, int number, const E& event) {
        records_[{std::string(schemas::name_of(topic)), static_cast<std::uint32_t>(number % 2)}]
            .add(event, Weeks::person_id(number), ++now_);
    }
    auto teller() {
        return [this](Topic topic, int number, const auto& event) { add(topic, number, event); };
    }
    /// What a store still lacks, some records of every partition.
    std::vector<ViewBatch> next(const ViewStore& store, std::size_t most) const {
        std::vector<ViewBatch> batches;
        for (const auto& [place, records] : records_) {
            ViewBatch batch = records.batch(place.first, place.second);
            const auto from = static_cast<std::size_t>(store.position(batch.tp).value());
            if (from >= batch.records.size()) continue;
            batch.records =
                batch.records.subspan(from, std::min(most, batch.records.size() - from));
            batch.next = Offset(batch.records.back().offset.value() + 1);
            batches.push_back(batch);
        }
        return batches;
    }

  private:
    std::map<std::pair<std::string, std::uint32_t>, Records> records_;
    std::int64_t now_ = 1'000'000;
};

/// Some weeks with merges among them.
void fill(Log& log, int records) {
    Weeks weeks(7);
    for (int n = 0; n < kPersons / 2; ++n) {
        weeks.go_on(records / kPersons, log.teller());
        if (n % 2 == 0) weeks.merge(n, log.teller());
        weeks.go_on(records / kPersons, log.teller());
    }
}

std::set<std::string> lines_of(const std::string& text) {
    std::set<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.insert(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

/// The first rows that only one of two dumps has; empty where they are alike.
std::string difference(const std::string& there, const std::string& wanted) {
    const auto a = lines_of(there), b = lines_of(wanted);
    std::vector<std::string> more, fewer;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(more));
    std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(fewer));
    if (more.size() > 3) more.resize(3);
    if (fewer.size() > 3) fewer.resize(3);
    return more.empty() && fewer.empty()
               ? ""
               : fmt::format("is\n{}\nshould be\n{}\n", fmt::join(more, "\n"),
                             fmt::join(fewer, "\n"));
}

/// What SQLite makes of the same records, taken in the same portions: which of two merged persons'
/// corrections came first may show in the rows that they replace.
std::string expected(const Log& log, std::size_t portion) {
    Archive archive(ViewsPlace::Kind::Sqlite);
    for (auto batches = log.next(archive.store, portion); !batches.empty();
         batches = log.next(archive.store, portion))
        archive.apply(batches);
    return archive.dump();
}

void follow_once(const std::string& place, topology::MemoryLog& log) {
    const auto workers = *ViewWorkers::open(place, Side::Live, Generation(1), log, {});
    ASSERT_TRUE(workers->catch_up({}));
}

void crash_the_server() {
    const char* crash = std::getenv("VITALOG_TEST_POSTGRES_CRASH");
    ASSERT_NE(crash, nullptr);
    ASSERT_EQ(std::system(crash), 0);
}

class PostgresViews : public testing::Test {
  protected:
    void SetUp() override {
        if (ViewsPlace::server() == nullptr) GTEST_SKIP() << "no PostgreSQL server";
    }
};

TEST_F(PostgresViews, HoldsWhatSqliteHolds) {
    Log log;
    fill(log, 600);
    for (const std::size_t portion : {1U, 17U, 1'000U}) {
        Archive archive;
        for (auto batches = log.next(archive.store, portion); !batches.empty();
             batches = log.next(archive.store, portion))
            archive.apply(batches);
        EXPECT_EQ(difference(archive.dump(), expected(log, portion)), "")
            << portion << " records at a time";
    }
}

/// Applies to the end while another thread, each time after some transactions, does what disturbs.
/// Gives how many transactions failed.
template <class Disturb>
int apply_disturbed(Archive& archive, const Log& log, int times, Disturb disturb) {
    std::atomic<int> applied{0};
    std::atomic<bool> done{false};
    std::thread disturber([&] {
        for (int n = 0; n < times && !done; ++n) {
            const int next = applied + 1 + n % 5;
            while (applied < next && !done) std::this_thread::yield();
            disturb();
        }
    });
    int failures = 0;
    for (auto batches = log.next(archive.store, kFew); !batches.empty();
         batches = log.next(archive.store, kFew)) {
        if (archive.store.apply(batches))
            ++applied;
        else
            ++failures;
    }
    done = true;
    disturber.join();
    return failures;
}

TEST_F(PostgresViews, BrokenConnectionLeavesPositionAndRowsOneAtom) {
    Log log;
    fill(log, 1'200);
    Archive archive;
    const int failures = apply_disturbed(archive, log, 20, [] {
        ViewsPlace::on_server(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test_%' "
            "AND state<>'idle'");
    });
    EXPECT_GT(failures, 0) << "nothing was disturbed";
    EXPECT_EQ(difference(archive.dump(), expected(log, kFew)), "");
}

TEST_F(PostgresViews, CrashOfTheServerLeavesPositionAndRowsOneAtom) {
    Log log;
    fill(log, 1'200);
    Archive archive;
    const int failures = apply_disturbed(archive, log, 3, crash_the_server);
    EXPECT_GT(failures, 0) << "nothing was disturbed";
    // The last commits did not wait for the disk: with them a crash takes their positions back.
    crash_the_server();
    (void)archive.store.apply({});  // finds the connection broken
    (void)archive.store.apply({});  // and where the tables stand now
    for (auto batches = log.next(archive.store, kFew); !batches.empty();
         batches = log.next(archive.store, kFew))
        (void)archive.store.apply(batches);
    EXPECT_EQ(difference(archive.dump(), expected(log, kFew)), "");
    EXPECT_TRUE(archive.reader.patients(Query{})) << "a reader connects anew";
}

TEST_F(PostgresViews, WhatWasSyncedSurvivesACrashOfTheServer) {
    Log log;
    fill(log, 300);
    const ViewsPlace place;
    auto store = *ViewStore::open(place, Generation(1));
    for (auto batches = log.next(store, kFew); !batches.empty(); batches = log.next(store, kFew))
        ASSERT_TRUE(store.apply(batches));
    ASSERT_TRUE(store.sync());
    crash_the_server();
    EXPECT_EQ(difference(dump_of(place), expected(log, kFew)), "");
    EXPECT_TRUE(log.next(*ViewStore::open(place, Generation(1)), kFew).empty());
}

TEST_F(PostgresViews, SeveralWorkersMakeWhatOneMakes) {
    topology::MemoryLog log{all_topics(4)};
    Weeks weeks(11, false);  // see expected()
    const auto tell = [&](Topic topic, int number, const auto& event) {
        publish(log, topic, Weeks::person_id(number), event);
    };
    const ViewsPlace together, file(ViewsPlace::Kind::Sqlite);
    ViewWorkerOptions options;
    options.batch_bytes = 4'096;  // many transactions
    options.shares = 3;
    auto workers = *ViewWorkers::open(together, Side::Live, Generation(1), log, options);
    workers->start();
    for (int round = 0; round < kPersons / 2; ++round) {
        weeks.go_on(400, tell);
        weeks.merge(round, tell);
    }
    weeks.go_on(400, tell);
    while (*workers->lag() != 0) std::this_thread::yield();
    EXPECT_FALSE(workers->failure());
    workers->stop();
    follow_once(file, log);
    EXPECT_EQ(difference(dump_of(together), dump_of(file)), "");
}

TEST_F(PostgresViews, WriterThatWasOvertakenAppliesNothingAndGoesOnFromThere) {
    Log log;
    fill(log, 120);
    const ViewsPlace place;
    auto slow = *ViewStore::open(place, Generation(1));
    auto fast = *ViewStore::open(place, Generation(1));
    const auto stale = log.next(slow, 10);
    ASSERT_TRUE(fast.apply(stale));
    const std::string once = dump_of(place);
    const auto again = slow.apply(stale);
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(again->records, 0U);
    EXPECT_EQ(dump_of(place), once);
    for (const auto& batch : stale) EXPECT_EQ(slow.position(batch.tp), batch.next);
}

TEST_F(PostgresViews, RecordThatTheDatabaseDoesNotTakeIsRefusedAlone) {
    std::mt19937_64 random(3);
    std::string endless;  // no index row holds it, however it is packed
    while (endless.size() < 9'000) endless += std::to_string(random());
    const std::string anna = hex_id("anna"), beth = hex_id("beth");
    Records records;
    records.add(schemas::PersonIdentified{anna, {"HOSP", "1", "MR"}}, anna);
    records.add(schemas::PersonIdentified{anna, {"HOSP", endless, "MR"}}, anna);
    records.add(schemas::PersonIdentified{beth, {"HOSP", "2", "MR"}}, beth);
    const ViewsPlace place;
    auto store = *ViewStore::open(place, Generation(1));
    const auto applied = store.apply(std::vector{records.batch("person")});
    ASSERT_TRUE(applied) << applied.error().to_string();
    EXPECT_EQ(applied->refused, 1U);
    EXPECT_NE(applied->refusal.find("person/0/1"), std::string::npos) << applied->refusal;
    EXPECT_EQ(store.position({"person", Partition(0)}), Offset(3));
    const auto reader = *ViewReader::open(place, 1);
    EXPECT_EQ(reader.persons_of("HOSP", "2")->size(), 1U);
}

TEST(PostgresText, ReplacesWhatTheServerDoesNotTake) {
    EXPECT_EQ(sql::postgres_text("王\t"), "王\t");
    EXPECT_EQ(sql::postgres_text(std::string_view("a\0b", 3)),
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(sql::postgres_text("\xFF\xE7\x8E\x8B\xE7\x8E"),
              "\xEF\xBF\xBD\xE7\x8E\x8B\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_F(PostgresViews, TextThatItDoesNotTakeIsShownWithAReplacement) {
    const std::string anna = hex_id("anna");
    Message message;
    message.person = anna;
    message.patient = schemas::Patient{};
    message.patient->family = std::string_view("Wa\0ng", 5);
    Records records;
    records.add(message.event(), anna);
    Archive archive;
    archive.apply({records.batch("person")});
    EXPECT_EQ(archive.reader.patients(Query{})->rows.at(0).family, "Wa\xEF\xBF\xBDng");
    Query query;
    query.conditions.push_back({{{"family", Op::StartsWith, {std::string("\xFF")}}}});
    EXPECT_TRUE(archive.reader.patients(query)->rows.empty());
}

std::vector<std::string> partitions_of(const std::string& place, const std::string& table) {
    auto db = *sql::open(place, sql::Mode::Read);
    auto rows = *db->prepare("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent='" +
                             table + "'::regclass ORDER BY 1");
    std::vector<std::string> names;
    while (*rows.next()) names.push_back(rows.string(0));
    return names;
}

TEST_F(PostgresViews, PartitionsByMonthAndPutsMistakenDatesTogether) {
    const std::string anna = hex_id("anna");
    const std::vector<std::string> days{"1066-10-14T12:00:00Z", "1989-12-31T23:59:59Z",
                                        "1990-01-01T00:00:00Z", "2020-02-29T23:59:59Z",
                                        "2020-03-01T00:00:00Z", "2099-12-31T23:59:59Z",
                                        "2100-01-01T00:00:00Z", "9020-05-01T12:00:00Z"};
    std::vector<std::string> ids;
    for (const auto& day : days) ids.push_back(hex_id(day));
    Records records;
    for (std::size_t i = 0; i < days.size(); ++i) {
        Message message;
        message.person = anna;
        message.results = {creatinine(ids[i], days[i], 98)};
        records.add(message.event(), anna);
    }
    Archive archive;
    archive.apply({records.batch("person")});
    EXPECT_EQ(partitions_of(archive.place(), "observation"),
              (std::vector<std::string>{"observation_199001", "observation_202002",
                                        "observation_202003", "observation_209912",
                                        "observation_after", "observation_before"}));
    EXPECT_EQ(archive.results_of(anna).size(), days.size());
}

TEST_F(PostgresViews, RebuildLeavesTheLiveTablesUntilItHasAll) {
    topology::MemoryLog log{all_topics()};
    Weeks weeks(5);
    const auto tell = [&](Topic topic, int number, const auto& event) {
        publish(log, topic, Weeks::person_id(number), event);
    };
    weeks.go_on(300, tell);
    const ViewsPlace place;
    follow_once(place, log);
    const std::string before = dump_of(place);
    const auto reader = *ViewReader::open(place, 1);
    const auto persons = reader.patients(Query{})->rows.size();
    weeks.go_on(300, tell);
    {  // broken off
        ASSERT_TRUE(ViewStore::clear_beside(place));
        auto store = *ViewStore::open(place, Generation(1), Side::Beside);
        ViewWorker worker(std::move(store), log);
        ASSERT_TRUE(*worker.step());
    }
    EXPECT_EQ(dump_of(place), before);
    RebuildOptions rebuild;
    rebuild.workers.shares = 2;
    const auto rebuilt = rebuild_views(place, Generation(1), log, rebuild);
    ASSERT_TRUE(rebuilt) << rebuilt.error().to_string();
    const ViewsPlace file(ViewsPlace::Kind::Sqlite);
    follow_once(file, log);
    EXPECT_EQ(difference(dump_of(place), dump_of(file)), "");
    EXPECT_NE(dump_of(place), before);
    EXPECT_EQ(reader.patients(Query{})->rows.size(), persons) << "an open reader goes on";
}

}  // namespace
}  // namespace vitalog::sinks::views
