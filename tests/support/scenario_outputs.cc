#include "tests/support/scenario_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "processors/identity/identifier.h"
#include "schemas/events/care.h"
#include "schemas/events/identity.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"
#include "tests/support/scenario_hl7.h"

namespace vitalog::tests {
namespace {

using schemas::name_of_enum;
using schemas::Topic;

constexpr std::size_t kIdDigits = 32;

std::string time_text(const ZonedTime& time) {
    return site_time::text(time.at.micros());
}
std::string time_text(ReceivedTime time) {
    return site_time::text(time.micros());
}
std::string yes_no(bool flag) {
    return flag ? "yes" : "no";
}

std::string number_text(double number) {
    std::string text;
    schemas::JsonWriter(text).value(number);
    return text;
}

std::string joined(const std::vector<std::string_view>& parts) {
    std::string text;
    for (const auto part : parts) text.append(text.empty() ? "" : ", ").append(part);
    return text;
}

/// Ids inside of a sentence differ from run to run with the partitions.
std::string without_ids(std::string text) {
    std::size_t digits = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const bool hex = i < text.size() &&
                         ((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'));
        digits = hex ? digits + 1 : 0;
        if (digits < kIdDigits) continue;
        text.replace(i + 1 - kIdDigits, kIdDigits, "#");
        i -= kIdDigits - 1;
        digits = 0;
    }
    return text;
}

/// "80, 250 rising": what the doctor sees, oldest first.
std::string evidence_text(const std::vector<schemas::Evidence>& evidence) {
    std::string text;
    for (const auto& item : evidence) {
        if (!text.empty()) text += ", ";
        text += item.value ? std::string(item.comparator) + number_text(*item.value)
                           : std::string(item.text);
    }
    return text;
}

/// "accepted by dr.li; confirmed by dr.li": the history of a task.
std::string notes_text(const std::vector<schemas::TaskNote>& notes) {
    std::string text;
    for (const auto& note : notes) {
        text.append(text.empty() ? "" : "; ").append(note.what);
        if (!note.by.empty()) text.append(" by ").append(note.by);
    }
    return text;
}

/// "day 1 08:00 reject by dr.li": what became of earlier episodes, the latest first.
std::string earlier_text(const std::vector<schemas::EarlierEpisode>& earlier) {
    std::string text;
    for (const auto& episode : earlier) {
        text.append(text.empty() ? "" : "; ").append(time_text(episode.since));
        text.append(" ").append(episode.outcome);
        if (!episode.user.empty()) text.append(" by ").append(episode.user);
    }
    return text;
}

std::optional<double> as_number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Half a unit of the last digit written.
double tolerance_of(std::string_view text) {
    const std::size_t point = text.find('.');
    const std::size_t decimals = point == std::string_view::npos ? 0 : text.size() - point - 1;
    return decimals == 0 ? 1e-9 : 0.5 * std::pow(10.0, -static_cast<double>(decimals)) * (1 + 1e-9);
}

/// As scenarios write it: "7" of the hospital itself, "NHS:99" of others.
std::string shown(const schemas::Identifier& identifier) {
    if (identifier.authority == kHospital) return std::string(identifier.value);
    return std::string(identifier.authority).append(":").append(identifier.value);
}

bool is_time(std::string_view field) {
    return field == "at" || field == "since" || field == "deadline" || field == "opened" ||
           field == "start" || field == "end";
}

bool same(std::string_view field, const std::string& actual, const Word& expected,
          ReceivedTime now) {
    if (expected.contains) return actual.find(expected.value) != std::string::npos;
    if (is_time(field)) {
        const auto at = site_time::parse(expected.value, now);
        return at ? time_text(*at) == actual : expected.value == actual;
    }
    const auto wanted = as_number(expected.value);
    const auto found = as_number(actual);
    if (wanted && found) return std::abs(*wanted - *found) <= tolerance_of(expected.value);
    return actual == expected.value;
}

}  // namespace

std::string Output::field(std::string_view name) const {
    for (const auto& [known, value] : fields)
        if (known == name) return value;
    return {};
}

bool Output::has(std::string_view name) const {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const auto& field) { return field.first == name; });
}

std::string Output::text() const {
    std::string text = kind;
    for (const auto& [name, value] : fields) {
        if (value.empty()) continue;
        const bool quote = value.find(' ') != std::string::npos;
        text += fmt::format(" {}={}{}{}", name, quote ? "\"" : "", value, quote ? "\"" : "");
    }
    return text;
}

bool matches(const Output& output, const Line& expected) {
    return std::all_of(expected.words.begin(), expected.words.end(), [&](const Word& word) {
        return word.name.empty() || same(word.name, output.field(word.name), word, expected.at);
    });
}

Result<void> check_fields(const Output& output, const Line& expected) {
    for (const auto& word : expected.words) {
        if (output.has(word.name)) continue;
        std::string known;
        for (const auto& [name, value] : output.fields) known += " " + name;
        return fail(Errc::Malformed,
                    fmt::format("'{}' is no field of a {}; there are{}",
                                word.name.empty() ? word.value : word.name, output.kind, known));
    }
    return {};
}

template <class Event>
Result<Event> Outputs::read(const Seen& record) {
    return schemas::decode<Event>(record.value, decoder_);
}

std::string Outputs::name_of_person(std::string_view id) const {
    const auto found = names_.find(std::string(id));
    return found == names_.end() ? "unknown person" : found->second;
}

std::string Outputs::name_of_recipient(std::string_view id) const {
    if (id.starts_with("user:")) return std::string(id.substr(5));
    const auto found = names_.find(std::string(id));
    return found == names_.end() ? std::string(id) : "patient:" + found->second;
}

Result<Output> Outputs::alert(const Seen& record) {
    VITALOG_TRY(const auto e, read<schemas::AlertEvent>(record));
    const std::string patient = name_of_person(e.person);
    return Output{"alert",
                  patient,
                  {{"patient", patient},
                   {"rule", std::string(e.rule)},
                   {"state", std::string(name_of_enum(e.state))},
                   {"priority", std::string(name_of_enum(e.priority))},
                   {"band", std::string(e.band)},
                   {"problem", std::string(e.problem)},
                   {"at", time_text(e.occurred)},
                   {"since", time_text(e.since)},
                   {"version", std::string(e.rule_version)},
                   {"coefficients", std::string(e.coefficients)},
                   {"retrospective", yes_no(e.retrospective)},
                   {"task", yes_no(!e.task.empty())},
                   {"reason", std::string(e.reason)},
                   {"limits", std::string(e.limits)},
                   {"evidence", evidence_text(e.evidence)}}};
}

Result<Output> Outputs::task(const Seen& record) {
    VITALOG_TRY(const auto e, read<schemas::TaskState>(record));
    const std::string patient = name_of_person(e.person);
    const auto known = std::find_if(tasks_.begin(), tasks_.end(),
                                    [&](const TaskRef& t) { return t.id == e.task; });
    TaskRef& ref = known == tasks_.end() ? tasks_.emplace_back() : *known;
    ref = {std::string(e.task), patient, std::string(e.rule),
           e.status == schemas::TaskStatus::Requested || e.status == schemas::TaskStatus::Accepted};
    Output out{"task",
               patient,
               {{"patient", patient},
                {"rule", std::string(e.rule)},
                {"status", std::string(name_of_enum(e.status))},
                {"priority", std::string(name_of_enum(e.priority))},
                {"problem", std::string(e.problem)},
                {"team", std::string(e.team)},
                {"owner", std::string(e.owner)},
                {"opened", time_text(e.opened)},
                {"deadline", time_text(e.deadline)},
                {"step", std::to_string(e.escalation)},
                {"breached", yes_no(e.breached)},
                {"reason", without_ids(std::string(e.status_reason))},
                {"evidence", evidence_text(e.evidence)},
                {"at", time_text(e.changed)}}};
    const auto add = [&](std::string name, std::string_view value) {
        out.fields.emplace_back(std::move(name), without_ids(std::string(value)));
    };
    add("notes", notes_text(e.notes));
    add("proposed", e.proposed);
    add("missing", e.index ? joined(e.index->missing) : std::string());
    add("earlier", earlier_text(e.earlier));
    add("decision", e.outcome ? name_of_enum(e.outcome->action) : std::string_view());
    add("by", e.outcome ? e.outcome->user : std::string_view());
    add("text", e.outcome ? e.outcome->text : std::string_view());
    add("why", e.outcome ? e.outcome->reason : std::string_view());
    add("answer", e.judged ? std::to_string(e.judged->status) : std::string());
    add("message", e.judged ? e.judged->message : std::string_view());
    task_versions_[{std::string(e.task), e.version}] = out;
    return out;
}

/// A decision that changed nothing shows the task as it was answered with.
Result<Output> Outputs::judged_task(const Seen& record) {
    VITALOG_TRY(const auto e, read<schemas::TaskJudged>(record));
    const auto known = task_versions_.find({std::string(e.task), e.judged.version});
    Output out{
        "task", "", {{"patient", ""}, {"status", "unknown"}, {"answer", ""}, {"message", ""}}};
    if (known != task_versions_.end()) out = known->second;
    for (auto& [field, value] : out.fields) {
        if (field == "answer") value = std::to_string(e.judged.status);
        if (field == "message") value = without_ids(std::string(e.judged.message));
    }
    return out;
}

Result<Output> Outputs::message(const Seen& record) {
    VITALOG_TRY(const auto e, read<schemas::Delivery>(record));
    purposes_[std::string(e.intent)] = e.purpose;
    const std::string to = name_of_recipient(e.recipient);
    return Output{"message",
                  to,
                  {{"to", to},
                   {"purpose", std::string(e.purpose)},
                   {"state", std::string(name_of_enum(e.state))},
                   {"channel", std::string(e.channel)},
                   {"attempts", std::to_string(e.attempts)},
                   {"code", std::string(e.code)},
                   {"reason", without_ids(std::string(e.reason))},
                   {"template", std::string(e.template_name)},
                   {"text", std::string(e.text)},
                   {"priority", std::string(name_of_enum(e.priority))},
                   {"at", time_text(e.changed)}}};
}

Result<Output> Outputs::send(const Seen& record) {
    VITALOG_TRY(const auto e, read<schemas::Send>(record));
    const std::string to = name_of_recipient(e.recipient);
    const auto purpose = purposes_.find(std::string(e.intent));
    sends_.push_back({std::string(e.recipient), to, std::string(e.intent), std::string(e.attempt),
                      purpose == purposes_.end() ? "" : purpose->second});
    return Output{"send",
                  to,
                  {{"to", to},
                   {"channel", std::string(schemas::name_of(record.topic).substr(5))},
                   {"phone", std::string(e.to)},
                   {"template", std::string(e.template_name)},
                   {"text", std::string(e.text)},
                   {"priority", std::string(name_of_enum(e.priority))},
                   {"deadline", time_text(e.not_after)}}};
}

Result<Output> Outputs::risk(const Seen& record) {
    VITALOG_TRY(const auto e, read<schemas::RiskEvent>(record));
    const std::string patient = name_of_person(e.person);
    const std::string index = e.method.starts_with("aki")    ? "aki"
                              : e.method.starts_with("egfr") ? "egfr"
                                                             : std::string(e.method);
    return Output{"risk",
                  patient,
                  {{"patient", patient},
                   {"index", index},
                   {"status", std::string(name_of_enum(e.status))},
                   {"band", std::string(e.band)},
                   {"value", e.value ? number_text(*e.value) : ""},
                   {"unit", std::string(e.unit)},
                   {"missing", joined(e.missing)},
                   {"reason", std::string(e.reason)},
                   {"detail", std::string(e.detail)},
                   {"composite", yes_no(e.composite)},
                   {"version", std::string(e.version)},
                   {"retracted", yes_no(e.retracted)},
                   {"basis", std::to_string(e.basis.size())},
                   {"at", time_text(e.occurred)}}};
}

Result<void> Outputs::learn_name(const Seen& record) {
    VITALOG_TRY(const auto e, read<schemas::PersonIdentified>(record));
    if (processors::identity::person_founded_by(e.identifier.key()) == e.person)
        names_[std::string(e.person)] = shown(e.identifier);
    return {};
}

/// Records on `person` that a reader may want to see: identifiers, merges, clashes.
Result<Output> Outputs::person_news(const Seen& record) {
    Output none;
    if (record.type == schemas::PersonIdentified::kType) {
        VITALOG_TRY(const auto e, read<schemas::PersonIdentified>(record));
        const std::string patient = name_of_person(e.person);
        return Output{
            "identifier", patient, {{"patient", patient}, {"identifier", shown(e.identifier)}}};
    }
    if (record.type == schemas::PersonMerged::kType) {
        VITALOG_TRY(const auto e, read<schemas::PersonMerged>(record));
        if (e.survivor == record.key) return none;  // told to both; once is enough
        survivors_[std::string(e.loser)] = e.survivor;
        const std::string patient = name_of_person(e.survivor);
        return Output{"merged",
                      patient,
                      {{"patient", patient},
                       {"loser", name_of_person(e.loser)},
                       {"reason", std::string(e.reason)}}};
    }
    if (record.type == schemas::PersonClash::kType) {
        VITALOG_TRY(const auto e, read<schemas::PersonClash>(record));
        const std::string patient = name_of_person(e.person);
        return Output{"clash",
                      patient,
                      {{"patient", patient},
                       {"other", name_of_person(e.other)},
                       {"identifier", shown(e.identifier)}}};
    }
    if (record.type == schemas::PersonClinical::kType) VITALOG_CHECK(clinical(record));
    return none;
}

void Outputs::fold_patient(const std::string& person, const schemas::Patient& patient) {
    auto& known = demographics_[person];
    for (const auto name : patient.cleared) known.erase(std::string(name));
    const auto put = [&](const char* name, std::string_view value) {
        if (!value.empty()) known[name] = value;
    };
    put("family", patient.family);
    put("given", patient.given);
    put("sex", patient.sex);
    put("born", patient.birth_date ? to_string(*patient.birth_date) : "");
    if (patient.deceased) known["deceased"] = "yes";
}

Result<void> Outputs::clinical(const Seen& record) {
    VITALOG_TRY(const auto e, read<schemas::PersonClinical>(record));
    const std::string person(e.person);
    const std::string patient = name_of_person(person);
    if (e.event.patient) fold_patient(person, *e.event.patient);
    if (e.event.encounter)
        encounters_[{person, std::string(e.event.encounter->visit)}].add(*e.event.encounter);
    for (const auto& report : e.event.reports)
        for (const auto& o : report.observations)
            list_.push_back({"result",
                             patient,
                             {{"patient", patient},
                              {"what", std::string(o.code.display)},
                              {"loinc", std::string(o.loinc)},
                              {"value", o.value ? number_text(*o.value) : std::string(o.text)},
                              {"unit", std::string(o.unit)},
                              {"comparator", std::string(o.comparator)},
                              {"lower", o.low ? number_text(*o.low) : ""},
                              {"upper", o.high ? number_text(*o.high) : ""},
                              {"sent", std::string(o.raw_value) + (o.raw_unit.empty() ? "" : " ") +
                                           std::string(o.raw_unit)},
                              {"kind", std::string(name_of_enum(o.kind))},
                              {"status", std::string(name_of_enum(o.status))},
                              {"at", time_text(o.effective)}}});
    return {};
}

Result<Output> Outputs::output_of(const Seen& record) {
    switch (record.topic) {
        case Topic::Alert:
            return alert(record);
        case Topic::TaskBoard:
            return record.type == schemas::TaskJudged::kType ? judged_task(record) : task(record);
        case Topic::Delivery:
            return message(record);
        case Topic::SendSms:
        case Topic::SendWechat:
        case Topic::SendWecom:
            return send(record);
        case Topic::Risk:
            return risk(record);
        case Topic::DeadLetter:
            return Output{"dead-letter",
                          record.key,
                          {{"stage", record.stage},
                           {"reason", without_ids(record.reason)},
                           {"where", without_ids(record.at)}}};
        default:
            return person_news(record);
    }
}

Result<void> Outputs::add(std::vector<Seen> records) {
    const std::size_t before = list_.size();
    for (const auto& record : records)
        if (record.type == schemas::PersonIdentified::kType) VITALOG_CHECK(learn_name(record));
    for (const auto& record : records) {
        auto output = output_of(record);
        if (!output)
            return fail(Errc::Damaged,
                        fmt::format("{} in {}: {}", record.type, schemas::name_of(record.topic),
                                    output.error().message()));
        if (!output->kind.empty()) list_.push_back(*std::move(output));
    }
    std::stable_sort(list_.begin() + static_cast<std::ptrdiff_t>(before), list_.end(),
                     [](const Output& a, const Output& b) {
                         return std::tuple(a.kind, a.whose, a.field("rule"), a.field("opened")) <
                                std::tuple(b.kind, b.whose, b.field("rule"), b.field("opened"));
                     });
    return {};
}

const Outputs::TaskRef* Outputs::task(std::string_view patient, std::string_view rule) const {
    const TaskRef* found = nullptr;
    for (const auto& ref : tasks_) {
        if ((!patient.empty() && ref.patient != patient) || (!rule.empty() && ref.rule != rule))
            continue;
        if (found == nullptr || ref.open || !found->open) found = &ref;
    }
    return found;
}

const Outputs::SendRef* Outputs::send(std::string_view recipient, std::string_view purpose,
                                      std::size_t n) const {
    const SendRef* found = nullptr;
    std::size_t count = 0;
    for (const auto& ref : sends_) {
        if (ref.recipient != recipient || (!purpose.empty() && ref.purpose != purpose)) continue;
        found = &ref;
        if (++count == n) return found;
    }
    return n == 0 ? found : nullptr;
}

std::string Outputs::survivor(std::string person) const {
    for (auto next = survivors_.find(person); next != survivors_.end();
         next = survivors_.find(person))
        person = next->second;
    return person;
}

std::optional<Output> Outputs::encounter(std::string_view patient, std::string_view visit) const {
    std::optional<schemas::EncounterHistory> history;
    for (const auto& [key, events] : encounters_) {
        if (key.second != visit || name_of_person(survivor(key.first)) != patient) continue;
        if (!history) history.emplace();
        history->merge(events);
    }
    if (!history) return std::nullopt;
    const auto state = history->state();
    std::string wards;
    for (const auto& place : state.locations) wards += (wards.empty() ? "" : ", ") + place.location;
    return Output{"encounter",
                  std::string(patient),
                  {{"patient", std::string(patient)},
                   {"visit", std::string(visit)},
                   {"status", state.status},
                   {"class", state.class_code},
                   {"wards", wards},
                   {"doctor", state.attending.id},
                   {"start", state.start ? time_text(*state.start) : ""},
                   {"end", state.end ? time_text(*state.end) : ""}}};
}

std::optional<Output> Outputs::patient(std::string_view patient) const {
    for (const auto& [person, known] : demographics_) {
        if (name_of_person(person) != patient) continue;
        Output out{"patient", std::string(patient), {{"patient", std::string(patient)}}};
        for (const char* name : {"family", "given", "sex", "born", "deceased"}) {
            const auto found = known.find(name);
            out.fields.emplace_back(name, found == known.end() ? "" : found->second);
        }
        return out;
    }
    return std::nullopt;
}

}  // namespace vitalog::tests
