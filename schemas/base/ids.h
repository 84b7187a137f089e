#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace vitalog {

/// A number that can't be mixed up with another kind of number.
template <class Tag, class Value>
class Strong {
  public:
    constexpr Strong() = default;
    constexpr explicit Strong(Value value) : value_(value) {}
    constexpr Value value() const { return value_; }
    friend constexpr auto operator<=>(Strong, Strong) = default;

  private:
    Value value_{};
};

/// Position of a record in its partition; offsets rise, and may have gaps.
using Offset = Strong<struct OffsetTag, std::int64_t>;
/// Partition of a topic, from 0.
using Partition = Strong<struct PartitionTag, std::uint32_t>;
/// 1 in a new log; rises with a restore.
using Generation = Strong<struct GenerationTag, std::uint32_t>;

constexpr Offset next(Offset offset) {
    return Offset(offset.value() + 1);
}

struct TopicPartition {
    std::string topic;
    Partition partition;
    friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};
/// "topic/partition".
std::string to_string(const TopicPartition& tp);
/// "topic/partition/offset", as in the dead-letter header `source`.
std::string to_string(const TopicPartition& tp, Offset offset);

/// 128 bits that name a record for ever. Text form: 32 hexadecimal digits.
struct RecordId {
    std::array<std::uint8_t, 16> bytes{};

    friend auto operator<=>(const RecordId&, const RecordId&) = default;
    bool empty() const { return *this == RecordId{}; }
    std::string to_string() const;
    /// Writes the 32 digits.
    void write_hex(char* out) const;
    /// Reads 32 hexadecimal digits; empty() otherwise.
    static RecordId parse(std::string_view hex);
};

/// Collects the parts of an identity and hashes them (XXH3, 128 bits); each part is preceded by its
/// length, so that ("ab","c") and ("a","bc") differ. The same parts give the same id, for ever and
/// everywhere.
class IdHash {
  public:
    IdHash& part(std::string_view text);
    IdHash& part(const RecordId& id);
    IdHash& part(std::int64_t number);
    RecordId finish() const;

  private:
    void append(const void* bytes, std::size_t size);

    static constexpr std::size_t kInline = 192;  ///< most identities fit and need no heap
    char inline_[kInline];
    std::size_t size_ = 0;
    std::string beyond_;  ///< everything, once that does not fit
};

/// Id of a record that came through the one door (law 3).
RecordId feed_record_id(Generation generation, const TopicPartition& tp, Offset offset);
/// Id of the n-th output that `cause` made at `entity` of `stage` (law 3).
RecordId output_id(const RecordId& cause, std::string_view stage, std::string_view entity,
                   std::int64_t n);

/// The hash by which Kafka's Java client picks a partition of a keyed record.
std::uint32_t murmur2(std::string_view key);
/// (murmur2(key) & 0x7fffffff) % partitions.
Partition partition_of(std::string_view key, std::uint32_t partitions);

/// A fast stable hash for tables and checksums (XXH3, 64 bits).
std::uint64_t hash64(std::string_view bytes);

}  // namespace vitalog
