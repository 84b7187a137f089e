#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "topology/log/atom_writer.h"
#include "topology/log/position_book.h"
#include "topology/log/rocks.h"

namespace vitalog::topology {

/// The first record of a partition that was appended in a generation.
struct Birth {
    Generation generation{1};
    Offset from;

    bool operator==(const Birth&) const = default;
};

// How they are stored:
//   key    := "born" 00 topic 00 partition fixed32
//   births := (generation varint | offset varint)+, generations ascending, offsets never descending
std::string births_key(const TopicPartition& tp);
Result<TopicPartition> parse_births_key(std::string_view key);
std::string encode_births(const std::vector<Birth>& births);
/// Damaged; `what` names them in the error.
Result<std::vector<Birth>> decode_births(std::string_view bytes, std::string_view what);

/// Which generation of the log each record was appended in (law 3): a feed record's id names it, so
/// that what is appended after a restore is never taken for what the original appended at the same
/// offset. Read once at open; raised before anybody uses the log.
///
/// Stored beside the positions:
///   "generation"       -> number (embedded_keys.h)
///   the key of births  -> births; none: all of generation 1
///   "restored"         -> empty; from the restore until the first start after it
class Generations {
  public:
    /// Damaged when an entry can't be read.
    Result<void> load(Rocks& rocks);

    Generation at(const TopicPartition& tp, Offset offset, Generation current) const;
    bool restored() const { return restored_; }

    /// Everything from `ends` on is of the generation after `current`; stored positions follow.
    Result<Generation> raise(Rocks& rocks, AtomWriter& writer, Generation current,
                             const std::map<TopicPartition, Offset>& ends);
    /// Moves the readers of these partitions to their ends, except those of what is settled, and
    /// forgets that the log was restored. Gives how many records they pass over.
    Result<std::uint64_t> pass_over(Rocks& rocks, AtomWriter& writer, PositionBook& book,
                                    const std::map<TopicPartition, Offset>& ends);

  private:
    std::map<TopicPartition, std::vector<Birth>> births_;
    bool restored_ = false;
};

/// Copies the database into a new data directory: a point in time, files hard-linked where both are
/// on one file system, everything on disk when it returns. Conflict when `to` exists, Io.
Result<void> copy_data_directory(Rocks& rocks, const std::filesystem::path& to);

}  // namespace vitalog::topology
