#include "ingest/intake/operation_intake.h"

#include "schemas/events/operation.h"
#include "schemas/events/task.h"

namespace vitalog::ingest {
namespace {

using processors::Context;
using schemas::Operation;
using schemas::OperationKind;
using schemas::Topic;

/// Alarms have no versions: what they mean is what their text says.
constexpr std::string_view kRuleVersion = "1";

/// The same for raising and clearing one episode of an alarm.
std::string task_of(const Operation& operation) {
    return IdHash()
        .part("alarm")
        .part(operation.name)
        .part(operation.since.micros())
        .finish()
        .to_string();
}

void open_task(const Operation& operation, Context& out) {
    const std::string task = task_of(operation);
    const std::string rule = "alarm/" + std::string(operation.name);
    schemas::TaskOpen open;
    open.task = task;
    open.alert = task;  // the alarm is its own episode
    open.rule = rule;
    open.rule_version = kRuleVersion;
    open.team = operation.team;
    open.priority = operation.priority;
    open.problem = operation.problem;
    open.since = {operation.since.as<EventTime>(), 0, Precision::Fraction};
    out.emit_event(
        Topic::Task, task, open,
        {.event_time = open.since.at, .urgent = operation.priority == schemas::Priority::High});
}

}  // namespace

Result<void> OperationIntake::handle(const processors::Input& input, Context& out) {
    VITALOG_TRY(const auto operation, schemas::decode<Operation>(input.value, decoder_));
    if (operation.name.empty()) return fail(Errc::Missing, "member 'name' must not be empty");
    switch (operation.kind) {
        case OperationKind::AlarmRaised:
            if (operation.team.empty())
                return fail(Errc::Missing, "member 'team' of an alarm must not be empty");
            open_task(operation, out);
            return {};
        case OperationKind::AlarmCleared: {
            const std::string task = task_of(operation);
            out.emit_event(Topic::Task, task, schemas::TaskCancel{task, "the alarm is over", {}});
            return {};
        }
        case OperationKind::Retry:
            return {};
    }
    return {};
}

}  // namespace vitalog::ingest
