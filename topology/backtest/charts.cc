#include "topology/backtest/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "topology/backtest/words.h"

namespace vitalog::topology::backtest {
namespace {

constexpr int kWidth = 760;
constexpr int kLabelWidth = 250;
constexpr int kBarHeight = 11;
constexpr int kRowHeight = 34;
constexpr int kPlotHeight = 260;
constexpr int kMargin = 46;
constexpr std::size_t kDotsMax = 40;  // of a line that is drawn with its points

std::string number_text(double value) {
    return value == std::floor(value) ? grouped(static_cast<std::int64_t>(value))
                                      : fmt::format("{:.2f}", value);
}

std::string bar(const char* series, int y, double value, double most) {
    constexpr double kRoom = kWidth - kLabelWidth - 80;
    const double length = most > 0 ? kRoom * value / most : 0;
    return fmt::format(
        "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\"/>"
        "<text x=\"{:.1f}\" y=\"{}\">{}</text>",
        series, kLabelWidth, y, std::max(length, 1.0), kBarHeight, kLabelWidth + length + 6,
        y + kBarHeight - 1, number_text(value));
}

/// Where a number of the axis lies on the page.
struct Scale {
    double first, last, from, to;
    double operator()(double value) const {
        return last == first ? from : from + (value - first) / (last - first) * (to - from);
    }
};

std::string path(const char* series, const Points& points, const Scale& x, const Scale& y) {
    if (points.empty()) return {};
    std::string text = fmt::format("<polyline class=\"{}\" points=\"", series);
    for (const auto& [at, value] : points) text += fmt::format("{:.1f},{:.1f} ", x(at), y(value));
    text += "\"/>";
    if (points.size() > kDotsMax) return text;
    for (const auto& [at, value] : points)
        text += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", series,
                            x(at), y(value));
    return text;
}

}  // namespace

std::string bar_chart(const std::vector<Bar>& bars) {
    double most = 0;
    for (const auto& each : bars) most = std::max({most, each.in_force, each.draft});
    const int height = kRowHeight * static_cast<int>(bars.size()) + 6;
    std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">", kWidth, height);
    int y = 4;
    for (const auto& each : bars) {
        svg += fmt::format("<text class=\"label\" x=\"{}\" y=\"{}\">{}</text>", kLabelWidth - 8,
                           y + kBarHeight + 4, escaped(each.label));
        svg +=
            bar("now", y, each.in_force, most) + bar("draft", y + kBarHeight + 2, each.draft, most);
        y += kRowHeight;
    }
    return svg + "</svg>";
}

std::string line_chart(const LineChart& chart) {
    const Scale x{chart.x_marks.front().first, chart.x_marks.back().first, kMargin, kWidth - 20};
    const Scale y{chart.y_marks.front().first, chart.y_marks.back().first, kPlotHeight, 12};
    std::string svg =
        fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">", kWidth, kPlotHeight + 44);
    for (const auto& [at, text] : chart.y_marks)
        svg += fmt::format(
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
            "<text class=\"label\" x=\"{}\" y=\"{:.1f}\">{}</text>",
            kMargin, kWidth - 20, y(at), y(at), kMargin - 6, y(at) + 4, escaped(text));
    for (const auto& [at, text] : chart.x_marks)
        svg += fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{}\">{}</text>", x(at),
                           kPlotHeight + 18, escaped(text));
    svg += fmt::format("<text class=\"middle\" x=\"{}\" y=\"{}\">{}</text>", kWidth / 2,
                       kPlotHeight + 38, escaped(chart.x_name));
    return svg + path("now", chart.in_force, x, y) + path("draft", chart.draft, x, y) + "</svg>";
}

std::vector<std::pair<double, std::string>> round_marks(double most) {
    constexpr int kMarks = 5;
    double step = std::pow(10, std::floor(std::log10(std::max(most, 1.0))));
    while (step * kMarks < most) step *= 2;
    while (step > 1 && step * kMarks / 2 >= most) step = std::max(1.0, step / 2);
    std::vector<std::pair<double, std::string>> marks;
    for (double at = 0; marks.empty() || marks.back().first < std::max(most, 1.0); at += step)
        marks.emplace_back(at, number_text(at));
    return marks;
}

}  // namespace vitalog::topology::backtest
