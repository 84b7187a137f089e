#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/time.h"
#include "schemas/events/task.h"
#include "state/entity.h"

namespace vitalog::processors {

/// Evidence that owns its text.
struct HeldEvidence {
    std::string observation, input_event, loinc, display;
    std::optional<double> value;
    std::string comparator, unit, text;
    ZonedTime effective;
    std::optional<double> low, high;
    std::string flags, trend;

    static HeldEvidence of(const schemas::Evidence& evidence);
    schemas::Evidence view() const;

    template <class S>
    void stored(S& s) {
        s(observation, input_event, loinc, display, value, comparator, unit, text, effective, low,
          high, flags, trend);
    }
};

/// How one request was judged: the answer that the same request gets again.
struct HeldJudgement {
    std::string user;
    std::string request_id;
    schemas::DecisionAction action = schemas::DecisionAction::Accept;
    int status = 200;
    std::string message;
    std::int64_t version = 0;  ///< of the task as it was answered

    template <class S>
    void stored(S& s) {
        s(user, request_id, action, status, message, version);
    }
};

struct HeldOutcome {
    schemas::DecisionAction action = schemas::DecisionAction::Confirm;
    std::string user, text, reason;
    ReceivedTime at;

    template <class S>
    void stored(S& s) {
        s(action, user, text, reason, at);
    }
};

/// One stroke of a task's clock: escalation step 1, 2, ..., or 0 for the deadline.
struct Strike {
    int step = 0;
    bool deadline() const { return step == 0; }
};

/// A task, from its opening until `desk.keep` after its last change. Stored form: "VT", version
/// (u8), then the members in the order of stored().
class TaskEntity final : public state::Entity {
  public:
    /// An observation counts once; beyond this many the one that opened the task and the newest are
    /// kept.
    static constexpr std::size_t kEvidenceMax = 128;
    /// Requests whose answers are remembered; beyond them the oldest is forgotten.
    static constexpr std::size_t kRequestsMax = 64;

    explicit TaskEntity(std::string_view key = {}) : task(key) {}

    /// False until TaskOpen came.
    bool known() const { return !alert.empty(); }
    bool open() const {
        return status == schemas::TaskStatus::Requested || status == schemas::TaskStatus::Accepted;
    }
    /// What the clock strikes next, and when; nullopt for a task that is decided, cancelled or past
    /// its deadline.
    std::optional<ReceivedTime> next_strike() const;
    /// Takes the next step of the clock if it is due at `now`.
    std::optional<Strike> strike(ReceivedTime now);

    /// Adds or, for the same observation, replaces.
    void add_evidence(const std::vector<schemas::Evidence>& more);
    const HeldJudgement* answered(std::string_view user, std::string_view request_id) const;
    void remember(HeldJudgement judgement);
    /// This recipient may have a message waiting.
    void note_told(std::string_view recipient);

    /// The task as the board shows it. Points into the entity.
    schemas::TaskState state() const;

    void encode(std::string& out) const override;
    Result<void> decode(std::string_view bytes);
    std::size_t memory_bytes() const override;

    template <class S>
    void stored(S& s) {
        s(version, alert, person, rule, rule_version, team, owner, status, status_reason, priority,
          problem, since, opened, deadline, steps, escalation, breached, evidence, outcome,
          requests, told, notices, changed);
    }

    std::string task;          ///< the key, not stored
    std::int64_t version = 0;  ///< of the last TaskState: counts the changes
    std::string alert, person, rule, rule_version;
    std::string team;   ///< the configured default where the alert named none or one unknown
    std::string owner;  ///< the named doctor
    schemas::TaskStatus status = schemas::TaskStatus::Requested;
    std::string status_reason;
    schemas::Priority priority = schemas::Priority::Medium;
    std::string problem;
    ZonedTime since;
    ReceivedTime opened;
    ReceivedTime deadline;
    std::vector<ReceivedTime>
        steps;           ///< of escalation: pinned at opening, whatever the settings become
    int escalation = 0;  ///< steps taken
    bool breached = false;
    std::vector<HeldEvidence> evidence;
    std::optional<HeldOutcome> outcome;
    std::vector<HeldJudgement> requests;
    std::vector<std::string> told;  ///< recipients with a message that may still wait
    std::int64_t notices = 0;       ///< numbers the steps of notices that may repeat: hand-overs
    ReceivedTime changed;
};

}  // namespace vitalog::processors
