#include "processors/desk/task_parts.h"

namespace vitalog::processors {

HeldEvidence HeldEvidence::of(const schemas::Evidence& evidence, ReceivedTime shown) {
    HeldEvidence held;
    held.observation = evidence.observation;
    held.input_event = evidence.input_event;
    held.loinc = evidence.loinc;
    held.display = evidence.display;
    held.value = evidence.value;
    held.comparator = evidence.comparator;
    held.unit = evidence.unit;
    held.text = evidence.text;
    held.effective = evidence.effective;
    held.low = evidence.low;
    held.high = evidence.high;
    held.flags = evidence.flags;
    held.trend = evidence.trend;
    held.source = evidence.source;
    held.shown = shown;
    return held;
}

schemas::Evidence HeldEvidence::view() const {
    return {.observation = observation,
            .input_event = input_event,
            .loinc = loinc,
            .display = display,
            .value = value,
            .comparator = comparator,
            .unit = unit,
            .text = text,
            .effective = effective,
            .low = low,
            .high = high,
            .flags = flags,
            .trend = trend,
            .source = source,
            .shown = shown == ReceivedTime() ? std::nullopt : std::optional(shown)};
}

HeldIndex HeldIndex::of(const schemas::TaskIndex& index) {
    HeldIndex held;
    held.method = index.method;
    held.version = index.version;
    held.status = index.status;
    held.value = index.value;
    held.unit = index.unit;
    held.band = index.band;
    held.missing.assign(index.missing.begin(), index.missing.end());
    return held;
}

schemas::TaskIndex HeldIndex::view() const {
    return {.method = method,
            .version = version,
            .status = status,
            .value = value,
            .unit = unit,
            .band = band,
            .missing = {missing.begin(), missing.end()}};
}

HeldEarlier HeldEarlier::of(const schemas::EarlierEpisode& episode) {
    HeldEarlier held;
    held.alert = episode.alert;
    held.task = episode.task;
    held.priority = episode.priority;
    held.problem = episode.problem;
    held.since = episode.since;
    held.outcome = episode.outcome;
    held.user = episode.user;
    held.decided = episode.decided;
    return held;
}

schemas::EarlierEpisode HeldEarlier::view() const {
    return {.alert = alert,
            .task = task,
            .priority = priority,
            .problem = problem,
            .since = since,
            .outcome = outcome,
            .user = user,
            .decided = decided};
}

}  // namespace vitalog::processors
