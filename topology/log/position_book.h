#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "topology/log/rocks.h"
#include "topology/log/stored_position.h"

namespace vitalog::topology {

/// Everyone who stands somewhere in the log: shards (by their checkpoint) and named readers. Knows
/// who holds which shard in this process, and what retention must keep. Thread-safe.
class PositionBook {
  public:
    struct Entry {
        TopicPartition tp;
        std::atomic<std::int64_t> keep{0};  ///< the first offset still needed
        bool held = false;                  ///< shards only; guarded by the book
    };

    /// Reads all stored positions.
    Result<void> open(Rocks& rocks, Generation generation);

    /// Takes a shard. `fresh` says that it has no record yet. Conflict when it is held.
    struct Taken {
        std::string key;
        std::string stage;
        Entry* entry;
        StoredShard stored;
        bool fresh = false;
    };
    Result<Taken> take_shard(Rocks& rocks, std::string_view stage, const TopicPartition& input);
    void release(Entry& entry);
    bool any_held() const;
    /// A named reader stands at `next`.
    void move_reader(const std::string& key, const TopicPartition& tp, Offset next);

    /// The smallest offset that anybody needs; nullopt when nobody reads the partition.
    std::optional<Offset> floor(const TopicPartition& tp) const;

  private:
    mutable std::mutex mutex_;  // guards what follows; entries are never removed
    std::map<std::string, std::unique_ptr<Entry>> entries_;
    std::uint32_t last_shard_ = 0;
};

}  // namespace vitalog::topology
