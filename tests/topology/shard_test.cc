#include "topology/runtime/shard.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "schemas/base/binary.h"
#include "tests/support/no_metrics.h"
#include "topology/clock.h"
#include "topology/log/memory_log.h"
#include "topology/runtime/runtime.h"

namespace vitalog::topology {
namespace {

using processors::Context;
using processors::Input;
using processors::Timer;
using schemas::Topic;

constexpr std::size_t kOutputPartitions = 3;

/// Counts what it is told: "add", "urgent" (the same, said urgently), "refuse", "alarm MICROS", "calm", "forget", "half" (uses half, dead-letters the rest),
/// "faults N ..." (so many dead letters), "pass" (forwards the record, to two keys).
struct Tally final : state::Entity {
    std::int64_t sum = 0;
    void encode(std::string& out) const override { BinaryWriter(out).signed_varint(sum); }
    std::size_t memory_bytes() const override { return sizeof *this; }
    Result<void> decode(std::string_view bytes) {
        BinaryReader reader(bytes);
        sum = reader.signed_varint();
        return reader.finish("tally");
    }
};

class TallyProcessor final : public processors::ProcessorOf<Tally> {
  public:
    explicit TallyProcessor(std::uint32_t logic = 1) : logic_(logic) {}
    std::string_view stage() const override { return "tally"; }
    std::uint32_t logic() const override { return logic_; }
    Result<void> on_control(const schemas::Control& control, const Input&) override {
        if (control.body.empty()) return fail(Errc::Missing, "a factor");
        factor_ = std::stoll(std::string(control.body));
        return {};
    }

  protected:
    Result<void> handle(Tally& tally, const Input& input, Context& out) override {
        if (input.value == "refuse") return fail(Errc::Unsupported, "told to refuse");
        if (input.value == "forget") {
            out.remove_entity();
            say(out, input.key, "forgotten", tally.sum);
            return {};
        }
        if (input.value == "half") out.dead_letter(Error(Errc::OutOfRange, "half"), "item 2");
        if (input.value.starts_with("faults "))
            for (int i = std::stoi(std::string(input.value.substr(7))); i > 0; --i)
                out.dead_letter(Error(Errc::OutOfRange, "at fault"), "item " + std::to_string(i));
        if (input.value == "pass")
            for (const char* key : {"one", "other"}) out.forward(Topic::Alert, key);
        if (input.value == "calm") out.cancel_timer("alarm");
        if (input.value.starts_with("alarm "))
            out.set_timer("alarm", ReceivedTime(std::stoll(std::string(input.value.substr(6)))));
        tally.sum += factor_ * (logic_ == 2 ? 2 : 1);
        say(out, input.key, "sum", tally.sum, input.value == "urgent");
        say(out, std::string(input.key) + "'", "echo", tally.sum);
        return {};
    }
    void fire(Tally& tally, const Timer& timer, Context& out) override {
        tally.sum += 1000;
        say(out, "alarm", "rang", timer.due.micros() + tally.sum);
        if (tally.sum % 3 == 0) out.set_timer("again", ReceivedTime(timer.due.micros() + 7));
    }

  private:
    static void say(Context& out, std::string_view key, std::string_view what, std::int64_t sum, bool urgent = false) {
        processors::EmitOptions options;
        options.urgent = urgent;
        out.emit(Topic::Alert, key, what, std::to_string(sum), options);
    }
    std::uint32_t logic_;
    std::int64_t factor_ = 1;
};

class CountingMetrics final : public tests::NoMetrics {
  public:
    void count(std::string_view name, const Labels&, double by) override { counts[std::string(name)] += by; }
    std::map<std::string, double> counts;
};

/// A shard's log whose commits take their time.
class SlowShardLog final : public ShardLog {
  public:
    SlowShardLog(std::unique_ptr<ShardLog> below, ManualClock& clock, std::chrono::milliseconds takes)
        : below_(std::move(below)), clock_(clock), takes_(takes) {}
    const ShardPosition& position() const override { return below_->position(); }
    const state::Backend& state() const override { return below_->state(); }
    CommitOutcome commit(const Commit& commit, std::optional<Error>& error) override {
        EXPECT_TRUE(clock_.set(clock_.now() + takes_));
        return below_->commit(commit, error);
    }

  private:
    std::unique_ptr<ShardLog> below_;
    ManualClock& clock_;
    const std::chrono::milliseconds takes_;
};

/// A log in memory with one input partition and one shard over it.
class Bench {
  public:
    Bench() : log({{"subject", 1}, {"alert", kOutputPartitions}, {"dead-letter", 1}, {"feed.control", 1}}) {
        topics.set(Topic::Alert, "alert", kOutputPartitions);
        options.commit_delay = std::chrono::microseconds(0);
    }

    void send(std::string_view key, std::string_view value, std::string headers = {}) {
        log.append({"subject", std::string(key), std::string(value), std::move(headers), clock.now(), std::nullopt},
                   [](Result<AppendReceipt> receipt) { ASSERT_TRUE(receipt.has_value()); });
    }
    void control(std::string_view body) {
        std::string headers;
        Headers::append(headers, header::kId, feed_record_id(Generation(1), {"c", Partition(0)}, Offset(next_control_++)).to_string());
        Headers::append(headers, header::kType, schemas::Control::kType);
        send("", schemas::encode(schemas::Control{"factor", "f", "1", body}), headers);
    }
    Result<void> open(std::uint32_t logic = 1) {
        shard.reset();
        VITALOG_TRY(auto shard_log, log.open_shard("tally", {"subject", Partition(0)}));
        if (commit_takes.count() > 0)
            shard_log = std::make_unique<SlowShardLog>(std::move(shard_log), clock, commit_takes);
        VITALOG_TRY(shard, Shard::open({"tally", Topic::Subject, Partition(0), true}, std::move(shard_log),
                                       std::make_unique<TallyProcessor>(logic), {log, topics, clock, metrics}, options));
        return {};
    }
    /// Steps until nothing is left to do; opens anew when the shard says so.
    void run() {
        for (;;) {
            const auto step = shard->step();
            ASSERT_TRUE(step.has_value()) << step.error().to_string();
            if (*step == Shard::Step::Idle) return;
            if (*step == Shard::Step::Reopen) {
                ASSERT_TRUE(open().has_value());
            }
        }
    }
    /// Everything in the output topics, partition by partition, apart from append times.
    std::vector<std::string> outputs() {
        std::vector<std::string> lines;
        for (const auto& [topic, partitions] : {std::pair("alert", kOutputPartitions), std::pair("dead-letter", std::size_t{1})})
            for (std::uint32_t p = 0; p < partitions; ++p)
                for (const auto& record : all({topic, Partition(p)}))
                    lines.push_back(std::string(topic) + std::to_string(p) + " " + record);
        return lines;
    }
    std::vector<std::string> all(const TopicPartition& tp) {
        std::vector<std::string> lines;
        RecordBatch batch;
        for (Offset at(0);; at = batch.next) {
            EXPECT_TRUE(log.read(tp, at, 1 << 20, batch).has_value());
            if (batch.records.empty()) return lines;
            for (const auto& r : batch.records)
                lines.push_back(std::string(r.key) + "|" + std::string(r.headers.encoded()) + "|" + std::string(r.value));
            batch.owners.clear();
        }
    }
    /// The same input, folded from its beginning in an undisturbed log.
    std::vector<std::string> fold() {
        Bench fresh;
        RecordBatch batch;
        for (Offset at(0);; at = batch.next) {
            EXPECT_TRUE(log.read({"subject", Partition(0)}, at, 1 << 20, batch).has_value());
            if (batch.records.empty()) break;
            for (const auto& r : batch.records) {
                fresh.log.append({"subject", std::string(r.key), std::string(r.value), std::string(r.headers.encoded()),
                                  r.timestamp, std::nullopt}, [](const auto&) {});
            }
        }
        EXPECT_TRUE(fresh.open().has_value());
        fresh.run();
        return fresh.outputs();
    }

    MemoryLog log;
    schemas::TopicNames topics;
    ManualClock clock;
    CountingMetrics metrics;
    ShardOptions options;
    std::chrono::milliseconds commit_takes{0};
    std::unique_ptr<Shard> shard;

  private:
    std::int64_t next_control_ = 0;
};

std::vector<std::string> values(Bench& bench) {
    std::vector<std::string> found;
    for (std::uint32_t p = 0; p < kOutputPartitions; ++p)
        for (const auto& line : bench.all({"alert", Partition(p)})) found.push_back(line.substr(line.rfind('|') + 1));
    std::sort(found.begin(), found.end());
    return found;
}

TEST(Runtime, AShardWaitsForALogThatIsBusy) {
    Bench bench;
    Runtime runtime({bench.log, bench.topics, bench.clock, bench.metrics}, bench.options);
    const ShardSpec spec{"tally", Topic::Subject, Partition(0), true};
    ASSERT_TRUE(runtime.add(spec, [] { return std::make_unique<TallyProcessor>(); }).has_value());
    bench.send("a", "add");
    bench.log.fail_reads(Error(Errc::Busy, "the cluster gave nothing"));
    for (int i = 0; i < 3; ++i) {
        const auto stepped = runtime.step_all();
        ASSERT_TRUE(stepped.has_value()) << stepped.error().to_string();
        EXPECT_FALSE(*stepped);
    }
    bench.log.fail_reads(std::nullopt);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (values(bench).empty() && std::chrono::steady_clock::now() < deadline) {
        ASSERT_TRUE(runtime.step_all().has_value());
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(values(bench), (std::vector<std::string>{"1", "1"}));
    bench.log.fail_reads(Error(Errc::Io, "the disk is broken"));
    EXPECT_FALSE(runtime.step_all().has_value());
}

TEST(Shard, CommitsOutputsAndPositionTogether) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    bench.send("a", "add");
    bench.send("a", "add");
    bench.run();
    EXPECT_EQ(bench.shard->committed(), Offset(2));
    EXPECT_EQ(values(bench), (std::vector<std::string>{"1", "1", "2", "2"}));
}

TEST(Shard, BehindItsInputItCommitsLessOften) {
    Bench bench;
    bench.options.commit_delay = std::chrono::milliseconds(2);
    bench.options.commit_delay_behind = std::chrono::milliseconds(20);
    bench.options.read_bytes = 512;
    ASSERT_TRUE(bench.open());
    for (int i = 0; i < 1000; ++i) bench.send("k" + std::to_string(i % 7), "add");
    const auto step = [&](int milliseconds) {
        ASSERT_TRUE(bench.shard->step().has_value());
        ASSERT_TRUE(bench.clock.set(bench.clock.now() + std::chrono::milliseconds(milliseconds)));
    };
    step(3);
    step(16);
    EXPECT_EQ(bench.shard->committed(), Offset(0)) << "a longer wait while more waits";
    EXPECT_EQ(*bench.shard->next_wake(), bench.clock.now() + std::chrono::milliseconds(1));
    step(1);
    step(0);
    const Offset first = bench.shard->committed();
    EXPECT_GT(first, Offset(0)) << "no longer than commit_delay_behind";
    while (bench.shard->committed() == first) step(1);
    while (bench.shard->committed() < Offset(1000)) step(3);
    bench.send("k", "add");
    step(1);
    EXPECT_EQ(bench.shard->committed(), Offset(1000));
    step(1);
    EXPECT_EQ(bench.shard->committed(), Offset(1000));
    step(0);
    EXPECT_EQ(bench.shard->committed(), Offset(1001)) << "commit_delay holds for one that keeps up";
}

TEST(Shard, AnUrgentRecordGathersForAsLongAsACommitTakesWhereMoreWaits) {
    for (const auto& [takes, fewest, most] : {std::tuple(0, 10, 20), std::tuple(5, 2, 4)}) {
        Bench bench;
        bench.options.commit_delay = std::chrono::milliseconds(2);
        bench.options.read_bytes = 8 << 10;
        bench.commit_takes = std::chrono::milliseconds(takes);
        ASSERT_TRUE(bench.open());
        for (int i = 0; i < 1000; ++i) bench.send("k" + std::to_string(i), i % 50 == 0 ? "urgent" : "add");
        Offset before;
        int commits = 0;
        while (bench.shard->committed() < Offset(1000)) {
            ASSERT_TRUE(bench.shard->step().has_value());
            ASSERT_TRUE(bench.clock.set(bench.clock.now() + std::chrono::milliseconds(1)));
            commits += bench.shard->committed() != before;
            before = bench.shard->committed();
        }
        EXPECT_GE(commits, fewest) << takes;
        EXPECT_LE(commits, most) << takes;
        bench.send("k", "urgent");
        ASSERT_TRUE(bench.shard->step().has_value());
        EXPECT_EQ(bench.shard->committed(), Offset(1001)) << "at once by one that keeps up, whatever a commit takes";
    }
}

TEST(Shard, DeadLettersARefusedRecordAndGoesOn) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    bench.send("a", "refuse");
    bench.send("a", "half");
    bench.send("", "no key");
    bench.run();
    const auto letters = bench.all({"dead-letter", Partition(0)});
    ASSERT_EQ(letters.size(), 3U);
    EXPECT_NE(letters[0].find("unsupported: told to refuse"), std::string::npos);
    EXPECT_NE(letters[0].find("subject/0/0"), std::string::npos);
    EXPECT_TRUE(letters[0].ends_with("|refuse"));
    EXPECT_NE(letters[1].find("item 2"), std::string::npos);
    EXPECT_NE(letters[2].find("no key"), std::string::npos);
    EXPECT_EQ(values(bench), (std::vector<std::string>{"1", "1"}));
    EXPECT_EQ(bench.metrics.counts["vitalog_dead_letters_total"], 3);
}

TEST(Shard, ManyFaultsOfALargeRecordDoNotMultiplyItsBytes) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    const std::string large = "faults 1500 " + std::string(300'000, 'x');
    bench.send("a", large);
    bench.send("a", "faults 3 of a small one");
    bench.run();
    const auto letters = bench.all({"dead-letter", Partition(0)});
    ASSERT_EQ(letters.size(), 1001U + 3U);
    for (std::size_t i : {0, 1, 2}) EXPECT_TRUE(letters[i].ends_with("|" + large)) << i;
    for (std::size_t i = 3; i <= 1000; ++i) EXPECT_LT(letters[i].size(), 1000U) << i;
    EXPECT_NE(letters[3].find("item 1497"), std::string::npos);
    EXPECT_NE(letters[3].find(std::to_string(large.size())), std::string::npos) << "says how many bytes there were";
    EXPECT_NE(letters[1000].find("500 items more"), std::string::npos);
    for (std::size_t i = 1001; i < letters.size(); ++i) EXPECT_TRUE(letters[i].ends_with("|faults 3 of a small one"));
    EXPECT_EQ(values(bench), (std::vector<std::string>{"1", "1", "2", "2"})) << "what could be used is used";
}

/// Makes of a record as many bytes as it says.
class SwellingProcessor final : public processors::Processor {
  public:
    std::string_view stage() const override { return "swell"; }
    std::uint32_t logic() const override { return 1; }
    std::unique_ptr<state::Entity> create(std::string_view) const override { return nullptr; }
    Result<std::unique_ptr<state::Entity>> decode(std::string_view, std::string_view) const override { return nullptr; }
    void on_timer(state::Entity*, const Timer&, Context&) override {}
    Result<void> on_control(const schemas::Control&, const Input&) override { return {}; }
    Result<void> on_record(state::Entity*, const Input& input, Context& out) override {
        out.emit(Topic::Alert, input.key, "test", std::string(std::stoul(std::string(input.value)), ' '), {});
        return {};
    }
};

TEST(Shard, ARecordOfWhichTooMuchComesIsADeadLetter) {
    Bench bench;
    bench.shard = *Shard::open({"swell", Topic::Subject, Partition(0), false}, *bench.log.open_shard("swell", {"subject", Partition(0)}),
                               std::make_unique<SwellingProcessor>(), {bench.log, bench.topics, bench.clock, bench.metrics}, bench.options);
    for (const char* bytes : {"50331648", "50331649", "7"}) bench.send("a", bytes);
    bench.run();
    const auto letters = bench.all({"dead-letter", Partition(0)});
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_NE(letters[0].find("send it in parts"), std::string::npos);
    EXPECT_TRUE(letters[0].ends_with("|50331649"));
    EXPECT_EQ(bench.all({"alert", partition_of("a", kOutputPartitions)}).size(), 2U);
}

TEST(Shard, KnowsAFeedRecordByItsPlaceWhateverItsPublisherCallsIt) {
    Bench bench;
    bench.shard = *Shard::open({"tally", Topic::FeedControl, Partition(0), true},
                               *bench.log.open_shard("tally", {"feed.control", Partition(0)}),
                               std::make_unique<TallyProcessor>(), {bench.log, bench.topics, bench.clock, bench.metrics}, bench.options);
    std::string headers;
    Headers::append(headers, header::kId, std::string(32, 'a'));
    Headers::append(headers, header::kType, schemas::Control::kType);
    Headers::append(headers, header::kReceived, "7");
    ASSERT_TRUE(bench.clock.set(LogTime(1'000'000)));
    bench.log.append({"feed.control", "a", "add", headers, bench.clock.now(), std::nullopt}, [](const auto&) {});
    bench.run();
    ASSERT_EQ(values(bench), (std::vector<std::string>{"1", "1"}));
    RecordBatch batch;
    const TopicPartition output{"alert", partition_of("a", kOutputPartitions)};
    ASSERT_TRUE(bench.log.read(output, Offset(0), 1 << 20, batch));
    const Headers& written = batch.records.at(0).headers;
    const RecordId place = feed_record_id(Generation(1), {"feed.control", Partition(0)}, Offset(0));
    EXPECT_EQ(written.find(header::kRoot), place.to_string());
    EXPECT_EQ(written.find(header::kCause), place.to_string());
    EXPECT_EQ(written.find(header::kReceived), "1000000");
}

TEST(Shard, RecoversWithMutedOutputsAfterACrash) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    for (int i = 0; i < 100; ++i) bench.send("k" + std::to_string(i % 7), "add");
    bench.run();
    ASSERT_TRUE(bench.log.sync());
    const auto before = bench.outputs();
    bench.log.crash();
    ASSERT_TRUE(bench.open());
    EXPECT_FALSE(bench.shard->recovered());
    bench.run();
    EXPECT_TRUE(bench.shard->recovered());
    EXPECT_EQ(bench.outputs(), before);
    bench.send("k0", "add");
    bench.run();
    EXPECT_EQ(bench.outputs(), bench.fold());
}

TEST(Shard, ACleanStopLeavesNothingToRecover) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    for (int i = 0; i < 10; ++i) bench.send("a", "add");
    bench.run();
    ASSERT_TRUE(bench.shard->close());
    ASSERT_TRUE(bench.open(2)) << "another logic may start: nothing trails";
    EXPECT_TRUE(bench.shard->recovered());
}

TEST(Shard, RefusesTrailingStateOfAnotherLogicAndNamesTheTwoWaysOut) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    bench.send("a", "add");
    bench.run();
    ASSERT_TRUE(bench.log.sync());
    bench.log.crash();
    const auto opened = bench.open(2);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message().find("run the old program once"), std::string::npos);
    EXPECT_NE(opened.error().message().find("--accept-drift"), std::string::npos);
}

TEST(Shard, AcceptedDriftIsComparedAndReported) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    for (int i = 0; i < 5; ++i) bench.send("a", "add");
    bench.run();
    ASSERT_TRUE(bench.log.sync());
    bench.log.crash();
    bench.options.accept_drift = true;
    ASSERT_TRUE(bench.open(2));
    bench.run();
    ASSERT_TRUE(bench.shard->drift().has_value());
    EXPECT_EQ(bench.shard->drift()->compared, 10U);
    EXPECT_EQ(bench.shard->drift()->difference_count, 10U);
    EXPECT_EQ(bench.shard->drift()->equal, 0U);
}

TEST(Shard, WhatIsMadeAgainAlikeIsNoDrift) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    ASSERT_TRUE(bench.clock.set(LogTime(1'000'000)));
    std::string headers;  // as of another stage
    Headers::append(headers, header::kId, std::string(32, 'b'));
    Headers::append(headers, header::kSource, "vitalog/before");
    bench.send("a", "pass", headers);
    bench.send("a", "alarm 1000500");
    bench.run();
    ASSERT_TRUE(bench.clock.set(LogTime(1'001'000)));
    bench.run();
    ASSERT_EQ(bench.shard->committed(), Offset(3)) << "two records and a tick";
    ASSERT_TRUE(bench.log.sync());
    bench.log.crash();
    bench.options.accept_drift = true;
    ASSERT_TRUE(bench.open(3)) << "another number for the same logic";
    bench.run();
    ASSERT_TRUE(bench.shard->drift().has_value());
    for (const auto& difference : bench.shard->drift()->differences) ADD_FAILURE() << difference;
    EXPECT_GT(bench.shard->drift()->equal, 4U);
    EXPECT_EQ(bench.shard->drift()->equal, bench.shard->drift()->compared);
}

TEST(Shard, TicksFireWhatIsDueOnceTheShardHasReadToItsEnd) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    bench.send("a", "alarm 500");
    bench.run();
    EXPECT_EQ(bench.shard->next_due(), ReceivedTime(500));
    ASSERT_TRUE(bench.clock.set(LogTime(499)));
    bench.run();
    EXPECT_EQ(values(bench).size(), 2U);
    ASSERT_TRUE(bench.clock.set(LogTime(500)));
    bench.run();
    EXPECT_EQ(values(bench), (std::vector<std::string>{"1", "1", "1501"}));
    EXPECT_EQ(bench.outputs(), bench.fold());
}

TEST(Shard, ControlsTakeForceByPosition) {
    Bench bench;
    ASSERT_TRUE(bench.open());
    bench.send("a", "add");
    bench.control("10");
    bench.send("a", "add");
    bench.control("");
    bench.run();
    EXPECT_EQ(values(bench), (std::vector<std::string>{"1", "1", "11", "11"}));
    EXPECT_EQ(bench.all({"dead-letter", Partition(0)}).size(), 1U) << "a control that is refused changes nothing";
    ASSERT_TRUE(bench.shard->close());
    ASSERT_TRUE(bench.open());
    bench.send("a", "add");
    bench.run();
    EXPECT_EQ(bench.outputs(), bench.fold());
}

TEST(Shard, AnAbortedCommitIsTriedAgainAndAnUnknownOneReopensTheShard) {
    for (const auto fault : {MemoryLog::CommitFault::Abort, MemoryLog::CommitFault::UnknownApplied,
                             MemoryLog::CommitFault::UnknownDropped}) {
        Bench bench;
        ASSERT_TRUE(bench.open());
        bench.log.fail_next_commit(fault);
        for (int i = 0; i < 10; ++i) bench.send("a", "add");
        bench.run();
        EXPECT_EQ(bench.outputs(), bench.fold());
        EXPECT_EQ(values(bench).size(), 20U);
    }
}

TEST(Shard, ALastCommitOfUnknownOutcomeIsNotTriedOnceMoreAtAStop) {
    for (const auto fault : {MemoryLog::CommitFault::UnknownApplied, MemoryLog::CommitFault::UnknownDropped}) {
        Bench bench;
        bench.options.commit_delay = std::chrono::hours(1);
        ASSERT_TRUE(bench.open());
        for (int i = 0; i < 10; ++i) bench.send("a", "add");
        bench.run();
        EXPECT_EQ(bench.shard->committed(), Offset(0)) << "the stop is what commits";
        bench.log.fail_next_commit(fault);
        EXPECT_FALSE(bench.shard->close().has_value());
        bench.options.commit_delay = std::chrono::microseconds(0);
        ASSERT_TRUE(bench.open());
        bench.run();
        EXPECT_EQ(bench.outputs(), bench.fold());
        EXPECT_EQ(values(bench).size(), 20U);
    }
}

/// Names the first difference only.
void expect_fold(Bench& bench) {
    const auto made = bench.outputs();
    const auto folded = bench.fold();
    for (std::size_t i = 0; i < std::max(made.size(), folded.size()); ++i) {
        const std::string one = i < made.size() ? made[i] : "nothing";
        const std::string other = i < folded.size() ? folded[i] : "nothing";
        ASSERT_EQ(one, other) << "output " << i << " of " << made.size() << " and " << folded.size();
    }
}

/// One seed: random input, crashes, failed commits, a byte budget that evicts, time that passes.
void disturb(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&](std::uint64_t n) { return random() % n; };
    Bench bench;
    bench.options.commit_records = 1 + pick(20);
    bench.options.read_bytes = 1 + pick(500);
    bench.options.store.memory_budget = pick(2) == 0 ? 2'000 : 1'000'000;
    bench.options.store.trail = std::chrono::microseconds(pick(300));
    bench.options.store.settle = std::chrono::microseconds(pick(100));
    bench.options.store.flush_few = pick(3);
    ASSERT_TRUE(bench.open());
    for (int i = 0; i < 300; ++i) {
        const std::string key(1, static_cast<char>('a' + pick(20)));
        switch (pick(20)) {
            case 0: bench.send(key, "refuse"); break;
            case 1: bench.send(key, "alarm " + std::to_string(bench.clock.now().micros() + static_cast<std::int64_t>(pick(40)))); break;
            case 2: bench.send(key, "forget"); break;
            case 3: bench.send(key, "calm"); break;
            case 4: bench.control(std::to_string(pick(5))); break;
            case 5: ASSERT_TRUE(bench.clock.set(bench.clock.now() + std::chrono::microseconds(pick(30)))); break;
            case 6: ASSERT_TRUE(bench.log.sync()); break;
            case 7:
                bench.log.crash();
                ASSERT_TRUE(bench.open());
                break;
            case 8: bench.log.fail_next_commit(static_cast<MemoryLog::CommitFault>(pick(3))); break;
            case 9:
                (void)bench.shard->close();  // may meet a commit that fails: the next start recovers
                ASSERT_TRUE(bench.open());
                break;
            default: bench.send(key, "add"); break;
        }
        for (std::uint64_t steps = pick(3); steps > 0; --steps) {
            const auto step = bench.shard->step();
            ASSERT_TRUE(step.has_value());
            if (*step == Shard::Step::Reopen) {
                ASSERT_TRUE(bench.open());
            }
        }
    }
    ASSERT_TRUE(bench.clock.set(bench.clock.now() + std::chrono::microseconds(1'000)));
    bench.run();
    expect_fold(bench);
}

TEST(Shard, OutputsEqualTheFoldOfItsLoggedInputWhateverHappens) {
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        disturb(seed);
        if (HasFatalFailure()) FAIL() << "seed " << seed;
    }
}

}  // namespace
}  // namespace vitalog::topology
