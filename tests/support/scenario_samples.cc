#include "tests/support/scenario_samples.h"

#include <array>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/json.h"
#include "tests/support/scenario_hl7.h"

namespace vitalog::tests {
namespace {

struct Measure {
    std::string_view word, schema, field, unit;
};
constexpr std::array<Measure, 4> kMeasures{
    {{"saturation", "oxygen-saturation", "oxygen_saturation", "%"},
     {"pulse", "heart-rate", "heart_rate", "beats/min"},
     {"respiration", "respiratory-rate", "respiratory_rate", "breaths/min"},
     {"temperature", "body-temperature", "body_temperature", "C"}}};

std::vector<double> numbers_in(std::string_view text) {
    std::vector<double> numbers;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        numbers.push_back(std::stod(std::string(text.substr(0, comma))));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return numbers;
}

void write_point(schemas::JsonWriter& json, const Measure& measure, const Line& line,
                 ReceivedTime at, double value) {
    const std::string account = account_of(line);
    const ZonedTime time{at.as<EventTime>(), site_time::kOffsetMinutes, Precision::Second};
    json.begin_object();
    json.key("header");
    json.begin_object();
    json.field("id",
               IdHash().part(account).part(measure.word).part(at.micros()).finish().to_string());
    json.field("creation_date_time", time);
    json.key("schema_id");
    json.begin_object();
    json.field("namespace", "omh");
    json.field("name", measure.schema);
    json.field("version", "1.0");
    json.end_object();
    json.field("user_id", account);
    json.key("acquisition_provenance");
    json.begin_object();
    json.field("source_name", line.value("source", "watch"));
    json.end_object();
    json.end_object();
    json.key("body");
    json.begin_object();
    json.key(measure.field);
    json.begin_object();
    json.field("value", value);
    json.field("unit", measure.unit);
    json.end_object();
    json.key("effective_time_frame");
    json.begin_object();
    json.field("date_time", time);
    json.end_object();
    json.end_object();
    json.end_object();
}

}  // namespace

std::string account_of(const Line& line) {
    return identifier_key(line.value("account", line.value("patient")));
}

Result<std::string> data_points(const Line& line) {
    VITALOG_TRY(const auto every, parse_duration(line.value("every", "1m")));
    for (const auto& measure : kMeasures) {
        if (line.find(measure.word) == nullptr) continue;
        const auto values = numbers_in(line.value(measure.word));
        const auto length = every * (static_cast<std::int64_t>(values.size()) - 1);
        ReceivedTime at = line.at - length;
        if (line.find("from") != nullptr) {
            VITALOG_TRY(at, site_time::parse(line.value("from"), line.at));
        }
        std::string text;
        schemas::JsonWriter json(text);
        json.begin_array();
        for (const double value : values) {
            write_point(json, measure, line, at, value);
            at = at + every;
        }
        json.end_array();
        return text;
    }
    return fail(
        Errc::Malformed,
        "samples are of saturation, pulse, respiration or temperature, such as pulse=70,72");
}

}  // namespace vitalog::tests
