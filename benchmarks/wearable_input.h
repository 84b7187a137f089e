#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace vitalog::benchmarks {

/// An answer of Huawei's sampleSet:polymerize with `samples` heart rates, one a second, that end at
/// `end_millis`: what a gateway posts for one account. The same seed gives the same bytes.
inline std::string huawei_answer(std::size_t samples, std::int64_t end_millis, std::mt19937_64& random) {
    std::string out;
    out.reserve(256 + samples * 180);
    out += R"({"group":[{"startTime":)" + std::to_string(end_millis - 1'000 * static_cast<std::int64_t>(samples)) +
           R"(,"endTime":)" + std::to_string(end_millis) +
           R"(,"sampleSet":[{"dataCollectorId":"raw:com.huawei.instantaneous.heart_rate:watch","samplePoints":[)";
    for (std::size_t i = 0; i < samples; ++i) {
        const std::int64_t at =
            (end_millis - 1'000 * static_cast<std::int64_t>(samples - 1 - i)) * 1'000'000;
        if (i > 0) out += ',';
        out += R"({"startTime":)" + std::to_string(at) + R"(,"endTime":)" + std::to_string(at) +
               R"(,"dataTypeName":"com.huawei.instantaneous.heart_rate","value":[{"fieldName":"bpm","integerValue":)" +
               std::to_string(60 + random() % 40) + "}]}";
    }
    out += "]}]}]}";
    return out;
}

}  // namespace vitalog::benchmarks
