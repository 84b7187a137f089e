#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "topology/audit/replay_lane.h"

namespace vitalog::topology {

/// Marks a data directory that a replay made: no site starts on it, so that nothing in it is ever
/// sent.
inline constexpr std::string_view kReplayFile = "replay.json";
/// Conflict where the directory is one.
Result<void> refuse_replay(const std::filesystem::path& data_dir);

/// What a replay played and made, beside what the original made of the same.
struct ReplayReport {
    std::vector<std::string> stages;
    std::uint64_t played = 0;  ///< records of the topics played, without those that steer
    std::vector<std::string>
        cut_off;  ///< inputs whose front retention has dropped: state lacks what was in it
    struct Topic {
        std::uint64_t made = 0;
        std::uint64_t same = 0;     ///< byte for byte, append time apart
        std::uint64_t changed = 0;  ///< under the same id, other bytes
        std::uint64_t only_replay = 0;
        std::uint64_t only_original = 0;
        std::uint64_t no_longer_kept =
            0;  ///< made again, where retention has dropped the original's
    };
    std::map<std::string, Topic> topics;
    /// By when the log took what they are about; at most kDifferencesMax.
    std::vector<ReplayDifference> differences;
    static constexpr std::size_t kDifferencesMax = 1000;
    bool agrees() const;
};

/// Runs the stages again over what was chosen of a log, in the order in which they ran, and writes
/// what they make of it into a new data directory: the same ids, at the same log times. What was
/// not chosen stays as the original has it. Ticks are the original's, so timers fire when they did;
/// a timer that only the replay has fires at the next of them.
///
/// There are stages and logs here, and nothing else: no effect worker, view or listener is part of
/// it, so that no way leads to a provider. One thread.
Result<ReplayReport> replay(const AuditLog& log, const ReplaySelection& selection,
                            const std::filesystem::path& into);

}  // namespace vitalog::topology
