#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "topology/audit/fold.h"
#include "topology/audit/still_source.h"

namespace vitalog::topology {

/// The log as a shard sees it that is recomputed: its input up to where the recomputation goes, cut where the stretch or
/// a control record begins, and feed.control as of the input in hand. Takes nothing.
class FoldLog final : public StillSource<Log> {
  public:
    FoldLog(const FoldSpec& spec, TopicPartition input, TopicPartition control, const AuditSource& source);
    /// Where the input ends, and the control records of a stage without state.
    Result<void> open();

    /// Brings the next input into memory, where the shard, at `position`, has passed what is there.
    Result<void> prepare(Offset position);
    /// When the log took the first record in memory that lies at `position` or behind it.
    std::optional<LogTime> first_time(Offset position) const;
    bool in_stretch() const { return in_stretch_; }
    Offset begin() const { return begin_; }
    Offset end() const { return end_; }
    std::uint64_t records() const { return records_; }
    std::uint64_t records_in_stretch() const { return records_in_stretch_; }
    /// Whether anything of the entity that was asked for has come.
    bool met_entity() const { return met_entity_; }

    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes, RecordBatch& out) const override;
    Result<Offset> begin_offset(const TopicPartition& tp) const override { return source_.records.begin_offset(tp); }
    Result<Offset> end_offset(const TopicPartition& tp) const override;
    std::uint32_t partitions(std::string_view topic) const override { return source_.records.partitions(topic); }
    std::vector<TopicConfig> topics() const override { return source_.topics; }
    Generation generation() const override { return Generation(1); }
    Generation generation_at(const TopicPartition& tp, Offset offset) const override {
        return source_.generation_at(tp, offset);
    }
    void append(FeedRecord record, AppendDone done) override;
    Result<std::unique_ptr<ShardLog>> open_shard(std::string_view stage, const TopicPartition& input) override;

  private:
    struct ControlPlace {
        Offset offset;
        LogTime at;
    };

    Result<void> find_end();
    Result<void> load_controls();
    void cut();
    void cut_before(std::size_t index);
    std::size_t first_from(LogTime at) const;
    void keep_entity();

    const FoldSpec& spec_;
    const TopicPartition input_;
    const TopicPartition control_;
    const AuditSource& source_;
    Offset begin_;
    Offset end_;
    RecordBatch held_;  // what the shard reads next, and is in
    Offset next_;       // where to read on behind it
    bool in_stretch_ = false;
    std::vector<ControlPlace> controls_;
    std::size_t controls_seen_ = 0;
    std::uint64_t records_ = 0;
    std::uint64_t records_in_stretch_ = 0;
    bool met_entity_ = false;
};

}  // namespace vitalog::topology
