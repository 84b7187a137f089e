#include "processors/desk/desk_settings.h"

namespace vitalog::processors {
namespace {

Result<std::vector<std::chrono::microseconds>> steps_of(const schemas::Settings& settings,
                                                        std::chrono::microseconds deadline) {
    std::vector<std::chrono::microseconds> steps;
    auto last = std::chrono::microseconds(0);
    for (const auto& text : settings.list("desk.escalate", "35m,50m")) {
        auto step = parse_duration(text);
        if (!step)
            return fail(Errc::Configuration, "setting desk.escalate: " + step.error().message());
        if (*step <= last || *step >= deadline)
            return fail(Errc::Configuration,
                        "setting desk.escalate: '" + text +
                            "' must come after the step before it and before desk.deadline (" +
                            to_string(deadline) + ")");
        last = *step;
        steps.push_back(*step);
    }
    if (steps.size() > DeskSettings::kEscalationsMax)
        return fail(Errc::Configuration,
                    "setting desk.escalate: at most two steps, the duty doctor and the duty group");
    return steps;
}

}  // namespace

Result<DeskSettings> DeskSettings::from(const schemas::Settings& settings) {
    DeskSettings desk;
    desk.default_team = settings.text("desk.default_team", "");
    VITALOG_TRY(desk.deadline, settings.duration("desk.deadline", "60m"));
    VITALOG_TRY(desk.remind, settings.duration("desk.remind", "15m"));
    VITALOG_TRY(desk.keep, settings.duration("desk.keep", "90d"));
    if (desk.deadline.count() <= 0)
        return fail(Errc::Configuration,
                    "setting desk.deadline: must be longer than nothing, for example 60m");
    VITALOG_TRY(desk.escalate, steps_of(settings, desk.deadline));
    desk.zone = settings.text("site.zone", "Asia/Shanghai");
    return desk;
}

}  // namespace vitalog::processors
