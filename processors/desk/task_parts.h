#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/time.h"
#include "schemas/events/task.h"

// What a task keeps of the events that made it, with text of its own.

namespace vitalog::processors {

struct HeldEvidence {
    std::string observation, input_event, loinc, display;
    std::optional<double> value;
    std::string comparator, unit, text;
    ZonedTime effective;
    std::optional<double> low, high;
    std::string flags, trend, source;
    ReceivedTime shown;  ///< when the record was received that showed it; epoch: not known

    static HeldEvidence of(const schemas::Evidence& evidence, ReceivedTime shown);
    schemas::Evidence view() const;

    template <class S>
    void stored(S& s) {
        s(observation, input_event, loinc, display, value, comparator, unit, text, effective, low,
          high, flags, trend);
        s.since(3, source, shown);
    }
};

struct HeldIndex {
    std::string method, version;
    schemas::IndexStatus status = schemas::IndexStatus::Complete;
    std::optional<double> value;
    std::string unit, band;
    std::vector<std::string> missing;

    static HeldIndex of(const schemas::TaskIndex& index);
    schemas::TaskIndex view() const;

    template <class S>
    void stored(S& s) {
        s(method, version, status, value, unit, band, missing);
    }
};

struct HeldEarlier {
    std::string alert, task;
    schemas::Priority priority = schemas::Priority::Low;
    std::string problem;
    ZonedTime since;
    std::string outcome, user;
    std::optional<ReceivedTime> decided;

    static HeldEarlier of(const schemas::EarlierEpisode& episode);
    schemas::EarlierEpisode view() const;

    template <class S>
    void stored(S& s) {
        s(alert, task, priority, problem, since, outcome, user, decided);
    }
};

struct HeldNote {
    ReceivedTime at;
    std::string what;
    std::string by;

    template <class S>
    void stored(S& s) {
        s(at, what, by);
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

}  // namespace vitalog::processors
