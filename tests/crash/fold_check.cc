// Folds every stage's logged input anew and compares with what the log holds: what equality (a) of the design means.
//   fold_check DATA_DIR [PARTITIONS]
// Opens the data directory of a stopped site. Exit 0 only when every output of every stage is there once, byte for
// byte (append time apart), and in its shard's order.

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "tests/support/no_metrics.h"
#include "topology/clock.h"
#include "topology/config.h"
#include "topology/log/embedded_log.h"
#include "topology/log/memory_log.h"
#include "topology/runtime/shard.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

namespace vitalog::topology {
namespace {

constexpr std::size_t kReadBytes = std::size_t{4} << 20;

template <class T>
T must(Result<T> result, std::string_view what) {
    if (!result) {
        fmt::print("{}: {}\n", what, result.error().to_string());
        std::exit(2);
    }
    return *std::move(result);
}
void must(Result<void> result, std::string_view what) {
    if (result) return;
    fmt::print("{}: {}\n", what, result.error().to_string());
    std::exit(2);
}

template <class Visit>
void for_each(const Log& log, const TopicPartition& tp, Visit visit) {
    RecordBatch batch;
    for (Offset at = must(log.begin_offset(tp), "begin");; at = batch.next) {
        must(log.read(tp, at, kReadBytes, batch), to_string(tp));
        if (batch.records.empty()) return;
        for (const auto& record : batch.records) visit(record);
        batch.clear();
    }
}

/// A record apart from its append time.
std::string content(const RecordView& record) {
    return fmt::format("{}\n{}\n{}", record.key, record.headers.encoded(), record.value);
}

void copy_partition(const Log& from, MemoryLog& to, const TopicPartition& tp) {
    auto shard = must(to.open_shard("copy", tp), "copy");
    Commit commit;
    commit.outputs.push_back({tp, {}});
    for_each(from, tp, [&](const RecordView& r) {
        commit.outputs[0].block.add(r.timestamp, r.key, r.headers.encoded(), r.value);
    });
    if (commit.outputs[0].block.empty()) return;
    std::optional<Error> error;
    VITALOG_ASSERT(shard->commit(commit, error) == CommitOutcome::Committed, "the copy was not committed");
}

using Sequences = std::map<TopicPartition, std::vector<std::string>>;

/// Outputs of one shard, by output partition.
Sequences fold(const Log& log, const schemas::TopicNames& names, const Stage& stage, schemas::Topic input, Partition partition) {
    MemoryLog memory(log.topics());
    memory.set_generations([&](const TopicPartition& of, Offset at) { return log.generation_at(of, at); });
    const TopicPartition tp{names.name(input), partition};
    copy_partition(log, memory, tp);
    const TopicPartition control{names.name(schemas::Topic::FeedControl), Partition(0)};
    if (!stage.stateful && control != tp) copy_partition(log, memory, control);
    std::map<TopicPartition, std::int64_t> before;
    for (const auto& topic : memory.topics())
        for (std::uint32_t p = 0; p < topic.partitions; ++p) {
            const TopicPartition output{topic.name, Partition(p)};
            before[output] = must(memory.end_offset(output), "end").value();
        }
    const ManualClock clock;  // at the epoch: the ticks are in the log
    tests::NoMetrics metrics;
    ShardOptions options;
    options.commit_delay = std::chrono::microseconds(0);
    auto shard = must(Shard::open({std::string(stage.name), input, partition, stage.stateful},
                                  must(memory.open_shard(stage.name, tp), "fold"), stage.make_processor(),
                                  {memory, names, clock, metrics}, options),
                      "fold");
    const Offset end = must(memory.end_offset(tp), "end");
    while (shard->committed() < end) must(shard->step(), "step");
    Sequences outputs;
    for (const auto& [output, count] : before)
        for_each(memory, output, [&, offset = count](const RecordView& record) {
            // A stage that writes to its own input writes behind what was copied there.
            if (record.offset.value() >= offset) outputs[output].push_back(content(record));
        });
    return outputs;
}

class Comparison {
  public:
    Comparison(const Log& log, const schemas::TopicNames& names) : names_(names) {
        for (const auto& topic : schemas::kTopics) {
            if (topic.feed || topic.topic == schemas::Topic::Audit) continue;
            for (std::uint32_t p = 0; p < names.partitions(topic.topic); ++p) load(log, {names.name(topic.topic), Partition(p)});
        }
    }

    void expect(const Stage& stage, const TopicPartition& input, const Sequences& folded) {
        for (const auto& [tp, sequence] : folded) {
            auto& actual = actual_[tp];
            std::size_t at = 0;
            for (const auto& wanted : sequence) {
                while (at < actual.size() && (actual[at].claimed || actual[at].content != wanted)) ++at;
                if (at == actual.size()) {
                    complain(fmt::format("{} lacks an output of {} over {}, or has it out of order:\n{}", to_string(tp),
                                         stage.name, to_string(input), wanted));
                    break;
                }
                actual[at++].claimed = true;
                ++compared_;
            }
        }
    }

    int report() {
        for (const auto& [tp, records] : actual_)
            for (std::size_t i = 0; i < records.size(); ++i)
                if (!records[i].claimed)
                    complain(fmt::format("{}/{} is an output of no stage:\n{}", to_string(tp), i, records[i].content));
        fmt::print("{} outputs compared, {} differences\n", compared_, differences_);
        return differences_ == 0 ? 0 : 1;
    }

  private:
    struct Actual {
        std::string content;
        bool claimed;
    };

    void load(const Log& log, const TopicPartition& tp) {
        for_each(log, tp, [&](const RecordView& record) {
            const bool tick = record.headers.find(header::kType) == schemas::Tick::kType;
            const bool by_door = tp.topic == names_.name(schemas::Topic::DeadLetter) && record.headers.find(header::kCause).empty();
            actual_[tp].push_back({content(record), tick || by_door});
        });
    }
    void complain(const std::string& line) {
        if (++differences_ <= 20) fmt::print("{}\n", line);
    }

    const schemas::TopicNames& names_;
    std::map<TopicPartition, std::vector<Actual>> actual_;
    std::size_t compared_ = 0;
    std::size_t differences_ = 0;
};

int check(const std::string& data_dir, const std::string& partitions) {
    Config::Sources sources;
    sources.flags.emplace_back("log.partitions", partitions);
    const Config config = must(Config::load(sources), "configuration");
    const schemas::TopicNames names = configured_names(config);
    EmbeddedLog::Options options;
    options.path = data_dir;
    options.topics = configured_topics(config, names);
    const auto log = must(EmbeddedLog::open(std::move(options)), "log");
    Comparison comparison(*log, names);
    for (const Stage& stage : all_stages()) {
        if (!stage.make_processor) continue;
        for (const schemas::Topic input : stage.reads)
            for (std::uint32_t p = 0; p < names.partitions(input); ++p)
                comparison.expect(stage, {names.name(input), Partition(p)}, fold(*log, names, stage, input, Partition(p)));
    }
    return comparison.report();
}

}  // namespace
}  // namespace vitalog::topology

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    return vitalog::topology::check(argv[1], argc > 2 ? argv[2] : "4");
}
