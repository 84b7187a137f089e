#include "processors/site_time.h"

#include <array>
#include <charconv>
#include <utility>

namespace vitalog::processors {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

constexpr std::array<std::pair<std::string_view, int>, 14> kFixedZones{{
    {"Asia/Shanghai", 480},
    {"Asia/Chongqing", 480},
    {"Asia/Harbin", 480},
    {"Asia/Urumqi", 360},
    {"Asia/Hong_Kong", 480},
    {"Asia/Macau", 480},
    {"Asia/Taipei", 480},
    {"Asia/Singapore", 480},
    {"Asia/Kuala_Lumpur", 480},
    {"Asia/Manila", 480},
    {"Asia/Bangkok", 420},
    {"Asia/Tokyo", 540},
    {"Asia/Seoul", 540},
    {"PRC", 480},
}};

int two_digits(std::string_view text) {
    int number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && rest == text.data() + text.size() ? number : 0;
}

}  // namespace

int site_offset_minutes(std::string_view zone) {
    for (const auto& [name, minutes] : kFixedZones)
        if (name == zone) return minutes;
    if (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':') {
        const int minutes = two_digits(zone.substr(1, 2)) * 60 + two_digits(zone.substr(4));
        return zone[0] == '-' ? -minutes : minutes;
    }
    return 0;
}

std::int64_t site_day(ReceivedTime at, int offset_minutes) {
    const std::int64_t local = at.micros() + offset_minutes * kMinute;
    return local >= 0 ? local / kDay : -((-local + kDay - 1) / kDay);
}

ReceivedTime next_site_day(ReceivedTime at, int offset_minutes) {
    return ReceivedTime((site_day(at, offset_minutes) + 1) * kDay - offset_minutes * kMinute);
}

}  // namespace vitalog::processors
