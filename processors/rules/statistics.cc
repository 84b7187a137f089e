#include "processors/rules/statistics.h"

#include <algorithm>
#include <cmath>

namespace vitalog::processors::rules {
namespace {

double hours_between(EventTime from, EventTime to) {
    return std::chrono::duration<double, std::ratio<3600>>(to - from).count();
}

}  // namespace

std::optional<double> Statistics::variation() const {
    if (!deviation || mean <= 0) return std::nullopt;
    return *deviation / mean;
}

std::optional<double> slope_of(std::span<const Point> points) {
    if (points.empty()) return std::nullopt;
    const EventTime origin = points.front().at;
    double weight = 0, time = 0, value = 0;
    for (const auto& p : points) {
        weight += p.weight;
        time += p.weight * hours_between(origin, p.at);
        value += p.weight * p.value;
    }
    time /= weight;
    value /= weight;
    double across = 0, along = 0;
    for (const auto& p : points) {
        const double distance = hours_between(origin, p.at) - time;
        across += p.weight * distance * distance;
        along += p.weight * distance * (p.value - value);
    }
    if (across <= 0) return std::nullopt;
    return along / across;
}

std::optional<Statistics> statistics_of(std::span<const Point> points) {
    if (points.empty()) return std::nullopt;
    Statistics result;
    result.count = static_cast<std::int64_t>(points.size());
    result.min = result.max = points.front().value;
    result.first = points.front().at;
    result.last = points.back().at;
    double sum = 0;
    for (const auto& p : points) {
        result.min = std::min(result.min, p.value);
        result.max = std::max(result.max, p.value);
        sum += p.value;
    }
    result.mean = sum / static_cast<double>(points.size());
    if (points.size() > 1) {
        double squares = 0;
        for (const auto& p : points) squares += (p.value - result.mean) * (p.value - result.mean);
        result.deviation = std::sqrt(squares / static_cast<double>(points.size() - 1));
    }
    result.slope = slope_of(points);
    return result;
}

}  // namespace vitalog::processors::rules
