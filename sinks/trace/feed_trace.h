#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/base/ports.h"
#include "schemas/base/time.h"
#include "schemas/topic_names.h"

namespace vitalog::sinks {

struct FeedPlace {
    TopicPartition tp;
    Offset offset;

    friend bool operator==(const FeedPlace&, const FeedPlace&) = default;
};

/// Finds feed records by their ids. No index is kept: an id is a hash of the record's place, and
/// whatever comes from a record says when that was received, so that the few places of that time
/// are tried. Remembers what it found: one object for one request.
class FeedTrace {
  public:
    /// `generation` is the log's; records of earlier ones are found too.
    FeedTrace(const RecordSource& records, const schemas::TopicNames& topics, Generation generation)
        : records_(records), topics_(topics), generation_(generation) {}

    /// `received` is when the record came, or some later time (what a timer caused names the root
    /// of what set the timer). Nothing for a record that retention dropped, and for one so far back
    /// that kTriesMax places of this request's searches did not reach it.
    Result<std::optional<FeedPlace>> find(const RecordId& id, ReceivedTime received);

    static constexpr std::int64_t kTriesMax = 4'000'000;

  private:
    /// A feed's partition: offsets that are kept, and those received about the time in question.
    struct Candidate {
        TopicPartition tp;
        std::int64_t begin, low, high;
    };
    Result<std::vector<Candidate>> candidates(LogTime received) const;
    Result<Offset> first_since(const TopicPartition& tp, LogTime at) const;
    std::optional<FeedPlace> search(const RecordId& id, std::vector<Candidate> all);
    bool is_it(const RecordId& id, const TopicPartition& tp, std::int64_t offset) const;

    const RecordSource& records_;
    const schemas::TopicNames& topics_;
    const Generation generation_;
    std::map<RecordId, std::optional<FeedPlace>> known_;
    std::int64_t tries_left_ = kTriesMax;
};

}  // namespace vitalog::sinks
