#include "tests/support/scenario_inputs.h"

#include <fmt/format.h>

#include "ingest/hl7/charset.h"
#include "schemas/events/directory.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json.h"
#include "tests/support/scenario_hl7.h"
#include "tests/support/scenario_samples.h"

namespace vitalog::tests {
namespace {

using schemas::Topic;

std::vector<std::string> list_of(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        items.emplace_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return items;
}

/// "08:00-20:00/DOCTOR[/GROUP[/mon+tue]]". Points into the text.
Result<schemas::TeamShift> shift_of(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        parts.push_back(rest.substr(0, slash));
        rest.remove_prefix(std::min(slash + 1, rest.size()));
    }
    if (parts.size() < 2 || parts[0].size() != 11)
        return fail(Errc::Malformed, "a shift is FROM-TO/DOCTOR[/GROUP[/DAY+DAY]]");
    schemas::TeamShift shift;
    shift.from = parts[0].substr(0, 5);
    shift.to = parts[0].substr(6);
    shift.doctor = parts[1];
    if (parts.size() > 2) shift.group = parts[2];
    for (std::string_view days = parts.size() > 3 ? parts[3] : std::string_view(); !days.empty();) {
        const std::size_t plus = std::min(days.find('+'), days.size());
        shift.days.push_back(days.substr(0, plus));
        days.remove_prefix(std::min(plus + 1, days.size()));
    }
    return shift;
}

/// Segments end in CR; the last line of a block has its line feed off.
std::string segments_of(std::string block) {
    for (char& c : block)
        if (c == '\n') c = '\r';
    return block;
}

/// The bytes of a message in the character set that the line asks for.
Result<std::string> encoded(const Line& line, const std::string& text) {
    const std::string set = line.value("bytes", line.value("charset"));
    if (set.empty()) return text;
    VITALOG_TRY(const auto charset, ingest::hl7::charset_named(set));
    return ingest::hl7::Decoder().encode(text, charset);
}

/// "RULE low=84 clear=86", "RULE high=150 clear=120".
Result<schemas::LimitEntry> personal_limit(std::string_view text) {
    schemas::LimitEntry limit;
    schemas::ClearEntry clear;
    const std::size_t blank = std::min(text.find(' '), text.size());
    limit.rule = text.substr(0, blank);
    const auto number = [&](std::string_view name) -> std::optional<double> {
        const std::size_t at = text.find(std::string(name) + "=");
        if (at == std::string_view::npos) return std::nullopt;
        return std::stod(std::string(text.substr(at + name.size() + 1)));
    };
    limit.low = number("low");
    limit.high = number("high");
    if (!limit.low && !limit.high)
        return fail(Errc::Malformed, "limits are 'RULE low=N clear=N' or 'RULE high=N clear=N'");
    (limit.low ? clear.low : clear.high) = number("clear");
    if (clear.low || clear.high) limit.clear = clear;
    return limit;
}

/// Those of several rules, with ';' between them.
Result<std::vector<schemas::LimitEntry>> personal_limits(std::string_view text) {
    std::vector<schemas::LimitEntry> limits;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(';'), text.size());
        VITALOG_TRY(const auto limit, personal_limit(text.substr(0, end)));
        limits.push_back(limit);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (text.starts_with(' ')) text.remove_prefix(1);
    }
    return limits;
}

}  // namespace

Result<void> Inputs::deliver(const Line& line) {
    if (is_hl7_kind(line.kind)) {
        VITALOG_TRY(const std::string text, hl7_message(line));
        VITALOG_TRY(std::string bytes, encoded(line, text));
        return message(line, std::move(bytes));
    }
    if (line.kind == "hl7") return message(line, segments_of(line.block));
    if (line.kind == "again") return again(line);
    if (line.kind == "team") return team(line);
    if (line.kind == "patient") return patient(line);
    if (line.kind == "samples") return samples(line);
    if (line.kind == "decide") return decide(line);
    if (line.kind == "receipt") return receipt(line);
    if (line.kind == "resend") return resend(line);
    if (line.kind == "rules" || line.kind == "templates" || line.kind == "codes")
        return site_.publish(line.kind, line.bare(0), line.block);
    if (line.kind == "retire") return site_.publish(line.bare(0), line.bare(1), "");
    if (line.kind == "setting") {
        settings_[line.bare(0)] = line.bare(1);
        return site_.use_settings(settings_);
    }
    return fail(Errc::Malformed, "there is no input of kind '" + line.kind + "'");
}

Result<void> Inputs::message(const Line& line, std::string bytes) {
    VITALOG_TRY(const std::string code, site_.receive_hl7(bytes));
    outputs_.add({"ack", "", {{"code", code}}});
    last_message_ = std::move(bytes);
    (void)line;
    return {};
}

/// The last message once more: byte for byte, or under another message id.
Result<void> Inputs::again(const Line& line) {
    if (last_message_.empty()) return fail(Errc::Malformed, "there was no message yet");
    std::string bytes = last_message_;
    if (line.find("id") != nullptr) {
        std::size_t begin = 0;
        for (int field = 1; field < 10; ++field) begin = bytes.find('|', begin) + 1;
        bytes.replace(begin, bytes.find('|', begin) - begin, line.value("id"));
    }
    return message(line, std::move(bytes));
}

std::string Inputs::phone_of(const std::string& user) {
    auto& phone = phones_[user];
    if (phone.empty()) phone = fmt::format("138{:08}", phones_.size());
    return phone;
}

Result<void> Inputs::team(const Line& line) {
    const std::string name = line.bare(0);
    if (name.empty()) return fail(Errc::Malformed, "a team needs a name");
    const auto members = list_of(line.value("members"));
    const std::string duty = line.value("duty");
    const std::string group = line.value("group");
    const bool with_phones = line.value("phones") != "none";
    schemas::TeamEntry entry;
    entry.team = name;
    entry.duty_doctor = duty;
    entry.duty_group = group;
    const std::string robot = line.value("robot");
    entry.robot = robot;
    std::vector<std::string> phones;
    for (const auto& user : members) phones.push_back(with_phones ? phone_of(user) : "");
    for (std::size_t i = 0; i < members.size(); ++i)
        entry.members_list.push_back({members[i], members[i], phones[i], {}});
    const auto shifts = list_of(line.value("shifts"));
    for (const auto& shift : shifts) {
        VITALOG_TRY(const auto parsed, shift_of(shift));
        entry.shifts.push_back(parsed);
    }
    return site_.append(Topic::FeedDirectory, name, schemas::encode(entry), "json");
}

Result<void> Inputs::patient(const Line& line) {
    const std::string key = identifier_key(line.bare(0));
    const std::string team = line.value("team");
    const std::string phone = line.value("phone");
    const std::string openid = line.value("openid");
    const std::string consent = line.value("consent");
    std::vector<std::string> accounts;
    for (const auto& account : list_of(line.value("accounts")))
        accounts.push_back(identifier_key(account));
    schemas::PatientEntry entry;
    entry.patient = key;
    entry.team = team;
    entry.phone = phone;
    entry.openid = openid;
    entry.accounts.assign(accounts.begin(), accounts.end());
    if (const auto* scale = line.find("spo2-scale")) entry.spo2_scale = std::stoi(scale->value);
    const auto agreed = list_of(consent == "none" ? "" : consent);
    if (!consent.empty()) entry.consent.emplace();
    for (const auto& channel : agreed) entry.consent->alert.push_back(channel);
    const std::string zone = line.value("zone");
    entry.zone = zone;
    const std::string quiet = line.value("quiet");
    if (const std::size_t dash = quiet.find('-'); dash != std::string::npos)
        entry.quiet = schemas::Quiet{std::string_view(quiet).substr(0, dash),
                                     std::string_view(quiet).substr(dash + 1)};
    const std::string limits = line.value("limits");
    if (!limits.empty()) {
        VITALOG_TRY(entry.limits, personal_limits(limits));
    }
    return site_.append(Topic::FeedDirectory, key, schemas::encode(entry), "json");
}

/// As POST /ingest/wearable appends them.
Result<void> Inputs::samples(const Line& line) {
    VITALOG_TRY(const std::string points, data_points(line));
    return site_.append(Topic::FeedWearable, account_of(line), points, "open-mhealth");
}

Result<void> Inputs::decide(const Line& line) {
    const auto action = schemas::enum_named<schemas::DecisionAction>(line.bare(0));
    if (!action)
        return fail(Errc::Malformed, "decide accept, confirm, modify, reject or hand-over");
    const auto* ref = outputs_.task(line.value("patient"), line.value("rule"));
    const bool unknown = line.value("task") == "unknown";
    if (ref == nullptr && !unknown) return fail(Errc::Malformed, "there is no task to decide");
    const std::string task = unknown ? std::string(32, '0') : ref->id;
    const std::string user = line.value("by");
    const std::string text = line.value("text");
    const std::string reason = line.value("reason");
    const std::string to = line.value("to");
    const std::string request = line.value("request", "line-" + std::to_string(line.number));
    const schemas::Decision decision{task, *action, user, text, reason, to, request};
    return site_.append(Topic::FeedDecision, task, schemas::encode(decision), "json");
}

Result<void> Inputs::receipt(const Line& line) {
    const auto state = schemas::enum_named<schemas::ReceiptState>(line.bare(0));
    if (!state)
        return fail(Errc::Malformed, "receipt accepted, delivered, failed, unknown or not-sent");
    const std::string code = line.value("code");
    const std::string id = line.value("id");
    schemas::Receipt receipt;
    receipt.state = *state;
    receipt.code = code;
    receipt.retryable = line.value("retryable") == "yes";
    receipt.at = line.at;
    const std::string provider = line.value("provider", "aliyun");
    if (!id.empty()) receipt.provider = provider;
    receipt.provider_id = id;
    std::string key = "provider|" + provider + "|" + id;
    if (line.find("to") != nullptr) {
        const std::string n = line.value("attempt", "0");
        const auto* send = outputs_.send(line.value("to"), line.value("purpose"), std::stoul(n));
        if (send == nullptr)
            return fail(Errc::Malformed, "nothing was sent to " + line.value("to"));
        receipt.recipient = key = send->recipient_id;
        receipt.intent = send->intent;
        receipt.attempt = send->attempt;
    }
    return site_.append(Topic::FeedReceipt, key, schemas::encode(receipt), "json");
}

/// What POST /admin/resend appends, of the last message to somebody.
Result<void> Inputs::resend(const Line& line) {
    const auto* send = outputs_.send(line.value("to"), line.value("purpose"), 0);
    if (send == nullptr) return fail(Errc::Malformed, "nothing was sent to " + line.value("to"));
    const std::string reason = line.value("reason");
    const std::string user = line.value("by", "operator");
    schemas::Resend resend;
    resend.recipient = send->recipient_id;
    resend.intent = send->intent;
    resend.reason = reason;
    resend.user = user;
    resend.not_after = line.at + std::chrono::hours(1);
    return site_.append(Topic::FeedReceipt, send->recipient_id, schemas::encode(resend), "resend");
}

}  // namespace vitalog::tests
