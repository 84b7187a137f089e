#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "schemas/events/care.h"

// The doctor's work: what care asks of desk, what doctors decide, what desk shows.

namespace vitalog::schemas {

/// The index behind an alert, as of the record that raised it: what a doctor must know to weigh it.
struct TaskIndex {
    std::string_view method;
    std::string_view version;  ///< coefficient set
    IndexStatus status = IndexStatus::Complete;
    std::optional<double> value;
    std::string_view unit;
    std::string_view band;
    std::vector<std::string_view> missing;  ///< what the index would have needed

    template <class V>
    void members(V& v) {
        v.required("method", method);
        v("version", version);
        v.required("status", status);
        v("value", value);
        v("unit", unit);
        v("band", band);
        v("missing", missing);
    }
};

/// An earlier episode of the same rule at the same person, and what became of it.
struct EarlierEpisode {
    std::string_view alert;
    std::string_view task;  ///< empty: it made none
    Priority priority = Priority::Low;
    std::string_view problem;
    ZonedTime since;
    std::string_view outcome;  ///< "confirm", "modify", "reject", else "undecided"
    std::string_view user;     ///< who decided
    std::optional<ReceivedTime> decided;

    template <class V>
    void members(V& v) {
        v.required("alert", alert);
        v("task", task);
        v.required("priority", priority);
        v("problem", problem);
        v.required("since", since);
        v.required("outcome", outcome);
        v("user", user);
        v("decided", decided);
    }
};

/// One line of a task's history.
struct TaskNote {
    ReceivedTime at;
    std::string_view what;
    std::string_view by;  ///< a user; empty: nobody's doing

    template <class V>
    void members(V& v) {
        v.required("at", at);
        v.required("what", what);
        v("by", by);
    }
};

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
    std::optional<TaskIndex> index = {};
    std::vector<EarlierEpisode> earlier = {};  ///< the latest first
    std::string_view patient_purpose = {};   ///< of the message that a confirmation sends; empty: none
    std::string_view patient_template = {};  ///< its template's name

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
        v("index", index);
        v("earlier", earlier);
        v("patient_purpose", patient_purpose);
        v("patient_template", patient_template);
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
    std::optional<TaskIndex> index = {};  ///< as of the record that brought the evidence; absent: as it was

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("priority", priority);
        v("problem", problem);
        v("evidence", evidence);
        v("correction", correction);
        v("index", index);
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

/// `task`: something befell the person that whoever decides must see; the task goes on.
struct TaskRemark {
    static constexpr std::string_view kType = "vitalog.task-remark.v1";
    std::string_view task;
    std::string_view what;  ///< "the patient was discharged"
    ZonedTime at;           ///< when it happened

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("what", what);
        v.required("at", at);
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
    std::vector<ReceivedTime> steps;    ///< when the steps of escalation are due
    std::optional<ReceivedTime> remind;  ///< when the owner is reminded
    int escalation = 0;             ///< steps taken: 1 duty doctor, 2 duty group
    bool breached = false;          ///< not decided by the deadline
    std::vector<Evidence> evidence;
    std::optional<TaskIndex> index;
    std::vector<EarlierEpisode> earlier;
    std::string_view proposed;  ///< what the patient will read once a doctor confirms; $modify writes another text
    std::vector<TaskNote> notes;  ///< what happened to the task, in order
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
        v("steps", steps);
        v("remind", remind);
        v.required("escalation", escalation);
        v("breached", breached);
        v("evidence", evidence);
        v("index", index);
        v("earlier", earlier);
        v("proposed", proposed);
        v("notes", notes);
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
