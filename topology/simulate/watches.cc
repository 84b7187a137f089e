#include "topology/simulate/watches.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "topology/simulate/dice.h"

namespace vitalog::topology::simulate {
namespace {

constexpr std::uint64_t kHeldBackInThousand = 20;
constexpr std::uint64_t kRepeatedInThousand = 20;
constexpr std::uint64_t kBreathlessInThousand = 10;  ///< wearers
constexpr std::int64_t kLeastStepMillis = 1'000;
constexpr std::int64_t kSpotMillis = 15'000;  ///< between saturations of a bad night
constexpr std::int64_t kMinuteMillis = 60'000;

/// A multiplier that visits every wearer once a round.
std::uint64_t step_without_common_factor(std::uint64_t wearers) {
    std::uint64_t step = wearers * 618 / 1000 + 1;
    while (std::gcd(step, wearers) != 1) ++step;
    return step;
}

struct Series {
    std::string_view type, field, collector;
};
constexpr Series kHeart{"com.huawei.instantaneous.heart_rate", "bpm", "watch"};
constexpr Series kOxygen{"com.huawei.instantaneous.spo2", "saturation", "watch"};
constexpr Series kWatchSteps{"com.huawei.continuous.steps.delta", "steps_delta", "watch"};
constexpr Series kPhoneSteps{"com.huawei.continuous.steps.delta", "steps_delta", "phone"};

/// A sample set of one series; `value(i)` and times from `begin` on, each `step` long where it adds
/// up, else at its moment.
template <class Value>
void write_set(std::string& out, const Series& series, std::int64_t begin, std::int64_t step,
               std::size_t count, bool adds_up, Value value) {
    auto to = std::back_inserter(out);
    fmt::format_to(to, R"({}{{"dataCollectorId":"raw:{}:{}","samplePoints":[)",
                   out.ends_with('[') ? "" : ",", series.type, series.collector);
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t at = begin + static_cast<std::int64_t>(i) * step;
        fmt::format_to(
            to,
            R"({}{{"startTime":{}000000,"endTime":{}000000,"dataTypeName":"{}","value":[{{"fieldName":"{}","integerValue":{}}}]}})",
            i == 0 ? "" : ",", at, adds_up ? at + step : at, series.type, series.field, value());
    }
    out += "]}";
}

/// Beats a minute by the hour of the day in the city, UTC+8.
std::int64_t resting_rate(EventTime at) {
    constexpr std::array<std::int64_t, 24> kByHour{56, 55, 54, 53, 54, 58, 66, 74, 78, 77, 76, 78,
                                                   80, 74, 75, 77, 78, 82, 80, 76, 73, 70, 64, 59};
    const std::int64_t hours = at.millis() / 3'600'000 + 8;
    return kByHour[static_cast<std::size_t>(hours % 24)];
}

}  // namespace

Watches::Watches(const City& city, EventTime start, Pace pace)
    : city_(city),
      start_(start),
      pace_(pace),
      wearers_(city.wearers()),
      shuffle_(step_without_common_factor(wearers_)) {}

EventTime Watches::due(std::uint64_t n) const {
    const auto micros = static_cast<double>(n) * 1e6 / pace_.batches_per_second;
    return start_ + std::chrono::microseconds(static_cast<std::int64_t>(micros));
}

Watches::Fate Watches::fate(std::uint64_t wearer, std::uint64_t round) const {
    Dice dice(city_.seed(), "fate", wearer, round);
    if (dice.chance(kHeldBackInThousand)) return Fate::HeldBack;
    return dice.chance(kRepeatedInThousand) ? Fate::Repeated : Fate::Sent;
}

std::vector<Batch> Watches::turn(std::uint64_t n) const {
    const std::uint64_t round = n / wearers_;
    const std::uint64_t wearer = n % wearers_ * shuffle_ % wearers_;
    std::vector<Batch> out;
    const Fate now = fate(wearer, round);
    if (now != Fate::HeldBack) out.push_back(batch(wearer, round, due(n)));
    if (now == Fate::Repeated) out.push_back(out.back());
    if (round > 0 && fate(wearer, round - 1) == Fate::HeldBack)
        out.push_back(batch(wearer, round - 1, due(n - wearers_)));
    return out;
}

Batch Watches::batch(std::uint64_t wearer, std::uint64_t round, EventTime end) const {
    Dice dice(city_.seed(), "batch", wearer, round);
    const bool breathless =
        Dice(city_.seed(), "breathless", wearer).chance(kBreathlessInThousand) && round % 4 < 2;
    const std::int64_t turn =
        static_cast<std::int64_t>(static_cast<double>(wearers_) * 1e3 / pace_.batches_per_second);
    const auto most = static_cast<std::int64_t>(pace_.samples);
    const std::int64_t samples = std::clamp<std::int64_t>(turn / kLeastStepMillis, 1, most);
    const std::int64_t step = std::min(turn / samples, breathless ? kSpotMillis : turn);
    const std::int64_t begin = end.millis() - step * samples;
    const auto count = static_cast<std::size_t>(samples);
    const std::int64_t own = dice.between(-6, 14);
    std::string json = fmt::format(R"({{"group":[{{"startTime":{},"endTime":{},"sampleSet":[)",
                                   begin, end.millis());
    if (breathless) {
        write_set(json, kOxygen, begin, step, count, false, [&] { return dice.about(82, 87); });
    } else {
        const std::int64_t rest = resting_rate(end) + own;
        write_set(json, kHeart, begin, step, count, false,
                  [&] { return rest + dice.about(-8, 12); });
        write_set(json, kOxygen, begin + step / 2, step * samples, 1, false,
                  [&] { return dice.about(95, 99); });
    }
    if (turn >= kMinuteMillis) {
        const std::int64_t minute = (end.millis() / kMinuteMillis - 1) * kMinuteMillis;
        const std::int64_t steps = dice.about(0, 110);
        write_set(json, kWatchSteps, minute, kMinuteMillis, 1, true, [&] { return steps; });
        write_set(json, kPhoneSteps, minute, kMinuteMillis, 1, true,
                  [&] { return steps * 9 / 10; });
    }
    return {city_.person(wearer).watch, json + "]}]}"};
}

}  // namespace vitalog::topology::simulate
