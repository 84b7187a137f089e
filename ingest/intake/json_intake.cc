#include "ingest/intake/json_intake.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "ingest/hl7/charset.h"
#include "ingest/hl7/time.h"
#include "ingest/intake/json_items.h"
#include "schemas/base/ids.h"
#include "schemas/events/directory.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"
#include "schemas/rules.h"
#include "schemas/shift.h"
#include "schemas/templates.h"
#include "schemas/zone_rule.h"

namespace vitalog::ingest {
namespace {

using processors::Context;
using processors::Input;
using schemas::Topic;

/// What tells a patient's line from a team's.
struct DirectoryHead {
    std::string_view patient;
    std::string_view team;
    template <class V>
    void members(V& v) {
        v("patient", patient);
        v("team", team);
    }
};

/// "AUTHORITY|ID", both parts there.
bool is_identifier(std::string_view text) {
    const std::size_t bar = text.find('|');
    return bar != std::string_view::npos && bar > 0 && bar + 1 < text.size();
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

Result<void> check_identifier(std::string_view text, std::string_view member) {
    if (is_identifier(text)) return {};
    return fail(Errc::Malformed,
                "member '" + std::string(member) + "' " + quoted(text) + " must be AUTHORITY|ID");
}

}  // namespace

Result<void> JsonIntake::each(const Input& input, Context& out, Handler handle) {
    VITALOG_TRY(const auto items, json_items(input.value));
    if (items.size() == 1) return (this->*handle)(items.front(), input, out);
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto done = (this->*handle)(items[i], input, out);
        if (!done) out.dead_letter(done.error(), "item " + std::to_string(i + 1));
    }
    return {};
}

Result<void> JsonIntake::directory(const Input& input, Context& out) {
    return each(input, out, &JsonIntake::directory_line);
}

Result<void> JsonIntake::directory_line(std::string_view json, const Input&, Context& out) {
    VITALOG_TRY(const auto head, schemas::decode<DirectoryHead>(json, decoder_));
    if (!head.patient.empty()) return patient_line(json, out);
    if (!head.team.empty()) return team_line(json, out);
    return fail(Errc::Missing, "a directory line needs 'patient' (AUTHORITY|ID) or 'team'");
}

Result<void> JsonIntake::patient_line(std::string_view json, Context& out) {
    VITALOG_TRY(const auto entry, schemas::decode<schemas::PatientEntry>(json, decoder_));
    VITALOG_CHECK(check_identifier(entry.patient, "patient"));
    for (const auto account : entry.accounts) VITALOG_CHECK(check_identifier(account, "accounts"));
    if (entry.quiet && (!schemas::clock_minutes(entry.quiet->from) ||
                        !schemas::clock_minutes(entry.quiet->to) ||
                        entry.quiet->from == entry.quiet->to))
        return fail(Errc::Malformed,
                    "member 'quiet' must hold two times of day such as 22:00 and 07:00");
    if (!entry.zone.empty()) VITALOG_CHECK(hl7::SiteZone::named(entry.zone));
    out.emit_event(Topic::Subject, entry.patient, entry);
    return {};
}

Result<void> JsonIntake::team_line(std::string_view json, Context& out) {
    VITALOG_TRY(const auto team, schemas::decode<schemas::TeamEntry>(json, decoder_));
    for (const auto& member : team.members_list)
        if (member.user.empty())
            return fail(Errc::Missing,
                        "member 'user' of team " + quoted(team.team) + " must not be empty");
    if (team.shifts.size() > schemas::kShiftsMax)
        return fail(Errc::TooLarge, "team " + quoted(team.team) + " has more than " +
                                        std::to_string(schemas::kShiftsMax) +
                                        " shifts; give the days of one in one line");
    for (const auto& shift : team.shifts) VITALOG_CHECK(schemas::Shift::of(shift));
    const std::string body = schemas::encode(team);
    const std::string version = IdHash().part(body).finish().to_string();
    const schemas::Control control{schemas::TeamEntry::kControlKind, team.team, version, body};
    out.broadcast(Topic::Task, control);
    out.broadcast(Topic::Notification, control);
    for (const auto& member : team.members_list) {
        const std::string recipient = "user:" + std::string(member.user);
        schemas::Contact contact;
        contact.recipient = recipient;
        contact.phone = member.phone;
        contact.openid = member.openid;
        contact.robot = team.robot;
        out.emit_event(Topic::Notification, recipient, contact);
    }
    return {};
}

Result<void> JsonIntake::decision(const Input& input, Context& out) {
    return each(input, out, &JsonIntake::decision_line);
}

Result<void> JsonIntake::decision_line(std::string_view json, const Input&, Context& out) {
    VITALOG_TRY(const auto decision, schemas::decode<schemas::Decision>(json, decoder_));
    if (decision.task.empty()) return fail(Errc::Missing, "member 'task' must not be empty");
    if (decision.user.empty()) return fail(Errc::Missing, "member 'user' must not be empty");
    out.emit_event(Topic::Task, decision.task, decision);
    return {};
}

Result<void> JsonIntake::check_body(const schemas::Control& control) {
    if (control.body.empty() && control.kind != "clock") return {};  // retires the name
    if (control.kind == "settings") {
        VITALOG_TRY(const auto settings, schemas::Settings::parse(control.body, body_decoder_));
        VITALOG_CHECK(hl7::SiteZone::named(settings.text("site.zone", "Asia/Shanghai")));
        VITALOG_CHECK(hl7::charset_setting(settings.text("hl7.charset", "auto")));
        return {};
    }
    if (control.kind == "codes" || control.kind == "units" || control.kind == "measures")
        return tables_.check(control.kind, control.name, control.body);
    if (control.kind == "rules") {
        VITALOG_CHECK(schemas::parse_rule_pack(control.name, control.body));
        return {};
    }
    if (control.kind == "templates") {
        VITALOG_CHECK(schemas::TemplatePack::parse(control.body));
        return {};
    }
    if (control.kind == "zones") {
        VITALOG_CHECK(schemas::Zones::parse(control.body));
        return {};
    }
    if (control.kind == "team") {
        VITALOG_CHECK(schemas::decode<schemas::TeamEntry>(control.body, body_decoder_));
        return {};
    }
    if (control.kind == "clock") return {};
    return fail(Errc::Unsupported,
                "control kind " + quoted(control.kind) +
                    " must be one of settings, zones, units, codes, measures, rules, templates, team, clock");
}

Result<void> JsonIntake::control(const Input& input, Context& out) {
    VITALOG_TRY(const auto control, schemas::decode<schemas::Control>(input.value, decoder_));
    if (control.name.empty()) return fail(Errc::Missing, "member 'name' must not be empty");
    VITALOG_CHECK(check_body(control));
    for (const Topic topic : {Topic::Subject, Topic::Person, Topic::Task, Topic::Notification})
        out.broadcast(topic, control);
    return {};
}

}  // namespace vitalog::ingest
