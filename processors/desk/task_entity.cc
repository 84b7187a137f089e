#include "processors/desk/task_entity.h"

#include <algorithm>

#include "processors/stored_form.h"
#include "schemas/base/stored_version.h"

namespace vitalog::processors {
namespace {

constexpr std::string_view kMagic = "VT";
constexpr std::uint8_t kVersion = 3;
constexpr std::uint8_t kOldestVersion = 2;

/// The same instant as a time with zone, for events that show it to people.
ZonedTime at_utc(ReceivedTime at) {
    return {at.as<EventTime>(), 0,
            at.micros() % 1'000'000 == 0 ? Precision::Second : Precision::Fraction};
}

}  // namespace

std::optional<Strike> TaskEntity::pending() const {
    if (!known() || !open() || breached) return std::nullopt;
    Strike next{Strike::Kind::Deadline, 0, deadline};
    if (remind && !reminded && *remind <= next.at) next = {Strike::Kind::Reminder, 0, *remind};
    const auto taken = static_cast<std::size_t>(escalation);
    if (taken < steps.size() && steps[taken] <= next.at)
        next = {Strike::Kind::Escalation, escalation + 1, steps[taken]};
    return next;
}

std::optional<ReceivedTime> TaskEntity::next_strike() const {
    const auto next = pending();
    if (!next) return std::nullopt;
    return next->at;
}

std::optional<Strike> TaskEntity::strike(ReceivedTime now) {
    const auto due = pending();
    if (!due || now < due->at) return std::nullopt;
    switch (due->kind) {
        case Strike::Kind::Escalation:
            ++escalation;
            break;
        case Strike::Kind::Reminder:
            reminded = true;
            break;
        case Strike::Kind::Deadline:
            breached = true;
            break;
    }
    return due;
}

void TaskEntity::add_evidence(const std::vector<schemas::Evidence>& more, ReceivedTime shown) {
    for (const auto& item : more) {
        const auto same = std::find_if(
            evidence.begin(), evidence.end(),
            [&](const HeldEvidence& held) { return held.observation == item.observation; });
        if (same != evidence.end()) {
            *same = HeldEvidence::of(item, shown);
            continue;
        }
        if (evidence.size() == kEvidenceMax) evidence.erase(evidence.begin() + 1);
        evidence.push_back(HeldEvidence::of(item, shown));
    }
}

void TaskEntity::note(ReceivedTime at, std::string what, std::string_view by) {
    if (notes.size() == kNotesMax) notes.erase(notes.begin() + 1);
    notes.push_back({at, std::move(what), std::string(by)});
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
    state.steps = steps;
    state.remind = remind;
    state.escalation = escalation;
    state.breached = breached;
    state.evidence.reserve(evidence.size());
    for (const auto& held : evidence) state.evidence.push_back(held.view());
    if (index) state.index = index->view();
    for (const auto& held : earlier) state.earlier.push_back(held.view());
    state.proposed = proposed;
    for (const auto& held : notes) state.notes.push_back({held.at, held.what, held.by});
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
    if (!bytes.starts_with(kMagic) || bytes.size() < 3)
        return fail(Errc::Damaged, "a stored task does not begin with its magic");
    const auto version = static_cast<std::uint8_t>(bytes[2]);
    if (version < kOldestVersion || version > kVersion)
        return other_version("a stored task", version, kVersion);
    StoredReader reader(bytes.substr(3), version);
    reader(*this);
    VITALOG_CHECK(reader.finish("a stored task"));
    if (escalation < 0 || static_cast<std::size_t>(escalation) > steps.size())
        return fail(Errc::Damaged, "a stored task has taken more escalation steps than it has");
    return {};
}

std::size_t TaskEntity::memory_bytes() const {
    std::size_t bytes = sizeof *this + steps.capacity() * sizeof(ReceivedTime);
    for (const std::string* text : {&task, &alert, &person, &rule, &rule_version, &team, &owner,
                                    &status_reason, &problem, &proposed})
        bytes += text->capacity();
    for (const auto& held : evidence)
        bytes += sizeof held + held.observation.capacity() + held.input_event.capacity() +
                 held.display.capacity() + held.text.capacity();
    for (const auto& held : requests)
        bytes += sizeof held + held.user.capacity() + held.request_id.capacity() +
                 held.message.capacity();
    for (const auto& held : notes) bytes += sizeof held + held.what.capacity() + held.by.capacity();
    for (const auto& held : earlier)
        bytes += sizeof held + held.alert.capacity() + held.task.capacity() +
                 held.problem.capacity() + held.user.capacity();
    for (const auto& recipient : told) bytes += sizeof recipient + recipient.capacity();
    if (outcome) bytes += outcome->text.capacity() + outcome->reason.capacity();
    return bytes;
}

}  // namespace vitalog::processors
