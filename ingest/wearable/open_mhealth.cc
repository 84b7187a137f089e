#include "ingest/wearable/open_mhealth.h"

#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "ingest/wearable/device_time.h"
#include "ingest/wearable/json_token.h"
#include "schemas/json_decode.h"

namespace vitalog::ingest::wearable {
namespace {

namespace json = simdjson::ondemand;
using simdjson::SUCCESS;

constexpr std::size_t kBodyMembersMax = 64;
constexpr std::string_view kOmhNamespace = "omh";

struct SchemaId {
    std::string_view space;
    std::string_view name;
    std::string_view version;
    template <class V>
    void members(V& v) {
        v("namespace", space);
        v.required("name", name);
        v("version", version);
    }
};

struct Provenance {
    std::string_view source_name;
    std::string_view source_creation_date_time;
    std::string_view modality;
    template <class V>
    void members(V& v) {
        v("source_name", source_name);
        v("source_creation_date_time", source_creation_date_time);
        v("modality", modality);
    }
};

/// header-1.x; IEEE 1752.1's has the provenance's members in itself.
struct Header {
    std::string_view creation_date_time;
    SchemaId schema_id;
    Provenance acquisition_provenance;
    std::string_view source_creation_date_time;
    std::string_view modality;
    std::string_view user_id;
    template <class V>
    void members(V& v) {
        v("creation_date_time", creation_date_time);
        v.required("schema_id", schema_id);
        v("acquisition_provenance", acquisition_provenance);
        v("source_creation_date_time", source_creation_date_time);
        v("modality", modality);
        v("user_id", user_id);
    }
};

struct DataPoint {
    Header header;
    schemas::RawJson body;
    template <class V>
    void members(V& v) {
        v.required("header", header);
        v.required("body", body);
    }
};

struct Quantity {
    double value = 0;
    std::string_view unit;
    template <class V>
    void members(V& v) {
        v.required("value", value);
        v.required("unit", unit);
    }
};

struct TimeInterval {
    std::string_view start_date_time;
    std::string_view end_date_time;
    std::optional<Quantity> duration;
    std::string_view date;
    template <class V>
    void members(V& v) {
        v("start_date_time", start_date_time);
        v("end_date_time", end_date_time);
        v("duration", duration);
        v("date", date);
    }
};

struct TimeFrame {
    std::string_view date_time;
    std::optional<TimeInterval> time_interval;
    template <class V>
    void members(V& v) {
        v("date_time", date_time);
        v("time_interval", time_interval);
    }
};

/// A member of the body: a number, with or without unit, or a text.
struct BodyMember {
    std::string_view name;
    std::string_view text;  ///< not for numbers
    std::string_view unit;
    double number = 0;
    bool is_number = false;
};

struct Body {
    std::optional<TimeFrame> frame;
    std::string_view statistic;
    std::vector<BodyMember> members;
};

tl::unexpected<Error> malformed(std::string what) {
    return fail(Errc::Malformed, std::move(what));
}

Result<TimeFrame> read_frame(json::value value, schemas::Decoder& decoder) {
    json::object object;
    std::string_view text;
    if (value.get_object().get(object) != SUCCESS || object.raw_json().get(text) != SUCCESS)
        return malformed("member 'effective_time_frame' must be an object");
    return schemas::decode<TimeFrame>(text, decoder);
}

/// {"value","unit"}; another object is no number.
Result<void> read_quantity(json::value value, BodyMember& member) {
    json::object object;
    if (value.get_object().get(object) != SUCCESS) return malformed("not valid JSON in the body");
    for (auto field : object) {
        json::raw_json_string key;
        json::value part;
        if (field.key().get(key) != SUCCESS || field.value().get(part) != SUCCESS)
            return malformed("not valid JSON in the body");
        if (is_named(key.raw(), "unit")) {
            member.unit = text_of(part);
        } else if (is_named(key.raw(), "value")) {
            const auto number = number_of(token_of(part));
            member.is_number = number.has_value();
            member.number = number.value_or(0);
        }
    }
    return {};
}

Result<void> read_body_member(json::value value, BodyMember& member) {
    json::json_type type;
    if (value.type().get(type) != SUCCESS) return malformed("not valid JSON in the body");
    if (type == json::json_type::object) return read_quantity(value, member);
    if (type == json::json_type::string) {
        member.text = text_of(value);
    } else if (type == json::json_type::number) {
        const auto number = number_of(token_of(value));
        member.is_number = number.has_value();
        member.number = number.value_or(0);
    }
    return {};
}

Result<void> read_body(json::object object, schemas::Decoder& frame_decoder, Body& out) {
    out.frame.reset();
    out.statistic = {};
    out.members.clear();
    for (auto field : object) {
        json::value value;
        std::string_view name;
        if (field.unescaped_key().get(name) != SUCCESS || field.value().get(value) != SUCCESS)
            return malformed("not valid JSON in the body");
        if (name == "effective_time_frame") {
            VITALOG_TRY(out.frame, read_frame(value, frame_decoder));
        } else if (name == "descriptive_statistic") {
            out.statistic = text_of(value);
        } else if (out.members.size() == kBodyMembersMax) {
            return fail(Errc::TooLarge, "the body has more than 64 members");
        } else {
            BodyMember& member = out.members.emplace_back();
            member.name = name;
            VITALOG_CHECK(read_body_member(value, member));
        }
    }
    return {};
}

/// Milliseconds of a duration in ms, s, min, h, d, wk.
Result<std::int64_t> duration_millis(const Quantity& duration) {
    struct Unit {
        std::string_view name;
        double millis;
    };
    constexpr std::array<Unit, 7> kUnits{{{"ms", 1},
                                          {"sec", 1e3},
                                          {"s", 1e3},
                                          {"min", 6e4},
                                          {"h", 3.6e6},
                                          {"d", 8.64e7},
                                          {"wk", 6.048e8}}};
    for (const auto& unit : kUnits) {
        if (unit.name != duration.unit) continue;
        const double millis = duration.value * unit.millis;
        if (!(millis >= 0) || millis > 1e12) break;
        return std::llround(millis);
    }
    return malformed("time_interval.duration must be at least 0 and in ms, sec, min, h, d or wk");
}

Result<void> take_interval(const TimeInterval& interval, Occasion& out) {
    if (!interval.date.empty())
        return fail(Errc::Unsupported,
                    "time_interval with a date and a part of the day says no "
                    "time; send start_date_time and end_date_time");
    const bool has_start = !interval.start_date_time.empty();
    const bool has_end = !interval.end_date_time.empty();
    if (!(has_start && has_end) && !((has_start || has_end) && interval.duration))
        return malformed("time_interval needs two of start_date_time, end_date_time and duration");
    DeviceTime start, end;
    if (has_start) {
        VITALOG_TRY(start, device_time(interval.start_date_time));
    }
    if (has_end) {
        VITALOG_TRY(end, device_time(interval.end_date_time));
    }
    if (!has_start || !has_end) {
        VITALOG_TRY(const std::int64_t length, duration_millis(*interval.duration));
        if (has_start)
            end = {start.millis + length, start.offset_minutes};
        else
            start = {end.millis - length, end.offset_minutes};
    }
    out.start = start.millis;
    out.end = end.millis;
    out.offset_minutes = end.offset_minutes;
    return {};
}

Result<void> take_moment(std::string_view text, Occasion& out) {
    VITALOG_TRY(const DeviceTime time, device_time(text));
    out.start = out.end = time.millis;
    out.offset_minutes = time.offset_minutes;
    return {};
}

/// When it was measured, as well as the point says.
Result<void> take_time(const Header& header, const Body& body, Occasion& out) {
    const auto& provenance = header.acquisition_provenance;
    const std::string_view written = !provenance.source_creation_date_time.empty()
                                         ? provenance.source_creation_date_time
                                         : header.source_creation_date_time;
    if (!header.creation_date_time.empty()) {
        VITALOG_TRY(const DeviceTime created, device_time(header.creation_date_time));
        out.stated = created.millis;
    }
    if (body.frame && body.frame->time_interval)
        return take_interval(*body.frame->time_interval, out);
    if (body.frame && !body.frame->date_time.empty())
        return take_moment(body.frame->date_time, out);
    if (body.frame) return malformed("effective_time_frame needs date_time or time_interval");
    if (!written.empty()) return take_moment(written, out);
    if (!header.creation_date_time.empty()) return take_moment(header.creation_date_time, out);
    return fail(Errc::Missing, "the point says no time: body.effective_time_frame is missing");
}

bool says(const Body& body, std::string_view member, std::string_view text) {
    for (const auto& candidate : body.members)
        if (candidate.name == member) return candidate.text == text;
    return false;
}

}  // namespace

struct OpenMhealthReader::Impl {
    schemas::Decoder decoder;
    schemas::Decoder frame_decoder;
    json::parser body_parser;
    Body body;
    std::vector<Reading> readings;
    std::string_view user_id;
    std::string_view provider;

    Result<Occasion> read(std::string_view item, const schemas::Tables& tables);
    Result<void> take_readings(const SchemaId& schema, const schemas::MeasureTable& measures);
};

OpenMhealthReader::OpenMhealthReader() : impl_(std::make_unique<Impl>()) {}
OpenMhealthReader::~OpenMhealthReader() = default;

std::string_view OpenMhealthReader::user_id() const {
    return impl_->user_id;
}

std::string_view OpenMhealthReader::provider() const {
    return impl_->provider;
}

void OpenMhealthReader::read(std::string_view item, const schemas::Tables& tables,
                             PointSink& sink) {
    auto occasion = impl_->read(item, tables);
    if (!occasion) return sink.refuse(std::move(occasion).error());
    sink.take(*occasion, impl_->readings.data(), impl_->readings.size());
}

Result<Occasion> OpenMhealthReader::Impl::read(std::string_view item,
                                               const schemas::Tables& tables) {
    user_id = provider = {};
    VITALOG_TRY(const auto point, schemas::decode<DataPoint>(item, decoder));
    const Header& header = point.header;
    const SchemaId& schema = header.schema_id;
    user_id = header.user_id;
    provider = schema.space.empty() || schema.space == kOmhNamespace ? kOpenMhealth : schema.space;

    // The body stands in the decoder's own copy, which has the padding behind it.
    const std::string_view text = point.body.text;
    const simdjson::padded_string_view view(text.data(), text.size(),
                                            text.size() + simdjson::SIMDJSON_PADDING);
    json::document document;
    json::object object;
    if (body_parser.iterate(view).get(document) != SUCCESS ||
        document.get_object().get(object) != SUCCESS)
        return malformed("member 'body' must be an object");
    VITALOG_CHECK(read_body(object, frame_decoder, body));
    Occasion occasion;
    occasion.source = header.acquisition_provenance.source_name;
    occasion.self_reported = header.acquisition_provenance.modality == "self-reported" ||
                             header.modality == "self-reported" ||
                             header.modality == "self_reported";
    VITALOG_CHECK(take_time(header, body, occasion));
    VITALOG_CHECK(take_readings(schema, tables.measures()));
    return occasion;
}

Result<void> OpenMhealthReader::Impl::take_readings(const SchemaId& schema,
                                                    const schemas::MeasureTable& measures) {
    readings.clear();
    for (const auto& member : body.members) {
        const schemas::Measure* measure = measures.find(provider, schema.name, member.name);
        while (measure != nullptr && !measure->where_member.empty() &&
               !says(body, measure->where_member, measure->where_text))
            measure = measure->otherwise;
        if (measure == nullptr) continue;
        if (!member.is_number)
            return malformed("member '" + std::string(member.name) +
                             "' must be a number, or an object of 'value' and 'unit'");
        readings.push_back({measure, member.unit, member.number, body.statistic});
    }
    if (!readings.empty()) return {};
    const std::string name = std::string(schema.space) + ":" + std::string(schema.name) + ":" +
                             std::string(schema.version);
    if (measures.knows_type(provider, schema.name))
        return fail(Errc::Missing,
                    "the body has none of the members that schema " + name + " is kept for");
    return fail(Errc::Unsupported, "schema " + name + " is not in the table of measures");
}

}  // namespace vitalog::ingest::wearable
