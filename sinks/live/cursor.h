#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"

namespace vitalog::sinks::live {

/// The topics that GET /events follows, in the order in which they are read.
inline constexpr std::array kLiveTopics{schemas::Topic::Alert, schemas::Topic::TaskBoard,
                                        schemas::Topic::Delivery};

/// A place in the live topics: the next offset of each of their partitions. As text it is the id of
/// an event; positions in the log survive restarts, so that a reader goes on where it was.
///
///     text = 2 hexadecimal digits for each byte of
///            version (u8 1), generation (varint), then for each topic:
///            partitions (varint), that many offsets (varint)
class Cursor {
  public:
    /// Before the first record of every partition.
    static Cursor start(const RecordSource& source, const schemas::TopicNames& topics);
    /// Malformed: not such a text. Conflict: of another log, or of one with other partitions.
    static Result<Cursor> parse(std::string_view text, Generation generation, const Cursor& shape);

    std::string text(Generation generation) const;
    Offset& at(std::size_t topic, std::uint32_t partition) { return next_[topic][partition]; }
    Offset at(std::size_t topic, std::uint32_t partition) const { return next_[topic][partition]; }
    std::uint32_t partitions(std::size_t topic) const {
        return static_cast<std::uint32_t>(next_[topic].size());
    }

    friend bool operator==(const Cursor&, const Cursor&) = default;

  private:
    std::array<std::vector<Offset>, kLiveTopics.size()> next_;
};

}  // namespace vitalog::sinks::live
