#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "topology/log/data_directory.h"
#include "topology/log/log.h"
#include "topology/log/rocks.h"

namespace vitalog::topology::kafka {

/// What this process keeps of its shards' state, and of the ledger of repeats, between two starts:
/// a copy of what the cluster has, each part with the offset up to which it follows it. Losing it
/// costs time, nothing else, so that nothing in it is synced. Owns the data directory. Thread-safe.
///   "cluster"                       -> id of the cluster, text
///   "restored" 00 shard's key       -> next offset of its snapshots varint | when, us since 1970
///                                      zigzag
///   "stand" 00 shard's key          -> committed offset varint | the text beside it; of a named
///                                      reader too, by group 00 partition
///   "learnt" 00 topic 00 partition  -> next offset of a feed whose messages the ledger knows,
///                                      varint
/// The state of a shard lies behind the hash of its key, 8 bytes.
class LocalState {
  public:
    /// Errors: Conflict when another process has the folder, Configuration when it holds an
    /// embedded log or the state of another cluster, Damaged, Io.
    static Result<std::unique_ptr<LocalState>> open(const std::filesystem::path& folder,
                                                    const std::string& cluster,
                                                    const RocksSettings& settings);

    struct Restored {
        Offset next;   ///< of the shard's snapshots
        LogTime when;  ///< at the last change
    };
    /// nullopt when nothing is kept of the shard.
    Result<std::optional<Restored>> restored(const std::string& shard) const;
    /// Forgets all of a shard.
    Result<void> wipe(const std::string& shard);

    /// Changes of one shard up to an offset of its snapshots.
    struct Change {
        const std::string* shard;
        const std::vector<state::Write>* writes;
        Offset next;
    };
    /// What a shard's group was told at its last commit by this process.
    struct Stand {
        const std::string* shard;
        Offset committed;
        std::string metadata;
    };
    Result<void> apply(const std::vector<Change>& changes, LogTime now,
                       const std::vector<Stand>& stands = {});
    /// nullopt where this process never committed for the shard; `shard` is null.
    Result<std::optional<Stand>> stand(const std::string& shard) const;

    /// The offset up to which the ledger knows a feed.
    Result<Offset> learnt(const TopicPartition& feed) const;
    Result<void> learn(const std::vector<state::Write>& ledger,
                       const std::map<TopicPartition, Offset>& next);

    /// Everything written before is on disk when it returns: what the cluster could not give back.
    Result<void> sync();

    std::unique_ptr<RocksBackend> backend(const std::string& shard);
    const RocksBackend& ledger() const { return ledger_; }
    Rocks::Memory memory() const { return rocks_->memory(); }
    const std::filesystem::path& folder() const { return directory_.path(); }

  private:
    LocalState(DataDirectory directory, std::unique_ptr<Rocks> rocks);
    Result<void> check_cluster(const std::string& cluster);
    Result<void> write(rocksdb::WriteBatch& batch);

    DataDirectory directory_;
    std::unique_ptr<Rocks> rocks_;
    const RocksBackend meta_;
    const RocksBackend ledger_;
    std::mutex mutex_;  // the database has one writer at a time
};

}  // namespace vitalog::topology::kafka
