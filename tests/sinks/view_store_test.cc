#include "sinks/views/view_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/sinks/views_fixture.h"

namespace vitalog::sinks::views {
namespace {

using namespace vitalog::tests;
using schemas::ObservationStatus;

const std::string kAnna = hex_id("anna");
const std::string kBeth = hex_id("beth");
const std::string kOne = hex_id("result 1");
const std::string kTwo = hex_id("result 2");
constexpr const char* kNoon = "2020-05-01T12:00:00+08:00";
constexpr const char* kLater = "2020-05-01T13:00:00+08:00";

schemas::PersonClinical results(const std::string& person, const std::string& said,
                                std::vector<schemas::Observation> list) {
    Message message;
    message.person = person;
    message.said = said;
    message.results = std::move(list);
    static std::vector<std::unique_ptr<Message>> kept;
    return kept.emplace_back(std::make_unique<Message>(std::move(message)))->event();
}

TEST(ViewStore, PassesOverWhatItsPositionCovers) {
    Archive archive;
    Records records;
    records.add(results(kAnna, kNoon, {creatinine(kOne, kNoon, 98)}));
    archive.apply({records.batch("person")});
    const std::string once = archive.dump();
    const auto again = archive.store.apply(std::vector{records.batch("person")});
    EXPECT_EQ(again->records, 0U);
    EXPECT_EQ(archive.dump(), once);
    EXPECT_EQ(archive.store.position({"person", Partition(0)}), Offset(1));
}

TEST(ViewStore, CorrectionReplacesTheRowAndCounts) {
    Archive archive;
    auto corrected = creatinine(kOne, kNoon, 120);
    corrected.status = ObservationStatus::Corrected;
    Records records;
    records.add(results(kAnna, kNoon, {creatinine(kOne, kNoon, 98)}));
    records.add(results(kAnna, kNoon, {creatinine(kOne, kNoon, 98)}));
    records.add(results(kAnna, kLater, {corrected}));
    archive.apply({records.batch("person")});
    const auto rows = archive.results_of(kAnna);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].value, 120);
    EXPECT_EQ(rows[0].status, "corrected");
    EXPECT_EQ(rows[0].revision, 2) << "a repeat is no revision";
}

TEST(ViewStore, OlderMessageDoesNotUndoANewerOne) {
    Archive archive;
    auto corrected = creatinine(kOne, kNoon, 120);
    corrected.status = ObservationStatus::Corrected;
    Records records;
    records.add(results(kAnna, kLater, {corrected}));
    records.add(results(kAnna, kNoon, {creatinine(kOne, kNoon, 98)}));
    archive.apply({records.batch("person")});
    EXPECT_EQ(archive.results_of(kAnna)[0].value, 120);
}

TEST(ViewStore, DeletionHidesAndKeeps) {
    Archive archive;
    auto deleted = creatinine(kOne, kNoon, 98);
    deleted.status = ObservationStatus::WrongPatient;
    Records records;
    records.add(results(kAnna, kNoon, {creatinine(kOne, kNoon, 98)}));
    records.add(results(kAnna, kLater, {deleted}));
    archive.apply({records.batch("person")});
    EXPECT_TRUE(archive.results_of(kAnna).empty());
    const auto all = archive.results_of(kAnna, true);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].status, "entered-in-error");
}

TEST(ViewStore, CorrectionWithAnotherTimeRetiresTheNewestOfItsSeries) {
    Archive archive;
    const std::string series = hex_id("series");
    auto first = creatinine(kOne, kNoon, 98);
    first.series = series;
    auto corrected = creatinine(kTwo, kLater, 120);
    corrected.series = series;
    corrected.status = ObservationStatus::Corrected;
    Records records;
    records.add(results(kAnna, kNoon, {first}));
    records.add(results(kAnna, kLater, {corrected}));
    archive.apply({records.batch("person")});
    const auto rows = archive.results_of(kAnna);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].id, kTwo);
    EXPECT_EQ(archive.results_of(kAnna, true)[0].replaced_by, kTwo);
}

TEST(ViewStore, SurvivorSeesTheLosersResultsWithoutRewritingThem) {
    Archive archive;
    Records records;
    records.add(schemas::PersonIdentified{kAnna, {"HOSP", "1", "MR"}});
    records.add(schemas::PersonIdentified{kBeth, {"HOSP", "2", "MR"}});
    records.add(results(kAnna, kNoon, {creatinine(kOne, kNoon, 98)}));
    records.add(results(kBeth, kLater, {creatinine(kTwo, kLater, 99)}));
    records.add(schemas::PersonMerged{kAnna, kBeth, "ADT^A40"});
    archive.apply({records.batch("person")});
    const auto rows = archive.results_of(kAnna);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[1].person, kBeth);
    EXPECT_EQ(*archive.reader.persons_of("HOSP", "2"), std::vector{kAnna});
    EXPECT_EQ(*archive.reader.persons_of("", "1"), std::vector{kAnna});
    Query query;
    query.persons = std::vector{kAnna};
    const auto patient = archive.reader.patients(query)->rows.at(0);
    EXPECT_EQ(patient.merged, std::vector{kBeth});
    EXPECT_EQ(patient.identifiers.size(), 2U);
}

/// One visit told under two persons who turn out to be one, in two partitions.
struct TwoPartitions {
    Records anna, beth;

    TwoPartitions() {
        Message admitted;
        admitted.person = kBeth;
        admitted.encounter = visit("A01", kNoon);
        beth.add(schemas::PersonIdentified{kBeth, {"HOSP", "2", "MR"}});
        beth.add(admitted.event());
        beth.add(schemas::PersonMerged{kAnna, kBeth, "ADT^A40"}, "k", 5'000);
        Message discharged;
        discharged.person = kAnna;
        discharged.encounter = visit("A03", kLater);
        anna.add(schemas::PersonIdentified{kAnna, {"HOSP", "1", "MR"}});
        anna.add(schemas::PersonMerged{kAnna, kBeth, "ADT^A40"}, "k", 5'000);
        anna.add(discharged.event(), "k", 6'000);
    }
    static schemas::EncounterEvent visit(std::string_view trigger, std::string_view when) {
        schemas::EncounterEvent event;
        event.visit = "V1";
        event.trigger = trigger;
        event.occurred = at(when);
        return event;
    }
};

TEST(ViewStore, EndsAlikeWhateverPartitionComesFirst) {
    const TwoPartitions two;
    Archive one, other, together;
    one.apply({two.anna.batch("person", 0)});
    one.apply({two.beth.batch("person", 1)});
    other.apply({two.beth.batch("person", 1)});
    other.apply({two.anna.batch("person", 0)});
    together.apply({two.beth.batch("person", 1), two.anna.batch("person", 0)});
    EXPECT_EQ(one.dump(), other.dump());
    EXPECT_EQ(one.dump(), together.dump());
    Query query;
    query.persons = *one.reader.group_of(kAnna);
    query.conditions.push_back({{{"hidden", Op::In, {std::int64_t{0}}}}});
    query.conditions.push_back({{{"status", Op::In, {std::string("finished")}}}});
    EXPECT_EQ(one.reader.encounters(query)->rows.size(), 1U) << "one visit, ended";
}

schemas::AlertEvent alert_of(const std::string& person, std::int64_t revision,
                             schemas::AlertState state) {
    static const std::string id = hex_id("alert");
    schemas::AlertEvent event;
    event.id = id;
    event.revision = revision;
    event.person = person;
    event.rule = "potassium-high";
    event.state = state;
    event.since = event.occurred = at(kNoon);
    return event;
}

TEST(ViewStore, ShowsTheLastRevisionOfAnAlertThatMovedWithAMerge) {
    Records loser, survivor;
    loser.add(alert_of(kBeth, 1, schemas::AlertState::Raised), "k", 9'000);
    survivor.add(alert_of(kAnna, 2, schemas::AlertState::Updated), "k", 5'000)
        .add(alert_of(kAnna, 3, schemas::AlertState::Closed), "k", 5'000);
    Archive one, other;
    one.apply({loser.batch("alert", 1)});
    one.apply({survivor.batch("alert", 0)});
    other.apply({survivor.batch("alert", 0)});
    other.apply({loser.batch("alert", 1)});
    EXPECT_EQ(one.dump(), other.dump());
    const auto row = one.reader.alerts(Query{})->rows.at(0);
    EXPECT_EQ(row.person, kAnna);
    EXPECT_EQ(row.revision, 3);
}

TEST(ViewStore, KeepsTheTimesOfAMessageWhicheverPartitionComesFirst) {
    const std::string intent = hex_id("intent");
    schemas::Delivery sent;
    sent.intent = intent;
    sent.recipient = sent.person = kBeth;
    sent.purpose = "alert";
    sent.revision = 2;
    sent.state = schemas::DeliveryState::Accepted;
    sent.changed = ReceivedTime(1'000);
    schemas::Delivery delivered = sent;
    delivered.recipient = delivered.person = kAnna;
    delivered.revision = 3;
    delivered.state = schemas::DeliveryState::Delivered;
    delivered.changed = ReceivedTime(2'000);
    Records loser, survivor;
    loser.add(sent, "k", 9'000);
    survivor.add(delivered, "k", 5'000);
    Archive one, other;
    one.apply({loser.batch("delivery", 1), survivor.batch("delivery", 0)});
    other.apply({survivor.batch("delivery", 0), loser.batch("delivery", 1)});
    EXPECT_EQ(one.dump(), other.dump());
    const auto row = one.reader.deliveries(Query{})->rows.at(0);
    EXPECT_EQ(row.status, "completed");
    EXPECT_EQ(row.sent_us, 1'000);
    EXPECT_EQ(row.received_us, 2'000);
}

TEST(ViewStore, HidesTheLosersIndexOnceTheSurvivorHasIt) {
    const std::string before = hex_id("risk of beth"), after = hex_id("risk of anna");
    schemas::RiskEvent risk;
    risk.id = before;
    risk.person = kBeth;
    risk.method = "aki-nhs";
    risk.version = "1";
    risk.band = "1";
    risk.occurred = at(kNoon);
    schemas::RiskEvent retraction = risk;
    retraction.retracted = true;
    retraction.merged_into = kAnna;
    schemas::RiskEvent again = risk;
    again.id = after;
    again.person = kAnna;
    Records loser, survivor;
    loser.add(risk, "k", 9'000);
    survivor.add(retraction, "k", 5'000).add(again, "k", 5'000);
    Archive one, other;
    one.apply({loser.batch("risk", 1), survivor.batch("risk", 0)});
    other.apply({survivor.batch("risk", 0), loser.batch("risk", 1)});
    for (Archive* archive : {&one, &other}) {
        Query query;
        query.conditions.push_back({{{"hidden", Op::In, {std::int64_t{0}}}}});
        const auto rows = archive->reader.risks(query)->rows;
        ASSERT_EQ(rows.size(), 1U);
        EXPECT_EQ(rows[0].id, after);
    }
}

TEST(ViewStore, KeepsEveryVersionOfATask) {
    Archive archive;
    const std::string task = hex_id("task"), alert = hex_id("alert");
    auto state = open_task(task, alert, kAnna);
    Records records;
    records.add(state);
    state.version = 2;
    state.owner = "li";
    records.add(state);
    archive.apply({records.batch("task-board")});
    EXPECT_EQ((*archive.reader.task_version(task, 1))->body.find("\"li\""), std::string::npos);
    EXPECT_NE((*archive.reader.task_version(task, 2))->body.find("\"li\""), std::string::npos);
    EXPECT_FALSE(archive.reader.task_version(task, 3)->has_value());
}

schemas::Observation without_value(const std::string& id, std::string_view when) {
    auto empty = creatinine(id, when, 0);
    empty.kind = schemas::ValueKind::Missing;
    empty.value.reset();
    return empty;
}

TEST(ViewStore, ShowsNoResultWithoutAValue) {
    Archive archive;
    Records records;
    records.add(results(kAnna, kNoon, {creatinine(kOne, kNoon, 98), without_value(kTwo, kNoon)}));
    archive.apply({records.batch("person")});
    ASSERT_EQ(archive.results_of(kAnna).size(), 1U);
    EXPECT_EQ(archive.reader.reports(Query{})->rows.at(0).results, std::vector{kOne});
    records.add(results(kAnna, kLater, {creatinine(kTwo, kNoon, 97)}));
    archive.apply({records.batch("person")});
    EXPECT_EQ(archive.results_of(kAnna).size(), 2U) << "its value came later";
    EXPECT_EQ(archive.reader.reports(Query{})->rows.at(0).results, (std::vector{kOne, kTwo}));
}

TEST(ViewStore, WithdrawsAResultThatLostItsValueWhateverCameFirst) {
    for (const bool in_order : {true, false}) {
        Archive archive;
        const auto first = results(kAnna, kNoon, {creatinine(kOne, kNoon, 98)});
        const auto second = results(kAnna, kLater, {without_value(kOne, kNoon)});
        Records records;
        records.add(in_order ? first : second).add(in_order ? second : first);
        archive.apply({records.batch("person")});
        EXPECT_TRUE(archive.results_of(kAnna).empty());
        EXPECT_TRUE(archive.reader.reports(Query{})->rows.at(0).results.empty());
        const auto row = archive.results_of(kAnna, true).at(0);
        EXPECT_EQ(row.status == "entered-in-error", in_order);
    }
}

TEST(ViewStore, DamagedFileNamesTheRemedy) {
    Folder folder;
    const std::string path = folder.file("v.db");
    std::ofstream(path) << std::string(8'192, 'x');
    const auto store = ViewStore::open(path, Generation(1));
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code(), Errc::Damaged);
    EXPECT_NE(store.error().message().find("vitalog views rebuild --data-dir"), std::string::npos);
}

TEST(ViewStore, LaterRecordOfAPartitionWinsEvenAtTheSameLogTime) {
    Archive archive;
    const std::string task = hex_id("task");
    const std::string alert = hex_id("alert");
    auto state = open_task(task, alert, kAnna);
    Records records;
    records.add(state, "k", 7);
    state.status = schemas::TaskStatus::Completed;
    state.version = 2;
    records.add(state, "k", 7);
    archive.apply({records.batch("task-board")});
    Query query;
    query.conditions.push_back({{{"status", Op::In, {std::string("completed")}}}});
    EXPECT_EQ(archive.reader.tasks(query)->rows.size(), 1U);
}

TEST(ViewStore, RefusesARecordAndGoesOn) {
    Archive archive;
    Records records;
    records.add(schemas::PersonIdentified{"not an id", {"HOSP", "1", "MR"}});
    records.add(schemas::PersonIdentified{kAnna, {"HOSP", "1", "MR"}});
    const auto applied = archive.store.apply(std::vector{records.batch("person")});
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->refused, 1U);
    EXPECT_NE(applied->refusal.find("person/0/0"), std::string::npos);
    EXPECT_EQ(archive.reader.persons_of("HOSP", "1")->size(), 1U);
}

TEST(ViewStore, AnotherGenerationOfTheLogAsksForARebuild) {
    const ViewsPlace place;
    {
        auto store = *ViewStore::open(place, Generation(1));
        Records records;
        records.add(schemas::PersonIdentified{kAnna, {"HOSP", "1", "MR"}});
        ASSERT_TRUE(store.apply(std::vector{records.batch("person")}));
        ASSERT_TRUE(store.sync());
    }
    EXPECT_EQ(ViewStore::open(place, Generation(2)).error().code(), Errc::Conflict);
    const auto again = ViewStore::open(place, Generation(1));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->position({"person", Partition(0)}), Offset(1));
}

TEST(ViewStore, NewerDemographicsWinAndNullForgets) {
    Archive archive;
    Message newer, older;
    newer.person = older.person = kAnna;
    newer.said = kLater;
    older.said = kNoon;
    newer.patient = schemas::Patient{};
    newer.patient->family = "Wang";
    newer.patient->cleared = {"phone"};
    older.patient = schemas::Patient{};
    older.patient->family = "Li";
    older.patient->given = "Na";
    Records records;
    records.add(newer.event()).add(older.event());
    archive.apply({records.batch("person")});
    Query query;
    query.persons = std::vector{kAnna};
    const auto row = archive.reader.patients(query)->rows.at(0);
    EXPECT_EQ(row.family, "Wang");
    EXPECT_EQ(row.given, "Na");
}

}  // namespace
}  // namespace vitalog::sinks::views
