#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace vitalog::benchmarks {

/// What a watch reports in one answer: `samples` values of one measure, `step_millis` apart.
struct WatchSeries {
    std::size_t samples = 100;
    std::int64_t step_millis = 1'000;
    std::string_view measure = "heart_rate", field = "bpm";
    std::uint64_t base = 60, spread = 40;  ///< values are base to base + spread - 1
};
/// A saturation that holds low: longer than a minute, it raises the built-in rule saturation-low.
inline constexpr WatchSeries kLowSaturation{.measure = "spo2", .field = "saturation", .base = 84, .spread = 3};

/// An answer of Huawei's sampleSet:polymerize that ends at `end_millis`: what a gateway posts for
/// one account. The same seed gives the same bytes.
inline std::string huawei_answer(const WatchSeries& series, std::int64_t end_millis, std::mt19937_64& random) {
    const auto count = static_cast<std::int64_t>(series.samples);
    const std::string type = "com.huawei.instantaneous." + std::string(series.measure);
    std::string out;
    out.reserve(256 + series.samples * 180);
    out += R"({"group":[{"startTime":)" + std::to_string(end_millis - series.step_millis * count) +
           R"(,"endTime":)" + std::to_string(end_millis) +
           R"(,"sampleSet":[{"dataCollectorId":"raw:)" + type + R"(:watch","samplePoints":[)";
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t at = (end_millis - series.step_millis * (count - 1 - i)) * 1'000'000;
        if (i > 0) out += ',';
        out += R"({"startTime":)" + std::to_string(at) + R"(,"endTime":)" + std::to_string(at) +
               R"(,"dataTypeName":")" + type + R"(","value":[{"fieldName":")" + std::string(series.field) +
               R"(","integerValue":)" + std::to_string(series.base + random() % series.spread) + "}]}";
    }
    out += "]}]}]}";
    return out;
}

}  // namespace vitalog::benchmarks
