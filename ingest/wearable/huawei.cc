#include "ingest/wearable/huawei.h"

#include <utility>
#include <vector>

#include "ingest/wearable/device_time.h"
#include "ingest/wearable/json_token.h"

namespace vitalog::ingest::wearable {
namespace {

namespace json = simdjson::ondemand;
using simdjson::SUCCESS;

constexpr std::string_view kUnnamedSource = "huawei";

tl::unexpected<Error> not_an_answer() {
    return fail(Errc::Malformed,
                "not a sampleSet answer: not valid JSON, or a member of another "
                "type than Health Kit's");
}

/// A point as it stands: what its set says of all points may come behind them.
struct RawPoint {
    std::string_view type;
    std::string_view source;
    std::string_view start;
    std::string_view end;
    std::string_view zone;
    std::size_t first_value = 0;
    std::size_t values = 0;
};
struct RawValue {
    std::string_view field;
    std::string_view number;  ///< a token; empty: no number
};

/// A time comes as a number or a string.
std::string_view time_of(json::value& value) {
    const std::string_view token = token_of(value);
    return quoted_text(token).value_or(token);
}

/// Where the JSON value at `at` ends; npos where the text ends before.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    std::size_t depth = 0;
    for (bool in_string = false; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\')
                ++at;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return at;
            --depth;
        } else if (c == ',' && depth == 0) {
            return at;
        }
    }
    return std::string_view::npos;
}

}  // namespace

struct HuaweiReader::Impl {
    json::parser parser;
    std::vector<RawPoint> points;  // of the set in hand
    std::vector<RawValue> values;  // of these points
    std::string_view account;
    std::string_view set_type;
    std::string_view set_source;
    std::vector<Reading> readings;
    const schemas::MeasureTable* measures = nullptr;
    // What was looked up last: the points of a set are alike.
    std::string last_type;
    std::string last_field;
    const schemas::Measure* last_measure = nullptr;
    bool looked_up = false;

    bool read_top(json::object object, PointSink& sink);
    bool read_groups(json::value value, PointSink& sink);
    bool read_group(json::object object, PointSink& sink);
    bool read_sets(json::value value, PointSink& sink);
    bool read_set(json::object object, PointSink& sink);
    bool read_points(json::value value);
    bool read_point(json::object object);
    bool read_values(json::value value);
    void resolve(const RawPoint& point, PointSink& sink);
    const schemas::Measure* measure_of(std::string_view type, std::string_view field);
    void refuse_unknown(const RawPoint& point, std::string_view type, PointSink& sink) const;
};

HuaweiReader::HuaweiReader() : impl_(std::make_unique<Impl>()) {}
HuaweiReader::~HuaweiReader() = default;

Result<void> HuaweiReader::read(std::string_view answer, const schemas::Tables& tables,
                                PointSink& sink) {
    impl_->measures = &tables.measures();
    impl_->looked_up = false;
    impl_->account = {};
    const simdjson::padded_string_view view(answer.data(), answer.size(),
                                            answer.size() + simdjson::SIMDJSON_PADDING);
    json::document document;
    json::object object;
    if (impl_->parser.iterate(view).get(document) != SUCCESS ||
        document.get_object().get(object) != SUCCESS || !impl_->read_top(object, sink) ||
        document.current_location().error() != simdjson::OUT_OF_BOUNDS)
        return not_an_answer();
    return {};
}

bool HuaweiReader::Impl::read_top(json::object object, PointSink& sink) {
    for (auto field : object) {
        json::raw_json_string key;
        json::value value;
        if (field.key().get(key) != SUCCESS || field.value().get(value) != SUCCESS) return false;
        if (is_named(key.raw(), "group")) {
            if (!read_groups(value, sink)) return false;
        } else if (is_named(key.raw(), "sampleSet")) {
            if (!read_sets(value, sink)) return false;
        } else if (is_named(key.raw(), "account")) {
            account = text_of(value);
        }
    }
    return true;
}

bool HuaweiReader::Impl::read_groups(json::value value, PointSink& sink) {
    json::array groups;
    if (value.get_array().get(groups) != SUCCESS) return false;
    for (auto element : groups) {
        json::object group;
        if (element.get_object().get(group) != SUCCESS || !read_group(group, sink)) return false;
    }
    return true;
}

bool HuaweiReader::Impl::read_group(json::object object, PointSink& sink) {
    for (auto field : object) {
        json::raw_json_string key;
        json::value value;
        if (field.key().get(key) != SUCCESS || field.value().get(value) != SUCCESS) return false;
        if (is_named(key.raw(), "sampleSet") && !read_sets(value, sink)) return false;
    }
    return true;
}

bool HuaweiReader::Impl::read_sets(json::value value, PointSink& sink) {
    json::array sets;
    if (value.get_array().get(sets) != SUCCESS) return false;
    for (auto element : sets) {
        json::object set;
        if (element.get_object().get(set) != SUCCESS || !read_set(set, sink)) return false;
    }
    return true;
}

bool HuaweiReader::Impl::read_set(json::object object, PointSink& sink) {
    points.clear();
    values.clear();
    set_type = set_source = {};
    for (auto field : object) {
        json::raw_json_string key;
        json::value value;
        if (field.key().get(key) != SUCCESS || field.value().get(value) != SUCCESS) return false;
        if (is_named(key.raw(), "samplePoints")) {
            if (!read_points(value)) return false;
        } else if (is_named(key.raw(), "dataCollectorId")) {
            set_source = text_of(value);
        } else if (is_named(key.raw(), "dataTypeName")) {
            set_type = text_of(value);
        }
    }
    for (const RawPoint& point : points) resolve(point, sink);
    return true;
}

bool HuaweiReader::Impl::read_points(json::value value) {
    json::array list;
    if (value.get_array().get(list) != SUCCESS) return false;
    for (auto element : list) {
        json::object point;
        if (element.get_object().get(point) != SUCCESS || !read_point(point)) return false;
    }
    return true;
}

bool HuaweiReader::Impl::read_point(json::object object) {
    RawPoint& point = points.emplace_back();
    point.first_value = values.size();
    for (auto field : object) {
        json::raw_json_string key;
        json::value value;
        if (field.key().get(key) != SUCCESS || field.value().get(value) != SUCCESS) return false;
        const char* name = key.raw();
        if (is_named(name, "startTime")) {
            point.start = time_of(value);
        } else if (is_named(name, "endTime")) {
            point.end = time_of(value);
        } else if (is_named(name, "value")) {
            if (!read_values(value)) return false;
        } else if (is_named(name, "dataTypeName")) {
            point.type = text_of(value);
        } else if (is_named(name, "originalDataCollectorId") || is_named(name, "dataCollectorId")) {
            point.source = text_of(value);
        } else if (is_named(name, "timeZone")) {
            point.zone = text_of(value);
        }
    }
    point.values = values.size() - point.first_value;
    return true;
}

bool HuaweiReader::Impl::read_values(json::value value) {
    json::array list;
    if (value.get_array().get(list) != SUCCESS) return false;
    for (auto element : list) {
        json::object object;
        if (element.get_object().get(object) != SUCCESS) return false;
        RawValue& raw = values.emplace_back();
        for (auto field : object) {
            json::raw_json_string key;
            json::value part;
            if (field.key().get(key) != SUCCESS || field.value().get(part) != SUCCESS) return false;
            const char* name = key.raw();
            if (is_named(name, "fieldName"))
                raw.field = text_of(part);
            else if (is_named(name, "integerValue") || is_named(name, "floatValue") ||
                     is_named(name, "longValue") || is_named(name, "doubleValue"))
                raw.number = token_of(part);
        }
    }
    return true;
}

const schemas::Measure* HuaweiReader::Impl::measure_of(std::string_view type,
                                                       std::string_view field) {
    if (looked_up && last_field == field && last_type == type) return last_measure;
    last_type.assign(type);
    last_field.assign(field);
    looked_up = true;
    return last_measure = measures->find(kHuawei, type, field);
}

void HuaweiReader::Impl::resolve(const RawPoint& point, PointSink& sink) {
    const std::string_view type = point.type.empty() ? set_type : point.type;
    const std::string_view source = point.source.empty() ? set_source : point.source;
    Occasion occasion{.source = source.empty() ? kUnnamedSource : source};
    const auto start = epoch_millis(point.start);
    const bool moment = point.end.empty() || point.end == point.start;
    const auto end = moment ? start : epoch_millis(point.end);
    if (!start || !end)
        return sink.refuse(Error(Errc::Malformed,
                                 "startTime and endTime must be whole numbers of s, ms, us or ns"));
    occasion.start = *start;
    occasion.end = *end;
    if (!point.zone.empty()) {
        const auto offset = offset_of(point.zone);
        if (!offset)
            return sink.refuse(Error(Errc::Malformed, "timeZone must be written as in +0800"));
        occasion.offset_minutes = *offset;
    }
    readings.clear();
    for (std::size_t i = 0; i < point.values; ++i) {
        const RawValue& raw = values[point.first_value + i];
        const schemas::Measure* measure = measure_of(type, raw.field);
        if (measure == nullptr) continue;
        const auto number = number_of(raw.number);
        if (!number)
            return sink.refuse(Error(Errc::Malformed,
                                     "field '" + std::string(raw.field) + "' must hold a number"));
        readings.push_back({measure, {}, *number, {}});
    }
    if (readings.empty()) return refuse_unknown(point, type, sink);
    sink.take(occasion, readings.data(), readings.size());
}

void HuaweiReader::Impl::refuse_unknown(const RawPoint& point, std::string_view type,
                                        PointSink& sink) const {
    std::string fields;
    for (std::size_t i = 0; i < point.values && i < 8; ++i)
        fields += (i == 0 ? "" : ", ") + std::string(values[point.first_value + i].field);
    sink.refuse(Error(Errc::Unsupported, "the table of measures knows no field of type '" +
                                             std::string(type) +
                                             "' among: " + (fields.empty() ? "none" : fields)));
}

std::string_view HuaweiReader::account() const {
    return impl_->account;
}

bool is_huawei_answer(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    std::size_t at = text.find_first_not_of(kBlank);
    if (at == std::string_view::npos || text[at] != '{') return false;
    while (true) {
        at = text.find('"', at);
        if (at == std::string_view::npos) return false;
        const std::size_t end = text.find('"', at + 1);
        if (end == std::string_view::npos) return false;
        const std::string_view name = text.substr(at + 1, end - at - 1);
        if (name == "group" || name == "sampleSet") return true;
        if (name == "header" || name == "body") return false;
        const std::size_t colon = text.find(':', end);
        if (colon == std::string_view::npos) return false;
        at = end_of_value(text, colon + 1);
        if (at == std::string_view::npos || text[at] != ',') return false;
    }
}

}  // namespace vitalog::ingest::wearable
