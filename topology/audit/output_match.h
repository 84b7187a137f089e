#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "topology/audit/fold.h"
#include "topology/log/sha256.h"

namespace vitalog::topology {

/// Hashes records apart from offset and append time (XXH3, 128 bits) under a secret made for one run: whoever changes a
/// record before does not know under which hash it would have to look unchanged.
class ContentHash {
  public:
    struct Value {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        friend bool operator==(const Value&, const Value&) = default;
    };
    ContentHash();
    Value of(const RecordView& record) const;

  private:
    std::array<char, 192> secret_{};
};

/// An output that is not what the recomputation makes.
struct Difference {
    enum class Kind : std::uint8_t {
        Changed,     ///< it is there, with other bytes
        Missing,     ///< the recomputation makes it, and it is not there
        Unexpected,  ///< it is there, and the recomputation does not make it
        OutOfOrder   ///< it is there, at another place among its shard's outputs
    };
    Kind kind = Kind::Changed;
    TopicPartition tp;
    std::optional<Offset> offset;  ///< where it lies, or what lies in its place
    std::string id, type, key, cause;
    std::size_t shard = 0;         ///< which recomputation made it; not for Unexpected
    ContentHash::Value made = {};  ///< what it made; not for Unexpected
};

/// Which outputs of one partition belong to a comparison.
struct MatchSpec {
    TopicPartition tp;
    std::string stage;
    std::string entity;  ///< with it, of what is not made only what has this key is reported
    std::optional<LogTime> from, to;
    bool doors_write = false;    ///< records without a cause are no stage's (dead-letter)
    bool inputs_missing = false;  ///< some input is no longer kept: what is not made proves nothing
};

/// Compares what recomputed shards make for one partition with what lies there, record by record, as both come: the
/// records of a shard must be there once each, in its order; those of several shards lie among each other as it came.
/// What waits for its counterpart takes 48 bytes. One thread.
class OutputMatch {
  public:
    OutputMatch(MatchSpec spec, const AuditSource& source, const ContentHash& hash);

    Result<void> open();
    /// The next output of a shard.
    Result<void> expect(std::size_t shard, const RecordView& record, bool in_stretch);
    /// Reads what is left and settles what waits.
    Result<void> finish();

    const TopicPartition& tp() const { return spec_.tp; }
    std::uint64_t agreed() const { return agreed_; }
    /// A running SHA-256 of the stage's records that the log took in the stretch, in their order: how many, and their
    /// digest once everything is settled.
    struct Digested {
        std::uint64_t records = 0;
        Digest digest = {};
    };
    const Digested& digested() const { return digested_; }
    std::uint64_t difference_count() const { return difference_count_; }
    /// The first of them by offset; at most kDifferencesMax.
    const std::vector<Difference>& differences() const { return differences_; }
    static constexpr std::size_t kDifferencesMax = 1000;

  private:
    enum class Owner : std::uint8_t { Nobody, Stage, Forwarded };
    struct Actual {
        ContentHash::Value hash;
        Offset offset;
        bool in_stretch = false;
        bool claimed = false;
    };
    struct Wanted {
        ContentHash::Value hash;
        std::size_t shard = 0;
        std::int64_t number = 0;
        bool in_stretch = false;
        std::string id, type, key, cause;
    };
    struct Progress {
        std::int64_t next_number = 0;
        std::int64_t last_number = -1;  // of the last claim
        Offset last_offset{-1};
    };
    /// Records that lie in the partition and that nobody has claimed yet, found by their hash.
    class Window {
      public:
        void push(const Actual& actual);
        /// The oldest of that hash, which is taken out.
        std::optional<Actual> claim(const ContentHash::Value& hash);
        void drop_oldest();
        std::size_t size() const { return records_.size(); }
        const std::deque<Actual>& records() const { return records_; }

      private:
        void pop_claimed();
        std::deque<Actual> records_;
        std::uint64_t first_ = 0;    // number of the oldest
        std::uint64_t indexed_ = 0;  // number of the first that the index lacks
        std::unordered_multimap<std::uint64_t, std::uint64_t> index_;
    };

    Result<bool> load();
    void place(const RecordView& record);
    Owner owner_of(const RecordView& record) const;
    bool of_entity(const RecordView& record) const;
    bool in_stretch(LogTime at) const;
    bool claim_wanted(const ContentHash::Value& hash, Offset offset);
    void claimed(const Wanted& wanted, Offset offset);
    void want(Wanted wanted);
    Result<void> look_again();
    Result<void> settle();
    void differ(Difference difference);

    const MatchSpec spec_;
    const std::string source_header_;
    const AuditSource& source_;
    const ContentHash& hash_;
    Offset at_;
    Offset end_;
    RecordBatch batch_;
    Window window_;     // what the stage made
    Window forwarded_;  // what others made: the stage may have passed it on
    bool dropped_ = false;
    std::unordered_multimap<std::uint64_t, Wanted> wanted_;
    std::map<std::size_t, Progress> progress_;
    std::uint64_t agreed_ = 0;
    Sha256 sha_;
    Digested digested_;
    std::uint64_t difference_count_ = 0;
    std::vector<Difference> differences_;
};

}  // namespace vitalog::topology
