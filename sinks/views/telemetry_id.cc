#include "sinks/views/telemetry_id.h"

#include <fmt/format.h>

namespace vitalog::sinks::views {
namespace {

constexpr std::string_view kMark = "74656c65";  // "tele"
constexpr std::size_t kSeriesDigits = 5;
constexpr std::size_t kHourDigits = 7;

/// The number whose decimal digits are the bytes behind these hexadecimal digits.
std::optional<std::int64_t> digits_of(std::string_view hex) {
    std::int64_t number = 0;
    for (; !hex.empty(); hex.remove_prefix(2)) {
        if (hex[0] != '3' || hex[1] < '0' || hex[1] > '9') return std::nullopt;
        number = number * 10 + (hex[1] - '0');
    }
    return number;
}

}  // namespace

std::string TelemetryId::hex() const {
    std::string out(kMark);
    for (const char c : fmt::format("{:05}{:07}", n, hour)) (out += '3') += c;
    return out;
}

std::optional<TelemetryId> TelemetryId::parse(std::string_view hex) {
    if (hex.size() != 32 || !hex.starts_with(kMark)) return std::nullopt;
    hex.remove_prefix(kMark.size());
    const auto n = digits_of(hex.substr(0, 2 * kSeriesDigits));
    const auto hour = digits_of(hex.substr(2 * kSeriesDigits, 2 * kHourDigits));
    if (!n || !hour) return std::nullopt;
    return TelemetryId{*n, *hour};
}

}  // namespace vitalog::sinks::views
