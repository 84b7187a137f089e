#include "topology/audit/fold.h"

#include <stdlib.h>

#include "topology/audit/fold_log.h"
#include "topology/audit/nobody_counts.h"
#include "topology/clock.h"
#include "topology/log/embedded_log.h"

namespace vitalog::topology {
namespace {

class NothingStored final : public state::Backend {
  public:
    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override {
        values.assign(keys.size(), std::nullopt);
        return {};
    }
    Result<void> scan(std::string_view,
                      const std::function<Result<void>(std::string_view, std::string_view)>&) const override {
        return {};
    }
};

/// Takes commits: hands their outputs out, keeps what state they carry.
class FoldShardLog final : public ShardLog {
  public:
    using Take = std::function<Result<void>(const PartitionOutput&)>;
    FoldShardLog(std::unique_ptr<ShardLog> stored, Take take) : stored_(std::move(stored)), take_(std::move(take)) {}

    const ShardPosition& position() const override { return position_; }
    const state::Backend& state() const override { return stored_ ? stored_->state() : nothing_; }
    CommitOutcome commit(const Commit& commit, std::optional<Error>& error) override {
        for (const auto& output : commit.outputs) {
            if (const auto taken = take_(output); !taken) {
                error = taken.error();
                return CommitOutcome::Unknown;
            }
        }
        if (!stored_ || commit.state.empty()) return CommitOutcome::Committed;
        Commit kept;
        kept.state = commit.state;
        kept.committed = commit.committed;
        kept.checkpoint = commit.checkpoint;
        kept.logic = commit.logic;
        return stored_->commit(kept, error);
    }

  private:
    const NothingStored nothing_;
    const ShardPosition position_;  // a shard that never ran
    const std::unique_ptr<ShardLog> stored_;
    const Take take_;
};

}  // namespace

Result<std::unique_ptr<FoldScratch>> FoldScratch::open(const std::filesystem::path& under,
                                                       std::vector<TopicConfig> inputs) {
    std::error_code failed;
    const std::filesystem::path parent = under.empty() ? std::filesystem::temp_directory_path(failed) : under;
    std::string name = (parent / "vitalog-audit-XXXXXX").string();
    if (failed || ::mkdtemp(name.data()) == nullptr)
        return fail(Errc::Io, "cannot make a folder in " + parent.string() + " for the state that is recomputed");
    std::unique_ptr<FoldScratch> scratch(new FoldScratch);
    scratch->folder_ = name;
    EmbeddedLog::Options options;
    options.path = scratch->folder_;
    options.topics = std::move(inputs);
    options.recent_bytes = 0;
    options.block_cache_bytes = std::uint64_t{64} << 20;
    options.write_buffer_bytes = std::uint64_t{64} << 20;
    options.wal_bytes_max = std::uint64_t{128} << 20;
    options.background_jobs = 2;
    VITALOG_TRY(scratch->log_, EmbeddedLog::open(std::move(options)));
    return scratch;
}

FoldScratch::~FoldScratch() {
    log_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

class Fold::Impl {
  public:
    Impl(FoldSpec spec, const AuditSource& source, const schemas::TopicNames& names)
        : spec_(std::move(spec)),
          names_(names),
          input_{names.name(spec_.shard.input), spec_.shard.partition},
          log_(spec_, input_, {names.name(schemas::Topic::FeedControl), Partition(0)}, source) {}

    Result<void> open(FoldScratch* scratch) {
        VITALOG_CHECK(log_.open());
        std::unique_ptr<ShardLog> stored;
        if (spec_.shard.stateful) {
            VITALOG_TRY(stored, scratch->log().open_shard(spec_.shard.stage, input_));
        }
        auto taker = std::make_unique<FoldShardLog>(
            std::move(stored), [this](const PartitionOutput& output) { return take(output); });
        ShardOptions options;
        options.commit_delay = std::chrono::microseconds(0);
        options.store.memory_budget = spec_.memory_bytes;
        VITALOG_TRY(shard_, Shard::open(spec_.shard, std::move(taker), spec_.make_processor(),
                                        {log_, names_, clock_, metrics_}, options));
        return {};
    }

    Result<bool> step(const Visit& visit) {
        VITALOG_CHECK(prepare());
        if (shard_->committed() >= log_.end()) return false;
        visit_ = &visit;
        failure_.reset();
        VITALOG_TRY(const auto step, shard_->step());
        visit_ = nullptr;
        if (failure_) return tl::unexpected(*failure_);
        if (step == Shard::Step::Reopen)
            return fail(Errc::Io, "the state that is recomputed could not be kept: is there room for temporary files?");
        return shard_->committed() < log_.end();
    }

    /// The shard may stop within what it was given: commits have limits.
    Result<void> prepare() { return log_.prepare(shard_->committed()); }

    const FoldLog& log() const { return log_; }
    const TopicPartition& input() const { return input_; }
    Offset committed() const { return shard_->committed(); }

  private:
    Result<void> take(const PartitionOutput& output) {
        const RecordBlock block = block_in_memory(Offset(), output.block);
        batch_.clear();
        VITALOG_CHECK(append_views(block, Offset(), block.count, batch_));
        for (const auto& record : batch_.records) {
            const auto visited = (*visit_)({output.tp, record, log_.in_stretch()});
            if (visited) continue;
            failure_ = visited.error();
            return visited;
        }
        return {};
    }

    const FoldSpec spec_;
    const schemas::TopicNames& names_;
    const TopicPartition input_;
    FoldLog log_;
    const ManualClock clock_;  // at the epoch: no timer is ever due by it, the ticks are in the log
    NobodyCounts metrics_;
    const Visit* visit_ = nullptr;
    std::optional<Error> failure_;
    RecordBatch batch_;
    std::unique_ptr<Shard> shard_;
};

Fold::Fold(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Fold::~Fold() = default;

Result<std::unique_ptr<Fold>> Fold::open(FoldSpec spec, const AuditSource& source, const schemas::TopicNames& names,
                                         FoldScratch* scratch) {
    VITALOG_ASSERT(!spec.shard.stateful || scratch != nullptr, "a stage with state needs a place for it");
    auto impl = std::make_unique<Impl>(std::move(spec), source, names);
    VITALOG_CHECK(impl->open(scratch));
    return std::unique_ptr<Fold>(new Fold(std::move(impl)));
}

Result<bool> Fold::step(const Visit& visit) {
    return impl_->step(visit);
}

Result<std::optional<LogTime>> Fold::next_time() {
    VITALOG_CHECK(impl_->prepare());
    return impl_->log().first_time(impl_->committed());
}

std::uint64_t Fold::applied() const {
    return impl_->log().records();
}

std::uint64_t Fold::applied_in_stretch() const {
    return impl_->log().records_in_stretch();
}

bool Fold::met_entity() const {
    return impl_->log().met_entity();
}

const TopicPartition& Fold::input() const {
    return impl_->input();
}

Offset Fold::begin() const {
    return impl_->log().begin();
}

Offset Fold::end() const {
    return impl_->log().end();
}

}  // namespace vitalog::topology
