#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Plots as inline SVG of two series, "in force" and "draft". No script, no font, no network.

namespace vitalog::topology::backtest {

struct Bar {
    std::string label;
    double in_force = 0;
    double draft = 0;
};
/// Two bars a label, one below the other.
std::string bar_chart(const std::vector<Bar>& bars);

using Points = std::vector<std::pair<double, double>>;  ///< x, y; by x
struct LineChart {
    Points in_force;
    Points draft;
    std::vector<std::pair<double, std::string>> x_marks;  ///< where, and what is written there
    std::vector<std::pair<double, std::string>> y_marks;
    std::string x_name;
};
/// Both series between the first and the last mark of each axis.
std::string line_chart(const LineChart& chart);

/// Marks at round numbers from 0 to the first at or beyond `most`.
std::vector<std::pair<double, std::string>> round_marks(double most);

}  // namespace vitalog::topology::backtest
