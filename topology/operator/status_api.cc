#include "topology/operator/status_api.h"

#include <unistd.h>

#include <array>
#include <fstream>

#include "ingest/http/access.h"
#include "schemas/json.h"

namespace vitalog::topology {
namespace {

using sinks::views::Op;
using sinks::views::Query;
using sinks::views::Value;

constexpr std::array<std::string_view, 4> kResults{"accepted", "duplicate", "error", "refused"};
constexpr std::array<std::string_view, 3> kPriorities{"high", "medium", "low"};
constexpr std::array<std::string_view, 4> kChannels{"sms", "wechat", "wecom", "none"};
constexpr std::array<std::string_view, 5> kStates{"sending", "delivered", "failed", "suppressed",
                                                  "expired"};

/// Bytes of memory that the process has in use.
std::int64_t resident() {
    std::ifstream file("/proc/self/statm");
    std::int64_t all = 0;
    std::int64_t pages = 0;
    file >> all >> pages;
    return pages * ::sysconf(_SC_PAGESIZE);
}

template <class Row>
std::int64_t total_of(const sinks::views::Page<Row>& page) {
    return page.total.value_or(sinks::views::ViewReader::kCountMax);
}

}  // namespace

void StatusApi::register_routes(Router& router) {
    router.route("GET", "/admin/status",
                 [this](const HttpRequest& request, const Respond& respond) {
                     if (const auto no = ports_.guard(request)) return respond(*no);
                     auto answer = status();
                     respond(answer ? *std::move(answer)
                                    : ingest::error_response(503, to_string(answer.error().code()),
                                                             answer.error().message()));
                 });
}

Result<std::int64_t> StatusApi::tasks(std::vector<std::string> states, bool overdue) const {
    Query query;
    query.limit = 1;
    sinks::views::Term status{"status", Op::In, {}};
    for (std::string& state : states) status.values.emplace_back(std::move(state));
    query.conditions.push_back({{std::move(status)}});
    if (overdue)
        query.conditions.push_back({{{"deadline_us", Op::Less, {ports_.clock.now().micros()}}}});
    VITALOG_TRY(const auto page, sources_.views.tasks(query));
    return total_of(page);
}

Result<std::int64_t> StatusApi::alerts(std::string_view priority) const {
    Query query;
    query.limit = 1;
    query.conditions.push_back({{{"state", Op::NotIn, {std::string("closed")}},
                                 {"priority", Op::In, {std::string(priority)}}}});
    VITALOG_TRY(const auto page, sources_.views.alerts(query));
    return total_of(page);
}

std::int64_t StatusApi::counted(std::string_view metric, const Metrics::Labels& labels) const {
    return static_cast<std::int64_t>(sources_.metrics.total(metric, labels));
}

Result<std::int64_t> StatusApi::dead_letters() const {
    std::int64_t dead = 0;
    const auto& topic = ports_.topics.name(schemas::Topic::DeadLetter);
    for (std::uint32_t p = 0; p < ports_.topics.partitions(schemas::Topic::DeadLetter); ++p) {
        VITALOG_TRY(const Offset end, sources_.log.end_offset({topic, Partition(p)}));
        dead += end.value();
    }
    return dead;
}

void StatusApi::write_sends(schemas::JsonWriter& json) const {
    json.key("sends_since_start");
    json.begin_object();
    for (const auto channel : kChannels) {
        json.key(channel);
        json.begin_object();
        for (const auto state : kStates)
            if (const auto count =
                    counted("vitalog_sends_total",
                            {{"channel", std::string(channel)}, {"state", std::string(state)}}))
                json.field(state, count);
        json.end_object();
    }
    json.end_object();
}

void StatusApi::write_alarms(schemas::JsonWriter& json) const {
    json.key("alarms");
    json.begin_array();
    for (const auto& [name, alarm] : sources_.alarms()) {
        if (!alarm.raised) continue;
        json.begin_object();
        json.field("name", name);
        json.field("since", to_rfc3339(alarm.since));
        json.field("problem", alarm.problem);
        json.end_object();
    }
    json.end_array();
}

Result<HttpResponse> StatusApi::status() const {
    sources_.metrics.refresh();
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("version", sources_.version);
    json.field("now", to_rfc3339(ports_.clock.now()));
    json.field("memory", resident());
    std::error_code no_space;
    const auto space = std::filesystem::space(sources_.data_dir, no_space);
    if (!no_space) json.field("disk_free", static_cast<std::uint64_t>(space.available));
    json.field("disk_reserve", sources_.disk_reserve);
    json.field("effects", ports_.flow.effects_lag());
    json.key("lag");
    json.begin_object();
    for (const auto& [stage, lag] : ports_.flow.lag()) json.field(stage, lag);
    json.end_object();
    json.key("messages_since_start");
    json.begin_object();
    for (const auto result : kResults)
        json.field(result, counted("vitalog_messages_in_total", {{"result", std::string(result)}}));
    json.end_object();
    VITALOG_TRY(const std::int64_t dead, dead_letters());
    json.field("dead_letters", dead);
    json.key("alerts_open");
    json.begin_object();
    for (const auto priority : kPriorities) {
        VITALOG_TRY(const std::int64_t count, alerts(priority));
        json.field(priority, count);
    }
    json.end_object();
    json.key("tasks");
    json.begin_object();
    VITALOG_TRY(const std::int64_t requested, tasks({"requested"}, false));
    VITALOG_TRY(const std::int64_t accepted, tasks({"accepted"}, false));
    VITALOG_TRY(const std::int64_t overdue, tasks({"requested", "accepted"}, true));
    json.field("requested", requested);
    json.field("accepted", accepted);
    json.field("overdue", overdue);
    json.end_object();
    write_sends(json);
    write_alarms(json);
    json.end_object();
    return response;
}

}  // namespace vitalog::topology
