#pragma once

#include "tests/simulation/sim_log.h"

// For the sources of SimLog only.

namespace vitalog::simulation {

inline void apply_writes(Entries& entries, const std::vector<state::Write>& writes) {
    for (const auto& write : writes) {
        if (write.value)
            entries[write.key] = *write.value;
        else
            entries.erase(write.key);
    }
}

/// A shard's stored bytes as its holder has them. Over a real log they are read from there, and are
/// to be the same.
class SimBackend final : public state::Backend {
  public:
    using ReadReal = std::function<Result<void>(const std::function<Result<void>()>&)>;

    SimBackend(Entries entries, const state::Backend* real, ReadReal read_real,
               std::function<void(std::string_view)> at)
        : entries(std::move(entries)),
          real_(real),
          read_real_(std::move(read_real)),
          at_(std::move(at)) {}

    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override;
    Result<void> scan(std::string_view prefix,
                      const std::function<Result<void>(std::string_view, std::string_view)>& visit)
        const override;

    Entries entries;

  private:
    const state::Backend* const real_;
    const ReadReal read_real_;
    std::function<void(std::string_view)> at_;
};

/// A holder's handle of a shard.
class SimLog::Handle final : public ShardLog {
  public:
    Handle(SimLog& log, Shard& shard, int process, std::unique_ptr<ShardLog> real,
           std::function<void(std::string_view)> at);
    ~Handle() override { log_.withdraw(*this); }

    const ShardPosition& position() const override { return position_; }
    const state::Backend& state() const override { return backend_; }
    CommitOutcome commit(const Commit& commit, std::optional<Error>& error) override;

  private:
    friend class SimLog;

    CommitOutcome in_transaction(const Commit& commit, std::optional<Error>& error);

    SimLog& log_;
    Shard& shard_;
    const int process_;
    const std::uint64_t epoch_;
    const std::uint64_t crashes_;
    const ShardPosition position_;
    const std::unique_ptr<ShardLog> real_;  // null unless RocksDB
    SimBackend backend_;
    std::function<void(std::string_view)> at_;
    bool submitted_ = false;
    std::optional<CommitOutcome> outcome_;
    std::string why_;
};

}  // namespace vitalog::simulation
