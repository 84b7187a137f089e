#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "topology/audit/output_match.h"
#include "topology/audit/replay_plan.h"

namespace vitalog::topology {

/// A difference between two runs, and when the log took what it is about.
struct ReplayDifference {
    LogTime at;
    Difference difference;
};

/// One partition that the stages of a replay write to. What they make is put where the original run
/// had it: each record waits until those that the original has before it are there, and takes
/// offset and log time of its counterpart. So whoever reads the partition meets records and ticks
/// in the order in which the original's stage met them, whatever the replay's own pace. One thread;
/// what it names outlives it.
class ReplayLane {
  public:
    ReplayLane(schemas::Topic topic, TopicPartition tp, const ReplayPlan& plan,
               const AuditSource& original, const ContentHash& hash);
    Result<void> open();

    /// An output of a stage, made of input that the log took at `input` or somewhat later.
    void make(const RecordView& record, LogTime input);
    /// Puts in place what can be. True when something was.
    Result<bool> advance();
    /// When the log took the record that the next one waits for, and that no stage has made yet.
    std::optional<LogTime> awaited() const;
    /// It will not be made: a difference, unless it comes after all.
    void give_up();
    /// Nothing more will be made.
    void finish();

    /// For the stage that reads this partition: what is in place and was not taken yet, and the
    /// offset behind it.
    void take(RecordBatch& out);
    Offset end() const { return next_offset_; }
    /// Outputs in place that are to be written into the replay's own log. The caller clears it.
    RecordBlockBuilder& unwritten() { return unwritten_; }

    const TopicPartition& tp() const { return tp_; }
    std::uint64_t made() const { return made_; }
    std::uint64_t same() const { return same_; }
    std::uint64_t changed() const { return changed_; }
    std::uint64_t only_replay() const { return only_replay_; }
    std::uint64_t only_original() const { return only_original_; }
    /// Made again, where retention has dropped the original's.
    std::uint64_t no_longer_kept() const { return no_longer_kept_; }
    const std::vector<ReplayDifference>& differences() const { return differences_; }
    static constexpr std::size_t kDifferencesMax = 1000;

  private:
    struct Made {
        std::string key, headers, value;
        LogTime input;
        RecordView view(Offset offset, LogTime at) const {
            return {offset, at, key, value, Headers(headers)};
        }
    };
    struct Passed {
        ContentHash::Value content;
        Offset offset;
        bool given_up = false;
    };
    struct Page;

    Result<const RecordView*> head();
    bool put_head(const RecordView& record);
    void put_taken(const RecordView& record);
    bool put_made(const RecordView& record);
    void settle(const RecordView& made, const ContentHash::Value& original, Offset offset,
                LogTime at);
    void put(const RecordView& record, bool write);
    void put_by_itself(const RecordView& record, LogTime input);
    void differ(Difference::Kind kind, const RecordView& record, std::optional<Offset> offset);

    const schemas::Topic topic_;
    const TopicPartition tp_;
    const ReplayPlan& plan_;
    const AuditSource& original_;
    const ContentHash& hash_;
    const bool read_;     // by a stage of the replay
    const bool written_;  // into its log

    Offset at_, end_;  // of the original
    bool front_dropped_ = false;
    std::optional<LogTime> kept_from_;
    RecordBatch batch_;
    std::size_t index_ = 0;  // of the head in it
    bool awaits_ = false;    // the head, which is in batch_
    bool stirred_ = true;    // something has changed since it came to rest

    std::unordered_multimap<std::uint64_t, Made> held_;  // made, and not in place yet; by identity
    std::unordered_map<std::uint64_t, Passed> passed_;  // of the original, and made later if at all
    std::shared_ptr<Page> page_;  // shared with the batch that it is given out in
    Offset next_offset_;
    LogTime last_time_;
    RecordBlockBuilder unwritten_;

    std::uint64_t made_ = 0, same_ = 0, changed_ = 0, only_replay_ = 0, only_original_ = 0,
                  no_longer_kept_ = 0;
    std::vector<ReplayDifference> differences_;
};

}  // namespace vitalog::topology
