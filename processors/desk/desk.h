#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "processors/desk/judge.h"
#include "processors/desk/task_entity.h"
#include "processors/desk/teams.h"
#include "processors/processor.h"

namespace vitalog::processors {

/// The settings of desk, checked. Keys and defaults:
///   desk.default_team  ""       has the tasks whose team is empty or unknown
///   desk.deadline      60m      from opening to decision
///   desk.escalate      35m,50m  from opening: the duty doctor, then the duty group
///   desk.keep          90d      how long after its last change a decided or cancelled task still
///   answers
struct DeskSettings {
    std::string default_team;
    std::chrono::microseconds deadline = std::chrono::minutes(60);
    std::vector<std::chrono::microseconds> escalate{std::chrono::minutes(35),
                                                    std::chrono::minutes(50)};
    std::chrono::microseconds keep = std::chrono::hours(24 * 90);

    static constexpr std::size_t kEscalationsMax = 2;

    /// Configuration: a value is not of its kind, or the steps do not rise or do not lie before the
    /// deadline.
    static Result<DeskSettings> from(const schemas::Settings& settings);
};

/// Stage "desk": tasks for doctors, each with an owner, a clock and evidence, one entity per task.
///
/// Reads TaskOpen, TaskEvidence, TaskCancel, TaskPerson and Decision; writes TaskState (whole, at
/// every change) and TaskJudged (the answer to a decision that changes nothing) to `task-board`,
/// Intent and IntentCancel for doctors to `notification`, and PersonDecision to `person`. Timers:
/// "clock" (the next escalation or the deadline), "keep" (forget the task).
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
    std::uint32_t logic() const override { return 1; }
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

    Result<void> open(Hand hand, const Input& input);
    Result<void> evidence(Hand hand, const Input& input);
    Result<void> cancel(Hand hand, const Input& input);
    Result<void> person(Hand hand, const Input& input);
    Result<void> decision(Hand hand, const Input& input);

    HeldJudgement judged(const Hand& hand, const schemas::Decision& decision);
    HeldJudgement judged_anew(const Hand& hand, const schemas::Decision& decision);
    bool apply(const Hand& hand, const schemas::Decision& decision, const Verdict& verdict);
    void hand_over(const Hand& hand, const schemas::Decision& decision, const Verdict& verdict);
    void finish(const Hand& hand, std::string_view reason);

    std::vector<Strike> strike_clock(const Hand& hand);
    void tell_strikes(const Hand& hand, const std::vector<Strike>& struck);
    void tell_assigned(const Hand& hand, std::string step);
    void tell(const Hand& hand, const std::vector<std::string>& users, const Notice& notice);
    std::vector<std::string> assigned(const TaskEntity& entity) const;
    std::vector<std::string> on_duty(const TaskEntity& entity, Strike strike) const;
    ReceivedTime useful_until(const Hand& hand) const;

    void touch(const Hand& hand);

    DeskSettings settings_;
    Teams teams_;
    schemas::Decoder decoder_;
};

}  // namespace vitalog::processors
