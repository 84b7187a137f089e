#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/base/result.h"
#include "schemas/base/time.h"
#include "state/backend.h"
#include "state/entity.h"

namespace vitalog::state {

/// How an entity comes to be: `create` before its first record, `decode` from its stored form.
class EntityFactory {
  public:
    virtual ~EntityFactory() = default;
    virtual std::unique_ptr<Entity> create(std::string_view key) const = 0;
    virtual Result<std::unique_ptr<Entity>> decode(std::string_view key, std::string_view bytes) const = 0;
};

/// One entity in memory, with what the runtime keeps beside it.
struct Held {
    std::string key;
    std::uint64_t hash = 0;
    std::unique_ptr<Entity> entity;
    Offset applied{-1};          ///< last record applied; an older one is a no-op (law 7)
    std::vector<Timer> timers;   ///< by name
    std::size_t memory_bytes = 0;

    Timer* timer(std::string_view name);

  private:
    friend class EntityStore;
    Offset first_dirty_{-1};  // first record that the stored form lacks
    LogTime dirty_since_;
    std::vector<ReceivedTime> stored_dues_;  // index entries that the stored form has
    bool dirty_ = false;
    bool removed_ = false;   // forgotten: to be stored as a tombstone
    bool stored_tombstone_ = false;
    bool touched_ = false;   // since the last commit
    Held* recent_newer_ = nullptr;  // ring of all by last use
    Held* recent_older_ = nullptr;
    Held* dirty_next_ = nullptr;  // queue of the dirty by first_dirty
    Held* dirty_previous_ = nullptr;
};

/// The entities of one shard: hot ones in memory under a byte budget, all of them in the backend, the timer index
/// over both. Writes nothing by itself: take_writes() gives what the next commit is to carry. One thread.
///
/// Stored keys:  'E' entity-key -> "VE" | version u8 | removed u8 | applied zigzag | timers | entity bytes
///               'T' due (8 bytes, big-endian, sign flipped) entity-key -> nothing
///               'D' entity-key -> applied zigzag: a tombstone that waits for the checkpoint to pass
class EntityStore {
  public:
    struct Options {
        std::size_t memory_budget = std::size_t{256} << 20;
        std::chrono::microseconds trail{std::chrono::seconds(60)};  ///< how long a change may stay unflushed
        /// Changed entities that have settled, flushed with every commit so that recovery stays short.
        std::size_t flush_few = 64;
        std::chrono::microseconds settle{std::chrono::seconds(1)};
    };

    EntityStore(const EntityFactory& factory, const Backend& backend, Options options);
    ~EntityStore();
    EntityStore(const EntityStore&) = delete;
    EntityStore& operator=(const EntityStore&) = delete;

    /// Reads the timer index and the waiting tombstones.
    Result<void> open();

    /// Asks the processor's cache for the place of this key, ahead of fetch().
    void prefetch(std::uint64_t hash) const;
    /// Brings all keys into memory, the missing ones by one read of the backend, new ones by the factory.
    /// found[i] is the entity of keys[i]; valid until the next take_writes().
    Result<void> fetch(std::span<const std::string_view> keys, std::span<const std::uint64_t> hashes,
                       std::vector<Held*>& found);
    Result<Held*> fetch_one(std::string_view key);

    /// A record at `offset` is being applied: the entity is dirty from here on.
    void touch(Held& held, Offset offset, LogTime now);
    void set_timer(Held& held, Timer timer);
    void cancel_timer(Held& held, std::string_view name);
    /// The entity is forgotten; a tombstone keeps its position.
    void remove(Held& held);

    /// The first timer due at or before `now` in the order (due, entity), not counting entities in `passed`.
    std::optional<std::pair<ReceivedTime, std::string>> first_due(
        ReceivedTime now, const std::set<std::string, std::less<>>& passed) const;
    std::optional<ReceivedTime> next_due() const;
    /// Takes an index entry away that no timer of the entity stands behind.
    void drop_index_entry(const Held& held, ReceivedTime due) { unindex_timer(held, due); }

    /// Chooses what to flush with the commit in hand (overdue, a few more, what must go to keep the budget, or
    /// everything), appends its bytes to `writes`, and returns the checkpoint that holds once the commit is made:
    /// the smallest first record that a stored form lacks, or `committed` with none.
    Offset take_writes(Offset committed, LogTime now, std::size_t applied_records, bool everything,
                       std::vector<Write>& writes);
    /// The commit that carried the writes was made: evicts what was chosen for it.
    void committed();

    std::size_t memory_bytes() const { return memory_bytes_; }
    /// Entities handed to commits since the store was made.
    std::uint64_t flushed() const { return flushed_; }
    std::size_t size() const { return count_; }
    std::size_t dirty() const { return dirty_count_; }

  private:
    struct Bucket {
        std::uint64_t hash = 0;
        Held* held = nullptr;
    };
    using TimerIndex = std::set<std::pair<ReceivedTime, std::string>>;

    Held* find(std::string_view key, std::uint64_t hash) const;
    Held* insert(std::string_view key, std::uint64_t hash);
    void erase(Held* held);
    void grow();
    Result<void> load(Held& held, const std::optional<std::string>& stored);
    void use(Held& held);
    void unlink_recent(Held& held);
    void push_dirty(Held& held, Offset offset, LogTime now);
    void unlink_dirty(Held& held);
    void flush(Held& held, std::vector<Write>& writes);
    void index_timer(const Held& held, ReceivedTime due);
    void unindex_timer(const Held& held, ReceivedTime due);
    void account(Held& held);

    const EntityFactory& factory_;
    const Backend& backend_;
    Options options_;

    std::vector<Bucket> buckets_;  // open addressing, linear probing, at most 3/4 full
    std::size_t count_ = 0;
    Held* newest_ = nullptr;
    Held* oldest_ = nullptr;
    Held* dirty_first_ = nullptr;
    Held* dirty_last_ = nullptr;
    std::size_t dirty_count_ = 0;
    std::size_t memory_bytes_ = 0;
    std::uint64_t flushed_ = 0;

    TimerIndex timers_;
    std::vector<Held*> touched_;
    std::vector<Held*> victims_;  // evicted when the commit in hand is made
    std::vector<std::pair<std::string, Offset>> tombstones_;  // stored, and still needed by a checkpoint
};

}  // namespace vitalog::state
