#include "ingest/wearable/apple_export.h"

#include <expat.h>

#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_set>

#include "schemas/base/ids.h"
#include "schemas/base/time.h"
#include "schemas/json.h"

namespace vitalog::ingest::wearable {
namespace {

constexpr std::string_view kApple = "apple";
constexpr std::string_view kSleepType = "HKCategoryTypeIdentifierSleepAnalysis";
constexpr std::string_view kAsleep = "HKCategoryValueSleepAnalysisAsleep";
constexpr std::string_view kBloodPressure = "HKQuantityTypeIdentifierBloodPressure";
constexpr std::string_view kUserEntered = "HKWasUserEntered";
constexpr double kMicrosPerMinute = 6e7;

struct Record {
    std::string type;
    std::string unit;
    std::string value;
    std::string source;
    std::string start;
    std::string end;
    std::string created;
    bool typed_in = false;

    void clear() {
        for (auto* text : {&type, &unit, &value, &source, &start, &end, &created}) text->clear();
        typed_in = false;
    }
    void set(std::string_view name, std::string_view text) {
        if (name == "type")
            type = text;
        else if (name == "unit")
            unit = text;
        else if (name == "value")
            value = text;
        else if (name == "sourceName")
            source = text;
        else if (name == "startDate")
            start = text;
        else if (name == "endDate")
            end = text;
        else if (name == "creationDate")
            created = text;
    }
    RecordId id() const {
        return IdHash()
            .part(type)
            .part(source)
            .part(start)
            .part(end)
            .part(value)
            .part(unit)
            .finish();
    }
};

/// As UCUM's tables spell it: "mmol<180.1558800000541>/L" names its molar mass, "count" is no unit.
std::string unit_of(std::string_view unit) {
    if (unit == "count") return {};
    std::string out(unit);
    const std::size_t open = out.find('<');
    const std::size_t close = out.find('>');
    if (open != std::string::npos && close != std::string::npos && open < close)
        out.erase(open, close - open + 1);
    return out;
}

std::optional<double> number_of(std::string_view text) {
    double number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || rest != text.data() + text.size() || !std::isfinite(number))
        return std::nullopt;
    return number;
}

/// Start, end and creation in RFC 3339.
struct Times {
    std::string start;
    std::string end;
    std::string created;
};

Result<Times> times_of(const Record& record) {
    Times times;
    VITALOG_TRY(times.start, apple_time(record.start));
    VITALOG_TRY(times.end, apple_time(record.end));
    if (!record.created.empty()) {
        VITALOG_TRY(times.created, apple_time(record.created));
    }
    return times;
}

double minutes_between(const Times& times) {
    const auto start = parse_rfc3339(times.start);
    const auto end = parse_rfc3339(times.end);
    if (!start || !end) return 0;
    return static_cast<double>(*end - *start) / kMicrosPerMinute;
}

void write_header(schemas::JsonWriter& json, const Record& record, const Times& times) {
    json.key("header");
    json.begin_object();
    json.field("id", record.id().to_string());
    if (!times.created.empty()) json.field("creation_date_time", times.created);
    json.key("schema_id");
    json.begin_object();
    json.field("namespace", kApple);
    json.field("name", record.type);
    json.field("version", "1.0");
    json.end_object();
    json.key("acquisition_provenance");
    json.begin_object();
    json.field("source_name", record.source);
    json.field("modality", record.typed_in ? "self-reported" : "sensed");
    json.end_object();
    json.end_object();
}

void write_frame(schemas::JsonWriter& json, const Times& times) {
    json.key("effective_time_frame");
    json.begin_object();
    if (times.start == times.end) {
        json.field("date_time", times.start);
    } else {
        json.key("time_interval");
        json.begin_object();
        json.field("start_date_time", times.start);
        json.field("end_date_time", times.end);
        json.end_object();
    }
    json.end_object();
}

void write_body(schemas::JsonWriter& json, std::string_view field, double value,
                std::string_view unit, const Times& times) {
    json.key("body");
    json.begin_object();
    json.key(field);
    if (unit.empty()) {
        json.value(value);
    } else {
        json.begin_object();
        json.field("value", value);
        json.field("unit", unit);
        json.end_object();
    }
    write_frame(json, times);
    json.end_object();
}

}  // namespace

Result<std::string> apple_time(std::string_view text) {
    constexpr std::size_t kSize = 25;
    if (text.size() == kSize && text[10] == ' ' && text[19] == ' ') {
        std::string out(text.substr(0, 10));
        out.append("T")
            .append(text.substr(11, 8))
            .append(text.substr(20, 3))
            .append(":")
            .append(text.substr(23, 2));
        if (parse_rfc3339(out)) return out;
    }
    return fail(Errc::Malformed,
                "'" + std::string(text) + "' is not a time such as 2016-05-28 18:41:38 -0400");
}

class AppleExport::Parser {
  public:
    Parser(const schemas::MeasureTable& measures, Take take)
        : measures_(measures), take_(std::move(take)), expat_(XML_ParserCreate("UTF-8")) {
        VITALOG_ASSERT(expat_ != nullptr, "expat starts unless memory is gone");
        XML_SetUserData(expat_.get(), this);
        XML_SetElementHandler(expat_.get(), on_start, on_end);
    }

    Result<void> read(std::string_view piece, bool last) {
        const auto status =
            XML_Parse(expat_.get(), piece.data(), static_cast<int>(piece.size()), last ? 1 : 0);
        if (error_) return tl::unexpected(*error_);
        if (status == XML_STATUS_OK) return {};
        return fail(
            Errc::Malformed,
            "line " + std::to_string(XML_GetCurrentLineNumber(expat_.get())) +
                ": not the XML of an export: " + XML_ErrorString(XML_GetErrorCode(expat_.get())));
    }
    const AppleExportCounts& counts() const { return counts_; }

  private:
    struct Free {
        void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
    };

    static void on_start(void* self, const XML_Char* name, const XML_Char** attributes) {
        static_cast<Parser*>(self)->start(name, attributes);
    }
    static void on_end(void* self, const XML_Char* name) { static_cast<Parser*>(self)->end(name); }

    void start(std::string_view name, const XML_Char** attributes) {
        if (depth_++ == 0 && name != "HealthData")
            return stop(Error(Errc::Malformed, "not an export of Apple Health: it begins with <" +
                                                   std::string(name) + ">, not <HealthData>"));
        if (name == "Record") {
            in_record_ = true;
            record_.clear();
            for (; *attributes != nullptr; attributes += 2)
                record_.set(attributes[0], attributes[1]);
        } else if (name == "MetadataEntry" && in_record_) {
            std::string_view key, value;
            for (; *attributes != nullptr; attributes += 2) {
                if (std::string_view(attributes[0]) == "key") key = attributes[1];
                if (std::string_view(attributes[0]) == "value") value = attributes[1];
            }
            if (key == kUserEntered && value == "1") record_.typed_in = true;
        }
    }

    void end(std::string_view name) {
        --depth_;
        if (name != "Record" || !in_record_) return;
        in_record_ = false;
        ++counts_.records;
        if (auto done = take_record(); !done) stop(std::move(done).error());
    }

    Result<void> take_record() {
        if (!measures_.knows_type(kApple, record_.type)) return skip(counts_.others);
        const bool sleep = record_.type == kSleepType;
        if (sleep && !record_.value.starts_with(kAsleep)) return skip(counts_.others);
        // Of what the table knows, only these stand in a Correlation too.
        if (record_.type.starts_with(kBloodPressure) &&
            !correlated_.insert(hash64(record_.id().to_string())).second)
            return skip(counts_.repeated);
        const auto times = times_of(record_);
        const auto value = sleep ? std::optional<double>(0) : number_of(record_.value);
        if (!times || !value) return skip(counts_.unreadable);
        point_.clear();
        schemas::JsonWriter json(point_);
        json.begin_object();
        write_header(json, record_, *times);
        if (sleep)
            write_body(json, "asleep", minutes_between(*times), "min", *times);
        else
            write_body(json, "value", *value, unit_of(record_.unit), *times);
        json.end_object();
        ++counts_.points;
        return take_(point_);
    }

    static Result<void> skip(std::uint64_t& count) {
        ++count;
        return {};
    }

    void stop(Error error) {
        if (error_) return;
        error_ = std::move(error);
        XML_StopParser(expat_.get(), XML_FALSE);
    }

    const schemas::MeasureTable& measures_;
    const Take take_;
    const std::unique_ptr<XML_ParserStruct, Free> expat_;
    std::size_t depth_ = 0;
    bool in_record_ = false;
    Record record_;
    std::string point_;
    std::unordered_set<std::uint64_t> correlated_;
    AppleExportCounts counts_;
    std::optional<Error> error_;
};

AppleExport::AppleExport(const schemas::MeasureTable& measures, Take take)
    : parser_(std::make_unique<Parser>(measures, std::move(take))) {}
AppleExport::~AppleExport() = default;

Result<void> AppleExport::read(std::string_view piece) {
    return parser_->read(piece, false);
}

Result<void> AppleExport::finish() {
    return parser_->read({}, true);
}

const AppleExportCounts& AppleExport::counts() const {
    return parser_->counts();
}

}  // namespace vitalog::ingest::wearable
