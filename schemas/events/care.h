#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "schemas/events/clinical.h"

// What care concludes: indices, alerts, and what it asks of desk and notify.

namespace vitalog::schemas {

enum class IndexStatus : std::uint8_t { Complete, Incomplete, NotApplicable, Stale };
template <>
struct EnumNames<IndexStatus> {
    static constexpr std::array<std::string_view, 4> names{"complete", "incomplete", "not-applicable", "stale"};
};

enum class Priority : std::uint8_t { Low, Medium, High };
template <>
struct EnumNames<Priority> {
    static constexpr std::array<std::string_view, 3> names{"low", "medium", "high"};
};

/// `risk`: an index as of the record that touched its inputs.
struct RiskEvent {
    static constexpr std::string_view kType = "vitalog.risk.v1";
    std::string_view id;  ///< 32 hex digits over person, method and what was evaluated (an observation, or a moment): a correction replaces its result
    std::string_view person;
    std::string_view method;   ///< "aki-nhs", "egfr-ckdepi-2021", "news2", "mews", "shock-index", "bmi-cn", "bp-cn", "kdigo"
    std::string_view version;  ///< coefficient set
    IndexStatus status = IndexStatus::Complete;
    std::optional<double> value;
    std::string_view unit;
    std::string_view band;  ///< AKI: 0 1 2 3 ?AKI; of an incomplete result the least that is certain
    std::vector<std::string_view> missing;
    std::string_view reason;  ///< why not applicable or stale
    ZonedTime occurred;       ///< event time
    std::vector<std::string_view> basis;  ///< ids of the observations used
    bool retracted = false;   ///< the observation it rests on was withdrawn
    std::string_view merged_into = {};  ///< of a retraction: `person` became part of this one, which has the results now; the last word on `id`
    std::string_view detail = {};  ///< what value and band are made of: "respiratory rate 2, pulse 1"
    bool composite = false;  ///< inputs of several moments: the newest of each that was fresh
    std::vector<std::string_view> samples = {};  ///< ids of the records whose wearable samples were used

    template <class V>
    void members(V& v) {
        v.required("id", id);
        v.required("person", person);
        v.required("method", method);
        v.required("version", version);
        v.required("status", status);
        v("value", value);
        v("unit", unit);
        v("band", band);
        v("missing", missing);
        v("reason", reason);
        v.required("occurred", occurred);
        v("basis", basis);
        v("retracted", retracted);
        v("merged_into", merged_into);
        v("detail", detail);
        v("composite", composite);
        v("samples", samples);
    }
};

/// A value that an alert rests on, as the doctor sees it.
struct Evidence {
    std::string_view observation;  ///< id of the observation
    std::string_view input_event;  ///< id (ce_id) of the record that brought it
    std::string_view loinc;
    std::string_view display;
    std::optional<double> value;
    std::string_view comparator;
    std::string_view unit;
    std::string_view text;
    ZonedTime effective;
    std::optional<double> low;
    std::optional<double> high;
    std::string_view flags;
    std::string_view trend;  ///< "rising", "falling", "steady" against the previous result; empty: no previous
    std::string_view source = {};  ///< the device or program that sensed it: no observation has this id then; empty: an observation
    std::optional<ReceivedTime> shown = {};  ///< when what showed it to a doctor was received: minus `effective`, how fresh it was; on tasks only

    template <class V>
    void members(V& v) {
        v.required("observation", observation);
        v("input_event", input_event);
        v("loinc", loinc);
        v("display", display);
        v("value", value);
        v("comparator", comparator);
        v("unit", unit);
        v("text", text);
        v.required("effective", effective);
        v("low", low);
        v("high", high);
        v("flags", flags);
        v("trend", trend);
        v("source", source);
        v("shown", shown);
    }
};

enum class AlertState : std::uint8_t { Raised, Updated, Closed };
template <>
struct EnumNames<AlertState> {
    static constexpr std::array<std::string_view, 3> names{"raised", "updated", "closed"};
};

/// `alert`: an episode of one rule at one person, whole at every change.
struct AlertEvent {
    static constexpr std::string_view kType = "vitalog.alert.v1";
    std::string_view id;  ///< the episode: id of the first alert record of it, the same in every later one
    std::int64_t revision = 0;  ///< counts the records of the episode from 1, on through a merge: the highest is the last word
    std::string_view person;
    std::string_view rule;
    std::string_view rule_version;
    std::string_view pack_version;  ///< version of the rule pack in force
    Priority priority = Priority::Low;
    AlertState state = AlertState::Raised;
    std::string_view problem;      ///< what a doctor reads: "Acute kidney injury stage 3"
    ZonedTime since;               ///< event time of what raised it
    ZonedTime occurred;            ///< event time of this change
    bool retrospective = false;    ///< older than the rule's max_age when received: recorded, no task
    std::string_view method;       ///< index behind an index-band rule
    std::string_view coefficients; ///< its coefficient-set version
    std::string_view band;
    std::string_view task;         ///< id of the task; empty where the rule makes none
    std::string_view reason;       ///< of closing or correction
    std::string_view limits = {};  ///< of this person, in place of the rule's own: "low 85, clear from 88"; empty: the rule's
    std::vector<Evidence> evidence;

    template <class V>
    void members(V& v) {
        v.required("id", id);
        v.required("revision", revision);
        v.required("person", person);
        v.required("rule", rule);
        v.required("rule_version", rule_version);
        v.required("pack_version", pack_version);
        v.required("priority", priority);
        v.required("state", state);
        v("problem", problem);
        v.required("since", since);
        v.required("occurred", occurred);
        v("retrospective", retrospective);
        v("method", method);
        v("coefficients", coefficients);
        v("band", band);
        v("task", task);
        v("reason", reason);
        v("limits", limits);
        v("evidence", evidence);
    }
};

}  // namespace vitalog::schemas
