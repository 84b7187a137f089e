#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "processors/desk/desk_settings.h"
#include "processors/desk/judge.h"
#include "processors/desk/recipients.h"
#include "processors/desk/task_entity.h"
#include "processors/desk/teams.h"
#include "processors/notify/template_packs.h"
#include "processors/processor.h"
#include "schemas/zone_rule.h"

namespace vitalog::processors {

/// Stage "desk": tasks for doctors, each with an owner, a clock, evidence and a history, one entity
/// per task.
///
/// Reads TaskOpen, TaskEvidence, TaskRemark, TaskCancel, TaskPerson and Decision; writes TaskState
/// (whole, at every change) and TaskJudged (the answer to a decision that changes nothing) to
/// `task-board`, Intent and IntentCancel for doctors to `notification`, and PersonDecision to
/// `person`. Timers: "clock" (the next escalation, the reminder or the deadline), "keep" (forget
/// the task).
///
/// The clock starts when the feed record behind the alert was received, and nothing restarts it. A
/// record that was received at or after a strike finds the strike taken, whether or not the tick
/// came first.
class DeskProcessor final : public ProcessorOf<TaskEntity> {
  public:
    std::unique_ptr<state::Entity> create(std::string_view key) const override;
    Result<std::unique_ptr<state::Entity>> decode(std::string_view key,
                                                  std::string_view bytes) const override;
    std::string_view stage() const override { return "desk"; }
    std::uint32_t logic() const override { return 2; }
    Result<void> on_control(const schemas::Control& control, const Input& input) override;

  protected:
    Result<void> handle(TaskEntity& entity, const Input& input, Context& out) override;
    void fire(TaskEntity& entity, const Timer& timer, Context& out) override;

  private:
    /// The task in hand, and when.
    struct Hand {
        TaskEntity& entity;
        ReceivedTime now;
        Context& out;
    };
    /// What is said, once per (episode, recipient, purpose, step), and how long it is worth
    /// reading.
    struct Notice {
        std::string_view purpose;
        std::string step;
        ReceivedTime not_after;
    };

    // desk.cc: what care says of a task.
    Result<void> open(Hand hand, const Input& input);
    Result<void> evidence(Hand hand, const Input& input);
    Result<void> remark(Hand hand, const Input& input);
    Result<void> cancel(Hand hand, const Input& input);
    Result<void> person(Hand hand, const Input& input);
    void fill(const Hand& hand, const schemas::TaskOpen& event) const;
    std::string proposed(const schemas::TaskOpen& event) const;
    void show(const Hand& hand, bool urgent);
    void touch(const Hand& hand);
    void finish(const Hand& hand, std::string_view reason);

    // desk_decisions.cc: what doctors decide.
    Result<void> decision(Hand hand, const Input& input);
    HeldJudgement judged(const Hand& hand, const schemas::Decision& decision);
    HeldJudgement judged_anew(const Hand& hand, const schemas::Decision& decision);
    bool apply(const Hand& hand, const schemas::Decision& decision, const Verdict& verdict);
    void hand_over(const Hand& hand, const schemas::Decision& decision, const Verdict& verdict);

    // desk_clock.cc: what time brings, and who hears of it.
    std::vector<Strike> strike_clock(const Hand& hand);
    void tell_strikes(const Hand& hand, const std::vector<Strike>& struck);
    void tell_assigned(const Hand& hand, std::string step);
    void tell(const Hand& hand, const std::vector<std::string>& users, const Notice& notice);
    Recipients recipients(const Hand& hand) const;
    ReceivedTime useful_until(const Hand& hand) const;

    DeskSettings settings_;
    schemas::Zones zones_;
    Teams teams_;
    TemplatePacks packs_;
    schemas::Decoder decoder_;
};

/// A record must travel under its task's key. Conflict.
Result<void> must_be_key(std::string_view task, const Input& input);

inline constexpr std::string_view kTaskClockTimer = "clock";
inline constexpr std::string_view kTaskKeepTimer = "keep";
inline constexpr std::string_view kTasksMetric = "vitalog_tasks_total";
/// Digits of a task's id that a message may carry as its short name.
inline constexpr std::size_t kTaskCodeLength = 8;

}  // namespace vitalog::processors
