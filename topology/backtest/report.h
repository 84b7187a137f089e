#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "topology/backtest/backtest_record.h"
#include "topology/backtest/duty.h"
#include "topology/backtest/trial.h"

namespace vitalog::topology {

/// Two figures of one thing: under the rules in force, and under the draft.
template <class T>
struct Beside {
    T in_force{};
    T draft{};
};

/// Tasks of one doctor in one shift of the roster.
struct DutyLine {
    std::string doctor;  ///< empty: tasks that nobody was told of
    std::string shift;
    Beside<std::int64_t> tasks;
    Beside<double> a_shift;        ///< on average
    Beside<std::int64_t> busiest;  ///< in the shift with the most
};

/// A tenth, the half and nine tenths of something are below these; microseconds.
struct Spread {
    std::size_t count = 0;
    std::int64_t p10 = 0;
    std::int64_t median = 0;
    std::int64_t p90 = 0;
};

/// What a back-test says.
struct BacktestReport {
    struct Rule {
        Beside<std::int64_t> episodes;
        Beside<std::int64_t> tasks;
        std::int64_t won = 0;
        std::int64_t lost = 0;
    };
    std::string program;
    std::vector<BacktestedPack> packs;
    LogTime from;
    LogTime to;
    std::int64_t events_before = 0;
    std::int64_t events = 0;
    std::int64_t refused = 0;
    std::int64_t merges = 0;
    std::int64_t persons = 0;

    Beside<std::int64_t> episodes;       ///< retrospective ones apart
    Beside<std::int64_t> retrospective;  ///< recorded only
    Beside<std::array<std::int64_t, 3>> by_priority;
    Beside<std::int64_t> tasks;
    Beside<std::int64_t> persons_alerted;
    Beside<double>
        top_tenth;  ///< share of all alerts that the tenth of persons with most has; 0..1
    Beside<std::vector<std::int64_t>> per_person;  ///< alerts of those who had any, the most first
    std::map<std::string, Rule> rules;
    std::map<std::int64_t, Beside<std::int64_t>> per_day;  ///< days since 1970-01-01, UTC
    Beside<Spread> to_alert;                               ///< from the event to the alert
    Beside<std::vector<std::int64_t>> to_alert_all;        ///< the same one by one, ascending
    /// Of episodes that both have: how much later the draft's began; negative: earlier.
    Spread shift;
    std::int64_t both = 0;
    std::int64_t earlier = 0;
    std::int64_t later = 0;
    std::vector<TrialEpisode> won;   ///< by the draft alone
    std::vector<TrialEpisode> lost;  ///< in force alone
    std::vector<DutyLine> duty;      ///< those with most tasks under the draft first
    Beside<double> load;             ///< of the busiest doctor in one shift, on average
    std::string busiest;             ///< whose that is under the draft, and in which shift

    BacktestRecord record() const;
};

/// What a report is made of beside the trial.
struct BacktestInput {
    std::string program;
    std::vector<BacktestedPack> packs;
    LogTime from;
    LogTime to;
    Beside<std::vector<AssignedTask>> tasks;
};
BacktestReport make_report(const Trial& trial, const BacktestInput& input);

/// The same for people: as text, as a page that holds everything it shows, and the episodes won and
/// lost as comma-separated lines.
std::string report_text(const BacktestReport& report);
std::string report_html(const BacktestReport& report);
std::string report_csv(const BacktestReport& report);

}  // namespace vitalog::topology
