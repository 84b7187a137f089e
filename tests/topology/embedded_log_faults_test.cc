// The embedded log and a real shard on a disk that loses what was not synced, fails to sync, is
// full, or flips bytes: whatever happens, what was acknowledged is there after the next start and
// the outputs are the fold of the input, or the start says which file is damaged.
// VITALOG_FAULT_SEEDS=A..B runs other seeds.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <random>

#include "fault_disk.h"
#include "log_test_support.h"
#include "schemas/base/binary.h"
#include "tests/support/no_metrics.h"
#include "topology/clock.h"
#include "topology/runtime/shard.h"

namespace vitalog::topology {
namespace {

using processors::Context;
using processors::Input;
using schemas::Topic;
using Fault = FaultDisk::Fault;

constexpr std::uint64_t kSeeds = 16;
constexpr int kRounds = 5;
constexpr std::uint32_t kOutputPartitions = 2;

struct Sum final : state::Entity {
    std::int64_t sum = 0;
    std::string last;
    void encode(std::string& out) const override {
        BinaryWriter writer(out);
        writer.signed_varint(sum);
        writer.text(last);
    }
    std::size_t memory_bytes() const override { return sizeof *this + last.capacity(); }
    Result<void> decode(std::string_view bytes) {
        BinaryReader reader(bytes);
        sum = reader.signed_varint();
        last = reader.text();
        return reader.finish("sum");
    }
};

/// Each output says all that came before it for its key.
class SumProcessor final : public processors::ProcessorOf<Sum> {
  public:
    std::string_view stage() const override { return "sum"; }
    std::uint32_t logic() const override { return 1; }
    Result<void> on_control(const schemas::Control&, const Input&) override { return {}; }

  protected:
    Result<void> handle(Sum& entity, const Input& input, Context& out) override {
        entity.sum += static_cast<std::int64_t>(hash64(input.value) % 1000);
        out.emit(Topic::Alert, input.key, "sum",
                 std::to_string(entity.sum) + " after " + entity.last, {});
        entity.last = input.value.substr(0, 40);
        return {};
    }
};

using Outputs = std::map<TopicPartition, std::vector<std::string>>;

schemas::TopicNames names() {
    schemas::TopicNames names;
    names.set(Topic::Alert, "alert", kOutputPartitions);
    return names;
}

std::vector<TopicConfig> topics() {
    std::vector<TopicConfig> topics(4);
    const char* const named[] = {"subject", "alert", "dead-letter", "feed.control"};
    for (std::size_t i = 0; i < topics.size(); ++i) topics[i].name = named[i];
    topics[1].partitions = kOutputPartitions;
    // So it has segments; a crash may leave a gap before one, and ids are made from places in the
    // input.
    topics[1].retention = std::chrono::hours(24 * 36'500);
    return topics;
}

/// Everything that a log holds in one partition.
Result<std::vector<std::string>> read_values(const RecordSource& log, const TopicPartition& tp) {
    std::vector<std::string> values;
    RecordBatch batch;
    Offset expected;
    VITALOG_TRY(const Offset end, log.end_offset(tp));
    for (Offset at; at < end; at = batch.next) {
        VITALOG_CHECK(log.read(tp, at, 4096, batch));
        if (batch.records.empty() && batch.next >= end) break;
        for (const auto& record : batch.records) {
            if (record.offset < expected) return fail(Errc::Damaged, "a record came twice");
            expected = Offset(record.offset.value() + 1);
            values.push_back(std::string(record.key) + "|" + std::string(record.headers.encoded()) +
                             "|" + std::string(record.value));
        }
        batch.clear();
    }
    return values;
}

Result<Outputs> outputs_of(const RecordSource& log) {
    Outputs outputs;
    for (std::uint32_t p = 0; p < kOutputPartitions; ++p) {
        const TopicPartition tp{"alert", Partition(p)};
        VITALOG_TRY(outputs[tp], read_values(log, tp));
    }
    return outputs;
}

/// A log with one shard over it, and what was promised to senders.
class Bench {
  public:
    Bench(Log& log, const ManualClock& clock) : log_(log), clock_(clock) {}

    Result<void> open() {
        VITALOG_TRY(auto shard_log, log_.open_shard("sum", input_));
        ShardOptions options;
        options.commit_delay = std::chrono::microseconds(0);
        options.commit_records = 7;
        options.store.memory_budget = 2'000;  // entities come and go
        VITALOG_TRY(shard_, Shard::open({"sum", Topic::Subject, Partition(0), true},
                                        std::move(shard_log), std::make_unique<SumProcessor>(),
                                        {log_, names_, clock_, metrics_}, options));
        return {};
    }
    /// Applies all there is.
    Result<void> drain() {
        while (true) {
            VITALOG_TRY(const Shard::Step step, shard_->step());
            if (step == Shard::Step::Idle) return {};
            if (step == Shard::Step::Reopen) {
                shard_.reset();
                VITALOG_CHECK(open());
            }
        }
    }
    Result<void> step() {
        VITALOG_TRY(const Shard::Step step, shard_->step());
        if (step != Shard::Step::Reopen) return {};
        shard_.reset();
        return open();  // says why
    }
    Shard& shard() { return *shard_; }

  private:
    Log& log_;
    const ManualClock& clock_;
    const TopicPartition input_{"subject", Partition(0)};
    const schemas::TopicNames names_ = names();
    tests::NoMetrics metrics_;
    std::unique_ptr<Shard> shard_;
};

FeedRecord input_record(std::string key, std::string value) {
    FeedRecord record = feed_record(std::move(key), std::move(value), "subject");
    return record;
}

/// What an undisturbed log makes of the first `count` inputs.
Outputs fold(const std::vector<std::string>& inputs, std::size_t count) {
    MemoryLog log(topics());
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t bar = inputs[i].find('|');
        log.append(input_record(inputs[i].substr(0, bar), inputs[i].substr(bar + 2)),
                   [](const auto&) {});
    }
    const ManualClock clock;
    Bench bench(log, clock);
    EXPECT_TRUE(bench.open().has_value());
    EXPECT_TRUE(bench.drain().has_value());
    return *outputs_of(log);
}

/// Where two logs of outputs part; empty where they don't.
std::string difference(const Outputs& found, const Outputs& wanted) {
    for (const auto& [tp, list] : wanted) {
        const auto& other = found.at(tp);
        for (std::size_t i = 0; i < std::max(list.size(), other.size()); ++i) {
            const std::string mine = i < list.size() ? list[i] : "nothing";
            const std::string theirs = i < other.size() ? other[i] : "nothing";
            if (mine != theirs)
                return to_string(tp) + " " + std::to_string(i) + " of " +
                       std::to_string(list.size()) + ", found " + std::to_string(other.size()) +
                       ":\n" + theirs + "\nfor\n" + mine;
        }
    }
    return {};
}

/// One seed: rounds of work on one data directory, each ended by a fault or a stop.
class Trial {
  public:
    explicit Trial(std::uint64_t seed) : chance_(seed), disk_(seed ^ 0x5eed) {
        options_.path = folder_.path();
        options_.topics = topics();
        options_.block_cache_bytes = 1 << 20;
        options_.write_buffer_bytes = 64 << 10;  // so that much is flushed and compacted
        options_.wal_bytes_max = 256 << 10;
        options_.segment_bytes = 4'000;
        options_.recent_bytes = 3'000;
        options_.disk_reserve_bytes = 0;
        options_.disk = disk_.disk();
    }

    void run() {
        for (int round = 0; round < kRounds && !damaged_ && !testing::Test::HasFailure(); ++round) {
            SCOPED_TRACE("round " + std::to_string(round));
            one_round();
        }
        if (!damaged_ && !testing::Test::HasFailure()) after_a_flip();
    }

  private:
    bool one_in(std::uint64_t n) { return chance_() % n == 0; }

    /// An error of a faulty disk; it names a file of the data directory, as a rule with what to do.
    void expect_named(const Error& error) const {
        EXPECT_NE(error.message().find(folder_.path().string()), std::string::npos)
            << error.to_string();
    }

    Result<std::unique_ptr<EmbeddedLog>> open() {
        auto log = EmbeddedLog::open(options_);
        if (!log) expect_named(log.error());
        return log;
    }

    void one_round() {
        constexpr std::array kFaults{Fault::None,        Fault::PowerLoss, Fault::PowerLoss,
                                     Fault::FailedSync,  Fault::Full,      Fault::FlippedRead,
                                     Fault::FlippedBlock};
        const Fault fault = kFaults[chance_() % kFaults.size()];
        const bool at_start = one_in(4);
        SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)) +
                     (at_start ? " from the start on" : ""));
        if (at_start) disk_.arm(fault, chance_() % 60);
        auto log = open();
        if (log && !at_start) disk_.arm(fault, chance_() % 150);
        if (log) {
            work(**log);
            log->reset();
        } else if (!at_start || !disk_.struck()) {
            ADD_FAILURE() << "can't be opened: " << log.error().to_string();
        }
        const bool struck = disk_.struck();
        disk_.heal();
        // A byte that is on disk as nobody wrote it stays there.
        damaged_ = fault == Fault::FlippedBlock && struck;
        if (fault == Fault::PowerLoss || (struck && one_in(2))) disk_.lose_power();
        if (damaged_) {
            verify_or_refuse();
        } else {
            verify();
        }
    }

    /// Appends, applies and syncs until something fails or it is enough.
    void work(EmbeddedLog& log) {
        Bench bench(log, clock_);
        if (!bench.open()) return;
        const int actions = 10 + static_cast<int>(chance_() % 60);
        for (int i = 0; i < actions; ++i) {
            Result<void> done;
            switch (chance_() % 8) {
                case 0:
                    done = log.sync();
                    break;
                case 1:
                    done = log.store_position("views", {"alert", Partition(0)}, Offset(0));
                    break;
                case 2:
                    done = log.enforce_retention(kNow);
                    break;
                case 3:
                case 4:
                    done = append(log);
                    break;
                default:
                    done = bench.step();
            }
            if (!done) {
                EXPECT_TRUE(disk_.struck()) << done.error().to_string();
                expect_named(done.error());
                return;
            }
        }
        if (one_in(2)) (void)bench.shard().close();
    }

    Result<void> append(EmbeddedLog& log) {
        std::vector<std::promise<Result<AppendReceipt>>> answers(1 + chance_() % 8);
        std::vector<std::string> sent;
        for (auto& answer : answers) {
            const std::string key = "k" + std::to_string(chance_() % 40);
            std::string value = std::to_string(next_++) + " ";
            value.append(chance_() % 600, static_cast<char>('a' + chance_() % 26));
            sent.push_back(key + "||" + value);
            log.append(
                input_record(key, std::move(value)),
                [&answer](Result<AppendReceipt> receipt) { answer.set_value(std::move(receipt)); });
        }
        Result<void> all;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            const auto receipt = answers[i].get_future().get();
            if (receipt) {
                acknowledged_[receipt->offset.value()] = sent[i];
            } else {
                all = tl::unexpected(receipt.error());
            }
        }
        return all;
    }

    /// What any start must find. Gives an error where the log can't be read.
    Result<void> look(EmbeddedLog& log, std::vector<std::string>& inputs, Outputs& outputs) {
        Bench bench(log, clock_);
        VITALOG_CHECK(bench.open());
        VITALOG_TRY(inputs, read_values(log, {"subject", Partition(0)}));
        VITALOG_TRY(outputs, outputs_of(log));
        const auto committed = static_cast<std::size_t>(bench.shard().committed().value());
        if (committed > inputs.size())
            return fail(Errc::Damaged, "the shard is ahead of its input");
        EXPECT_EQ(difference(outputs, fold(inputs, committed)), "") << "after the start";
        VITALOG_CHECK(bench.drain());
        VITALOG_TRY(outputs, outputs_of(log));
        return {};
    }

    void compare(const std::vector<std::string>& inputs, const Outputs& outputs) {
        for (const auto& [offset, content] : acknowledged_) {
            ASSERT_LT(static_cast<std::size_t>(offset), inputs.size()) << "acknowledged and lost";
            ASSERT_EQ(inputs[static_cast<std::size_t>(offset)], content);
        }
        EXPECT_EQ(difference(outputs, fold(inputs, inputs.size())), "")
            << "after everything was applied";
    }

    void verify() {
        const auto log = open();
        ASSERT_TRUE(log.has_value()) << log.error().to_string();
        std::vector<std::string> inputs;
        Outputs outputs;
        const auto looked = look(**log, inputs, outputs);
        ASSERT_TRUE(looked.has_value()) << looked.error().to_string();
        compare(inputs, outputs);
    }

    void verify_or_refuse() {
        const auto log = open();
        if (!log) {
            EXPECT_EQ(log.error().code(), Errc::Damaged) << log.error().to_string();
            return;
        }
        std::vector<std::string> inputs;
        Outputs outputs;
        const auto looked = look(**log, inputs, outputs);
        if (looked) return compare(inputs, outputs);
        EXPECT_EQ(looked.error().code(), Errc::Damaged) << looked.error().to_string();
        expect_named(looked.error());
    }

    /// One bit of one file of a stopped log.
    void after_a_flip() {
        std::vector<std::filesystem::path> files;
        for (const auto& file : std::filesystem::recursive_directory_iterator(folder_.path()))
            if (file.is_regular_file() && file.file_size() > 0) files.push_back(file.path());
        std::ranges::sort(files);
        const auto& path = files[chance_() % files.size()];
        const std::uint64_t at = chance_() % std::filesystem::file_size(path);
        const int bit = static_cast<int>(chance_() % 8);
        SCOPED_TRACE(path.string() + " byte " + std::to_string(at) + " bit " + std::to_string(bit));
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(at));
        const char byte = static_cast<char>(file.get());
        file.seekp(static_cast<std::streamoff>(at));
        file.put(static_cast<char>(byte ^ (1 << bit)));
        file.close();
        verify_or_refuse();
    }

    std::mt19937_64 chance_;
    FaultDisk disk_;
    TemporaryFolder folder_;
    EmbeddedLog::Options options_;
    ManualClock clock_;
    std::map<std::int64_t, std::string> acknowledged_;
    std::uint64_t next_ = 0;
    bool damaged_ = false;
};

TEST(EmbeddedLogFaults, NothingAcknowledgedIsLostAndOutputsAreTheFold) {
    std::uint64_t first = 1;
    std::uint64_t last = kSeeds;
    if (const char* given = std::getenv("VITALOG_FAULT_SEEDS")) {
        ASSERT_EQ(std::sscanf(given, "%lu..%lu", &first, &last), 2) << "VITALOG_FAULT_SEEDS=A..B";
    }
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Trial(seed).run();
        ASSERT_FALSE(HasFailure()) << "VITALOG_FAULT_SEEDS=" << seed << ".." << seed;
    }
}

}  // namespace
}  // namespace vitalog::topology
