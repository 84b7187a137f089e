#pragma once

// What the care stage has written of one person, as a log that has stopped: for the questions that
// are asked of it.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log_test_support.h"
#include "schemas/events/care.h"
#include "schemas/events/clinical.h"
#include "schemas/events/control.h"
#include "schemas/json_decode.h"
#include "tests/support/no_metrics.h"
#include "topology/audit/reevaluation.h"
#include "topology/audit/why_not.h"
#include "topology/clock.h"
#include "topology/runtime/shard.h"
#include "topology/site_log.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

namespace vitalog::topology {

using schemas::Topic;
using std::chrono::hours;
using std::chrono::minutes;

inline constexpr std::string_view kPotassium = "2823-3";
inline constexpr std::string_view kSodium = "2951-2";

inline std::string pack(const std::string& head, const std::string& rules) {
    return "format: 1\npack: over-time\n" + head + "rules:\n" + rules;
}
inline std::string common(const char* version = "1") {
    return std::string(", version: \"") + version +
           "\", problem: A test, priority: medium, max_age: 48h, source: a test, ";
}
inline std::string limit(const char* version, const char* high, const char* clear) {
    return "  - {id: limit" + common(version) +
           "kind: threshold, loinc: 2823-3, unit: mmol/L, high: " + high +
           ", clear: {high: " + clear + "}}\n";
}

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
    /// As it comes now; it was taken `before`.
    void result(std::string_view loinc, double value, std::string_view unit = "mmol/L",
                hours before = hours(0)) {
        schemas::PersonClinical record;
        record.person = person;
        record.event.trigger = "ORU^R01";
        record.event.occurred = {(clock.now() - before).as<EventTime>(), 0, Precision::Second};
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

  private:
    void append(Partition partition, std::string_view key, std::string_view type,
                std::string_view json) {
        commit_event(site->log(), "identity", {names.name(Topic::Person), partition}, clock.now(),
                     ++written, key, type, json);
    }
    void apply() {
        for (auto& shard : shards)
            for (auto step = shard->step();; step = shard->step()) {
                ASSERT_TRUE(step) << step.error().message();
                if (*step == Shard::Step::Idle) break;
            }
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

}  // namespace vitalog::topology
