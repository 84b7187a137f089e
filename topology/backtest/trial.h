#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schemas/events/care.h"
#include "schemas/topic_names.h"
#include "topology/log/log.h"
#include "topology/publication.h"

namespace vitalog::topology {

/// An alert from its beginning to its end, as one side of a trial had it.
struct TrialEpisode {
    std::string alert;
    std::string person;
    std::string rule;
    std::string rule_version;
    std::string problem;
    schemas::Priority priority = schemas::Priority::Low;  ///< the highest reached
    bool task = false;
    bool retrospective = false;  ///< older than the rule's max_age when received
    EventTime since;             ///< event time of what raised it
    ReceivedTime raised;         ///< when that was received
    std::optional<EventTime> ended;
};

/// What care asked of desk.
struct TrialTaskRecord {
    LogTime at;
    ReceivedTime received;
    RecordId id;
    RecordId root;
    std::string key;
    std::string type;
    std::string json;
};

/// What came of the stretch under one set of rules.
struct TrialSide {
    std::vector<TrialEpisode> episodes;  ///< raised in the stretch, in the order of the log
    std::vector<TrialTaskRecord> tasks;
};

/// What came of it under the rules in force and under the draft, side by side.
struct Trial {
    TrialSide in_force;
    TrialSide draft;
    std::int64_t events_before =
        0;                     ///< records about persons that were folded to get to the stretch
    std::int64_t events = 0;   ///< in the stretch
    std::int64_t refused = 0;  ///< of those
    /// Persons merged in the stretch: the survivor's draft side takes the loser's episodes as they
    /// were under the rules in force.
    std::int64_t merges = 0;
    std::int64_t persons = 0;  ///< with events in the stretch

    void add(Trial&& other);
};

struct TrialOptions {
    std::vector<Publication> drafts;  ///< kind "rules", under the names of the files they replace
    LogTime from;                     ///< when the log took the first record of the stretch
    LogTime to;                       ///< not held
    std::size_t threads = 2;
};

/// Runs care over the log's `person` topic, from its begin: up to `from` once, with the rules in
/// force at each record; from there judged twice, the drafts in the place of their files on one of
/// the two sides. What is open at `from` stays with the version that raised it, on both. Partitions
/// side by side. Configuration where the drafts can't be published there, OutOfRange where the log
/// no longer holds the beginning, Damaged, Io.
Result<Trial> run_trial(const Log& log, const schemas::TopicNames& topics,
                        const TrialOptions& options);

/// When the log took its last record about a person; the epoch where there is none.
Result<LogTime> last_event(const Log& log, const schemas::TopicNames& topics);

}  // namespace vitalog::topology
