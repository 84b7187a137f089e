#include "topology/admin_api.h"

#include <fmt/format.h>

#include <charconv>

#include "ingest/http/access.h"
#include "schemas/base/base64.h"
#include "schemas/json_decode.h"
#include "topology/publication.h"

namespace vitalog::topology {
namespace {

constexpr std::int64_t kRecordsMax = 10'000;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::chrono::seconds kSettleLimit{60};

struct ClockRequest {
    std::string_view now;
    template <class V>
    void members(V& v) {
        v.required("now", now);
    }
};

/// None of these doors is FHIR's.
HttpResponse error(int status, std::string_view code, std::string_view message) {
    return ingest::error_response(status, code, message, "/admin");
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || rest != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

}  // namespace

std::string record_line(const TopicPartition& tp, const RecordView& record) {
    std::string line;
    schemas::JsonWriter json(line);
    json.begin_object();
    json.field("topic", tp.topic);
    json.field("partition", tp.partition.value());
    json.field("offset", record.offset.value());
    json.field("timestamp", to_rfc3339(record.timestamp));
    json.field("key", record.key);
    json.key("headers");
    json.begin_object();
    for (const auto& [name, value] : record.headers.all()) json.field(name, value);
    json.end_object();
    json.field("value_base64", base64_encode(record.value));
    json.end_object();
    return line;
}

void AdminApi::register_routes(Router& router) {
    router.route("GET", "/healthz", [this](const HttpRequest&, const Respond& respond) { respond(health()); });
    router.route("GET", "/lag", [this](const HttpRequest&, const Respond& respond) { respond(lag()); });
    const auto guarded = [this](HttpResponse (AdminApi::*handler)(const HttpRequest&)) {
        return [this, handler](const HttpRequest& request, const Respond& respond) {
            const auto refused = guard_(request);
            respond(refused ? *refused : (this->*handler)(request));
        };
    };
    router.route("GET", "/topics", [this](const HttpRequest& request, const Respond& respond) {
        const auto refused = guard_(request);
        respond(refused ? *refused : topics());
    });
    router.route("GET", "/topics/{topic}/{partition}", [this](const HttpRequest& request, const Respond& respond) {
        if (const auto refused = guard_(request)) return respond(*refused);
        answer_records(request, respond);
    });
    router.route("POST", "/admin/clock", guarded(&AdminApi::set_clock));
}

void AdminApi::set_status(Status status, std::string reason) {
    const std::lock_guard lock(mutex_);
    if (status_ == Status::Failed) return;
    status_ = status;
    reason_ = std::move(reason);
}

HttpResponse AdminApi::health() const {
    const std::lock_guard lock(mutex_);
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    static constexpr std::array<std::string_view, 4> kNames{"starting", "ready", "stopping", "failed"};
    json.begin_object();
    json.field("status", kNames[static_cast<std::size_t>(status_)]);
    if (status_ != Status::Ready) json.field("reason", reason_);
    json.end_object();
    if (status_ != Status::Ready) response.status = 503;
    return response;
}

HttpResponse AdminApi::lag() const {
    const auto lags = ports_.flow.lag();
    std::uint64_t sum = 0;
    for (const auto& [stage, lag] : lags) sum += lag;
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("records", sum);
    json.field("effects", ports_.flow.effects_lag());
    json.key("stages");
    json.begin_object();
    for (const auto& [stage, lag] : lags) json.field(stage, lag);
    json.end_object();
    json.end_object();
    return response;
}

HttpResponse AdminApi::topics() const {
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.key("topics");
    json.begin_array();
    for (const auto& topic : ports_.log.topics()) {
        json.begin_object();
        json.field("topic", topic.name);
        const auto known = ports_.topics.topic(topic.name);
        if (known && schemas::name_of(*known) != topic.name)
            json.field("is", schemas::name_of(*known));
        json.field("partitions", topic.partitions);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return response;
}

HttpResponse AdminApi::records(const HttpRequest& request, std::int64_t& count) const {
    const std::string& topic = request.path_params.at("topic");
    const auto partition = whole_number(request.path_params.at("partition"));
    const std::uint32_t partitions = ports_.log.partitions(topic);
    if (partitions == 0) return error(404, "not-found", "there is no topic " + topic + "; GET /topics lists all");
    if (!partition || *partition >= partitions)
        return error(404, "not-found", fmt::format("topic {} has partitions 0 to {}", topic, partitions - 1));
    const auto from = whole_number(request.query_value("from").value_or("0"));
    const auto max = whole_number(request.query_value("max").value_or("100"));
    if (!from || !max) return error(400, "malformed", "from and max must be whole numbers, not negative");
    const TopicPartition tp{topic, Partition(static_cast<std::uint32_t>(*partition))};
    HttpResponse response;
    response.content_type = "application/x-ndjson";
    const std::int64_t wanted = std::min(*max, kRecordsMax);
    if (const auto synced = ports_.log.sync(); !synced) return error(503, "io", synced.error().message());
    Offset at(*from);
    if (const auto begin = ports_.log.begin_offset(tp); begin && at < *begin) at = *begin;
    RecordBatch batch;
    for (; count < wanted; at = batch.next) {
        if (const auto read = ports_.log.read(tp, at, kReadBytes, batch); !read)
            return error(500, to_string(read.error().code()), read.error().message());
        if (batch.records.empty()) break;
        for (const auto& record : batch.records) {
            if (count == wanted) break;
            ++count;
            response.body += record_line(tp, record);
            response.body += '\n';
        }
    }
    return response;
}

/// A topic's records are about persons; only those of the audit itself and of the settings are not.
void AdminApi::answer_records(const HttpRequest& request, const Respond& respond) const {
    std::int64_t count = 0;
    HttpResponse response = records(request, count);
    const std::string& topic = request.path_params.at("topic");
    const bool about_persons = count > 0 && topic != ports_.topics.name(schemas::Topic::Audit) &&
                               topic != ports_.topics.name(schemas::Topic::FeedControl);
    if (!about_persons) return respond(std::move(response));
    audit_.answer(request, {.resource = "topic", .persons = {}, .count = count, .whole = request.path}, std::move(response),
                  respond);
}

HttpResponse AdminApi::set_clock(const HttpRequest& request) {
    if (ports_.manual_clock == nullptr)
        return error(409, "conflict", "time follows the machine; start with --clock manual to set it");
    schemas::Decoder decoder;
    const auto body = schemas::decode<ClockRequest>(request.body, decoder);
    if (!body) return error(400, "malformed", "the body must be {\"now\": RFC 3339 time}: " + body.error().message());
    const auto micros = parse_rfc3339(body->now);
    if (!micros) return error(400, "malformed", micros.error().message());
    if (LogTime(*micros) < ports_.manual_clock->now())
        return error(409, "conflict", "the clock stands at " + to_rfc3339(ports_.manual_clock->now()) + " and moves forward only");
    const std::string text = to_rfc3339(*micros);
    const auto logged = publish_one(ports_.log, ports_.topics, LogTime(*micros), {"clock", "now", text, text, ""});
    if (!logged) return error(503, to_string(logged.error().code()), logged.error().message());
    if (const auto set = ports_.manual_clock->set(LogTime(*micros)); !set)
        return error(409, "conflict", set.error().message());
    if (!ports_.flow.settle(ReceivedTime(*micros), kSettleLimit))
        return error(503, "busy", "the clock is set, but what is due has not settled within a minute; see GET /lag");
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("now", text);
    json.end_object();
    return response;
}

}  // namespace vitalog::topology
