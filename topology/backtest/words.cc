#include "topology/backtest/words.h"

#include <fmt/format.h>

#include <cmath>

namespace vitalog::topology::backtest {

std::string grouped(std::int64_t number) {
    std::string text = std::to_string(number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t at = text.size(); at > first + 3;) {
        at -= 3;
        text.insert(at, ",");
    }
    return text;
}

std::string span_text(std::int64_t micros) {
    const double seconds = std::abs(static_cast<double>(micros)) / 1e6;
    const std::string sign = micros < 0 ? "-" : "";
    if (seconds < 10) return sign + fmt::format("{:.1f} s", seconds);
    if (seconds < 120) return sign + fmt::format("{:.0f} s", seconds);
    if (seconds < 2 * 3600) return sign + fmt::format("{:.0f} min", seconds / 60);
    if (seconds < 48 * 3600) return sign + fmt::format("{:.1f} h", seconds / 3600);
    return sign + fmt::format("{:.1f} d", seconds / 86400);
}

std::string percent(double share) {
    return fmt::format("{:.1f} %", share * 100);
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out.push_back(c);
        }
    }
    return out;
}

}  // namespace vitalog::topology::backtest
