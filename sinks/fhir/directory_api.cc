#include "sinks/fhir/directory_api.h"

#include <date/tz.h>

#include <algorithm>
#include <array>

#include "schemas/events/directory.h"
#include "schemas/json_decode.h"
#include "schemas/shift.h"
#include "sinks/fhir/feed_group.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::PatientEntry;
using schemas::TeamEntry;

struct Kind {
    std::string patient;
    std::string team;
    template <class V>
    void members(V& v) {
        v("patient", patient);
        v("team", team);
    }
};

Result<void> check_identifier(std::string_view member, std::string_view text) {
    const std::size_t bar = text.rfind('|');
    if (bar == std::string_view::npos || bar == 0 || bar + 1 == text.size())
        return fail(Errc::Malformed, "member '" + std::string(member) +
                                         "' must be \"AUTHORITY|ID\", not '" + std::string(text) +
                                         "'");
    return {};
}

Result<void> check_phone(std::string_view phone) {
    const bool plausible =
        phone.empty() || (phone.size() >= 5 && phone.size() <= 24 &&
                          phone.find_first_not_of("+0123456789 -()") == std::string_view::npos);
    if (!plausible) return fail(Errc::Malformed, "member 'phone' must be a telephone number");
    return {};
}

Result<void> check_clock(std::string_view member, std::string_view text) {
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    const bool good = text.size() == 5 && digit(0) && digit(1) && text[2] == ':' && digit(3) &&
                      digit(4) && text.substr(0, 2) < "24" && text.substr(3, 2) < "60";
    if (!good)
        return fail(Errc::Malformed, "member 'quiet." + std::string(member) +
                                         "' must be a time such as \"22:00\", not '" +
                                         std::string(text) + "'");
    return {};
}

Result<void> check_channels(std::string_view purpose,
                            const std::vector<std::string_view>& channels) {
    for (const auto channel : channels)
        if (channel != "sms" && channel != "wechat")
            return fail(Errc::Malformed, "member 'consent." + std::string(purpose) +
                                             "' may hold \"sms\" and \"wechat\", not '" +
                                             std::string(channel) + "'");
    return {};
}

Result<void> check_zone(std::string_view zone) {
    if (zone.empty()) return {};
    try {
        (void)date::locate_zone(std::string(zone));
        return {};
    } catch (const std::exception&) {
        return fail(Errc::Malformed,
                    "member 'zone' must be an IANA zone such as \"Asia/Shanghai\", not '" +
                        std::string(zone) + "'");
    }
}

Result<std::string> check_patient(std::string_view json, schemas::Decoder& decoder) {
    VITALOG_TRY(const auto entry, schemas::decode<PatientEntry>(json, decoder));
    VITALOG_CHECK(check_identifier("patient", entry.patient));
    for (const auto account : entry.accounts) VITALOG_CHECK(check_identifier("accounts", account));
    VITALOG_CHECK(check_phone(entry.phone));
    VITALOG_CHECK(check_zone(entry.zone));
    if (entry.consent) {
        VITALOG_CHECK(check_channels("alert", entry.consent->alert));
        VITALOG_CHECK(check_channels("reminder", entry.consent->reminder));
    }
    if (entry.spo2_scale && *entry.spo2_scale != 1 && *entry.spo2_scale != 2)
        return fail(Errc::Malformed, "member 'spo2_scale' must be 1 or 2, not " +
                                         std::to_string(*entry.spo2_scale));
    if (entry.quiet) {
        VITALOG_CHECK(check_clock("from", entry.quiet->from));
        VITALOG_CHECK(check_clock("to", entry.quiet->to));
    }
    return std::string(entry.patient);
}

Result<std::string> check_team(std::string_view json, schemas::Decoder& decoder) {
    VITALOG_TRY(const auto entry, schemas::decode<TeamEntry>(json, decoder));
    std::vector<std::string_view> users;
    for (const auto& member : entry.members_list) {
        if (member.user.empty())
            return fail(Errc::Missing, "member 'members.user' must name a user");
        if (std::find(users.begin(), users.end(), member.user) != users.end())
            return fail(Errc::Conflict,
                        "user '" + std::string(member.user) + "' is in 'members' twice");
        VITALOG_CHECK(check_phone(member.phone));
        users.push_back(member.user);
    }
    if (entry.shifts.size() > schemas::kShiftsMax)
        return fail(Errc::TooLarge, "a team may have " + std::to_string(schemas::kShiftsMax) +
                                        " shifts; give the days of one in one line");
    for (const auto& shift : entry.shifts) VITALOG_CHECK(schemas::Shift::of(shift));
    return std::string(entry.team);
}

Result<DirectoryLine> check_line(std::string_view json, schemas::Decoder& decoder) {
    VITALOG_TRY(const Kind kind, schemas::decode<Kind>(json, decoder));
    DirectoryLine line;
    line.json = json;
    if (!kind.patient.empty()) {
        VITALOG_TRY(line.key, check_patient(json, decoder));
    } else if (!kind.team.empty()) {
        VITALOG_TRY(line.key, check_team(json, decoder));
    } else {
        return fail(Errc::Missing, "a line needs 'patient' (\"AUTHORITY|ID\") or 'team'");
    }
    return line;
}

Result<void> add_line(std::string_view name, std::size_t number, std::string_view json,
                      schemas::Decoder& decoder, std::vector<DirectoryLine>& lines) {
    auto line = check_line(json, decoder);
    if (!line)
        return fail(line.error().code(), std::string(name) + " " + std::to_string(number) + ": " +
                                             line.error().message());
    lines.push_back(std::move(*line));
    return {};
}

/// The items of a JSON array as they stand.
struct Items {
    std::vector<schemas::RawJson> items;
    template <class V>
    void members(V& v) {
        v.required("items", items);
    }
};

Result<std::vector<DirectoryLine>> parse_array(std::string_view body) {
    schemas::Decoder outer, inner;
    VITALOG_TRY(const auto list,
                schemas::decode<Items>("{\"items\":" + std::string(body) + "}", outer));
    std::vector<DirectoryLine> lines;
    for (std::size_t i = 0; i < list.items.size(); ++i)
        VITALOG_CHECK(add_line("item", i + 1, list.items[i].text, inner, lines));
    return lines;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t\r\n");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

}  // namespace

Result<std::vector<DirectoryLine>> parse_directory(std::string_view body) {
    if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
    std::vector<DirectoryLine> lines;
    if (trimmed(body).starts_with('[')) {
        VITALOG_TRY(lines, parse_array(trimmed(body)));
    } else {
        schemas::Decoder decoder;
        for (std::size_t number = 1; !body.empty(); ++number) {
            const std::size_t end = std::min(body.find('\n'), body.size());
            const std::string_view line = trimmed(body.substr(0, end));
            body.remove_prefix(std::min(end + 1, body.size()));
            if (!line.empty()) VITALOG_CHECK(add_line("line", number, line, decoder, lines));
        }
    }
    if (lines.empty()) return fail(Errc::Missing, "the directory has no lines");
    return lines;
}

DirectoryApi::DirectoryApi(FeedAppender& log, const Clock& clock, WhenApplied when_applied,
                           const schemas::TopicNames& topics)
    : log_(log),
      clock_(clock),
      when_applied_(std::move(when_applied)),
      topic_(topics.name(schemas::Topic::FeedDirectory)) {}

void DirectoryApi::register_routes(Router& router) {
    router.route("POST", "/directory", [this](HttpRequest request, Respond respond) {
        take(request, std::move(respond));
    });
}

void DirectoryApi::take(const HttpRequest& request, Respond respond) const {
    const auto& role = request.caller.role;
    if (!role.empty() && role != "operator" && role != "hospital")
        return respond(outcome(403, "role '" + role + "' may not change the directory"));
    auto lines = parse_directory(request.body);
    if (!lines) return respond(outcome(400, lines.error().message()));
    std::vector<FeedRecord> records;
    for (auto& line : *lines) {
        FeedRecord record;
        record.topic = topic_;
        record.key = std::move(line.key);
        record.value = std::move(line.json);
        Headers::append(record.headers, header::kFormat, "json");
        Headers::append(record.headers, header::kEndpoint, "directory");
        record.received = clock_.now();
        records.push_back(std::move(record));
    }
    append_group(log_, std::move(records), [this, respond = std::move(respond)](auto receipts) {
        if (!receipts)
            return respond(outcome(receipts.error().code() == Errc::Busy ? 503 : 500,
                                   "the directory was not taken as a whole, send it again: " +
                                       receipts.error().message()));
        const std::size_t accepted = receipts->size();
        when_applied_(std::move(*receipts), [respond, accepted] {
            HttpResponse response;
            response.body = "{\"accepted\":" + std::to_string(accepted) + "}";
            respond(std::move(response));
        });
    });
}

}  // namespace vitalog::sinks::fhir
