#include <chrono>

#include "processors/desk/desk.h"
#include "schemas/base/planted.h"
#include "schemas/events/message.h"

namespace vitalog::processors {
namespace {

using schemas::Priority;
using schemas::Topic;

/// The name of the template that a purpose has in the first pack; a pack with other names is asked
/// by purpose.
std::string template_for(std::string_view purpose) {
    return purpose == "task" ? "task-notice" : "task-" + std::string(purpose);
}

std::string note_of(const Strike& strike) {
    switch (strike.kind) {
        case Strike::Kind::Escalation:
            return "undecided: escalated, step " + std::to_string(strike.step);
        case Strike::Kind::Reminder:
            return "undecided: the owner is reminded";
        case Strike::Kind::Deadline:
            return "undecided: the deadline passed";
    }
    return {};
}

}  // namespace

void DeskProcessor::fire(TaskEntity& entity, const Timer& timer, Context& out) {
    const Hand hand{entity, timer.due, out};
    if (timer.name == kTaskKeepTimer) {
        if (!entity.open()) out.remove_entity();
        return;
    }
    const auto struck = strike_clock(hand);
    if (struck.empty()) return;
    touch(hand);
    show(hand, false);
    tell_strikes(hand, struck);
}

/// Takes what is due, and gives what of it anybody notices: a reminder without an owner is none.
std::vector<Strike> DeskProcessor::strike_clock(const Hand& hand) {
    TaskEntity& entity = hand.entity;
    std::vector<Strike> struck;
    bool moved = false;
    while (const auto strike = entity.strike(hand.now)) {
        moved = true;
        const bool reminder = strike->kind == Strike::Kind::Reminder;
        if (reminder && entity.owner.empty()) continue;
        entity.note(strike->at, note_of(*strike));
        struck.push_back(*strike);
        if (reminder) continue;
        const bool deadline = strike->kind == Strike::Kind::Deadline;
        hand.out.count(kTasksMetric, {{"state", deadline ? "breached" : "escalated"}});
    }
    if (!moved) return struck;
    if (const auto next = entity.next_strike())
        hand.out.set_timer(kTaskClockTimer, *next);
    else
        hand.out.cancel_timer(kTaskClockTimer);
    return struck;
}

void DeskProcessor::tell_strikes(const Hand& hand, const std::vector<Strike>& struck) {
    if (!hand.entity.open()) return;
    const Recipients recipients = this->recipients(hand);
    for (const Strike& strike : struck) {
        const auto users = recipients.struck(hand.entity, strike);
        const ReceivedTime until = useful_until(hand);
        switch (strike.kind) {
            case Strike::Kind::Escalation:
                tell(hand, users, {"escalation", std::to_string(strike.step), until});
                break;
            case Strike::Kind::Reminder:
                tell(hand, users, {"reminder", "reminder", until});
                break;
            case Strike::Kind::Deadline:
                tell(hand, users, {"breach", "breach", until});
                break;
        }
    }
}

/// Tells the doctor who has the task, else those who could take it.
void DeskProcessor::tell_assigned(const Hand& hand, std::string step) {
    tell(hand, recipients(hand).assigned(hand.entity),
         {"task", std::move(step), useful_until(hand)});
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
        if (planted("intent-twice")) hand.out.emit_event(Topic::Notification, recipient, intent);
        if (entity.open()) entity.note_told(recipient);
    }
}

/// As the rosters stand now, on the site's wall. A zone that nobody knows is UTC; the site checks
/// its own before it publishes.
Recipients DeskProcessor::recipients(const Hand& hand) const {
    const auto zone = zones_.find(settings_.zone).value_or(schemas::ZoneRule());
    return {teams_, settings_.default_team, WallTime::at(hand.now, zone)};
}

/// A notice about a task is noise after its deadline; one that the deadline itself brings gets as
/// long again.
ReceivedTime DeskProcessor::useful_until(const Hand& hand) const {
    return hand.now < hand.entity.deadline ? hand.entity.deadline : hand.now + settings_.deadline;
}

}  // namespace vitalog::processors
