#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "topology/log/log.h"

namespace vitalog::topology {

/// Everything that an embedded log keeps, of a site that is stopped: for whoever carries it
/// elsewhere. Holds the data directory while it lives, and changes nothing in it but the lock.
/// Thread-safe.
class StoppedLog {
  public:
    /// NotFound where there is no data directory, Conflict while a process has it, Configuration
    /// or where the first version wrote it, Configuration where it holds something else, Damaged,
    /// Io.
    static Result<std::unique_ptr<StoppedLog>> open(const std::filesystem::path& data_dir);
    ~StoppedLog();

    struct Topic {
        std::string name;
        std::uint32_t partitions = 0;
    };
    /// Another logic than that of the last commit decided the input before `until`.
    struct EarlierLogic {
        Offset until;
        std::uint32_t logic = 0;
    };
    struct Shard {
        std::string stage;
        TopicPartition input;
        ShardPosition position;
        std::uint32_t number = 0;  ///< under which its state is stored
        std::vector<EarlierLogic> earlier{};  ///< by offset
    };
    struct ReaderPlace {
        std::string reader;
        TopicPartition tp;
        Offset next;
    };
    /// By name.
    const std::vector<Topic>& topics() const;
    const std::vector<Shard>& shards() const;
    const std::vector<ReaderPlace>& readers() const;
    Generation generation() const;
    /// As Log::generation_at.
    Generation generation_at(const TopicPartition& tp, Offset offset) const;

    /// Both zero for a partition that it never had.
    struct Extent {
        Offset begin;
        Offset end;
    };
    Extent extent(const TopicPartition& tp) const;
    /// As RecordSource::read. NotFound for a partition that it never had.
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                      RecordBatch& out) const;

    using BlockVisit = std::function<Result<void>(Offset base, std::string_view stored)>;
    /// Every stored block of a partition, in order, as it lies there (block_chain.h). The visitor's
    /// error ends it.
    Result<void> visit_blocks(const TopicPartition& tp, const BlockVisit& visit) const;

    using Visit = std::function<Result<void>(std::string_view key, std::string_view value)>;
    /// Every stored byte of a shard's state, and of the ledger of repeats, in the order of the
    /// keys. The visitor's error ends it.
    Result<void> scan_state(const Shard& shard, const Visit& visit) const;
    Result<void> scan_ledger(const Visit& visit) const;

  private:
    class Impl;  // hides RocksDB
    explicit StoppedLog(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::topology
