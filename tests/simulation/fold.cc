#include <algorithm>
#include <unordered_set>

#include "tests/simulation/oracles.h"
#include "topology/audit/still_source.h"
#include "topology/log/record_block.h"
#include "topology/stages/stage.h"

namespace vitalog::simulation {
namespace {

using schemas::Topic;
using topology::Shard;

using Contents = std::map<TopicPartition, std::vector<std::string>>;

/// A record apart from its append time.
std::string content(const RecordView& record) {
    return fmt::format("{}\n{}\n{}", record.key, record.headers.encoded(), record.value);
}

/// For the eye: what a record is.
std::string shown(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c >= 0 && c < ' ' && c != '\n'; }, '.');
    return text.substr(0, 700);
}

std::uint64_t mark(const std::string& key, const std::string& value) {
    return hash64(key + '\n' + value);
}

/// A log to fold one shard's input by: reads what is there, keeps what comes of it apart.
class FoldLog final : public topology::StillSource<topology::Log> {
  public:
    explicit FoldLog(const SimLog& from) : from_(from) {}

    std::vector<topology::TopicConfig> topics() const override { return from_.topics(); }
    Result<std::unique_ptr<ShardLog>> open_shard(std::string_view, const TopicPartition&) override;
    Generation generation() const override { return Generation(1); }
    Generation generation_at(const TopicPartition&, Offset) const override { return Generation(1); }
    void append(FeedRecord, AppendDone done) override {
        done(fail(Errc::Unsupported, "nothing is appended while a log is folded"));
    }
    std::uint32_t partitions(std::string_view) const override { return 0; }
    Result<Offset> begin_offset(const TopicPartition&) const override { return Offset(0); }
    Result<Offset> end_offset(const TopicPartition& tp) const override { return from_.end(tp); }
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                      RecordBatch& out) const override {
        return from_.read_all(tp, from, max_bytes, out);
    }

    Contents outputs;
    Entries entries;
    std::unordered_set<std::uint64_t> history;  ///< every stored form of an entity

  private:
    class Handle;
    const SimLog& from_;
};

class FoldLog::Handle final : public ShardLog {
  public:
    explicit Handle(FoldLog& log) : log_(log), backend_(log) {}
    const ShardPosition& position() const override { return position_; }
    const state::Backend& state() const override { return backend_; }
    CommitOutcome commit(const Commit& commit, std::optional<Error>&) override {
        for (const auto& output : commit.outputs) {
            if (output.block.empty()) continue;
            const auto block = topology::block_in_memory(Offset(0), output.block);
            RecordBatch batch;
            VITALOG_ASSERT(topology::append_views(block, Offset(0), block.count, batch).has_value(),
                           "a block can be read back");
            for (const auto& record : batch.records)
                log_.outputs[output.tp].push_back(content(record));
        }
        for (const auto& write : commit.state) {
            if (write.value) log_.history.insert(mark(write.key, *write.value));
            if (write.value)
                log_.entries[write.key] = *write.value;
            else
                log_.entries.erase(write.key);
        }
        return CommitOutcome::Committed;
    }

  private:
    class Reader final : public state::Backend {
      public:
        explicit Reader(const FoldLog& log) : log_(log) {}
        Result<void> get_many(std::span<const std::string_view> keys,
                              std::vector<std::optional<std::string>>& values) const override {
            values.assign(keys.size(), std::nullopt);
            for (std::size_t i = 0; i < keys.size(); ++i)
                if (const auto found = log_.entries.find(keys[i]); found != log_.entries.end())
                    values[i] = found->second;
            return {};
        }
        Result<void> scan(
            std::string_view,
            const std::function<Result<void>(std::string_view, std::string_view)>&) const override {
            return {};  // a fold begins with nothing
        }

      private:
        const FoldLog& log_;
    };

    FoldLog& log_;
    const ShardPosition position_;
    const Reader backend_;
};

Result<std::unique_ptr<ShardLog>> FoldLog::open_shard(std::string_view, const TopicPartition&) {
    return std::make_unique<Handle>(*this);
}

topology::ShardOptions record_by_record() {
    topology::ShardOptions options;
    options.read_bytes = 1;
    options.commit_records = 1;
    options.commit_delay = options.commit_delay_behind = std::chrono::microseconds(0);
    options.store.trail = options.store.settle = std::chrono::microseconds(0);
    options.store.flush_few = 1'000'000;
    return options;
}

/// What a shard wrote, by partition, in order; ticks are its clock's, not its input's.
Contents written_by(const SimLog& log, int writer) {
    Contents all;
    for (const auto& topic : log.topics())
        for (std::uint32_t p = 0; p < topic.partitions; ++p) {
            const TopicPartition tp{topic.name, Partition(p)};
            for (const auto& span : log.spans(tp)) {
                if (!span.block || span.aborted || span.open || span.writer != writer) continue;
                RecordBatch batch;
                VITALOG_ASSERT(
                    topology::append_views(*span.block, span.base, span.block->count, batch)
                        .has_value(),
                    "a block can be read back");
                for (const auto& record : batch.records)
                    if (record.headers.find(header::kType) != schemas::Tick::kType)
                        all[tp].push_back(content(record));
            }
        }
    return all;
}

Result<void> compare_outputs(const SimLog::Shard& shard, const Contents& folded,
                             const Contents& actual) {
    std::set<TopicPartition> partitions;
    for (const auto* contents : {&folded, &actual})
        for (const auto& [tp, list] : *contents) partitions.insert(tp);
    for (const auto& tp : partitions) {
        static const std::vector<std::string> kNone;
        const auto of = [&](const Contents& contents) -> const std::vector<std::string>& {
            const auto found = contents.find(tp);
            return found == contents.end() ? kNone : found->second;
        };
        const auto& wanted = of(folded);
        const auto& made = of(actual);
        for (std::size_t i = 0; i < std::max(wanted.size(), made.size()); ++i) {
            if (i < wanted.size() && i < made.size() && wanted[i] == made[i]) continue;
            return fail(
                Errc::Conflict,
                fmt::format("output {} of {} of {} to {} differs from the fold of its input ({} "
                            "made, {} wanted)\n"
                            "made:   {}\nwanted: {}",
                            i, shard.stage, to_string(shard.input), to_string(tp), made.size(),
                            wanted.size(), i < made.size() ? shown(made[i]) : "nothing",
                            i < wanted.size() ? shown(wanted[i]) : "nothing"));
        }
    }
    return {};
}

Result<void> compare_state(const SimLog::Shard& shard, const FoldLog& fold) {
    for (const auto& write : shard.written)
        if (write.value && !fold.history.contains(mark(write.key, *write.value)))
            return fail(
                Errc::Conflict,
                fmt::format("{} of {} stored '{}' as no fold of a prefix has it:\n{}", shard.stage,
                            to_string(shard.input), write.key, shown(*write.value)));
    if (shard.entries == fold.entries) return {};
    for (const auto* entries : {&shard.entries, &fold.entries})
        for (const auto& [key, value] : *entries) {
            const auto& other = entries == &shard.entries ? fold.entries : shard.entries;
            const auto found = other.find(key);
            if (found != other.end() && found->second == value) continue;
            return fail(
                Errc::Conflict,
                fmt::format("{} of {}: '{}' differs from the fold's state: {}\n{}", shard.stage,
                            to_string(shard.input), shown(key),
                            found == other.end()
                                ? (entries == &shard.entries ? "not in the fold" : "missing")
                                : "another value",
                            shown(value)));
        }
    return {};
}

Result<void> check_fold(World& world, const topology::Stage& stage, Topic input,
                        Partition partition) {
    const TopicPartition tp{world.names().name(input), partition};
    const SimLog::Shard& shard = world.log().shard(stage.name, tp);
    VITALOG_TRY(const Offset end, world.log().end(tp));
    if (shard.position.committed != end || shard.position.checkpoint != end)
        return fail(Errc::Conflict,
                    fmt::format("{} of {} stopped at {}, checkpoint {}, of {}", stage.name,
                                to_string(tp), shard.position.committed.value(),
                                shard.position.checkpoint.value(), end.value()));
    FoldLog fold(world.log());
    const LogTime epoch;  // the ticks are in the log
    const SimClock clock(epoch);
    tests::NoMetrics metrics;
    VITALOG_TRY(auto handle, fold.open_shard(stage.name, tp));
    VITALOG_TRY(auto folding,
                Shard::open({std::string(stage.name), input, partition, stage.stateful},
                            std::move(handle), stage.make_processor(),
                            {fold, world.names(), clock, metrics}, record_by_record()));
    while (folding->committed() < end) VITALOG_CHECK(folding->step());
    VITALOG_CHECK(folding->close());
    VITALOG_CHECK(compare_outputs(shard, fold.outputs, written_by(world.log(), shard.number)));
    return compare_state(shard, fold);
}

}  // namespace

Result<void> check_folds(World& world) {
    for (const auto& stage : topology::all_stages()) {
        if (!stage.make_processor) continue;
        for (const Topic input : stage.reads)
            for (std::uint32_t p = 0; p < world.names().partitions(input); ++p) {
                VITALOG_TRY(const Offset end,
                            world.log().end({world.names().name(input), Partition(p)}));
                if (end > Offset(0)) VITALOG_CHECK(check_fold(world, stage, input, Partition(p)));
            }
    }
    return {};
}

}  // namespace vitalog::simulation
