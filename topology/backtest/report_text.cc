#include <fmt/format.h>

#include <algorithm>

#include "topology/backtest/report.h"
#include "topology/backtest/words.h"

namespace vitalog::topology {
namespace {

using namespace backtest;

constexpr std::size_t kEpisodesShown = 50;
constexpr std::size_t kDutyShown = 40;

std::string row(std::string_view what, std::string_view in_force, std::string_view draft) {
    return fmt::format("{:<44}{:>14}{:>14}\n", what, in_force, draft);
}
std::string row(std::string_view what, const Beside<std::int64_t>& figures) {
    return row(what, grouped(figures.in_force), grouped(figures.draft));
}

std::string head(const BacktestReport& report) {
    std::string text;
    for (const auto& pack : report.packs)
        text += fmt::format("back-test of {} {} beside {}\n", pack.name, pack.version,
                            pack.against.empty() ? "no such pack" : pack.against + " in force");
    text += fmt::format(
        "{} to {}: {} events of {} persons; {} events before it were folded to get there\n",
        to_rfc3339(report.from), to_rfc3339(report.to), grouped(report.events),
        grouped(report.persons), grouped(report.events_before));
    if (report.refused > 0)
        text +=
            fmt::format("{} events were refused by one side or both\n", grouped(report.refused));
    if (report.merges > 0)
        text += fmt::format(
            "{} persons were merged in the stretch: what had been open of them went on under the "
            "rules in "
            "force, on both sides\n",
            grouped(report.merges));
    return text;
}

std::string figures(const BacktestReport& report) {
    std::string text = "\n" + row("", "in force", "draft");
    text += row("episodes", report.episodes);
    for (std::size_t p = schemas::EnumNames<schemas::Priority>::names.size(); p-- > 0;)
        text +=
            row(fmt::format("  of priority {}", schemas::EnumNames<schemas::Priority>::names[p]),
                {report.by_priority.in_force[p], report.by_priority.draft[p]});
    text += row("recorded late, without a task", report.retrospective);
    text += row("tasks", report.tasks);
    text +=
        row("tasks a shift of the busiest doctor, on average",
            fmt::format("{:.2f}", report.load.in_force), fmt::format("{:.2f}", report.load.draft));
    text += row("persons with alerts", report.persons_alerted);
    text += row("share of the tenth of persons with most alerts",
                percent(report.top_tenth.in_force), percent(report.top_tenth.draft));
    text += row("from the event to the alert, median", span_text(report.to_alert.in_force.median),
                span_text(report.to_alert.draft.median));
    text += row("  nine tenths within", span_text(report.to_alert.in_force.p90),
                span_text(report.to_alert.draft.p90));
    text +=
        fmt::format("\nepisodes of both sides: {}; the draft's begin earlier in {}, later in {}",
                    grouped(report.both), grouped(report.earlier), grouped(report.later));
    if (report.shift.count > 0)
        text += fmt::format(" (a tenth at most {}, half at most {}, nine tenths at most {} after)",
                            span_text(report.shift.p10), span_text(report.shift.median),
                            span_text(report.shift.p90));
    return text + fmt::format("\nwon by the draft: {}\nlost by the draft: {}\n",
                              grouped(static_cast<std::int64_t>(report.won.size())),
                              grouped(static_cast<std::int64_t>(report.lost.size())));
}

std::string rules(const BacktestReport& report) {
    std::string text = fmt::format("\n{:<32}{:>10}{:>10}{:>8}{:>8}{:>16}{:>10}\n", "rule",
                                   "in force", "draft", "won", "lost", "tasks in force", "draft");
    for (const auto& [id, rule] : report.rules)
        text += fmt::format("{:<32}{:>10}{:>10}{:>8}{:>8}{:>16}{:>10}\n", id,
                            rule.episodes.in_force, rule.episodes.draft, rule.won, rule.lost,
                            rule.tasks.in_force, rule.tasks.draft);
    return text;
}

std::string duty(const BacktestReport& report) {
    if (report.duty.empty()) return {};
    std::string text = fmt::format("\n{:<24}{:<32}{:>14}{:>10}{:>18}\n", "doctor", "shift",
                                   "tasks in force", "draft", "a shift, draft");
    for (std::size_t i = 0; i < std::min(report.duty.size(), kDutyShown); ++i) {
        const DutyLine& line = report.duty[i];
        text += fmt::format("{:<24}{:<32}{:>14}{:>10}{:>10.2f}, max {}\n",
                            line.doctor.empty() ? "(nobody told)" : line.doctor, line.shift,
                            line.tasks.in_force, line.tasks.draft, line.a_shift.draft,
                            line.busiest.draft);
    }
    if (report.duty.size() > kDutyShown)
        text += fmt::format("and {} lines more\n", report.duty.size() - kDutyShown);
    return text;
}

std::string list(std::string_view title, const std::vector<TrialEpisode>& episodes) {
    if (episodes.empty()) return {};
    std::string text = fmt::format("\n{}\n", title);
    for (std::size_t i = 0; i < std::min(episodes.size(), kEpisodesShown); ++i) {
        const TrialEpisode& e = episodes[i];
        text += fmt::format("  {} person {} {} {}{}\n", to_rfc3339(e.since), e.person, e.rule,
                            schemas::name_of_enum(e.priority), e.task ? ", a task" : "");
    }
    if (episodes.size() > kEpisodesShown)
        text +=
            fmt::format("  and {} more; --csv FILE writes all\n", episodes.size() - kEpisodesShown);
    return text;
}

}  // namespace

std::string report_text(const BacktestReport& report) {
    return head(report) + figures(report) + rules(report) + duty(report) +
           list("won by the draft", report.won) + list("lost by the draft", report.lost);
}

}  // namespace vitalog::topology
