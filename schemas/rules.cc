#include "schemas/rules.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "schemas/base/time.h"

namespace vitalog::schemas {
namespace {

using Keys = std::initializer_list<std::string_view>;

constexpr std::size_t kTextMax = 500;

/// Reads one file; every function throws Refused, which parse_rule_pack() turns into an Error.
struct Refused {
    int line;
    std::string message;
};

[[noreturn]] void refuse(const YAML::Node& at, std::string message) {
    throw Refused{at.Mark().line + 1, std::move(message)};
}

std::string joined(Keys keys) {
    std::string text;
    for (const auto key : keys) text.append(text.empty() ? "" : ", ").append(key);
    return text;
}

void check_keys(const YAML::Node& map, std::string_view what, Keys allowed) {
    if (!map.IsMap())
        refuse(map, std::string(what) + " must be a mapping; write 'key: value' lines");
    std::vector<std::string> seen;
    for (const auto& entry : map) {
        if (!entry.first.IsScalar())
            refuse(entry.first, std::string(what) + ": a key must be a word");
        const std::string& key = entry.first.Scalar();
        if (std::find(allowed.begin(), allowed.end(), key) == allowed.end())
            refuse(entry.first, "unknown key '" + key + "' in " + std::string(what) +
                                    "; write one of " + joined(allowed));
        if (std::find(seen.begin(), seen.end(), key) != seen.end())
            refuse(entry.first, "key '" + key + "' is there twice; keep one");
        seen.push_back(key);
    }
}

std::string scalar(const YAML::Node& node, std::string_view name) {
    if (!node.IsScalar() || node.Scalar().empty())
        refuse(node, std::string(name) + " must be a text; write " + std::string(name) + ": ...");
    if (node.Scalar().size() > kTextMax)
        refuse(node, std::string(name) + " is longer than " + std::to_string(kTextMax) +
                         " bytes; shorten it");
    return node.Scalar();
}

std::string required_text(const YAML::Node& map, const char* name) {
    const auto node = map[name];
    if (!node.IsDefined())
        refuse(map, std::string("'") + name + "' is missing; write " + name + ": ...");
    return scalar(node, name);
}

/// An identifier of ours: letters, digits, dot, dash and underscore.
std::string required_name(const YAML::Node& map, const char* name) {
    std::string text = required_text(map, name);
    const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
    });
    if (!plain || text.size() > 64)
        refuse(map[name], std::string(name) + " '" + text +
                              "' must be at most 64 letters, digits, '.', '-' or '_'");
    return text;
}

double number(const YAML::Node& node, std::string_view name) {
    double value = 0;
    if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !std::isfinite(value))
        refuse(node, std::string(name) + " must be a number; write for example " +
                         std::string(name) + ": 6.2");
    return value;
}

std::optional<double> optional_number(const YAML::Node& map, const char* name) {
    const auto node = map[name];
    if (!node.IsDefined()) return std::nullopt;
    return number(node, name);
}

bool yes_or_no(const YAML::Node& map, const char* name, bool otherwise) {
    const auto node = map[name];
    if (!node.IsDefined()) return otherwise;
    bool value = false;
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value))
        refuse(node, std::string(name) + " must be yes or no");
    return value;
}

std::chrono::microseconds duration(const YAML::Node& node, std::string_view name) {
    const auto parsed = parse_duration(scalar(node, name));
    if (!parsed || parsed->count() <= 0)
        refuse(node, std::string(name) + " must be a duration above zero; write for example " +
                         std::string(name) + ": 48h");
    return *parsed;
}

std::chrono::microseconds required_duration(const YAML::Node& map, const char* name) {
    const auto node = map[name];
    if (!node.IsDefined())
        refuse(map, std::string("'") + name + "' is missing; write for example " + name + ": 48h");
    return duration(node, name);
}

template <class E>
E word(const YAML::Node& map, const char* name) {
    const std::string text = required_text(map, name);
    if (const auto found = enum_named<E>(text)) return *found;
    std::string known;
    for (const auto each : EnumNames<E>::names)
        known.append(known.empty() ? "" : ", ").append(each);
    refuse(map[name], std::string(name) + " '" + text + "' is unknown; write one of " + known);
}

/// One text or a list of texts.
std::vector<std::string> texts(const YAML::Node& map, const char* name) {
    const auto node = map[name];
    if (!node.IsDefined())
        refuse(map, std::string("'") + name + "' is missing; write " + name + ": [...]");
    std::vector<std::string> list;
    if (node.IsSequence())
        for (const auto& item : node) list.push_back(scalar(item, name));
    else
        list.push_back(scalar(node, name));
    if (list.empty() || list.size() > 64)
        refuse(node, std::string(name) + " must list 1 to 64 entries");
    return list;
}

void read_values_judged(const YAML::Node& map, Rule& rule) {
    rule.loinc = texts(map, "loinc");
    rule.unit = required_text(map, "unit");
}

void read_threshold(const YAML::Node& map, Rule& rule) {
    read_values_judged(map, rule);
    rule.low = optional_number(map, "low");
    rule.high = optional_number(map, "high");
    if (!rule.low && !rule.high) refuse(map, "a threshold rule needs 'low', 'high' or both");
    if (rule.low && rule.high && *rule.low >= *rule.high)
        refuse(map["low"], "low must be below high; exchange them");
    const auto clear = map["clear"];
    if (clear.IsDefined()) {
        check_keys(clear, "clear", {"low", "high"});
        rule.clear_low = optional_number(clear, "low");
        rule.clear_high = optional_number(clear, "high");
    }
    if (rule.clear_low.has_value() != rule.low.has_value() ||
        rule.clear_high.has_value() != rule.high.has_value())
        refuse(clear.IsDefined() ? clear : map,
               "clear must state the same of low and high as the rule; write for example clear: "
               "{low: 3.0, high: 5.8}");
    if ((rule.low && *rule.clear_low <= *rule.low) || (rule.high && *rule.clear_high >= *rule.high))
        refuse(clear,
               "clear limits must lie inside the limits that raise; write clear.low above low and "
               "clear.high below high");
    if (rule.clear_low && rule.clear_high && *rule.clear_low > *rule.clear_high)
        refuse(clear, "clear.low must not be above clear.high; exchange them");
}

void read_index_band(const YAML::Node& map, Rule& rule) {
    rule.index = required_name(map, "index");
    const auto bands = map["bands"];
    if (!bands.IsDefined() || !bands.IsSequence() || bands.size() == 0 || bands.size() > 32)
        refuse(map,
               "bands must list 1 to 32 bands, worst first; write bands: [{band: \"3\", priority: "
               "high, problem: ...}]");
    for (const auto& entry : bands) {
        check_keys(entry, "a band", {"band", "problem", "priority", "task"});
        RuleBand band;
        band.band = required_text(entry, "band");
        band.problem =
            entry["problem"].IsDefined() ? required_text(entry, "problem") : rule.problem;
        band.priority = word<Priority>(entry, "priority");
        band.task = yes_or_no(entry, "task", true);
        for (const auto& other : rule.bands) {
            if (other.band == band.band)
                refuse(entry, "band '" + band.band + "' is there twice; keep one");
            if (other.priority < band.priority)
                refuse(entry,
                       "band '" + band.band +
                           "' is more urgent than one listed before it; list the worst first");
        }
        rule.bands.push_back(std::move(band));
    }
    rule.clear_bands = texts(map, "clear");
    for (const auto& clear : rule.clear_bands)
        for (const auto& band : rule.bands)
            if (clear == band.band)
                refuse(map["clear"], "band '" + clear + "' both raises and clears; keep one");
    rule.priority = rule.bands.front().priority;
    rule.task = rule.bands.front().task;
}

void read_change(const YAML::Node& map, Rule& rule) {
    read_values_judged(map, rule);
    rule.direction = word<ChangeDirection>(map, "direction");
    rule.by = optional_number(map, "by");
    rule.ratio = optional_number(map, "ratio");
    rule.within = required_duration(map, "within");
    if (!rule.by && !rule.ratio)
        refuse(map, "a change rule needs 'by', 'ratio' or both; both: either is enough");
    if (rule.by && *rule.by <= 0)
        refuse(map["by"], "by must be above zero; direction says which way");
    const bool rise = rule.direction == ChangeDirection::Rise;
    if (rule.ratio && (rise ? *rule.ratio <= 1 : (*rule.ratio <= 0 || *rule.ratio >= 1)))
        refuse(map["ratio"],
               rise ? "ratio of a rise must be above 1; write for example ratio: 1.5"
                    : "ratio of a fall must be between 0 and 1; write for example ratio: 0.7");
    rule.clear_by = rule.by;
    rule.clear_ratio = rule.ratio;
    const auto clear = map["clear"];
    if (!clear.IsDefined()) return;
    check_keys(clear, "clear", {"by", "ratio"});
    if (const auto by = optional_number(clear, "by")) rule.clear_by = by;
    if (const auto ratio = optional_number(clear, "ratio")) rule.clear_ratio = ratio;
    if ((rule.by && *rule.clear_by > *rule.by) || rule.clear_by.has_value() != rule.by.has_value())
        refuse(clear, "clear.by must not be above by, and needs it; lower it");
    if (rule.clear_ratio.has_value() != rule.ratio.has_value() ||
        (rule.ratio && (rise ? *rule.clear_ratio > *rule.ratio : *rule.clear_ratio < *rule.ratio)))
        refuse(clear,
               "clear.ratio must be the smaller change, and needs ratio; bring it nearer to 1");
}

void read_patient(const YAML::Node& map, Rule& rule) {
    const auto patient = map["patient"];
    if (!patient.IsDefined() || (patient.IsScalar() && patient.Scalar() == "none")) return;
    check_keys(patient, "patient", {"purpose", "template", "within"});
    rule.patient_purpose = required_name(patient, "purpose");
    rule.patient_template = required_name(patient, "template");
    if (patient["within"].IsDefined()) rule.patient_within = duration(patient["within"], "within");
}

void check_rule_keys(const YAML::Node& map, RuleKind kind) {
    switch (kind) {
        case RuleKind::Threshold:
            return check_keys(map, "a threshold rule",
                              {"id", "version", "kind", "problem", "priority", "task", "max_age",
                               "source", "patient", "loinc", "unit", "low", "high", "clear"});
        case RuleKind::IndexBand:
            return check_keys(map, "an index-band rule",
                              {"id", "version", "kind", "problem", "max_age", "source", "patient",
                               "index", "bands", "clear"});
        case RuleKind::Change:
            return check_keys(
                map, "a change rule",
                {"id", "version", "kind", "problem", "priority", "task", "max_age", "source",
                 "patient", "loinc", "unit", "direction", "by", "ratio", "within", "clear"});
    }
}

Rule read_rule(const YAML::Node& map, const RulePack& pack) {
    if (!map.IsMap()) refuse(map, "a rule must be a mapping; write - id: ...");
    Rule rule;
    rule.pack = pack.id;
    rule.pack_version = pack.version;
    rule.kind = word<RuleKind>(map, "kind");
    check_rule_keys(map, rule.kind);
    rule.id = required_name(map, "id");
    rule.version = required_name(map, "version");
    rule.problem = required_text(map, "problem");
    rule.max_age = required_duration(map, "max_age");
    rule.source = map["source"].IsDefined() ? required_text(map, "source") : std::string();
    if (rule.source.empty())
        refuse(
            map,
            "'source' is missing; name the publication, or write source: needs clinical sign-off");
    read_patient(map, rule);
    if (rule.kind != RuleKind::IndexBand) {
        rule.priority = word<Priority>(map, "priority");
        rule.task = yes_or_no(map, "task", true);
    }
    switch (rule.kind) {
        case RuleKind::Threshold:
            read_threshold(map, rule);
            break;
        case RuleKind::IndexBand:
            read_index_band(map, rule);
            break;
        case RuleKind::Change:
            read_change(map, rule);
            break;
    }
    return rule;
}

RulePack read_pack(const YAML::Node& root) {
    check_keys(root, "a rule pack", {"format", "pack", "version", "description", "rules"});
    if (required_text(root, "format") != "1")
        refuse(root["format"], "format must be 1; this program reads no other");
    RulePack pack;
    pack.id = required_name(root, "pack");
    pack.version = required_name(root, "version");
    const auto rules = root["rules"];
    if (!rules.IsDefined() || !rules.IsSequence() || rules.size() == 0 ||
        rules.size() > kRulesPerPackMax)
        refuse(root, "rules must list 1 to " + std::to_string(kRulesPerPackMax) + " rules");
    for (const auto& entry : rules) {
        pack.rules.push_back(read_rule(entry, pack));
        for (std::size_t i = 0; i + 1 < pack.rules.size(); ++i)
            if (pack.rules[i].id == pack.rules.back().id)
                refuse(entry,
                       "rule '" + pack.rules.back().id + "' is there twice; give one another id");
    }
    return pack;
}

tl::unexpected<Error> at_line(std::string_view file, int line, const std::string& message) {
    return fail(Errc::Configuration,
                std::string(file) + ":" + std::to_string(line) + ": " + message);
}

}  // namespace

Result<RulePack> parse_rule_pack(std::string_view file, std::string_view yaml) {
    if (yaml.size() > kRulePackBytesMax)
        return at_line(
            file, 1, "larger than " + std::to_string(kRulePackBytesMax) + " bytes; split the pack");
    try {
        return read_pack(YAML::Load(std::string(yaml)));
    } catch (const Refused& refused) {
        return at_line(file, std::max(refused.line, 1), refused.message);
    } catch (const YAML::Exception& error) {
        return at_line(file, std::max(error.mark.line + 1, 1), "not YAML: " + error.msg);
    }
}

namespace {

void write_optional(BinaryWriter& out, const std::optional<double>& value) {
    out.boolean(value.has_value());
    if (value) out.real(*value);
}
std::optional<double> read_optional(BinaryReader& in) {
    if (!in.boolean()) return std::nullopt;
    return in.real();
}
void write_texts(BinaryWriter& out, const std::vector<std::string>& list) {
    out.varint(list.size());
    for (const auto& text : list) out.text(text);
}
std::vector<std::string> read_texts(BinaryReader& in) {
    std::vector<std::string> list;
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) list.emplace_back(in.text());
    return list;
}
/// An enumerator by number; the first one where the number is none, so that a damaged rule stays a
/// rule.
template <class E>
E read_enum(BinaryReader& in) {
    const std::uint8_t number = in.u8();
    return number < EnumNames<E>::names.size() ? static_cast<E>(number) : E{};
}

}  // namespace

void encode_rule(BinaryWriter& out, const Rule& rule) {
    for (const auto* text :
         {&rule.id, &rule.version, &rule.pack, &rule.pack_version, &rule.problem, &rule.source,
          &rule.patient_purpose, &rule.patient_template, &rule.unit, &rule.index})
        out.text(*text);
    out.u8(static_cast<std::uint8_t>(rule.kind));
    out.u8(static_cast<std::uint8_t>(rule.priority));
    out.boolean(rule.task);
    out.signed_varint(rule.max_age.count());
    out.signed_varint(rule.patient_within ? rule.patient_within->count() : -1);
    write_texts(out, rule.loinc);
    write_texts(out, rule.clear_bands);
    out.varint(rule.bands.size());
    for (const auto& band : rule.bands) {
        out.text(band.band);
        out.text(band.problem);
        out.u8(static_cast<std::uint8_t>(band.priority));
        out.boolean(band.task);
    }
    for (const auto* value : {&rule.low, &rule.high, &rule.clear_low, &rule.clear_high, &rule.by,
                              &rule.ratio, &rule.clear_by, &rule.clear_ratio})
        write_optional(out, *value);
    out.u8(static_cast<std::uint8_t>(rule.direction));
    out.signed_varint(rule.within.count());
}

Rule decode_rule(BinaryReader& in) {
    Rule rule;
    for (auto* text :
         {&rule.id, &rule.version, &rule.pack, &rule.pack_version, &rule.problem, &rule.source,
          &rule.patient_purpose, &rule.patient_template, &rule.unit, &rule.index})
        text->assign(in.text());
    rule.kind = read_enum<RuleKind>(in);
    rule.priority = read_enum<Priority>(in);
    rule.task = in.boolean();
    rule.max_age = std::chrono::microseconds(in.signed_varint());
    if (const auto within = in.signed_varint(); within >= 0)
        rule.patient_within = std::chrono::microseconds(within);
    rule.loinc = read_texts(in);
    rule.clear_bands = read_texts(in);
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        RuleBand band;
        band.band.assign(in.text());
        band.problem.assign(in.text());
        band.priority = read_enum<Priority>(in);
        band.task = in.boolean();
        rule.bands.push_back(std::move(band));
    }
    for (auto* value : {&rule.low, &rule.high, &rule.clear_low, &rule.clear_high, &rule.by,
                        &rule.ratio, &rule.clear_by, &rule.clear_ratio})
        *value = read_optional(in);
    rule.direction = read_enum<ChangeDirection>(in);
    rule.within = std::chrono::microseconds(in.signed_varint());
    return rule;
}

}  // namespace vitalog::schemas
