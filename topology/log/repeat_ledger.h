#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"
#include "state/backend.h"

namespace vitalog::topology {

struct LedgerLimits {
    std::uint64_t entries_max = 2'000'000;
    std::chrono::microseconds age = std::chrono::hours(24 * 7);
};

/// Knows which messages were appended before, as far as its limits reach: the oldest go first. It
/// decides over one group of appends at a time; what it learns is written in the batch that carries
/// the records. Used by one thread.
///
/// Stored form (m = 128-bit hash of the message's key, n = running number):
///   "m" m          -> variant*   variant := n varint | body hash fixed64 | received zigzag us |
///   answer text "n" n big-endian -> received zigzag us | "m" m "range"        -> oldest n varint |
///   next n varint
class RepeatLedger {
  public:
    explicit RepeatLedger(LedgerLimits limits) : limits_(limits) {}

    /// Reads where it stood. Call before the first group, and again when the backend went back in
    /// time.
    Result<void> open(const state::Backend& backend);

    /// Loads what is known of the messages of a group.
    Result<void> begin_group(const state::Backend& backend, std::span<const FeedRecord> records);
    struct Judgement {
        Appended outcome = Appended::New;
        std::string answer;  ///< for Repeat
    };
    /// Judges the next message of the group, and learns it unless it is a repeat or refused.
    Judgement judge(const LedgerEntry& entry, LogTime received);
    /// Forgets what is beyond the limits and gives the writes of the group.
    Result<void> finish_group(const state::Backend& backend, LogTime now,
                              std::vector<state::Write>& writes);

    std::uint64_t entries() const { return next_ - oldest_; }

  private:
    struct Variant {
        std::uint64_t number = 0;
        std::uint64_t body_hash = 0;
        LogTime received;
        std::string answer;
    };
    struct Learnt {
        LogTime received;
        std::string message;  // its key: "m" and the hash
    };
    struct Message {
        std::vector<Variant> variants;
        bool changed = false;
    };
    using Keys = std::vector<std::string>;

    static Result<Message> decode(std::string_view bytes);
    static std::string encode(const Message& message);
    static Result<Learnt> decode_learnt(std::string_view bytes);
    Result<void> load(const state::Backend& backend, const Keys& messages);
    Result<std::vector<Learnt>> oldest(const state::Backend& backend, std::uint64_t count) const;
    bool expired(LogTime received, LogTime now) const { return received < now - limits_.age; }
    Result<void> forget(const state::Backend& backend, LogTime now, Keys& forgotten);

    LedgerLimits limits_;
    std::uint64_t oldest_ = 0;                // number of the oldest entry
    std::uint64_t next_ = 0;                  // number of the next one
    std::optional<LogTime> oldest_received_;  // of oldest_, once looked at
    std::map<std::string, Message> group_;    // what the group touches, by key
    std::map<std::uint64_t, Learnt> learnt_;  // numbers given in this group
};

}  // namespace vitalog::topology
