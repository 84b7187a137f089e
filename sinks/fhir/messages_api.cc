#include "sinks/fhir/messages_api.h"

#include <map>
#include <utility>

#include "schemas/events/message.h"
#include "schemas/json_decode.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::DeliveryState;

constexpr std::chrono::hours kUseful{1};
constexpr std::int64_t kUsualDays = 7;
constexpr std::int64_t kMostDays = 400;

struct ResendRequest {
    std::string_view intent, reason, user;
    std::optional<ReceivedTime> not_after;

    template <class V>
    void members(V& v) {
        v.required("intent", intent);
        v.required("reason", reason);
        v("user", user);
        v("not_after", not_after);
    }
};

std::string_view why_not(DeliveryState state) {
    switch (state) {
        case DeliveryState::Delivered:
            return "it was delivered";
        case DeliveryState::Sending:
            return "it is being sent";
        case DeliveryState::Waiting:
        case DeliveryState::Decided:
            return "it still goes out by itself";
        default:
            return {};
    }
}

bool operators_only(const HttpRequest& request, const Respond& respond) {
    if (request.caller.role.empty() || request.caller.role == "operator") return true;
    respond(outcome(403, "role '" + request.caller.role + "' may not; an operator may"));
    return false;
}

/// Of one day and channel.
struct Tally {
    std::map<std::string, std::int64_t> states;
    std::int64_t messages = 0, settled = 0, delivered = 0;
};

void add(Tally& tally, const views::MessageCount& row) {
    tally.states[row.state] += row.count;
    tally.messages += row.count;
    const bool settled = row.state == "delivered" || row.state == "failed" ||
                         row.state == "unknown" || row.state == "expired";
    if (row.attempted && settled) tally.settled += row.count;
    if (row.state == "delivered") tally.delivered += row.count;
}

void write(schemas::JsonWriter& json, std::int64_t day, const std::string& channel,
           const Tally& tally) {
    json.begin_object();
    json.field("day", to_string(civil_from_days(day)));
    json.field("channel", channel.empty() ? "none" : channel);
    json.field("messages", tally.messages);
    json.key("states");
    json.begin_object();
    for (const auto& [state, count] : tally.states) json.field(state, count);
    json.end_object();
    json.field("settled", tally.settled);
    json.field("delivered", tally.delivered);
    if (tally.settled > 0)
        json.field("success_rate",
                   static_cast<double>(tally.delivered) / static_cast<double>(tally.settled));
    json.end_object();
}

}  // namespace

void MessagesApi::register_routes(Router& router) {
    router.route("POST", "/admin/resend", [this](HttpRequest request, Respond respond) {
        if (operators_only(request, respond)) resend(request, std::move(respond));
    });
    router.route("GET", "/stats/messages", [this](HttpRequest request, Respond respond) {
        if (operators_only(request, respond)) respond(stats(request));
    });
}

Result<std::optional<views::BodyRow>> MessagesApi::message(const std::string& intent) const {
    views::Query query;
    query.conditions = {{{views::Term{"id", views::Op::In, {views::Value(intent)}}}}};
    query.limit = 1;
    query.count = false;
    VITALOG_TRY(auto page, reader_.deliveries(query));
    if (page.rows.empty()) return std::nullopt;
    return std::move(page.rows.front());
}

void MessagesApi::resend(const HttpRequest& request, Respond respond) const {
    schemas::Decoder decoder, rows;
    const auto wanted = schemas::decode<ResendRequest>(request.body, decoder);
    if (!wanted)
        return respond(outcome(400, "send {\"intent\",\"reason\"}: " + wanted.error().message()));
    if (wanted->intent.empty() || wanted->reason.empty())
        return respond(outcome(400, "intent and reason must not be empty"));
    const auto row = message(std::string(wanted->intent));
    if (!row) return respond(outcome(row.error()));
    if (!*row)
        return respond(outcome(404, "there is no message '" + std::string(wanted->intent) + "'"));
    const auto known = schemas::decode<schemas::Delivery>((*row)->body, rows);
    if (!known) return respond(outcome(known.error()));
    if (const auto why = why_not(known->state); !why.empty())
        return respond(outcome(409, "not sent again: " + std::string(why)));
    const ReceivedTime now = clock_.now().as<ReceivedTime>();
    schemas::Resend resend;
    resend.recipient = known->recipient;
    resend.intent = wanted->intent;
    resend.reason = wanted->reason;
    const bool named = request.caller.role.empty() && !wanted->user.empty();
    resend.user = named ? wanted->user : std::string_view(request.caller.user);
    resend.not_after = wanted->not_after.value_or(now + kUseful);
    if (resend.not_after <= now) return respond(outcome(400, "not_after must lie in the future"));
    FeedRecord record;
    record.topic = options_.topics.name(schemas::Topic::FeedReceipt);
    record.key = resend.recipient;
    record.value = schemas::encode(resend);
    record.received = clock_.now();
    Headers::append(record.headers, header::kFormat, "resend");
    Headers::append(record.headers, header::kEndpoint, "admin-resend");
    log_.append(std::move(record), [this, respond = std::move(respond),
                                    intent = std::string(wanted->intent),
                                    before = known->revision](Result<AppendReceipt> receipt) {
        if (!receipt) return respond(outcome(receipt.error()));
        when_applied_([this, respond, intent, before] { answer_resend(intent, before, respond); });
    });
}

void MessagesApi::answer_resend(const std::string& intent, std::int64_t before,
                                const Respond& respond) const {
    const auto row = message(intent);
    if (!row) return respond(outcome(row.error()));
    schemas::Decoder decoder;
    if (!*row) return respond(outcome(404, "the message is not in the views any more"));
    const auto now = schemas::decode<schemas::Delivery>((*row)->body, decoder);
    if (!now) return respond(outcome(now.error()));
    if (now->revision == before)
        return respond(outcome(409, "not sent again; dead-letter says why"));
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("intent", now->intent);
    json.field("state", schemas::name_of_enum(now->state));
    json.field("channel", now->channel);
    json.field("attempt", now->attempt);
    json.field("attempts", now->attempts);
    json.field("reason", now->reason);
    json.end_object();
    respond(std::move(response));
}

HttpResponse MessagesApi::stats(const HttpRequest& request) const {
    const schemas::ZoneRule& zone = options_.zone;
    const std::int64_t today = zone.day_at(clock_.now().micros());
    const auto day_of = [&](std::string_view name, std::int64_t otherwise) -> Result<std::int64_t> {
        const auto text = request.query_value(name);
        if (!text) return otherwise;
        VITALOG_TRY(const Date date, parse_date(*text));
        if (text->size() != 10) return fail(Errc::Malformed, "not a day such as 2026-11-21");
        return days_from_civil(date.year, date.month, date.day);
    };
    const auto to = day_of("to", today);
    const auto from = day_of("from", to ? *to - kUsualDays + 1 : today);
    if (!from || !to || *from > *to || *to - *from >= kMostDays)
        return outcome(400, "from and to must be days such as 2026-11-21, at most " +
                                std::to_string(kMostDays) + " of them");
    const auto counts =
        reader_.message_counts(zone.instant_of(*from, 0), zone.instant_of(*to + 1, 0));
    if (!counts) return outcome(counts.error());
    std::map<std::pair<std::int64_t, std::string>, Tally> tallies;
    for (const auto& row : *counts) add(tallies[{zone.day_at(row.created_us), row.channel}], row);
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("zone", options_.zone_name);
    json.key("days");
    json.begin_array();
    for (const auto& [key, tally] : tallies) write(json, key.first, key.second, tally);
    json.end_array();
    json.end_object();
    return response;
}

}  // namespace vitalog::sinks::fhir
