#include "processors/desk/task_entity.h"

#include <algorithm>

#include "processors/stored_form.h"

namespace vitalog::processors {
namespace {

constexpr std::string_view kMagic = "VT";
constexpr std::uint8_t kVersion = 2;

/// The same instant as a time with zone, for events that show it to people.
ZonedTime at_utc(ReceivedTime at) {
    return {at.as<EventTime>(), 0,
            at.micros() % 1'000'000 == 0 ? Precision::Second : Precision::Fraction};
}

}  // namespace

HeldEvidence HeldEvidence::of(const schemas::Evidence& evidence) {
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
            .trend = trend};
}

std::optional<ReceivedTime> TaskEntity::next_strike() const {
    if (!known() || !open() || breached) return std::nullopt;
    const auto taken = static_cast<std::size_t>(escalation);
    return taken < steps.size() ? steps[taken] : deadline;
}

std::optional<Strike> TaskEntity::strike(ReceivedTime now) {
    const auto due = next_strike();
    if (!due || now < *due) return std::nullopt;
    if (static_cast<std::size_t>(escalation) < steps.size()) {
        return Strike{++escalation};
    }
    breached = true;
    return Strike{};
}

void TaskEntity::add_evidence(const std::vector<schemas::Evidence>& more) {
    for (const auto& item : more) {
        const auto same = std::find_if(
            evidence.begin(), evidence.end(),
            [&](const HeldEvidence& held) { return held.observation == item.observation; });
        if (same != evidence.end()) {
            *same = HeldEvidence::of(item);
            continue;
        }
        if (evidence.size() == kEvidenceMax) evidence.erase(evidence.begin() + 1);
        evidence.push_back(HeldEvidence::of(item));
    }
}

const HeldJudgement* TaskEntity::answered(std::string_view user,
                                          std::string_view request_id) const {
    if (request_id.empty()) return nullptr;
    for (const auto& held : requests)
        if (held.request_id == request_id && held.user == user) return &held;
    return nullptr;
}

void TaskEntity::remember(HeldJudgement judgement) {
    if (judgement.request_id.empty()) return;
    if (requests.size() == kRequestsMax) requests.erase(requests.begin());
    requests.push_back(std::move(judgement));
}

void TaskEntity::note_told(std::string_view recipient) {
    if (std::find(told.begin(), told.end(), recipient) == told.end()) told.emplace_back(recipient);
}

schemas::TaskState TaskEntity::state() const {
    schemas::TaskState state;
    state.task = task;
    state.version = version;
    state.alert = alert;
    state.person = person;
    state.rule = rule;
    state.rule_version = rule_version;
    state.team = team;
    state.owner = owner;
    state.status = status;
    state.status_reason = status_reason;
    state.priority = priority;
    state.problem = problem;
    state.since = since;
    state.opened = opened;
    state.deadline = deadline;
    state.escalation = escalation;
    state.breached = breached;
    state.evidence.reserve(evidence.size());
    for (const auto& held : evidence) state.evidence.push_back(held.view());
    if (outcome)
        state.outcome = schemas::TaskOutcome{outcome->action, outcome->user, outcome->text,
                                             outcome->reason, at_utc(outcome->at)};
    state.changed = changed;
    return state;
}

void TaskEntity::encode(std::string& out) const {
    out.append(kMagic);
    out.push_back(static_cast<char>(kVersion));
    StoredWriter writer(out);
    writer(*this);
}

Result<void> TaskEntity::decode(std::string_view bytes) {
    if (!bytes.starts_with(kMagic) || bytes.size() < 3 || bytes[2] != static_cast<char>(kVersion))
        return fail(Errc::Damaged,
                    "a stored task does not begin with its magic and a known version");
    StoredReader reader(bytes.substr(3));
    reader(*this);
    VITALOG_CHECK(reader.finish("a stored task"));
    if (escalation < 0 || static_cast<std::size_t>(escalation) > steps.size())
        return fail(Errc::Damaged, "a stored task has taken more escalation steps than it has");
    return {};
}

std::size_t TaskEntity::memory_bytes() const {
    std::size_t bytes = sizeof *this + steps.capacity() * sizeof(ReceivedTime);
    for (const std::string* text :
         {&task, &alert, &person, &rule, &rule_version, &team, &owner, &status_reason, &problem})
        bytes += text->capacity();
    for (const auto& held : evidence)
        bytes += sizeof held + held.observation.capacity() + held.input_event.capacity() +
                 held.display.capacity() + held.text.capacity();
    for (const auto& held : requests)
        bytes += sizeof held + held.user.capacity() + held.request_id.capacity() +
                 held.message.capacity();
    for (const auto& recipient : told) bytes += sizeof recipient + recipient.capacity();
    if (outcome) bytes += outcome->text.capacity() + outcome->reason.capacity();
    return bytes;
}

}  // namespace vitalog::processors
