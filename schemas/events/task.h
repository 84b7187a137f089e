#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "schemas/events/care.h"

// The doctor's work: what care asks of desk, what doctors decide, what desk shows.

namespace vitalog::schemas {

/// `task`, key task: an alert wants a doctor.
struct TaskOpen {
    static constexpr std::string_view kType = "vitalog.task-open.v1";
    std::string_view task;
    std::string_view alert;
    std::string_view person;
    std::string_view rule;
    std::string_view rule_version;
    std::string_view team;  ///< empty: desk.default_team
    Priority priority = Priority::Medium;
    std::string_view problem;
    ZonedTime since;
    std::vector<Evidence> evidence;

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("alert", alert);
        v.required("person", person);
        v.required("rule", rule);
        v.required("rule_version", rule_version);
        v("team", team);
        v.required("priority", priority);
        v("problem", problem);
        v.required("since", since);
        v("evidence", evidence);
    }
};

/// `task`: more evidence for an open episode; the priority may rise. `correction`: a value changed after it was
/// shown; a task already decided tells its doctor.
struct TaskEvidence {
    static constexpr std::string_view kType = "vitalog.task-evidence.v1";
    std::string_view task;
    Priority priority = Priority::Medium;
    std::string_view problem;
    std::vector<Evidence> evidence;
    bool correction = false;

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("priority", priority);
        v("problem", problem);
        v("evidence", evidence);
        v("correction", correction);
    }
};

/// `task`: the reason for the task is gone (closed, superseded, merged, deceased).
struct TaskCancel {
    static constexpr std::string_view kType = "vitalog.task-cancel.v1";
    std::string_view task;
    std::string_view reason;
    std::string_view superseded_by;  ///< the older task of a merged person's episode

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("reason", reason);
        v("superseded_by", superseded_by);
    }
};

/// `task`: the task's person was merged into another.
struct TaskPerson {
    static constexpr std::string_view kType = "vitalog.task-person.v1";
    std::string_view task;
    std::string_view person;

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("person", person);
    }
};

enum class DecisionAction : std::uint8_t { Accept, Confirm, Modify, Reject, HandOver };
template <>
struct EnumNames<DecisionAction> {
    static constexpr std::array<std::string_view, 5> names{"accept", "confirm", "modify", "reject", "hand-over"};
};

/// `feed.decision` and `task`: what a doctor did. The JSON that the HTTP endpoint appends, passed on by intake.
struct Decision {
    static constexpr std::string_view kType = "vitalog.decision.v1";
    std::string_view task;
    DecisionAction action = DecisionAction::Accept;
    std::string_view user;
    std::string_view text;
    std::string_view reason;
    std::string_view to;
    std::string_view request_id;

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("action", action);
        v.required("user", user);
        v("text", text);
        v("reason", reason);
        v("to", to);
        v("request_id", request_id);
    }
};

/// FHIR Task.status values that desk uses.
enum class TaskStatus : std::uint8_t { Requested, Accepted, Completed, Cancelled };
template <>
struct EnumNames<TaskStatus> {
    static constexpr std::array<std::string_view, 4> names{"requested", "accepted", "completed", "cancelled"};
};

/// How desk judged one decision; `root` is the id of the feed.decision record, by which the waiting HTTP request finds it.
struct Judgement {
    std::string_view root;
    std::string_view request_id;
    int status = 200;          ///< HTTP status of the answer: 200, 409, 422, 404
    std::string_view message;  ///< why not
    std::int64_t version = 0;  ///< of the task that the answer shows: a repeat gets that of the first answer; 0: no task

    template <class V>
    void members(V& v) {
        v.required("root", root);
        v("request_id", request_id);
        v.required("status", status);
        v("message", message);
        v.required("version", version);
    }
};

/// The decision that ended a task.
struct TaskOutcome {
    DecisionAction action = DecisionAction::Confirm;
    std::string_view user;
    std::string_view text;
    std::string_view reason;
    ZonedTime at;

    template <class V>
    void members(V& v) {
        v.required("action", action);
        v.required("user", user);
        v("text", text);
        v("reason", reason);
        v.required("at", at);
    }
};

/// `task-board`, key task: the task, whole at every change.
struct TaskState {
    static constexpr std::string_view kType = "vitalog.task-state.v1";
    std::string_view task;
    std::int64_t version = 0;  ///< counts the changes of the task from 1
    std::string_view alert;
    std::string_view person;
    std::string_view rule;
    std::string_view rule_version;
    std::string_view team;
    std::string_view owner;  ///< the named doctor; empty: nobody yet
    TaskStatus status = TaskStatus::Requested;
    std::string_view status_reason;
    Priority priority = Priority::Medium;
    std::string_view problem;
    ZonedTime since;                ///< event time of the alert
    ReceivedTime opened;            ///< start of the clock
    ReceivedTime deadline;
    int escalation = 0;             ///< steps taken: 1 duty doctor, 2 duty group
    bool breached = false;          ///< not decided by the deadline
    std::vector<Evidence> evidence;
    std::optional<TaskOutcome> outcome;
    std::optional<Judgement> judged;  ///< present on the change that a decision made
    ReceivedTime changed;

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("version", version);
        v.required("alert", alert);
        v.required("person", person);
        v.required("rule", rule);
        v.required("rule_version", rule_version);
        v("team", team);
        v("owner", owner);
        v.required("status", status);
        v("status_reason", status_reason);
        v.required("priority", priority);
        v("problem", problem);
        v.required("since", since);
        v.required("opened", opened);
        v.required("deadline", deadline);
        v.required("escalation", escalation);
        v("breached", breached);
        v("evidence", evidence);
        v("outcome", outcome);
        v("judged", judged);
        v.required("changed", changed);
    }
};

/// `task-board`, key task: a decision that changed nothing: refused, repeated, or about a task that does not exist.
struct TaskJudged {
    static constexpr std::string_view kType = "vitalog.task-judged.v1";
    std::string_view task;
    Judgement judged;

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("judged", judged);
    }
};

/// `person`: a doctor decided; care tells the patient after confirm and modify, and remembers for corrections.
struct PersonDecision {
    static constexpr std::string_view kType = "vitalog.person-decision.v1";
    std::string_view person;
    std::string_view task;
    std::string_view alert;
    DecisionAction action = DecisionAction::Confirm;
    std::string_view user;
    std::string_view text;
    ReceivedTime decided;

    template <class V>
    void members(V& v) {
        v.required("person", person);
        v.required("task", task);
        v.required("alert", alert);
        v.required("action", action);
        v.required("user", user);
        v("text", text);
        v.required("decided", decided);
    }
};

}  // namespace vitalog::schemas
