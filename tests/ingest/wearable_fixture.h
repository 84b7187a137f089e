#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/wearable/wearable_decoder.h"
#include "schemas/embed.h"

namespace vitalog::tests {

/// The built-in tables.
inline const schemas::Tables& builtin_tables() {
    static const schemas::Tables tables = [] {
        schemas::Tables built;
        for (const auto& file : schemas::builtin_files()) {
            if (file.kind != "units" && file.kind != "codes" && file.kind != "measures") continue;
            const auto done = built.load(file.kind, file.name, file.text);
            VITALOG_ASSERT(done.has_value(), done.error().message());
        }
        return built;
    }();
    return tables;
}

/// "8867-4 50:1000", "8867-4 50..52 watch 30s": a series as a line: code, values at seconds of its
/// day, zone, source, span.
inline std::string describe(const schemas::SampleSeries& series) {
    std::string line(series.loinc);
    std::int64_t time = series.start;
    for (std::size_t i = 0; i < series.values.size(); ++i) {
        time += series.steps[i];
        std::string value = std::to_string(series.values[i]);
        if (series.decimals > 0) {
            const auto digits = static_cast<std::size_t>(series.decimals);
            if (value.size() <= digits) value.insert(0, digits + 1 - value.size(), '0');
            value.insert(value.size() - digits, ".");
        }
        line += " " + value + "@" + to_rfc3339(time * 1'000);
        if (!series.spans.empty() && series.spans[i] > 0)
            line += "/" + std::to_string(series.spans[i] / 1'000) + "s";
    }
    if (series.offset_minutes != 0) line += " zone " + std::to_string(series.offset_minutes);
    if (!series.source.empty()) line += " from " + std::string(series.source);
    if (series.self_reported) line += " self-reported";
    if (!series.statistic.empty()) line += " statistic " + std::string(series.statistic);
    if (series.clock_shift != 0)
        line += " shift " + std::to_string(series.clock_shift / 1'000) + "s";
    return line;
}

/// The decoder over the built-in tables, and what it made of some bytes, in lines.
class Wearable {
  public:
    using Accounts = ingest::wearable::WearableDecoder::Accounts;

    Result<void> decode(std::string_view bytes, std::string_view account = "T|1",
                        Accounts accounts = Accounts::Many) {
        series.clear();
        statistics.clear();
        faults.clear();
        VITALOG_CHECK(decoder.decode(bytes, builtin_tables(), {received, account, accounts}));
        for (const auto& fault : decoder.faults())
            faults.push_back(std::to_string(fault.item) + " " + fault.error.to_string());
        const auto& event = decoder.event("T|1");
        for (const auto& one : event.series) series.push_back(describe(one));
        for (const auto& one : event.statistics) statistics.push_back(describe(one));
        return {};
    }

    ingest::wearable::WearableDecoder decoder;
    ReceivedTime received{1'780'000'000'000'000};  // 2026-05-28T20:26:40Z
    std::vector<std::string> series;
    std::vector<std::string> statistics;
    std::vector<std::string> faults;
};

using Lines = std::vector<std::string>;

/// A data point of a schema around a body.
inline std::string data_point(std::string_view schema, std::string_view body,
                              std::string_view header = R"("user_id":"T|1")") {
    return R"({"header":{"id":"1","creation_date_time":"2020-03-01T00:00:00Z","schema_id":)"
           R"({"namespace":"omh","name":")" +
           std::string(schema) + R"(","version":"1.0"},)" + std::string(header) + R"(},"body":)" +
           std::string(body) + "}";
}

/// A sampleSet answer around sample points of one type.
inline std::string answer(std::string_view points,
                          std::string_view type = "com.huawei.instantaneous.heart_rate") {
    return R"({"group":[{"startTime":1,"endTime":2,"sampleSet":[{"dataCollectorId":"c1","dataTypeName":")" +
           std::string(type) + R"(","samplePoints":[)" + std::string(points) + "]}]}]}";
}

inline std::string point(std::string_view times, std::string_view field, std::string_view value) {
    return "{" + std::string(times) + R"(,"value":[{"fieldName":")" + std::string(field) +
           R"(","integerValue":)" + std::string(value) + "}]}";
}

}  // namespace vitalog::tests
