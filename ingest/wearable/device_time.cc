#include "ingest/wearable/device_time.h"

#include <string>

#include "schemas/base/time.h"

namespace vitalog::ingest::wearable {
namespace {

constexpr std::size_t kDigitsMax = 18;  // of a number that fits in 64 bits whatever its digits
constexpr std::int64_t kTenthOfMax = 922'337'203'685'477'580;
constexpr std::int64_t kMillisFrom = 100'000'000'000;
constexpr std::int64_t kMicrosFrom = 100'000'000'000'000;
constexpr std::int64_t kNanosFrom = 100'000'000'000'000'000;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

std::optional<std::int64_t> epoch_millis(std::string_view digits) {
    if (digits.empty() || digits.size() > kDigitsMax + 1) return std::nullopt;
    // A 19th digit fits unless the number is above 9.2e18; no device lives after the year 2262.
    std::int64_t number = 0;
    for (const char digit : digits.substr(0, kDigitsMax)) {
        if (!is_digit(digit)) return std::nullopt;
        number = number * 10 + (digit - '0');
    }
    if (digits.size() > kDigitsMax) {
        if (!is_digit(digits.back()) || number >= kTenthOfMax) return std::nullopt;
        number = number * 10 + (digits.back() - '0');
    }
    if (number >= kNanosFrom) return number / 1'000'000;
    if (number >= kMicrosFrom) return number / 1'000;
    if (number >= kMillisFrom) return number;
    return number * 1'000;
}

std::optional<int> offset_of(std::string_view zone) {
    if (zone == "Z") return 0;
    if (zone.size() == 6 && zone[3] == ':') {
        const char plain[] = {zone[0], zone[1], zone[2], zone[4], zone[5]};
        return offset_of({plain, sizeof plain});
    }
    if (zone.size() != 5 || (zone[0] != '+' && zone[0] != '-')) return std::nullopt;
    for (const char c : zone.substr(1))
        if (!is_digit(c)) return std::nullopt;
    const int hours = (zone[1] - '0') * 10 + zone[2] - '0';
    const int minutes = (zone[3] - '0') * 10 + zone[4] - '0';
    if (hours > 18 || minutes > 59) return std::nullopt;
    return (zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

Result<DeviceTime> device_time(std::string_view text) {
    if (const auto millis = epoch_millis(text)) return DeviceTime{*millis, 0};
    const auto zoned = parse_zoned_time(text);
    if (!zoned || zoned->precision < Precision::Minute)
        return fail(Errc::Malformed, "'" + std::string(text.substr(0, 64)) +
                                         "' is not a time such as 2020-02-05T07:25:00-08:00");
    return DeviceTime{zoned->at.millis(), zoned->offset_minutes};
}

}  // namespace vitalog::ingest::wearable
