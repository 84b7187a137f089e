#include "processors/desk/desk.h"

#include <algorithm>

#include "schemas/events/message.h"
#include "schemas/json_decode.h"

namespace vitalog::processors {
namespace {

using schemas::DecisionAction;
using schemas::Priority;
using schemas::TaskStatus;
using schemas::Topic;

constexpr std::string_view kClockTimer = "clock";
constexpr std::string_view kKeepTimer = "keep";
constexpr std::string_view kTasksMetric = "vitalog_tasks_total";
/// A correction is worth reading for a day: the decision it concerns has been carried out by then.
constexpr auto kCorrectionUseful = std::chrono::hours(24);
constexpr std::size_t kTaskCodeLength = 8;

/// The name of the template that a purpose has in the first pack; a pack with other names is asked
/// by purpose.
std::string template_for(std::string_view purpose) {
    return purpose == "task" ? "task-notice" : "task-" + std::string(purpose);
}

/// Writes the task after a change.
void show(Context& out, TaskEntity& entity, bool urgent) {
    ++entity.version;
    out.emit_event(Topic::TaskBoard, entity.task, entity.state(),
                   {.event_time = std::nullopt, .urgent = urgent});
}

Result<void> must_be_key(std::string_view task, const Input& input) {
    if (task == input.key) return {};
    return fail(Errc::Conflict, "task '" + std::string(task) + "' travels under the key '" +
                                    std::string(input.key) + "'; key the record by its task");
}

}  // namespace

Result<DeskSettings> DeskSettings::from(const schemas::Settings& settings) {
    DeskSettings desk;
    desk.default_team = settings.text("desk.default_team", "");
    VITALOG_TRY(desk.deadline, settings.duration("desk.deadline", "60m"));
    VITALOG_TRY(desk.keep, settings.duration("desk.keep", "90d"));
    if (desk.deadline.count() <= 0)
        return fail(Errc::Configuration,
                    "setting desk.deadline: must be longer than nothing, for example 60m");
    desk.escalate.clear();
    auto last = std::chrono::microseconds(0);
    for (const auto& text : settings.list("desk.escalate", "35m,50m")) {
        auto step = parse_duration(text);
        if (!step)
            return fail(Errc::Configuration, "setting desk.escalate: " + step.error().message());
        if (*step <= last || *step >= desk.deadline)
            return fail(Errc::Configuration,
                        "setting desk.escalate: '" + text +
                            "' must come after the step before it and before desk.deadline (" +
                            to_string(desk.deadline) + ")");
        last = *step;
        desk.escalate.push_back(*step);
    }
    if (desk.escalate.size() > kEscalationsMax)
        return fail(Errc::Configuration,
                    "setting desk.escalate: at most two steps, the duty doctor and the duty group");
    return desk;
}

Result<void> DeskProcessor::on_control(const schemas::Control& control, const Input&) {
    if (control.kind == "settings") {
        VITALOG_TRY(const auto settings, schemas::Settings::parse(control.body, decoder_));
        VITALOG_TRY(settings_, DeskSettings::from(settings));
    } else if (control.kind == schemas::TeamEntry::kControlKind) {
        return teams_.apply(control.name, control.body, decoder_);
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
    entity.alert = event.alert;
    entity.person = event.person;
    entity.rule = event.rule;
    entity.rule_version = event.rule_version;
    const bool has_team = teams_.find(event.team) != nullptr || settings_.default_team.empty();
    entity.team = has_team ? event.team : std::string_view(settings_.default_team);
    entity.priority = event.priority;
    entity.problem = event.problem;
    entity.since = event.since;
    entity.opened = hand.now;
    entity.deadline = hand.now + settings_.deadline;
    for (const auto step : settings_.escalate) entity.steps.push_back(hand.now + step);
    entity.add_evidence(event.evidence);

    touch(hand);
    hand.out.set_timer(kClockTimer, *entity.next_strike());
    hand.out.count(kTasksMetric, {{"state", "requested"}});
    show(hand.out, entity, entity.priority == Priority::High);
    tell_assigned(hand, "open");
    return {};
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
    if (rises) entity.priority = event.priority;
    if (!event.problem.empty()) entity.problem = event.problem;
    entity.add_evidence(event.evidence);
    touch(hand);
    show(hand.out, entity, rises && entity.priority == Priority::High);
    tell_strikes(hand, struck);
    if (entity.open() && rises) {
        // A low task told nobody, so that its rise is the first they hear of it.
        tell_assigned(hand, before == Priority::Low
                                ? "open"
                                : std::string(schemas::name_of_enum(event.priority)));
    } else if (entity.outcome && (event.correction || rises)) {
        // Once per cause, however many results of one message changed.
        tell(hand, {entity.outcome->user},
             {"correction", "correction:" + input.root.to_string(), hand.now + kCorrectionUseful});
    }
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
    finish(hand, entity.status_reason);
    show(hand.out, entity, false);
    return {};
}

Result<void> DeskProcessor::person(Hand hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::TaskPerson>(input.value, decoder_));
    VITALOG_CHECK(must_be_key(event.task, input));
    TaskEntity& entity = hand.entity;
    if (!entity.known()) hand.out.remove_entity();
    if (!entity.known() || entity.person == event.person) return {};
    const auto struck = strike_clock(hand);
    entity.person = event.person;
    touch(hand);
    show(hand.out, entity, false);
    tell_strikes(hand, struck);
    return {};
}

Result<void> DeskProcessor::decision(Hand hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::Decision>(input.value, decoder_));
    VITALOG_CHECK(must_be_key(event.task, input));
    TaskEntity& entity = hand.entity;
    const std::string root = input.root.to_string();
    if (!entity.known()) {
        const std::string message = "no task '" + entity.task + "'";
        hand.out.emit_event(
            Topic::TaskBoard, entity.task,
            schemas::TaskJudged{entity.task, {root, event.request_id, 404, message, 0}});
        hand.out.remove_entity();
        return {};
    }
    const auto struck = strike_clock(hand);
    if (!struck.empty()) show(hand.out, entity, false);
    const bool was_open = entity.open();
    const std::int64_t before = entity.version;
    const HeldJudgement answer = judged(hand, event);
    const schemas::Judgement judgement{root, event.request_id, answer.status, answer.message,
                                       answer.version};
    if (entity.version == before) {
        hand.out.emit_event(Topic::TaskBoard, entity.task,
                            schemas::TaskJudged{entity.task, judgement});
    } else {
        schemas::TaskState state = entity.state();
        state.judged = judgement;
        hand.out.emit_event(Topic::TaskBoard, entity.task, state);
    }
    if (was_open && entity.outcome) {
        const HeldOutcome& outcome = *entity.outcome;
        hand.out.emit_event(
            Topic::Person, entity.person,
            schemas::PersonDecision{entity.person, entity.task, entity.alert, outcome.action,
                                    outcome.user, outcome.text, outcome.at});
    }
    tell_strikes(hand, struck);
    return {};
}

HeldJudgement DeskProcessor::judged(const Hand& hand, const schemas::Decision& decision) {
    if (const HeldJudgement* held = hand.entity.answered(decision.user, decision.request_id)) {
        if (held->action == decision.action) return *held;
        HeldJudgement other = *held;
        other.status = 422;
        other.version = hand.entity.version;
        other.message = "request_id '" + other.request_id + "' already stands for '" +
                        std::string(schemas::name_of_enum(held->action)) +
                        "'; give each decision its own";
        return other;
    }
    HeldJudgement answer = judged_anew(hand, decision);
    hand.entity.remember(answer);
    return answer;
}

/// A decision that takes force makes a new version of the task, and is answered with it.
HeldJudgement DeskProcessor::judged_anew(const Hand& hand, const schemas::Decision& decision) {
    Verdict verdict = judge(hand.entity, decision, teams_);
    if (verdict.status == 200 && apply(hand, decision, verdict)) ++hand.entity.version;
    return {std::string(decision.user),
            std::string(decision.request_id),
            decision.action,
            verdict.status,
            std::move(verdict.message),
            hand.entity.version};
}

/// False where everything is as the decision wants it already.
bool DeskProcessor::apply(const Hand& hand, const schemas::Decision& decision,
                          const Verdict& verdict) {
    TaskEntity& entity = hand.entity;
    if (decision.action == DecisionAction::HandOver) {
        hand_over(hand, decision, verdict);
        return true;
    }
    if (decision.action == DecisionAction::Accept && entity.owner == decision.user) return false;
    touch(hand);
    entity.owner = decision.user;
    if (decision.action == DecisionAction::Accept) {
        entity.status = TaskStatus::Accepted;
        hand.out.count(kTasksMetric, {{"state", "accepted"}});
        return true;
    }
    entity.status = TaskStatus::Completed;
    entity.status_reason = decision.reason;
    entity.outcome =
        HeldOutcome{decision.action, std::string(decision.user), std::string(decision.text),
                    std::string(decision.reason), hand.now};
    finish(hand, "the task was decided");
    return true;
}

void DeskProcessor::hand_over(const Hand& hand, const schemas::Decision& decision,
                              const Verdict& verdict) {
    TaskEntity& entity = hand.entity;
    touch(hand);
    entity.status_reason = "handed over by " + std::string(decision.user);
    if (!decision.reason.empty()) entity.status_reason.append(": ").append(decision.reason);
    entity.owner = verdict.to_user;
    entity.status = verdict.to_user.empty() ? TaskStatus::Requested : TaskStatus::Accepted;
    if (!verdict.to_team.empty()) entity.team = verdict.to_team;
    if (entity.owner != decision.user)
        tell_assigned(hand, "hand-over:" + std::to_string(++entity.notices));
}

/// The task is decided or cancelled: nothing strikes any more, and what still waits is not to be
/// sent.
void DeskProcessor::finish(const Hand& hand, std::string_view reason) {
    TaskEntity& entity = hand.entity;
    hand.out.count(kTasksMetric, {{"state", schemas::name_of_enum(entity.status)}});
    hand.out.cancel_timer(kClockTimer);
    touch(hand);
    for (const auto& recipient : entity.told)
        hand.out.emit_event(Topic::Notification, recipient,
                            schemas::IntentCancel{recipient, entity.alert, reason});
    entity.told.clear();
}

void DeskProcessor::fire(TaskEntity& entity, const Timer& timer, Context& out) {
    const Hand hand{entity, timer.due, out};
    if (timer.name == kKeepTimer) {
        if (!entity.open()) out.remove_entity();
        return;
    }
    const auto struck = strike_clock(hand);
    if (struck.empty()) return;
    touch(hand);
    show(out, entity, false);
    tell_strikes(hand, struck);
}

std::vector<Strike> DeskProcessor::strike_clock(const Hand& hand) {
    std::vector<Strike> struck;
    while (const auto strike = hand.entity.strike(hand.now)) {
        hand.out.count(kTasksMetric, {{"state", strike->deadline() ? "breached" : "escalated"}});
        struck.push_back(*strike);
    }
    if (struck.empty()) return struck;
    if (const auto next = hand.entity.next_strike())
        hand.out.set_timer(kClockTimer, *next);
    else
        hand.out.cancel_timer(kClockTimer);
    return struck;
}

void DeskProcessor::tell_strikes(const Hand& hand, const std::vector<Strike>& struck) {
    if (!hand.entity.open()) return;
    for (const Strike strike : struck) {
        const auto users = on_duty(hand.entity, strike);
        if (strike.deadline())
            tell(hand, users, {"breach", "breach", useful_until(hand)});
        else
            tell(hand, users, {"escalation", std::to_string(strike.step), useful_until(hand)});
    }
}

/// Tells the doctor who has the task, else those who could take it.
void DeskProcessor::tell_assigned(const Hand& hand, std::string step) {
    tell(hand, assigned(hand.entity), {"task", std::move(step), useful_until(hand)});
}

void DeskProcessor::tell(const Hand& hand, const std::vector<std::string>& users,
                         const Notice& notice) {
    TaskEntity& entity = hand.entity;
    if (entity.priority == Priority::Low) return;
    const auto left = std::chrono::ceil<std::chrono::minutes>(notice.not_after - hand.now);
    const std::string minutes = std::to_string(left.count());
    for (const auto& user : users) {
        const std::string recipient = "user:" + user;
        const std::string id = IdHash()
                                   .part(entity.alert)
                                   .part(recipient)
                                   .part(notice.purpose)
                                   .part(notice.step)
                                   .finish()
                                   .to_string();
        const std::string name = template_for(notice.purpose);
        schemas::Intent intent;
        intent.intent = id;
        intent.recipient = recipient;
        intent.purpose = notice.purpose;
        intent.template_name = name;
        intent.params.items = {{"code", std::string_view(entity.task).substr(0, kTaskCodeLength)},
                               {"minutes", minutes}};
        intent.priority = entity.priority;
        intent.not_after = notice.not_after;
        intent.task = entity.task;
        intent.episode = entity.alert;
        hand.out.emit_event(Topic::Notification, recipient, intent);
        if (entity.open()) entity.note_told(recipient);
    }
}

std::vector<std::string> DeskProcessor::assigned(const TaskEntity& entity) const {
    if (!entity.owner.empty()) return {entity.owner};
    const Teams::Team* team = teams_.find(entity.team);
    if (team == nullptr) return {};
    if (!team->members.empty()) return team->members;
    return on_duty(entity, Strike{1});
}

/// Step 1: the duty doctor; step 2: the duty group; at the deadline both, and the owner. A post
/// that nobody holds falls to the other, then to the whole team: an escalation never goes to nobody
/// while there is somebody.
std::vector<std::string> DeskProcessor::on_duty(const TaskEntity& entity, Strike strike) const {
    const Teams::Team* team = teams_.find(entity.team);
    if (team == nullptr) team = teams_.find(settings_.default_team);
    if (team == nullptr) return {};
    std::vector<std::string> doctor;
    if (!team->duty_doctor.empty()) doctor.push_back(team->duty_doctor);
    std::vector<std::string> users = strike.step == 1 ? doctor : teams_.group(team->duty_group);
    if (users.empty()) users = strike.step == 1 ? teams_.group(team->duty_group) : doctor;
    if (users.empty()) users = team->members;
    if (!strike.deadline()) return users;
    if (!entity.owner.empty()) doctor.push_back(entity.owner);
    for (auto& user : doctor)
        if (std::find(users.begin(), users.end(), user) == users.end())
            users.push_back(std::move(user));
    return users;
}

/// A notice about a task is noise after its deadline; one that the deadline itself brings gets as
/// long again.
ReceivedTime DeskProcessor::useful_until(const Hand& hand) const {
    return hand.now < hand.entity.deadline ? hand.entity.deadline : hand.now + settings_.deadline;
}

/// Something changed. A task that is over is kept for a while from here on, so that late decisions
/// are answered with it.
void DeskProcessor::touch(const Hand& hand) {
    hand.entity.changed = std::max(hand.entity.changed, hand.now);
    if (!hand.entity.open()) hand.out.set_timer(kKeepTimer, hand.entity.changed + settings_.keep);
}

}  // namespace vitalog::processors
