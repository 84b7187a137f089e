#include "tests/support/scenario_hl7.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "schemas/base/national_id.h"

namespace vitalog::tests {
namespace {

/// What a kind of input is in HL7, and the words it knows beside those of every message.
struct Kind {
    std::string_view name;
    std::string_view type;
    std::vector<std::string_view> words;
};

const std::vector<Kind>& kinds() {
    static const std::vector<std::string_view> visit{"visit",  "class",    "ward",      "from",
                                                     "doctor", "admitted", "discharged"};
    static const std::vector<Kind> all{{"result", "ORU^R01", {"order", "taken", "status", "panel"}},
                                       {"person", "ADT^A31", {}},
                                       {"death", "ADT^A08", {"when"}},
                                       {"admit", "ADT^A01", visit},
                                       {"register", "ADT^A04", visit},
                                       {"transfer", "ADT^A02", visit},
                                       {"discharge", "ADT^A03", visit},
                                       {"update", "ADT^A08", visit},
                                       {"cancel-admit", "ADT^A11", visit},
                                       {"cancel-discharge", "ADT^A13", visit},
                                       {"pre-admit", "ADT^A05", visit},
                                       {"to-inpatient", "ADT^A06", visit},
                                       {"to-outpatient", "ADT^A07", visit},
                                       {"cancel-transfer", "ADT^A12", visit},
                                       {"delete-visit", "ADT^A23", visit},
                                       {"delete-person", "ADT^A29", {}},
                                       {"change-identifier", "ADT^A47", {"loser"}},
                                       {"merge", "ADT^A40", {"loser"}},
                                       {"merge-a34", "ADT^A34", {"loser"}}};
    return all;
}

constexpr std::array<std::string_view, 10> kEveryMessage{
    "patient", "also", "name", "born", "sex", "sent", "charset", "bytes", "id", "happened"};

const Kind* find_kind(std::string_view name) {
    for (const auto& kind : kinds())
        if (kind.name == name) return &kind;
    return nullptr;
}

struct Analyte {
    std::string_view name;
    std::string_view loinc;
};
constexpr std::array<Analyte, 20> kAnalytes{
    {{"creatinine", "14682-9"}, {"potassium", "2823-3"},        {"sodium", "2951-2"},
     {"glucose", "14749-6"},    {"fasting-glucose", "14771-0"}, {"haemoglobin", "718-7"},
     {"urea", "22664-7"},       {"lactate", "2524-7"},          {"rate", "9279-1"},
     {"saturation", "59408-5"}, {"oxygen-flow", "3151-8"},      {"oxygen", "3150-6"},
     {"systolic", "8480-6"},    {"diastolic", "8462-4"},        {"pulse", "8867-4"},
     {"temperature", "8310-5"}, {"consciousness", "67775-7"},   {"weight", "29463-7"},
     {"height", "8302-2"},      {"albumin-ratio", "14959-1"}}};

std::string_view loinc_of(std::string_view name) {
    for (const auto& analyte : kAnalytes)
        if (analyte.name == name) return analyte.loinc;
    return {};
}

/// One OBX: a value and what is said about it.
struct Value {
    std::string_view name;
    std::string_view loinc;
    std::string value;
    std::string unit;
    std::string lower;
    std::string upper;
    std::string status;
    std::string taken;
};

/// The words of a result line: those before the first value belong to the message, those behind a
/// value to it.
struct Split {
    Line message;
    std::vector<Value> values;
};

Result<Split> split_values(const Line& line) {
    Split split{line, {}};
    split.message.words.clear();
    for (const auto& word : line.words) {
        if (const auto loinc = loinc_of(word.name); !loinc.empty()) {
            split.values.push_back({word.name, loinc, word.value, {}, {}, {}, {}, {}});
        } else if (split.values.empty() || word.name == "order" || word.name == "sent" ||
                   word.name == "id") {
            split.message.words.push_back(word);
        } else if (word.name.empty()) {
            auto& unit = split.values.back().unit;
            unit += (unit.empty() ? "" : " ") + word.value;
        } else if (word.name == "upper") {
            split.values.back().upper = word.value;
        } else if (word.name == "lower") {
            split.values.back().lower = word.value;
        } else if (word.name == "status") {
            split.values.back().status = word.value;
        } else if (word.name == "taken") {
            split.values.back().taken = word.value;
        } else {
            return fail(Errc::Malformed,
                        "'" + word.name + "' is neither an analyte nor said about one");
        }
    }
    if (split.values.empty())
        return fail(Errc::Malformed, "a result needs a value such as creatinine=80 umol/L");
    return split;
}

Result<void> check_words(const Line& line, const Kind& kind) {
    for (const auto& word : line.words) {
        const bool known =
            std::find(kEveryMessage.begin(), kEveryMessage.end(), word.name) !=
                kEveryMessage.end() ||
            std::find(kind.words.begin(), kind.words.end(), word.name) != kind.words.end();
        if (!known)
            return fail(Errc::Malformed,
                        fmt::format("'{}' says nothing in a line of kind '{}'",
                                    word.name.empty() ? word.value : word.name, kind.name));
    }
    if (line.find("patient") == nullptr)
        return fail(Errc::Malformed, "whose? A patient=... is missing");
    return {};
}

/// "HIS|7" as HL7 CX.
std::string cx(std::string_view patient) {
    const std::string key = identifier_key(patient);
    const std::size_t bar = key.find('|');
    const std::string authority = key.substr(0, bar);
    return fmt::format("{}^^^{}^{}", key.substr(bar + 1), authority,
                       authority == kNationalIdAuthority ? "NI" : "MR");
}

std::string identifiers(const Line& line) {
    std::string field = cx(line.value("patient"));
    std::string_view rest;
    const std::string also = line.value("also");
    for (rest = also; !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        field += "~" + cx(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return field;
}

/// Time words of a line in HL7; empty where the word is missing. What is no time is sent as it is
/// written.
std::string time_word(const Line& line, std::string_view name, const std::string& otherwise) {
    const Word* word = line.find(name);
    if (word == nullptr) return otherwise;
    const auto at = site_time::parse(word->value, line.at);
    return at ? site_time::hl7(*at) : word->value;
}

std::string digits(std::string date) {
    std::erase(date, '-');
    return date;
}

std::string header(const Line& line, std::string_view type) {
    const std::string set = line.value("charset");
    return fmt::format("MSH|^~\\&|LIS|{}|VITALOG|SITE|{}||{}|{}|P|2.5||||||{}\r", kHospital,
                       time_word(line, "sent", site_time::hl7(line.at)), type,
                       line.value("id", "L" + std::to_string(line.number)), set);
}

std::string pid(const Line& line) {
    const std::string died =
        line.kind == "death" ? time_word(line, "when", site_time::hl7(line.at)) : "";
    return fmt::format("PID|1||{}||{}||{}|{}|||||||||||||||||||||{}|{}\r", identifiers(line),
                       line.value("name"), digits(line.value("born")), line.value("sex"), died,
                       line.kind == "death" ? "Y" : "");
}

/// PV1 with the fields of a visit: 2 class, 3 ward, 6 from, 7 doctor, 19 visit, 44 admitted, 45
/// discharged.
std::string pv1(const Line& line) {
    std::map<int, std::string> fields{{1, "1"},
                                      {2, line.value("class", "I")},
                                      {3, line.value("ward")},
                                      {6, line.value("from")},
                                      {7, line.value("doctor")},
                                      {19, line.value("visit")},
                                      {44, time_word(line, "admitted", "")},
                                      {45, time_word(line, "discharged", "")}};
    std::string segment = "PV1";
    for (int n = 1; n <= 45; ++n) segment += "|" + fields[n];
    return segment + "\r";
}

std::string obx(const Split& split, std::size_t n, const std::string& taken) {
    const Value& value = split.values[n];
    std::string range;
    if (!value.lower.empty() || !value.upper.empty())
        range = value.lower.empty() ? "<" + value.upper : value.lower + " - " + value.upper;
    Line own = split.message;
    if (!value.taken.empty()) own.words.push_back({"own", value.taken, false});
    const std::string_view type = value.name == "consciousness" ? "ST" : "NM";
    return fmt::format("OBX|{}|{}|{}^{}^LN||{}|{}|{}||||{}|||{}\r", n + 1, type, value.loinc,
                       value.name, value.value, value.unit, range,
                       value.status.empty() ? split.message.value("status", "F") : value.status,
                       time_word(own, "own", taken));
}

Result<std::string> result_message(const Line& line, const Kind& kind) {
    VITALOG_TRY(const Split split, split_values(line));
    VITALOG_CHECK(check_words(split.message, kind));
    const Line& message = split.message;
    const std::string taken = time_word(message, "taken", site_time::hl7(line.at));
    std::string order = message.value("order", "R" + std::to_string(line.number));
    if (order == "none") order.clear();
    std::string text = header(message, kind.type) + pid(message);
    text += fmt::format("OBR|1||{}|{}^Panel^L|||{}\r", order, message.value("panel", "LAB"), taken);
    for (std::size_t n = 0; n < split.values.size(); ++n) text += obx(split, n, taken);
    return text;
}

}  // namespace

std::string identifier_key(std::string_view patient) {
    const std::size_t colon = patient.find(':');
    if (colon == std::string_view::npos) return std::string(kHospital).append("|").append(patient);
    return std::string(patient.substr(0, colon)).append("|").append(patient.substr(colon + 1));
}

bool is_hl7_kind(std::string_view kind) {
    return find_kind(kind) != nullptr;
}

Result<std::string> hl7_message(const Line& line) {
    const Kind& kind = *find_kind(line.kind);
    if (kind.name == "result") return result_message(line, kind);
    VITALOG_CHECK(check_words(line, kind));
    const std::string now = site_time::hl7(line.at);
    std::string text = header(line, kind.type);
    text += fmt::format("EVN||{}||||{}\r", now, time_word(line, "happened", "")) + pid(line);
    if (kind.name.starts_with("merge") || kind.name == "change-identifier") {
        if (line.find("loser") == nullptr)
            return fail(Errc::Malformed, "who becomes the patient? loser=... is missing");
        return text + fmt::format("MRG|{}\r", cx(line.value("loser")));
    }
    if (!kind.words.empty() && kind.name != "death") text += pv1(line);
    return text;
}

}  // namespace vitalog::tests
