// Why a rule raised nothing, and whether an alert had to be raised: both asked of a log that the
// care stage has written, as `vitalog explain` asks.
#include "topology/audit/why_not.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "log_test_support.h"
#include "schemas/events/care.h"
#include "schemas/events/clinical.h"
#include "schemas/events/control.h"
#include "schemas/events/directory.h"
#include "schemas/events/identity.h"
#include "schemas/json_decode.h"
#include "tests/support/no_metrics.h"
#include "topology/audit/reevaluation.h"
#include "topology/clock.h"
#include "topology/runtime/shard.h"
#include "topology/site_log.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

namespace vitalog::topology {
namespace {

using schemas::Topic;
using std::chrono::hours;
using std::chrono::minutes;
using Reason = WhyNot::Reason;

constexpr std::string_view kPotassium = "2823-3";
constexpr std::string_view kSodium = "2951-2";

std::string pack(const std::string& head, const std::string& rules) {
    return "format: 1\npack: over-time\n" + head + "rules:\n" + rules;
}
std::string common(const char* version = "1") {
    return std::string(", version: \"") + version +
           "\", problem: A test, priority: medium, max_age: 48h, source: a test, ";
}
std::string limit(const char* version, const char* high, const char* clear) {
    return "  - {id: limit" + common(version) +
           "kind: threshold, loinc: 2823-3, unit: mmol/L, high: " + high +
           ", clear: {high: " + clear + "}}\n";
}
const std::string kFalls =
    "  - {id: order" + common() +
    "kind: sequence, within: 2h, conditions: [\n"
    "     {kind: threshold, loinc: 2951-2, unit: mmol/L, low: 125, clear: {low: 130}},\n"
    "     {kind: threshold, loinc: 2823-3, unit: mmol/L, high: 6, clear: {high: 5}}]}\n";
const std::string kFollowUp =
    "  - {id: control" + common() +
    "kind: silence, of: results, loinc: 2951-2, after: 3h,\n"
    "     following: {kind: threshold, loinc: 2823-3, unit: mmol/L, high: 6, clear: {high: 5}}}\n";
const std::string kBound =
    "  - {id: still" + common() +
    "kind: silence, of: results, loinc: 2951-2, after: 3h, while: binding}\n";

/// The `person` topic as identity writes it, with the care stage behind; once it is asked, it has
/// stopped.
class History : public ::testing::Test {
  protected:
    History() {
        config = *Config::load({});
        names = configured_names(config);
        SiteLog::Options options;
        options.data_dir = folder.path();
        auto opened = SiteLog::open(config, names, options);
        EXPECT_TRUE(opened) << opened.error().message();
        site.emplace(*std::move(opened));
        EXPECT_TRUE(clock.set(kNow));
        for (std::uint32_t p = 0; p < names.partitions(Topic::Person); ++p) {
            const TopicPartition tp{names.name(Topic::Person), Partition(p)};
            auto shard = Shard::open(
                {"care", Topic::Person, tp.partition, true}, *site->log().open_shard("care", tp),
                care_stage().make_processor(), {site->log(), names, clock, metrics}, {});
            EXPECT_TRUE(shard);
            shards.push_back(*std::move(shard));
        }
    }

    void rules(const std::string& text) {
        for (std::uint32_t p = 0; p < names.partitions(Topic::Person); ++p)
            append(Partition(p), "", schemas::Control::kType,
                   schemas::encode(schemas::Control{"rules", "over-time.yaml", "v", text}));
        apply();
    }
    void result(std::string_view loinc, double value, std::string_view unit = "mmol/L") {
        schemas::PersonClinical record;
        record.person = person;
        record.event.trigger = "ORU^R01";
        record.event.occurred = {clock.now().as<EventTime>(), 0, Precision::Second};
        auto& o = record.event.reports.emplace_back().observations.emplace_back();
        const std::string id = IdHash().part("result").part(written).finish().to_string();
        o.id = id;
        o.loinc = loinc;
        o.unit = unit;
        o.kind = schemas::ValueKind::Quantity;
        o.value = value;
        o.effective = record.event.occurred;
        say(record);
    }
    template <class E>
    void say(const E& event) {
        append(partition_of(person, names.partitions(Topic::Person)), person, E::kType,
               schemas::encode(event));
        apply();
    }
    void pass(minutes time) {
        EXPECT_TRUE(clock.set(clock.now() + time));
        apply();
    }
    LogTime now() const { return clock.now(); }

    /// Asks the log, once it has stopped.
    WhyNot ask(const std::string& rule, std::optional<LogTime> at = std::nullopt) {
        const auto told = why_not(stopped(), person, rule, at);
        EXPECT_TRUE(told) << told.error().message();
        return told ? *told : WhyNot();
    }
    /// Every record of every alert comes out the same; gives how many alerts there are.
    std::size_t alerts_agree() {
        std::map<std::string, std::size_t> records;
        schemas::Decoder decoder;
        for (std::uint32_t p = 0; p < names.partitions(Topic::Alert); ++p) {
            RecordBatch batch;
            EXPECT_TRUE(stopped().source().records.read({names.name(Topic::Alert), Partition(p)},
                                                        Offset(0), 1U << 24, batch));
            for (const auto& record : batch.records)
                ++records[std::string(
                    schemas::decode<schemas::AlertEvent>(record.value, decoder)->id)];
        }
        for (const auto& [alert, count] : records) {
            const auto told = reevaluate_alert(stopped(), alert);
            EXPECT_TRUE(told) << told.error().message();
            if (!told) continue;
            EXPECT_TRUE(told->agrees());
            EXPECT_EQ(told->records.size(), count);
            last_reason = told->records.back().reason;
        }
        return records.size();
    }

    std::string person = IdHash().part("person").finish().to_string();
    std::string last_reason;  ///< of the last record of the last alert

  private:
    void append(Partition partition, std::string_view key, std::string_view type,
                std::string_view json) {
        const std::string id = IdHash().part("record").part(++written).finish().to_string();
        std::string headers;
        Headers::append(headers, header::kId, id);
        Headers::append(headers, header::kType, type);
        Headers::append(headers, header::kRoot, id);
        Headers::append(headers, header::kReceived, std::to_string(clock.now().micros()));
        const TopicPartition tp{names.name(Topic::Person), partition};
        const auto shard = *site->log().open_shard("identity", tp);
        Commit commit;
        commit.outputs.push_back({tp, {}});
        commit.outputs.front().block.add(clock.now(), key, headers, json);
        std::optional<Error> error;
        ASSERT_EQ(shard->commit(commit, error), CommitOutcome::Committed);
    }
    void apply() {
        for (auto& shard : shards)
            for (auto step = shard->step();; step = shard->step()) {
                ASSERT_TRUE(step) << step.error().message();
                if (*step == Shard::Step::Idle) break;
            }
    }
    const AuditLog& stopped() {
        if (audit) return *audit;
        for (auto& shard : shards) EXPECT_TRUE(shard->close());
        shards.clear();
        site.reset();
        auto opened = AuditLog::open(config, {folder.path(), {}});
        EXPECT_TRUE(opened) << opened.error().message();
        audit = *std::move(opened);
        return *audit;
    }

    TemporaryFolder folder;
    Config config;
    schemas::TopicNames names;
    std::optional<SiteLog> site;
    ManualClock clock;
    tests::NoMetrics metrics;
    std::vector<std::unique_ptr<Shard>> shards;
    std::unique_ptr<AuditLog> audit;
    std::int64_t written = 0;
};

std::string lines_of(const WhyNot& told) {
    std::string text;
    for (const auto& line : told.lines) text += line + "\n";
    return text;
}

#define EXPECT_SAYS(told, text) \
    EXPECT_NE(lines_of(told).find(text), std::string::npos) << lines_of(told)

TEST_F(History, ASequenceSaysWhichStepIsMissing) {
    rules(pack("version: 1\n", kFalls));
    result(kPotassium, 6.5);
    const LogTime nothing = now();
    pass(minutes(10));
    result(kSodium, 140);
    pass(minutes(10));
    result(kPotassium, 6.6);
    const LogTime normal = now();
    pass(minutes(10));
    result(kPotassium, 4.0);

    const auto missing = ask("order", nothing);
    EXPECT_EQ(missing.reason, Reason::Missing);
    EXPECT_SAYS(
        missing,
        "condition 1: nothing of 2951-2 in mmol/L came before what follows it, in the 2h up to "
        "2026-01-01T00:00:00Z");
    EXPECT_SAYS(missing, "condition 2: 2823-3 6.5 mmol/L of 2026-01-01T00:00:00Z: meets it");
    const auto within = ask("order", normal);
    EXPECT_EQ(within.reason, Reason::WithinLimits);
    EXPECT_SAYS(within, "condition 1: 2951-2 140 mmol/L of 2026-01-01T00:10:00Z");
    EXPECT_SAYS(within, "at or below 125 is 15 less");
    const auto last = ask("order");
    EXPECT_EQ(last.reason, Reason::WithinLimits);
    EXPECT_SAYS(last, "condition 2: 2823-3 4 mmol/L of 2026-01-01T00:30:00Z");
}

TEST_F(History, ASequenceSaysWhatCameTooEarly) {
    rules(pack("version: 1\n", kFalls));
    result(kSodium, 120);
    pass(minutes(30));
    result(kSodium, 140);
    pass(minutes(120));
    result(kPotassium, 6.5);
    const auto told = ask("order");
    EXPECT_EQ(told.reason, Reason::Stale);
    EXPECT_SAYS(told,
                "condition 1: 2951-2 120 mmol/L of 2026-01-01T00:00:00Z: meets it, which is older "
                "than 2h as of 2026-01-01T02:30:00Z");
}

TEST_F(History, AnAlertOfASequenceComesOutTheSame) {
    rules(pack("version: 1\n", kFalls));
    result(kSodium, 120);
    pass(minutes(119));
    result(kPotassium, 6.5);
    const LogTime open = now();
    pass(minutes(10));
    result(kPotassium, 4.5);
    EXPECT_EQ(alerts_agree(), 1U);
    EXPECT_EQ(ask("order", open).reason, Reason::Fired);
    const auto ended = ask("order");
    EXPECT_EQ(ended.reason, Reason::WithinLimits);
    EXPECT_SAYS(ended, "its last episode, alert");
}

TEST_F(History, AnAlertThatFollowsItsPackComesOutTheSame) {
    rules(pack("version: 1\n", limit("1", "6", "5")));
    result(kPotassium, 6.5);
    pass(minutes(10));
    rules(pack("version: 2\nopen_episodes: follow\n", limit("2", "7", "6.8")));
    pass(minutes(10));
    result(kPotassium, 6.9);  // goes on under version 2
    const LogTime under = now();
    pass(minutes(10));
    result(kPotassium, 6.7);  // ends by version 2's limit, not by version 1's
    EXPECT_EQ(alerts_agree(), 1U);
    EXPECT_EQ(last_reason, "within its limits again");
    const auto open = ask("limit", under);
    EXPECT_EQ(open.reason, Reason::Fired);
    EXPECT_EQ(open.rule_version, "2");
    EXPECT_EQ(ask("limit").reason, Reason::WithinLimits);
}

TEST_F(History, AnAlertWhoseRuleWasTakenOutComesOutTheSame) {
    rules(pack("version: 1\n", limit("1", "6", "5") + kFalls));
    result(kPotassium, 6.5);
    pass(minutes(10));
    rules(pack("version: 2\nopen_episodes: follow\n", kFalls));
    pass(minutes(10));
    result(kPotassium, 6.6);
    EXPECT_EQ(alerts_agree(), 1U);
    EXPECT_EQ(last_reason, "its rule was taken out of the pack");
    EXPECT_EQ(ask("limit").reason, Reason::NotInForce);
}

TEST_F(History, ACombinationThatWasTakenOutIsForgotten) {
    rules(pack("version: 1\n", kFalls));
    result(kPotassium, 6.5);
    rules(pack("version: 2\n", limit("1", "6", "5")));
    result(kPotassium, 6.6);
    EXPECT_EQ(ask("order").reason, Reason::NotInForce);
}

TEST_F(History, WhatIsWaitedForAfterAFindingCameOrIsWaitedFor) {
    rules(pack("version: 1\n", kFollowUp));
    result(kPotassium, 4);
    const LogTime no_finding = now();
    pass(minutes(10));
    result(kPotassium, 6.5);
    pass(minutes(60));
    const LogTime waiting = now();
    result(kSodium, 140);
    pass(minutes(30));
    const LogTime came = now();
    result(kPotassium, 6.6);  // a finding again, and nothing follows
    pass(minutes(181));

    EXPECT_EQ(ask("control", no_finding).reason, Reason::WithinLimits);
    EXPECT_SAYS(ask("control", no_finding), "no finding: 2823-3 4 mmol/L");
    const auto waits = ask("control", waiting - std::chrono::microseconds(1));
    EXPECT_EQ(waits.reason, Reason::Waiting);
    EXPECT_SAYS(waits, "nothing of 2951-2 came since the finding of 2026-01-01T00:10:00Z");
    const auto heard = ask("control", came - std::chrono::microseconds(1));
    EXPECT_EQ(heard.reason, Reason::Heard);
    EXPECT_SAYS(heard, "2026-01-01T01:10:00Z");
    EXPECT_EQ(ask("control").reason, Reason::Fired);
    EXPECT_EQ(alerts_agree(), 1U);
}

TEST_F(History, SilenceWhileSomethingIsHeard) {
    rules(pack("version: 1\n", kBound));
    result(kSodium, 140);
    const LogTime unbound = now();
    pass(minutes(10));
    schemas::PersonBinding binding;
    binding.person = person;
    binding.entry.patient = "MRN|1";
    binding.entry.accounts = {"WATCH|1"};
    say(binding);
    pass(minutes(60));
    result(kSodium, 141);
    pass(minutes(90));
    const LogTime heard = now();
    pass(minutes(120));

    EXPECT_EQ(ask("still", unbound).reason, Reason::NotWatched);
    const auto told = ask("still", heard);
    EXPECT_EQ(told.reason, Reason::Heard);
    EXPECT_SAYS(told, "waits since 2026-01-01T01:10:00Z, for 90m of 3h");
    EXPECT_EQ(ask("still").reason, Reason::Fired);
    EXPECT_EQ(alerts_agree(), 1U);
}

TEST_F(History, AValueInAnotherUnitIsRefused) {
    rules(pack("version: 1\n", limit("1", "6", "5")));
    result(kPotassium, 25, "mg/dL");
    const auto told = ask("limit");
    EXPECT_EQ(told.reason, Reason::OtherUnit);
    EXPECT_SAYS(told, "a value of 2823-3 in mmol/L came in mg/dL: refused");
}

TEST_F(History, OfAMergedPersonTheOtherIsToBeAsked) {
    rules(pack("version: 1\n", limit("1", "6", "5")));
    result(kPotassium, 4);
    const LogTime before = now();
    pass(minutes(10));
    const std::string survivor = IdHash().part("survivor").finish().to_string();
    say(schemas::PersonMerged{.survivor = survivor, .loser = person, .reason = {}});
    EXPECT_EQ(ask("limit", before).reason, Reason::WithinLimits);
    const auto told = ask("limit");
    EXPECT_EQ(told.reason, Reason::Merged);
    EXPECT_SAYS(told, "become part of " + survivor);
}

}  // namespace
}  // namespace vitalog::topology
