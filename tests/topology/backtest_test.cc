// A draft beside the rules in force over a recorded past: what care makes of it is compared with
// the stage itself, and the figures with what can be counted by hand.
#include <gtest/gtest.h>

#include "log_test_support.h"
#include "processors/care/care_processor.h"
#include "schemas/events/clinical.h"
#include "schemas/events/identity.h"
#include "schemas/json_decode.h"
#include "tests/support/no_metrics.h"
#include "topology/backtest/report.h"
#include "topology/clock.h"
#include "topology/log/memory_log.h"
#include "topology/runtime/shard.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {
namespace {

using schemas::Topic;
using std::chrono::hours;
using std::chrono::minutes;

constexpr LogTime kStart(1'600'000'000'000'000);  // 2020-09-13T12:26:40Z, a Sunday
constexpr std::string_view kRuleHead = "format: 1\npack: labs\nversion: ";

std::string potassium_rule(std::string_view version, double high, double clear) {
    return std::string(kRuleHead) + std::string(version) +
           "\nrules:\n  - {id: potassium, version: " + std::string(version) +
           ", kind: threshold, problem: Potassium, loinc: 2823-3, unit: mmol/L, high: " +
           std::to_string(high) + ", clear: {high: " + std::to_string(clear) +
           "}, priority: high, max_age: 24h, source: a test}\n";
}
const std::string kSilence = std::string(kRuleHead) + R"(9
rules:
  - {id: quiet, version: 1, kind: silence, problem: Nothing heard, loinc: 8867-4, after: 2h, while: binding, priority: medium,
     max_age: 24h, source: a test}
)";

std::string person_id(int n) {
    return IdHash().part("person").part(std::int64_t{n}).finish().to_string();
}

/// A log that identity and the directory have written, by hand.
class Past : public ::testing::Test {
  protected:
    Past() {
        std::vector<TopicConfig> topics;
        for (const auto& topic : schemas::kTopics) {
            const std::uint32_t partitions = topic.topic == Topic::Person ? 2 : 1;
            names.set(topic.topic, std::string(topic.name), partitions);
            topics.push_back({std::string(topic.name), partitions});
        }
        log.emplace(std::move(topics));
    }

    void control(Topic topic, std::string_view kind, std::string_view name, std::string_view body) {
        for (std::uint32_t p = 0; p < names.partitions(topic); ++p)
            append({names.name(topic), Partition(p)}, "", schemas::Control::kType,
                   schemas::encode(schemas::Control{kind, name, "v", body}));
    }
    void rules(std::string_view text) { control(Topic::Person, "rules", "labs.yaml", text); }

    void potassium(int person, double value) {
        schemas::PersonClinical record;
        const std::string id = person_id(person);
        const std::string observation = IdHash().part(id).part(now.micros()).finish().to_string();
        record.person = id;
        record.event.trigger = "ORU^R01";
        record.event.occurred = {now.as<EventTime>(), 0, Precision::Second};
        auto& report = record.event.reports.emplace_back();
        auto& o = report.observations.emplace_back();
        o.id = observation;
        o.loinc = "2823-3";
        o.effective = record.event.occurred;
        o.kind = schemas::ValueKind::Quantity;
        o.value = value;
        o.unit = "mmol/L";
        person_record(id, schemas::PersonClinical::kType, schemas::encode(record));
    }
    void bind(int person) {
        schemas::PersonBinding record;
        const std::string id = person_id(person);
        record.person = id;
        record.entry.accounts = {"WATCH|1"};
        person_record(id, schemas::PersonBinding::kType, schemas::encode(record));
    }
    void person_record(const std::string& key, std::string_view type, std::string_view json) {
        append({names.name(Topic::Person), partition_of(key, 2)}, key, type, json);
    }

    void append(const TopicPartition& tp, std::string_view key, std::string_view type,
                std::string_view json) {
        commit_event(*log, "writer", tp, now, ++written, key, type, json);
    }

    Result<Trial> run(std::string_view draft, LogTime from, std::string_view name = "labs.yaml") {
        TrialOptions options;
        options.drafts = {
            make_publication("rules", std::string(name), std::string(draft), "draft.yaml")};
        options.from = from;
        options.to = now + hours(24 * 365);
        options.threads = 2;
        return run_trial(*log, names, options);
    }
    BacktestReport report(const Trial& trial, LogTime from) {
        BacktestInput input;
        input.from = from;
        input.to = now;
        const auto desk = DutyDesk::read(*log, names, from, now);
        EXPECT_TRUE(desk);
        input.tasks = {desk->assign(trial.in_force.tasks), desk->assign(trial.draft.tasks)};
        return make_report(trial, input);
    }

    schemas::TopicNames names;
    std::optional<MemoryLog> log;
    LogTime now = kStart;
    std::int64_t written = 0;
};

TEST_F(Past, TheSideInForceIsWhatTheStageWrites) {
    rules(potassium_rule("1", 6.2, 6.0));
    for (int round = 0; round < 6; ++round)
        for (int person = 0; person < 9; ++person) {
            now = now + minutes(7);
            potassium(person, 5.5 + 0.1 * ((person * 7 + round * 5) % 12));
        }
    const auto trial = run(potassium_rule("2", 6.0, 5.8), kStart);
    ASSERT_TRUE(trial) << trial.error().message();
    const ManualClock clock;
    tests::NoMetrics metrics;
    std::map<std::string, std::string> raised;
    schemas::Decoder decoder;
    for (std::uint32_t p = 0; p < 2; ++p) {
        const TopicPartition tp{names.name(Topic::Person), Partition(p)};
        auto shard =
            Shard::open({"care", Topic::Person, Partition(p), true}, *log->open_shard("care", tp),
                        care_stage().make_processor(), {*log, names, clock, metrics}, {});
        ASSERT_TRUE(shard);
        const Offset end = *log->end_offset(tp);
        while ((*shard)->committed() < end) ASSERT_TRUE((*shard)->step());
    }
    RecordBatch batch;
    ASSERT_TRUE(log->read({names.name(Topic::Alert), Partition(0)}, Offset(0), 1U << 24, batch));
    for (const auto& record : batch.records) {
        const auto alert = schemas::decode<schemas::AlertEvent>(record.value, decoder);
        if (alert && alert->state == schemas::AlertState::Raised)
            raised.emplace(alert->id, alert->person);
    }
    std::map<std::string, std::string> ours;
    for (const auto& episode : trial->in_force.episodes)
        ours.emplace(episode.alert, episode.person);
    EXPECT_GT(raised.size(), 3U);
    EXPECT_EQ(ours, raised);
    EXPECT_GT(trial->draft.episodes.size(), 3U);
}

TEST_F(Past, ADraftThatSaysTheSameWinsAndLosesNothing) {
    rules(potassium_rule("1", 6.2, 6.0));
    for (int round = 0; round < 4; ++round)
        for (int person = 0; person < 5; ++person) {
            now = now + minutes(10);
            potassium(person, round % 2 == 0 ? 6.5 : 5.0);
        }
    const auto trial = run(potassium_rule("1", 6.2, 6.0), kStart + hours(1));
    ASSERT_TRUE(trial);
    const auto said = report(*trial, kStart + hours(1));
    EXPECT_GT(said.episodes.in_force, 0);
    EXPECT_EQ(said.episodes.in_force, said.episodes.draft);
    EXPECT_EQ(said.both, said.episodes.draft);
    EXPECT_TRUE(said.won.empty());
    EXPECT_TRUE(said.lost.empty());
    EXPECT_EQ(said.events_before + said.events, 20);
}

TEST_F(Past, EpisodesWonAndLostNameTheirPersons) {
    rules(potassium_rule("1", 6.2, 6.0));
    now = now + minutes(1);
    potassium(1, 6.3);  // under both
    now = now + minutes(1);
    potassium(2, 6.1);  // under the draft alone
    const auto stricter = run(potassium_rule("2", 6.1, 5.8), kStart);
    ASSERT_TRUE(stricter);
    const auto more = report(*stricter, kStart);
    ASSERT_EQ(more.won.size(), 1U);
    EXPECT_EQ(more.won.front().person, person_id(2));
    EXPECT_EQ(more.won.front().rule_version, "2");
    EXPECT_TRUE(more.lost.empty());
    EXPECT_EQ(more.both, 1);
    const auto milder = run(potassium_rule("3", 7.0, 6.5), kStart);
    ASSERT_TRUE(milder);
    const auto less = report(*milder, kStart);
    ASSERT_EQ(less.lost.size(), 1U);
    EXPECT_EQ(less.lost.front().person, person_id(1));
    EXPECT_TRUE(less.won.empty());
}

TEST_F(Past, WhatIsOpenAtTheBeginningStaysWithTheVersionThatRaisedIt) {
    rules(potassium_rule("1", 6.2, 6.0));
    now = now + minutes(1);
    potassium(1, 6.5);
    const LogTime from = now + minutes(1);
    now = now + minutes(5);
    potassium(1, 6.4);  // clear for the draft, were it the draft's
    now = now + minutes(5);
    potassium(1, 7.5);
    const auto trial = run(potassium_rule("2", 7.0, 6.6), from);
    ASSERT_TRUE(trial);
    EXPECT_TRUE(trial->in_force.episodes.empty());
    EXPECT_TRUE(trial->draft.episodes.empty());
    EXPECT_EQ(trial->events_before, 1);
    EXPECT_EQ(trial->events, 2);
}

TEST_F(Past, SilenceIsHeardWithoutATickInTheLog) {
    rules(potassium_rule("1", 6.2, 6.0));
    const LogTime from = now + minutes(1);
    now = now + minutes(2);
    bind(1);
    now = now + hours(5);
    potassium(2, 4.0);  // time passes in the other person's partition or in the same
    const auto trial = run(kSilence, from);
    ASSERT_TRUE(trial);
    EXPECT_TRUE(trial->in_force.episodes.empty());
    ASSERT_EQ(trial->draft.episodes.size(), 1U);
    EXPECT_EQ(trial->draft.episodes.front().person, person_id(1));
    EXPECT_EQ(trial->draft.episodes.front().raised,
              (kStart + minutes(2) + hours(2)).as<ReceivedTime>());
}

TEST_F(Past, ADraftThatCanNotBePublishedThereIsRefused) {
    rules(potassium_rule("1", 6.2, 6.0));
    potassium(1, 5.0);
    const auto trial = run(potassium_rule("1", 6.2, 6.0), kStart, "another.yaml");
    ASSERT_FALSE(trial);
    EXPECT_EQ(trial.error().code(), Errc::Configuration);
    EXPECT_NE(trial.error().message().find("rule 'potassium' is also in"),
              std::string::npos);
}

TEST_F(Past, TasksGoToWhoeverHadTheShift) {
    rules(potassium_rule("1", 6.2, 6.0));
    // 12:26 UTC is 20:26 in Shanghai: the night; from 08:00 the day.
    control(
        Topic::Task, "settings", "site",
        R"({"settings":[{"key":"desk.default_team","value":"ward"},{"key":"site.zone","value":"Asia/Shanghai"}]})");
    control(
        Topic::Task, "team", "ward",
        R"({"team":"ward","shifts":[{"from":"08:00","to":"20:00","doctor":"dr.day"},{"from":"20:00","to":"08:00","doctor":"dr.night"}]})");
    for (int person = 0; person < 3; ++person) {
        now = now + minutes(1);
        potassium(person, 6.5);
    }
    now = kStart + hours(13);
    potassium(9, 6.5);
    now = kStart + hours(24);
    const auto trial = run(potassium_rule("2", 7.0, 6.0), kStart);
    ASSERT_TRUE(trial);
    const auto said = report(*trial, kStart);
    EXPECT_EQ(said.tasks.in_force, 4);
    EXPECT_EQ(said.tasks.draft, 0);
    ASSERT_EQ(said.duty.size(), 2U);
    EXPECT_EQ(said.duty[0].doctor, "dr.night");
    EXPECT_EQ(said.duty[0].shift, "20:00-08:00");
    EXPECT_EQ(said.duty[0].tasks.in_force, 3);
    EXPECT_EQ(said.duty[0].busiest.in_force, 3);
    EXPECT_EQ(said.duty[1].doctor, "dr.day");
    EXPECT_DOUBLE_EQ(said.load.in_force, 3);
    EXPECT_DOUBLE_EQ(said.load.draft, 0);
    // The other way round the load is the draft's, and says whose.
    const auto more = run(potassium_rule("3", 6.4, 6.0), kStart);
    ASSERT_TRUE(more);
    EXPECT_EQ(report(*more, kStart).busiest, "dr.night (20:00-08:00)");
}

TEST(BacktestReport, TheTopTenthIsOfAllPersonsWithEvents) {
    Trial trial;
    const auto raise = [&](int person, int n) {
        TrialEpisode episode;
        episode.person = person_id(person);
        episode.rule = "r" + std::to_string(n);
        episode.since = EventTime(kStart.micros());
        episode.raised = ReceivedTime(kStart.micros() + 1'000'000LL * (n + 1));
        trial.in_force.episodes.push_back(episode);
    };
    trial.persons = 20;
    for (int n = 0; n < 6; ++n) raise(0, n);
    for (int n = 0; n < 3; ++n) raise(1, n);
    raise(2, 0);
    raise(3, 0);
    raise(4, 0);
    const auto report = make_report(trial, {});
    EXPECT_EQ(report.episodes.in_force, 12);
    EXPECT_DOUBLE_EQ(report.top_tenth.in_force,
                     9.0 / 12);  // two of twenty persons have nine of twelve
    EXPECT_DOUBLE_EQ(report.top_tenth.draft, 0);
    EXPECT_EQ(report.lost.size(), 12U);
    EXPECT_EQ(report.to_alert.in_force.median, 1'000'000 * 2);
    const std::string page = report_html(report);
    EXPECT_NE(page.find("<svg"), std::string::npos);
    EXPECT_EQ(page.find("http"), std::string::npos) << "a page that needs nothing but itself";
    EXPECT_NE(report_text(report).find("75.0 %"), std::string::npos);
    const std::string lines = report_csv(report);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 13);
}

BacktestRecord record_of(std::string version, std::string against) {
    BacktestRecord record;
    record.format = kBacktestFormat;
    record.packs = {{"labs.yaml", std::move(version), std::move(against)}};
    record.from = "2026-01-01T00:00:00Z";
    record.to = "2026-02-01T00:00:00Z";
    record.events = 10;
    record.load_draft = 3.5;
    record.busiest = "dr.li (08:00-20:00)";
    return record;
}

TEST(BacktestRecord, LetsThroughOnlyWhatWasTriedBesideWhatIsInForce) {
    const auto file = make_publication("rules", "labs.yaml", "new", "labs.yaml");
    const auto old = make_publication("rules", "labs.yaml", "old", "labs.yaml");
    const std::vector<Published> standing{{old, LogTime(), "run"}};
    const auto refusal = [&](const BacktestRecord& record, std::int64_t load_max) {
        const auto checked = check_backtest(record, {file}, standing, load_max);
        return checked ? std::string() : checked.error().message();
    };
    EXPECT_EQ(refusal(record_of(file.version, old.version), 0), "");
    EXPECT_EQ(refusal(record_of(file.version, old.version), 4), "");
    EXPECT_NE(refusal(record_of(file.version, old.version), 3).find("more than rules.load_max = 3"),
              std::string::npos);
    EXPECT_NE(refusal(record_of("0123", old.version), 0).find("it changed since"),
              std::string::npos);
    EXPECT_NE(refusal(record_of(file.version, "0123"), 0).find("is in force now"),
              std::string::npos);
    BacktestRecord other = record_of(file.version, old.version);
    other.packs[0].name = "others.yaml";
    EXPECT_NE(refusal(other, 0).find("was not back-tested"), std::string::npos);
    BacktestRecord nothing = record_of(file.version, old.version);
    nothing.events = 0;
    EXPECT_NE(refusal(nothing, 0).find("nothing happened"), std::string::npos);
}

TEST(BacktestRecord, SurvivesItsTextAndRefusesAnother) {
    const auto record = record_of("a", "b");
    const auto read = BacktestRecord::parse(record.to_json());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->to_json(), record.to_json());
    EXPECT_FALSE(BacktestRecord::parse("{}"));
    auto future = record;
    future.format = "vitalog-backtest/2";
    EXPECT_FALSE(BacktestRecord::parse(future.to_json()));
}

}  // namespace
}  // namespace vitalog::topology
