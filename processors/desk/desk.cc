#include "processors/desk/desk.h"

#include <algorithm>

#include "schemas/events/message.h"
#include "schemas/json_decode.h"

namespace vitalog::processors {
namespace {

using schemas::Priority;
using schemas::TaskStatus;
using schemas::Topic;

/// A correction is worth reading for a day: the decision it concerns has been carried out by then.
constexpr auto kCorrectionUseful = std::chrono::hours(24);

}  // namespace

Result<void> must_be_key(std::string_view task, const Input& input) {
    if (task == input.key) return {};
    return fail(Errc::Conflict, "task '" + std::string(task) + "' travels under the key '" +
                                    std::string(input.key) + "'; key the record by its task");
}

Result<void> DeskProcessor::on_control(const schemas::Control& control, const Input&) {
    if (control.kind == "settings") {
        VITALOG_TRY(const auto settings, schemas::Settings::parse(control.body, decoder_));
        VITALOG_TRY(settings_, DeskSettings::from(settings));
    } else if (control.kind == schemas::TeamEntry::kControlKind) {
        return teams_.apply(control.name, control.body, decoder_);
    } else if (control.kind == "zones") {
        VITALOG_TRY(zones_, schemas::Zones::parse(control.body));
    } else if (control.kind == "templates") {
        return packs_.apply(control.name, control.body);
    }
    return {};
}

std::unique_ptr<state::Entity> DeskProcessor::create(std::string_view key) const {
    return std::make_unique<TaskEntity>(key);
}

Result<std::unique_ptr<state::Entity>> DeskProcessor::decode(std::string_view key,
                                                             std::string_view bytes) const {
    auto entity = std::make_unique<TaskEntity>(key);
    VITALOG_CHECK(entity->decode(bytes));
    return entity;
}

Result<void> DeskProcessor::handle(TaskEntity& entity, const Input& input, Context& out) {
    const Hand hand{entity, input.received, out};
    if (input.type == schemas::TaskOpen::kType) return open(hand, input);
    if (input.type == schemas::TaskEvidence::kType) return evidence(hand, input);
    if (input.type == schemas::Decision::kType) return decision(hand, input);
    if (input.type == schemas::TaskRemark::kType) return remark(hand, input);
    if (input.type == schemas::TaskCancel::kType) return cancel(hand, input);
    if (input.type == schemas::TaskPerson::kType) return person(hand, input);
    return fail(Errc::Unsupported,
                "desk does not read records of type '" + std::string(input.type) + "'");
}

Result<void> DeskProcessor::open(Hand hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::TaskOpen>(input.value, decoder_));
    VITALOG_CHECK(must_be_key(event.task, input));
    if (event.alert.empty())
        return fail(Errc::Missing, "a task opens for an alert; 'alert' is empty");
    TaskEntity& entity = hand.entity;
    if (entity.known()) return {};
    fill(hand, event);
    touch(hand);
    hand.out.set_timer(kTaskClockTimer, *entity.next_strike());
    hand.out.count(kTasksMetric, {{"state", "requested"}});
    show(hand, entity.priority == Priority::High);
    tell_assigned(hand, "open");
    return {};
}

void DeskProcessor::fill(const Hand& hand, const schemas::TaskOpen& event) const {
    TaskEntity& entity = hand.entity;
    entity.alert = event.alert;
    entity.person = event.person;
    entity.rule = event.rule;
    entity.rule_version = event.rule_version;
    // A task about no person is the operators' and never falls to the doctors.
    const bool has_team = event.person.empty() || teams_.find(event.team) != nullptr || settings_.default_team.empty();
    entity.team = has_team ? event.team : std::string_view(settings_.default_team);
    entity.priority = event.priority;
    entity.problem = event.problem;
    entity.since = event.since;
    entity.opened = hand.now;
    entity.deadline = hand.now + settings_.deadline;
    for (const auto step : settings_.escalate) entity.steps.push_back(hand.now + step);
    const bool reminds = settings_.remind.count() > 0 && settings_.remind < settings_.deadline;
    if (reminds) entity.remind = entity.deadline - settings_.remind;
    entity.add_evidence(event.evidence, hand.now);
    if (event.index) entity.index = HeldIndex::of(*event.index);
    for (const auto& episode : event.earlier) entity.earlier.push_back(HeldEarlier::of(episode));
    entity.proposed = proposed(event);
    entity.note(hand.now, entity.team.empty() ? "opened" : "opened for team " + entity.team);
}

/// What the patient reads after a confirmation; nothing where the pack in force has no such text or
/// the text depends on the hour.
std::string DeskProcessor::proposed(const schemas::TaskOpen& event) const {
    if (event.patient_purpose.empty()) return {};
    const auto* message = packs_.find(event.patient_template, event.patient_purpose);
    if (message == nullptr || !message->sms) return {};
    const schemas::StringMap values{{{"code", event.task.substr(0, kTaskCodeLength)}}};
    auto rendered = schemas::render(*message->sms, values);
    return rendered ? std::move(rendered->text) : std::string();
}

Result<void> DeskProcessor::evidence(Hand hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::TaskEvidence>(input.value, decoder_));
    VITALOG_CHECK(must_be_key(event.task, input));
    TaskEntity& entity = hand.entity;
    if (!entity.known())
        return fail(Errc::NotFound,
                    "evidence for task '" + entity.task +
                        "', which was never opened, or is forgotten since desk.keep has passed");
    const auto struck = strike_clock(hand);
    const Priority before = entity.priority;
    const bool rises = event.priority > before;
    const bool tells_decider = entity.outcome && (event.correction || rises);
    if (rises) entity.priority = event.priority;
    if (!event.problem.empty()) entity.problem = event.problem;
    // A task that several rules share keeps the index that opened it.
    if (event.index && (!entity.index || entity.index->method == event.index->method))
        entity.index = HeldIndex::of(*event.index);
    entity.add_evidence(event.evidence, hand.now);
    if (event.correction) entity.note(hand.now, "a value changed after it was shown");
    if (rises)
        entity.note(hand.now,
                    "priority rose to " + std::string(schemas::name_of_enum(event.priority)));
    if (tells_decider) entity.note(hand.now, entity.outcome->user + ", who decided, is told");
    touch(hand);
    show(hand, rises && entity.priority == Priority::High);
    tell_strikes(hand, struck);
    if (entity.open() && rises) {
        // A low task told nobody, so that its rise is the first they hear of it.
        tell_assigned(hand, before == Priority::Low
                                ? "open"
                                : std::string(schemas::name_of_enum(event.priority)));
    } else if (tells_decider) {
        // Once per cause, however many results of one message changed.
        tell(hand, {entity.outcome->user},
             {"correction", "correction:" + input.root.to_string(), hand.now + kCorrectionUseful});
    }
    return {};
}

/// A finished task is left as it was decided.
Result<void> DeskProcessor::remark(Hand hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::TaskRemark>(input.value, decoder_));
    VITALOG_CHECK(must_be_key(event.task, input));
    TaskEntity& entity = hand.entity;
    if (!entity.known()) hand.out.remove_entity();
    if (!entity.known() || !entity.open()) return {};
    std::string note = std::string(event.what) + " at " + to_string(event.at);
    const bool known = std::any_of(entity.notes.begin(), entity.notes.end(),
                                   [&](const HeldNote& held) { return held.what == note; });
    if (known) return {};
    const auto struck = strike_clock(hand);
    entity.note(hand.now, std::move(note));
    touch(hand);
    show(hand, false);
    tell_strikes(hand, struck);
    return {};
}

Result<void> DeskProcessor::cancel(Hand hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::TaskCancel>(input.value, decoder_));
    VITALOG_CHECK(must_be_key(event.task, input));
    TaskEntity& entity = hand.entity;
    if (!entity.known()) hand.out.remove_entity();
    if (!entity.known() || !entity.open()) return {};
    strike_clock(hand);
    entity.status = TaskStatus::Cancelled;
    entity.status_reason = event.reason;
    if (!event.superseded_by.empty())
        entity.status_reason.append(" (superseded by task ")
            .append(event.superseded_by)
            .append(")");
    entity.note(hand.now, "cancelled: " + entity.status_reason);
    finish(hand, entity.status_reason);
    show(hand, false);
    return {};
}

Result<void> DeskProcessor::person(Hand hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::TaskPerson>(input.value, decoder_));
    VITALOG_CHECK(must_be_key(event.task, input));
    TaskEntity& entity = hand.entity;
    if (!entity.known()) hand.out.remove_entity();
    if (!entity.known() || entity.person == event.person) return {};
    const auto struck = strike_clock(hand);
    entity.note(hand.now,
                "the person was merged: " + entity.person + " is now " + std::string(event.person));
    entity.person = event.person;
    touch(hand);
    show(hand, false);
    tell_strikes(hand, struck);
    return {};
}

/// Writes the task after a change.
void DeskProcessor::show(const Hand& hand, bool urgent) {
    ++hand.entity.version;
    hand.out.emit_event(Topic::TaskBoard, hand.entity.task, hand.entity.state(),
                        {.event_time = std::nullopt, .urgent = urgent});
}

/// The task is decided or cancelled: nothing strikes any more, and what still waits is not to be
/// sent.
void DeskProcessor::finish(const Hand& hand, std::string_view reason) {
    TaskEntity& entity = hand.entity;
    hand.out.count(kTasksMetric, {{"state", schemas::name_of_enum(entity.status)}});
    hand.out.cancel_timer(kTaskClockTimer);
    touch(hand);
    for (const auto& recipient : entity.told)
        hand.out.emit_event(Topic::Notification, recipient,
                            schemas::IntentCancel{recipient, entity.alert, reason});
    entity.told.clear();
}

/// Something changed. A task that is over is kept for a while from here on, so that late decisions
/// are answered with it.
void DeskProcessor::touch(const Hand& hand) {
    hand.entity.changed = std::max(hand.entity.changed, hand.now);
    if (!hand.entity.open())
        hand.out.set_timer(kTaskKeepTimer, hand.entity.changed + settings_.keep);
}

}  // namespace vitalog::processors
