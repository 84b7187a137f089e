#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "topology/audit/audit_log.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {

/// What of a log is played again, with everything that came of it; all feeds where nothing is said.
struct ReplaySelection {
    std::vector<schemas::Topic>
        topics;                       ///< whose records are played as they are; empty: every feed
    std::optional<LogTime> from, to;  ///< when the log took what is played
    std::optional<std::vector<RecordId>>
        roots;  ///< only what came in with these feed records; sorted
};

/// Which stages a replay runs, and what each record of the original is to it. Made once, by reading
/// the topics behind the feeds; then const.
class ReplayPlan {
  public:
    enum class Part : std::uint8_t {
        Left,     ///< not needed
        Context,  ///< as it was: what steers, ticks, what else befell an entity that something
                  ///< played befell
        Taken,    ///< as it was, being played
        Made      ///< played, and a stage of the replay is to make it again
    };
    static Result<ReplayPlan> make(const AuditLog& log, const ReplaySelection& selection);

    /// From the first one that reads something of what is played.
    const std::vector<Stage>& stages() const { return stages_; }
    /// Read where the original has it; else stages of the replay make it.
    bool plays(schemas::Topic topic) const { return played_[index(topic)]; }
    /// A stage of the replay reads it.
    bool reads(schemas::Topic topic) const { return read_[index(topic)]; }
    Part part_of(schemas::Topic topic, const TopicPartition& tp, const RecordView& record) const;
    bool chosen(const RecordId& root) const;
    /// Whether the original has something of what is chosen under this identity (identity_of), in
    /// this partition.
    bool knows(const TopicPartition& tp, std::uint64_t identity) const;
    /// Stages that are not run write to it, too.
    bool others_write(schemas::Topic topic) const { return others_write_[index(topic)]; }

    /// What is the same record in both runs: its id, and the key under which it was passed on.
    static std::uint64_t identity_of(const RecordView& record);

  private:
    static constexpr std::size_t index(schemas::Topic topic) {
        return static_cast<std::size_t>(topic);
    }
    explicit ReplayPlan(const AuditLog& log) : log_(log) {}

    void choose_stages(const std::vector<schemas::Topic>& topics);
    Result<void> choose_roots(const ReplaySelection& selection);
    Result<bool> feeds_are_whole() const;
    Result<void> look_at_outputs();
    RecordId root_of(schemas::Topic topic, const TopicPartition& tp,
                     const RecordView& record) const;

    const AuditLog& log_;
    std::vector<Stage> stages_;
    std::set<std::string, std::less<>> sources_;  // ce_source of what the stages make
    std::array<bool, schemas::kTopicCount> played_{};
    std::array<bool, schemas::kTopicCount> read_{};
    std::array<bool, schemas::kTopicCount> others_write_{};
    std::optional<std::vector<RecordId>> chosen_;  // sorted; nullopt: everything
    std::array<std::unordered_set<std::string>, schemas::kTopicCount>
        touched_;                                                 // entities, by input
    std::map<TopicPartition, std::vector<std::uint64_t>> known_;  // sorted
};

}  // namespace vitalog::topology
