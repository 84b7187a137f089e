#include "topology/backtest/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace vitalog::topology {
namespace {

constexpr std::int64_t kDayMicros = std::int64_t{24} * 3600 * 1'000'000;

template <class T>
T& side_of(Beside<T>& figures, bool draft) {
    return draft ? figures.draft : figures.in_force;
}

Spread spread_of(const std::vector<std::int64_t>& ascending) {
    if (ascending.empty()) return {};
    const auto at = [&](double share) {
        return ascending[static_cast<std::size_t>(
            share * static_cast<double>(ascending.size() - 1) + 0.5)];
    };
    return {ascending.size(), at(0.1), at(0.5), at(0.9)};
}

/// Figures of one side alone.
void count_side(const std::vector<TrialEpisode>& episodes, bool draft, BacktestReport& report) {
    std::unordered_map<std::string, std::int64_t> persons;
    for (const auto& episode : episodes) {
        if (episode.retrospective) {
            ++side_of(report.retrospective, draft);
            continue;
        }
        ++side_of(report.episodes, draft);
        ++side_of(report.by_priority, draft)[static_cast<std::size_t>(episode.priority)];
        ++side_of(report.rules[episode.rule].episodes, draft);
        if (episode.task) ++side_of(report.rules[episode.rule].tasks, draft);
        ++persons[episode.person];
        const std::int64_t day = episode.raised.micros() / kDayMicros;
        ++side_of(report.per_day[day], draft);
        side_of(report.to_alert_all, draft)
            .push_back((episode.raised - episode.since.as<ReceivedTime>()).count());
    }
    auto& times = side_of(report.to_alert_all, draft);
    std::sort(times.begin(), times.end());
    side_of(report.to_alert, draft) = spread_of(times);
    auto& counts = side_of(report.per_person, draft);
    for (const auto& [person, count] : persons) counts.push_back(count);
    std::sort(counts.rbegin(), counts.rend());
    side_of(report.persons_alerted, draft) = static_cast<std::int64_t>(counts.size());
    const auto tenth = static_cast<std::size_t>((report.persons + 9) / 10);
    std::int64_t top = 0;
    for (std::size_t i = 0; i < std::min(tenth, counts.size()); ++i) top += counts[i];
    const std::int64_t all = side_of(report.episodes, draft);
    side_of(report.top_tenth, draft) =
        all == 0 ? 0 : static_cast<double>(top) / static_cast<double>(all);
}

using Episodes = std::vector<const TrialEpisode*>;
using ByPersonAndRule = std::map<std::pair<std::string_view, std::string_view>, Beside<Episodes>>;

ByPersonAndRule pair_up(const Trial& trial) {
    ByPersonAndRule pairs;
    for (const auto& episode : trial.in_force.episodes)
        pairs[{episode.person, episode.rule}].in_force.push_back(&episode);
    for (const auto& episode : trial.draft.episodes)
        pairs[{episode.person, episode.rule}].draft.push_back(&episode);
    const auto by_begin = [](const auto* a, const auto* b) { return a->since < b->since; };
    for (auto& [name, sides] : pairs) {
        std::stable_sort(sides.in_force.begin(), sides.in_force.end(), by_begin);
        std::stable_sort(sides.draft.begin(), sides.draft.end(), by_begin);
    }
    return pairs;
}

EventTime end_of(const TrialEpisode& episode) {
    return episode.ended.value_or(EventTime(INT64_MAX));
}

/// Episodes of one rule at one person are the same where they overlap.
class Comparison {
  public:
    explicit Comparison(BacktestReport& report) : report_(report) {}

    void compare(const Beside<Episodes>& sides) {
        auto a = sides.in_force.begin();
        auto b = sides.draft.begin();
        while (a != sides.in_force.end() && b != sides.draft.end()) {
            if (end_of(**a) < (*b)->since)
                lost(**a++);
            else if (end_of(**b) < (*a)->since)
                won(**b++);
            else
                both(**a++, **b++);
        }
        while (a != sides.in_force.end()) lost(**a++);
        while (b != sides.draft.end()) won(**b++);
    }
    void finish() {
        std::sort(shifts_.begin(), shifts_.end());
        report_.shift = spread_of(shifts_);
        const auto by_begin = [](const TrialEpisode& a, const TrialEpisode& b) {
            return std::tie(a.raised, a.person, a.rule) < std::tie(b.raised, b.person, b.rule);
        };
        std::sort(report_.won.begin(), report_.won.end(), by_begin);
        std::sort(report_.lost.begin(), report_.lost.end(), by_begin);
    }

  private:
    void won(const TrialEpisode& episode) {
        report_.won.push_back(episode);
        ++report_.rules[episode.rule].won;
    }
    void lost(const TrialEpisode& episode) {
        report_.lost.push_back(episode);
        ++report_.rules[episode.rule].lost;
    }
    void both(const TrialEpisode& in_force, const TrialEpisode& draft) {
        ++report_.both;
        const std::int64_t later = (draft.since - in_force.since).count();
        shifts_.push_back(later);
        if (later < 0) ++report_.earlier;
        if (later > 0) ++report_.later;
    }

    BacktestReport& report_;
    std::vector<std::int64_t> shifts_;
};

/// Tasks by doctor and shift, of both sides.
class DutyCount {
  public:
    void add(const std::vector<AssignedTask>& tasks, bool draft) {
        for (const auto& task : tasks) {
            if (task.doctors.empty()) count("", task, draft);
            for (const auto& doctor : task.doctors) count(doctor, task, draft);
        }
    }
    std::vector<DutyLine> lines() const {
        std::vector<DutyLine> lines;
        for (const auto& [who, cell] : cells_) {
            DutyLine line{who.first, who.second, cell.tasks, {}, {}};
            line.a_shift = {static_cast<double>(cell.tasks.in_force) / cell.shifts,
                            static_cast<double>(cell.tasks.draft) / cell.shifts};
            for (const auto& [day, count] : cell.days.in_force)
                line.busiest.in_force = std::max(line.busiest.in_force, count);
            for (const auto& [day, count] : cell.days.draft)
                line.busiest.draft = std::max(line.busiest.draft, count);
            lines.push_back(std::move(line));
        }
        std::stable_sort(lines.begin(), lines.end(), [](const DutyLine& a, const DutyLine& b) {
            return std::max(a.a_shift.draft, a.a_shift.in_force) >
                   std::max(b.a_shift.draft, b.a_shift.in_force);
        });
        return lines;
    }

  private:
    struct Cell {
        Beside<std::int64_t> tasks;
        double shifts = 1;
        Beside<std::map<std::int64_t, std::int64_t>> days;
    };
    void count(const std::string& doctor, const AssignedTask& task, bool draft) {
        Cell& cell = cells_[{doctor, task.shift}];
        cell.shifts = task.shifts;
        ++side_of(cell.tasks, draft);
        ++side_of(cell.days, draft)[task.day];
    }

    std::map<std::pair<std::string, std::string>, Cell> cells_;
};

void count_duty(const BacktestInput& input, BacktestReport& report) {
    DutyCount duty;
    duty.add(input.tasks.in_force, false);
    duty.add(input.tasks.draft, true);
    report.duty = duty.lines();
    for (const auto& line : report.duty) {
        if (line.doctor.empty()) continue;
        report.load.in_force = std::max(report.load.in_force, line.a_shift.in_force);
        if (line.a_shift.draft <= report.load.draft) continue;
        report.load.draft = line.a_shift.draft;
        report.busiest = fmt::format("{} ({})", line.doctor, line.shift);
    }
    report.tasks = {static_cast<std::int64_t>(input.tasks.in_force.size()),
                    static_cast<std::int64_t>(input.tasks.draft.size())};
}

}  // namespace

BacktestReport make_report(const Trial& trial, const BacktestInput& input) {
    BacktestReport report;
    report.program = input.program;
    report.packs = input.packs;
    report.from = input.from;
    report.to = input.to;
    report.events_before = trial.events_before;
    report.events = trial.events;
    report.refused = trial.refused;
    report.merges = trial.merges;
    report.persons = trial.persons;
    count_side(trial.in_force.episodes, false, report);
    count_side(trial.draft.episodes, true, report);
    Comparison comparison(report);
    for (const auto& [name, sides] : pair_up(trial)) comparison.compare(sides);
    comparison.finish();
    count_duty(input, report);
    return report;
}

BacktestRecord BacktestReport::record() const {
    BacktestRecord record;
    record.format = kBacktestFormat;
    record.program = program;
    record.packs = packs;
    record.from = to_rfc3339(from);
    record.to = to_rfc3339(to);
    record.events = events;
    record.persons = persons;
    record.episodes_in_force = episodes.in_force;
    record.episodes_draft = episodes.draft;
    record.won = static_cast<std::int64_t>(won.size());
    record.lost = static_cast<std::int64_t>(lost.size());
    record.tasks_in_force = tasks.in_force;
    record.tasks_draft = tasks.draft;
    record.load_in_force = load.in_force;
    record.load_draft = load.draft;
    record.busiest = busiest;
    return record;
}

std::string report_csv(const BacktestReport& report) {
    std::string text =
        "side,raised,since,ended,person,rule,version,priority,task,retrospective,alert\n";
    const auto add = [&](std::string_view side, const std::vector<TrialEpisode>& episodes) {
        for (const auto& e : episodes)
            text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", side, to_rfc3339(e.raised),
                                to_rfc3339(e.since), e.ended ? to_rfc3339(*e.ended) : "", e.person,
                                e.rule, e.rule_version, schemas::name_of_enum(e.priority),
                                e.task ? "yes" : "no", e.retrospective ? "yes" : "no", e.alert);
    };
    add("won", report.won);
    add("lost", report.lost);
    return text;
}

}  // namespace vitalog::topology
