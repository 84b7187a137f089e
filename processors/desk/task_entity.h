#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "processors/desk/task_parts.h"
#include "schemas/base/time.h"
#include "schemas/events/task.h"
#include "state/entity.h"

namespace vitalog::processors {

/// One stroke of a task's clock.
struct Strike {
    enum class Kind : std::uint8_t { Escalation, Reminder, Deadline };
    Kind kind = Kind::Deadline;
    int step = 0;     ///< of escalation: 1, 2
    ReceivedTime at;  ///< when it was due
};

/// A task, from its opening until `desk.keep` after its last change. Stored form: "VT", version
/// (u8), then the members in the order of stored(). Version 2 is read, too.
class TaskEntity final : public state::Entity {
  public:
    /// An observation counts once; beyond this many the one that opened the task and the newest are
    /// kept.
    static constexpr std::size_t kEvidenceMax = 128;
    /// Requests whose answers are remembered; beyond them the oldest is forgotten.
    static constexpr std::size_t kRequestsMax = 64;
    /// Beyond this many notes the first and the newest are kept.
    static constexpr std::size_t kNotesMax = 64;

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
    void add_evidence(const std::vector<schemas::Evidence>& more, ReceivedTime shown);
    void note(ReceivedTime at, std::string what, std::string_view by = {});
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
        s.since(3, remind, reminded, index, earlier, proposed, notes);
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
    std::optional<ReceivedTime> remind;  ///< when the owner is reminded, pinned like the steps
    bool reminded = false;
    std::optional<HeldIndex> index;
    std::vector<HeldEarlier> earlier;
    std::string proposed;  ///< the patient's message as the template has it
    std::vector<HeldNote> notes;

  private:
    std::optional<Strike> pending() const;
};

}  // namespace vitalog::processors
