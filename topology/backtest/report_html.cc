#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "topology/backtest/charts.h"
#include "topology/backtest/report.h"
#include "topology/backtest/words.h"

namespace vitalog::topology {
namespace {

using namespace backtest;

constexpr std::size_t kEpisodesShown = 1'000;
constexpr std::size_t kBarsShown = 40;
constexpr std::size_t kCurvePoints = 200;
constexpr std::int64_t kDaySeconds = 24 * 60 * 60;

constexpr std::string_view kStyle = R"(<style>
body{font:15px/1.45 system-ui,sans-serif;color:#1f2937;max-width:860px;margin:2em auto;padding:0 1em}
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}
table{border-collapse:collapse;width:100%;font-size:14px}td,th{padding:3px 8px;border-bottom:1px solid #e5e7eb;text-align:right}
td:first-child,th:first-child,.words td,.words th{text-align:left}.id{font-family:ui-monospace,monospace;font-size:12px;text-align:left}
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#374151}svg .label{text-anchor:end}svg .middle{text-anchor:middle}
svg .now{fill:#9ca3af}svg .draft{fill:#0f766e}svg polyline{fill:none!important;stroke-width:2}svg polyline.now{stroke:#9ca3af;stroke-width:5}
svg polyline.draft{stroke:#0f766e}svg .grid{stroke:#e5e7eb}.key span{display:inline-block;width:12px;height:12px;margin:0 4px 0 14px}
</style>)";
constexpr std::string_view kKey =
    R"(<p class="key"><span style="background:#9ca3af"></span>in force<span style="background:#0f766e"></span>draft</p>)";

std::string cells(std::initializer_list<std::string> texts) {
    std::string row = "<tr>";
    for (const auto& text : texts) row += "<td>" + text + "</td>";
    return row + "</tr>\n";
}
std::string both(const std::string& what, const Beside<std::int64_t>& figures) {
    return cells({what, grouped(figures.in_force), grouped(figures.draft)});
}

std::string summary(const BacktestReport& report) {
    std::string html = "<table><tr><th></th><th>in force</th><th>draft</th></tr>\n";
    html += both("episodes", report.episodes);
    for (std::size_t p = report.by_priority.draft.size(); p-- > 0;)
        html += both(fmt::format("&nbsp;&nbsp;of priority {}",
                                 schemas::EnumNames<schemas::Priority>::names[p]),
                     {report.by_priority.in_force[p], report.by_priority.draft[p]});
    html += both("recorded late, without a task", report.retrospective);
    html += both("tasks", report.tasks);
    html += cells({"tasks a shift of the busiest doctor, on average",
                   fmt::format("{:.2f}", report.load.in_force),
                   fmt::format("{:.2f}", report.load.draft)});
    html += both("persons with alerts", report.persons_alerted);
    html += cells({"share of the tenth of persons with most alerts",
                   percent(report.top_tenth.in_force), percent(report.top_tenth.draft)});
    html +=
        cells({"from the event to the alert: median", span_text(report.to_alert.in_force.median),
               span_text(report.to_alert.draft.median)});
    html += cells({"&nbsp;&nbsp;nine tenths within", span_text(report.to_alert.in_force.p90),
                   span_text(report.to_alert.draft.p90)});
    return html + "</table>\n" +
           fmt::format(
               "<p>Of both sides: {} episodes, the draft's earlier in {}, later in {}. Won by the "
               "draft: {}. Lost: {}.</p>\n",
               grouped(report.both), grouped(report.earlier), grouped(report.later),
               grouped(static_cast<std::int64_t>(report.won.size())),
               grouped(static_cast<std::int64_t>(report.lost.size())));
}

std::string by_rule(const BacktestReport& report) {
    std::vector<Bar> bars;
    std::string table =
        "<table><tr><th>rule</th><th>in force</th><th>draft</th><th>won</th><th>lost</th><th>tasks "
        "in force</th>"
        "<th>tasks, draft</th></tr>\n";
    for (const auto& [id, rule] : report.rules) {
        bars.push_back({id, static_cast<double>(rule.episodes.in_force),
                        static_cast<double>(rule.episodes.draft)});
        table += cells({escaped(id), grouped(rule.episodes.in_force), grouped(rule.episodes.draft),
                        grouped(rule.won), grouped(rule.lost), grouped(rule.tasks.in_force),
                        grouped(rule.tasks.draft)});
    }
    return bar_chart(bars) + table + "</table>\n";
}

std::string day_text(std::int64_t day) {
    return to_rfc3339(day * kDaySeconds * 1'000'000).substr(5, 5);
}

std::string by_day(const BacktestReport& report) {
    if (report.per_day.empty()) return "<p>No alert was raised.</p>\n";
    LineChart chart;
    const std::int64_t first = report.per_day.begin()->first, last = report.per_day.rbegin()->first;
    std::int64_t most = 0;
    for (std::int64_t day = first; day <= last; ++day) {
        const auto found = report.per_day.find(day);
        const Beside<std::int64_t> count =
            found == report.per_day.end() ? Beside<std::int64_t>() : found->second;
        chart.in_force.emplace_back(day, count.in_force);
        chart.draft.emplace_back(day, count.draft);
        most = std::max({most, count.in_force, count.draft});
    }
    const std::int64_t step = std::max<std::int64_t>(1, (last - first + 5) / 6);
    for (std::int64_t day = first; day <= last; day += step)
        chart.x_marks.emplace_back(day, day_text(day));
    if (chart.x_marks.back().first < static_cast<double>(last))
        chart.x_marks.emplace_back(last, "");
    chart.y_marks = round_marks(static_cast<double>(most));
    chart.x_name = "day (UTC)";
    return line_chart(chart);
}

/// How much of all alerts the persons with most of them have.
Points concentration(const std::vector<std::int64_t>& per_person, std::int64_t persons) {
    Points points{{0, 0}};
    double all = 0;
    for (const auto count : per_person) all += static_cast<double>(count);
    if (all == 0) return points;
    double sum = 0;
    const std::size_t step = std::max<std::size_t>(1, per_person.size() / kCurvePoints);
    for (std::size_t i = 0; i < per_person.size(); ++i) {
        sum += static_cast<double>(per_person[i]);
        if (i % step == 0 || i + 1 == per_person.size())
            points.emplace_back(100.0 * static_cast<double>(i + 1) / static_cast<double>(persons),
                                100 * sum / all);
    }
    points.emplace_back(100, 100);
    return points;
}

std::string concentration_chart(const BacktestReport& report) {
    LineChart chart;
    const auto persons = std::max<std::int64_t>(
        report.persons, static_cast<std::int64_t>(std::max(report.per_person.in_force.size(),
                                                           report.per_person.draft.size())));
    chart.in_force = concentration(report.per_person.in_force, persons);
    chart.draft = concentration(report.per_person.draft, persons);
    for (int mark = 0; mark <= 100; mark += 10)
        chart.x_marks.emplace_back(mark, fmt::format("{} %", mark));
    for (int mark = 0; mark <= 100; mark += 20)
        chart.y_marks.emplace_back(mark, fmt::format("{} %", mark));
    chart.x_name = "persons, those with most alerts first";
    return line_chart(chart);
}

/// Share of alerts within a time, over its logarithm.
Points within(const std::vector<std::int64_t>& ascending) {
    Points points;
    const std::size_t step = std::max<std::size_t>(1, ascending.size() / kCurvePoints);
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        if (i % step != 0 && i + 1 != ascending.size()) continue;
        const double seconds =
            std::clamp(static_cast<double>(ascending[i]) / 1e6, 1.0, 7.0 * kDaySeconds);
        points.emplace_back(std::log10(seconds), 100.0 * static_cast<double>(i + 1) /
                                                     static_cast<double>(ascending.size()));
    }
    return points;
}

std::string time_chart(const BacktestReport& report) {
    LineChart chart;
    chart.in_force = within(report.to_alert_all.in_force);
    chart.draft = within(report.to_alert_all.draft);
    for (const auto& [seconds, text] :
         {std::pair(1.0, "1 s"), std::pair(10.0, "10 s"), std::pair(60.0, "1 min"),
          std::pair(600.0, "10 min"), std::pair(3600.0, "1 h"), std::pair(6 * 3600.0, "6 h"),
          std::pair(86400.0, "1 d"), std::pair(7 * 86400.0, "7 d")})
        chart.x_marks.emplace_back(std::log10(seconds), text);
    for (int mark = 0; mark <= 100; mark += 20)
        chart.y_marks.emplace_back(mark, fmt::format("{} %", mark));
    chart.x_name = "from the event to the alert";
    return line_chart(chart);
}

std::string duty(const BacktestReport& report) {
    if (report.duty.empty()) return "<p>No task was made.</p>\n";
    std::vector<Bar> bars;
    std::string table =
        "<table><tr><th>doctor</th><th>shift</th><th>tasks in force</th><th>draft</th><th>a shift "
        "in force</th>"
        "<th>draft</th><th>most in one shift, draft</th></tr>\n";
    for (const DutyLine& line : report.duty) {
        const std::string doctor = line.doctor.empty() ? "(nobody told)" : line.doctor;
        if (bars.size() < kBarsShown)
            bars.push_back({doctor + ", " + line.shift, line.a_shift.in_force, line.a_shift.draft});
        table += cells({escaped(doctor), escaped(line.shift), grouped(line.tasks.in_force),
                        grouped(line.tasks.draft), fmt::format("{:.2f}", line.a_shift.in_force),
                        fmt::format("{:.2f}", line.a_shift.draft), grouped(line.busiest.draft)});
    }
    return "<p>Tasks in one shift, on average:</p>\n" + bar_chart(bars) + table + "</table>\n";
}

std::string episodes(std::string_view title, const std::vector<TrialEpisode>& list) {
    std::string html =
        fmt::format("<h2>{} ({})</h2>\n", title, grouped(static_cast<std::int64_t>(list.size())));
    if (list.empty()) return html + "<p>None.</p>\n";
    html +=
        "<table class=\"words\"><tr><th>since</th><th>person</th><th>what was "
        "found</th><th>rule</th>"
        "<th>priority</th><th>task</th></tr>\n";
    for (std::size_t i = 0; i < std::min(list.size(), kEpisodesShown); ++i) {
        const TrialEpisode& each = list[i];
        html += fmt::format(
            "<tr><td>{}</td><td class=\"id\">{}</td><td>{}</td><td>{}, {}</td><td>{}</td>"
            "<td>{}</td></tr>\n",
            to_rfc3339(each.since), escaped(each.person), escaped(each.problem), escaped(each.rule),
            escaped(each.rule_version), schemas::name_of_enum(each.priority),
            each.retrospective ? "recorded late"
            : each.task        ? "yes"
                               : "no");
    }
    html += "</table>\n";
    if (list.size() > kEpisodesShown)
        html += fmt::format("<p>and {} more; --csv FILE writes all.</p>\n",
                            list.size() - kEpisodesShown);
    return html;
}

std::string head(const BacktestReport& report) {
    std::string html = "<h1>Back-test of rules</h1>\n";
    for (const auto& pack : report.packs)
        html += fmt::format("<p>{} <span class=\"id\">{}</span> beside {}</p>\n",
                            escaped(pack.name), escaped(pack.version),
                            pack.against.empty() ? "no such pack"
                                                 : "<span class=\"id\">" + escaped(pack.against) +
                                                       "</span> in force");
    html += fmt::format(
        "<p>{} to {}: {} events of {} persons; {} events before it were folded to get there. "
        "{}</p>\n",
        to_rfc3339(report.from), to_rfc3339(report.to), grouped(report.events),
        grouped(report.persons), grouped(report.events_before), escaped(report.program));
    if (report.refused > 0)
        html += fmt::format("<p>{} events were refused by one side or both.</p>\n",
                            grouped(report.refused));
    if (report.merges > 0)
        html += fmt::format(
            "<p>{} persons were merged in the stretch: what had been open of them went on under "
            "the rules in "
            "force, on both sides.</p>\n",
            grouped(report.merges));
    return html;
}

}  // namespace

std::string report_html(const BacktestReport& report) {
    std::string html =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Back-test of "
        "rules</title>\n";
    html.append(kStyle).append("</head><body>\n");
    html += head(report) + std::string(kKey) + summary(report);
    html += "<h2>Episodes by rule</h2>\n" + by_rule(report);
    html += "<h2>Episodes by day</h2>\n" + by_day(report);
    html += "<h2>Tasks by doctor and shift</h2>\n" + duty(report);
    html +=
        "<h2>How alerts gather on few persons</h2>\n<p>Share of all alerts, over the share of "
        "persons with events that has them:</p>\n" +
        concentration_chart(report);
    html += "<h2>Time to alert</h2>\n<p>Share of alerts that were raised within a time:</p>\n" +
            time_chart(report);
    html += episodes("Won by the draft", report.won) + episodes("Lost by the draft", report.lost);
    return html + "</body></html>\n";
}

}  // namespace vitalog::topology
