#include "sinks/fhir/series_api.h"

#include <algorithm>

#include "schemas/base/ids.h"
#include "schemas/json.h"
#include "sinks/fhir/fhir_api.h"
#include "sinks/fhir/outcome.h"
#include "sinks/fhir/search.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::JsonWriter;
using views::SeriesSample;
using views::SeriesSource;

constexpr std::int64_t kDayMillis = 24 * 3'600'000;

struct Wish {
    std::int64_t from = 0;  ///< milliseconds since the epoch
    std::int64_t to = 0;
    std::int64_t step = 0;  ///< milliseconds; 0: samples as they are
};

Result<std::int64_t> parse_time(std::string_view name, std::string_view text,
                                std::string_view zone) {
    const auto range = parse_time_range(text, zone);
    if (!range)
        return fail(range.error().code(),
                    "parameter '" + std::string(name) + "': " + range.error().message());
    return EventTime(range->from_us).millis();
}

Result<Wish> parse_wish(const HttpRequest& request, LogTime now, std::string_view zone) {
    Wish wish;
    std::optional<std::int64_t> from, to;
    for (const auto& [name, value] : request.query) {
        if (name == "from") {
            VITALOG_TRY(from, parse_time(name, value, zone));
        } else if (name == "to") {
            VITALOG_TRY(to, parse_time(name, value, zone));
        } else if (name == "step") {
            const auto step = parse_duration(value);
            if (!step || step->count() < 1'000'000)
                return fail(Errc::Malformed,
                            "parameter 'step' must be a duration of a second or more: 30s, 5m, 1h");
            wish.step = step->count() / 1'000;
        } else {
            return fail(Errc::Unsupported, "unknown parameter '" + name + "' for /series");
        }
    }
    wish.to = to.value_or(now.millis() + 1);
    wish.from = from.value_or(wish.to - kDayMillis);
    if (wish.from >= wish.to) return fail(Errc::Malformed, "'from' must be before 'to'");
    if (wish.step > 0 && (wish.to - wish.from) / wish.step >= SeriesApi::kStepsMax)
        return fail(Errc::Malformed, "more than " + std::to_string(SeriesApi::kStepsMax) +
                                         " steps: ask for a longer step or a shorter time");
    return wish;
}

/// Samples as they are. What does not fit into one answer begins the next one, at a full hour.
struct Samples {
    std::string json = "[";
    std::int64_t count = 0;
    std::optional<std::int64_t> next;

    bool add(std::span<const SeriesSample> hour) {
        if (count > 0 && count + static_cast<std::int64_t>(hour.size()) > SeriesApi::kSamplesMax) {
            next = hour.front().at;
            return false;
        }
        JsonWriter out(json);
        for (const auto& sample : hour) {
            out.begin_object();
            out.field("at", to_rfc3339(sample.at * 1'000));
            out.field("value", sample.value);
            if (sample.span > 0) out.field("span_ms", sample.span);
            out.field("source", static_cast<std::int64_t>(sample.source));
            if (!sample.counts) out.field("counts", false);
            out.end_object();
        }
        count += static_cast<std::int64_t>(hour.size());
        return true;
    }
};

/// What the samples that count come to in each step.
class Steps {
  public:
    explicit Steps(const Wish& wish) : wish_(wish) {}

    void add(std::span<const SeriesSample> hour) {
        for (const auto& sample : hour) {
            if (!sample.counts) continue;
            const std::int64_t n = (sample.at - wish_.from) / wish_.step;
            if (n != n_ || count_ == 0) {
                close();
                n_ = n;
                first_ = min_ = max_ = sample.value;
            }
            ++count_;
            sum_ += sample.value;
            min_ = std::min(min_, sample.value);
            max_ = std::max(max_, sample.value);
            last_ = sample.value;
            total_ = total_ || sample.span > 0;
        }
    }
    std::string take() {
        close();
        return json_ + "]";
    }
    std::int64_t steps() const { return steps_; }

  private:
    void close() {
        if (count_ == 0) return;
        const std::int64_t from = wish_.from + n_ * wish_.step;
        JsonWriter out(json_);
        out.begin_object();
        out.field("from", to_rfc3339(from * 1'000));
        out.field("to", to_rfc3339(std::min(from + wish_.step, wish_.to) * 1'000));
        out.field("count", count_);
        out.field("min", min_);
        out.field("max", max_);
        out.field("mean", sum_ / static_cast<double>(count_));
        out.field("first", first_);
        out.field("last", last_);
        if (total_) out.field("sum", sum_);
        out.end_object();
        ++steps_;
        count_ = 0;
        sum_ = 0;
        total_ = false;
    }

    const Wish wish_;
    std::string json_ = "[";
    std::int64_t n_ = 0, count_ = 0, steps_ = 0;
    double min_ = 0, max_ = 0, sum_ = 0, first_ = 0, last_ = 0;
    bool total_ = false;
};

void write_sources(JsonWriter& json, const std::vector<SeriesSource>& sources) {
    json.key("sources");
    json.begin_array();
    for (const auto& source : sources) {
        json.begin_object();
        json.field("name", source.source);
        json.field("rank", source.rank);
        json.field("unit", source.unit);
        if (!source.provider.empty()) json.field("provider", source.provider);
        if (!source.statistic.empty()) json.field("statistic", source.statistic);
        if (source.self_reported) json.field("self_reported", true);
        if (source.summary) json.field("summary", true);
        json.end_object();
    }
    json.end_array();
}

}  // namespace

void SeriesApi::register_routes(Router& router) {
    router.route("GET", "/series/{person}/{code}",
                 [this](HttpRequest request, Respond respond) { answer(request, respond); });
}

void SeriesApi::answer(const HttpRequest& request, const Respond& respond) const {
    if (!may_read(request.caller))
        return respond(
            outcome(403, "role '" + request.caller.role + "' may not read persons' data"));
    const std::string& person = request.path_params.at("person");
    const std::string& code = request.path_params.at("code");
    if (RecordId::parse(person).empty())
        return respond(outcome(404, "Patient/" + person + " does not exist"));
    const auto wish = parse_wish(request, clock_.now(), zone_);
    if (!wish) return respond(outcome(wish.error()));
    const auto persons = reader_.group_of(person);
    if (!persons) return respond(outcome(persons.error()));
    Samples samples;
    Steps steps(*wish);
    const auto sources = reader_.samples({*persons, code, wish->from, wish->to},
                                         [&](const auto&, std::span<const SeriesSample> hour) {
                                             if (wish->step == 0) return samples.add(hour);
                                             steps.add(hour);
                                             return true;
                                         });
    if (!sources) return respond(outcome(sources.error()));
    HttpResponse response;
    JsonWriter json(response.body);
    json.begin_object();
    json.field("person", persons->front());
    json.field("code", code);
    if (!sources->empty()) json.field("display", sources->front().display);
    json.field("from", to_rfc3339(wish->from * 1'000));
    json.field("to", to_rfc3339(wish->to * 1'000));
    write_sources(json, *sources);
    if (wish->step > 0) {
        json.field("step_ms", wish->step);
        json.key("steps");
        json.raw(steps.take());
    } else {
        json.key("samples");
        json.raw(samples.json + "]");
        if (samples.next) json.field("next", to_rfc3339(*samples.next * 1'000));
    }
    json.end_object();
    Audit::Read read{"series", *persons, wish->step > 0 ? steps.steps() : samples.count};
    audit_.answer(request, std::move(read), std::move(response), respond);
}

}  // namespace vitalog::sinks::fhir
