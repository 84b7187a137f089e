#include "schemas/rules.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "schemas/base/remembered.h"
#include "schemas/rule_kinds.h"
#include "schemas/rule_yaml.h"

namespace vitalog::schemas {
namespace {

using namespace rule_yaml;

constexpr std::size_t kInhibitsMax = 16;

void read_patient(const YAML::Node& map, Rule& rule) {
    const auto patient = map["patient"];
    if (!patient.IsDefined() || (patient.IsScalar() && patient.Scalar() == "none")) return;
    check_keys(patient, "patient", {"purpose", "template", "within"});
    rule.patient_purpose = required_name(patient, "purpose");
    rule.patient_template = required_name(patient, "template");
    if (patient["within"].IsDefined()) rule.patient_within = duration(patient["within"], "within");
}

/// "a" or "an" before a kind's name.
std::string named(RuleKind kind) {
    const std::string name(name_of_enum(kind));
    return (name.front() == 'a' || name.front() == 'i' ? "an " : "a ") + name + " rule";
}

void check_rule_keys(const YAML::Node& map, RuleKind kind) {
    Keys keys{"id", "version", "kind", "problem"};
    if (kind != RuleKind::IndexBand) keys.insert(keys.end(), {"priority", "task"});
    keys.insert(keys.end(), {"max_age", "source", "patient", "cool_down", "inhibits", "group"});
    const Keys& own = keys_of(kind);
    keys.insert(keys.end(), own.begin(), own.end());
    check_keys(map, named(kind), keys);
}

void read_company(const YAML::Node& map, Rule& rule) {
    rule.cool_down = optional_duration(map, "cool_down", {});
    if (map["group"].IsDefined()) rule.group = required_name(map, "group");
    const auto inhibits = map["inhibits"];
    if (!inhibits.IsDefined()) return;
    if (!inhibits.IsSequence() || inhibits.size() == 0 || inhibits.size() > kInhibitsMax)
        refuse(inhibits, "inhibits must list 1 to " + std::to_string(kInhibitsMax) +
                             " ids of rules; write inhibits: [milder-rule]");
    for (const auto& id : inhibits) rule.inhibits.push_back(name_in(id, "inhibits"));
    if (std::find(rule.inhibits.begin(), rule.inhibits.end(), rule.id) != rule.inhibits.end())
        refuse(inhibits, "rule '" + rule.id + "' can't inhibit itself; take it off the list");
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
    read_company(map, rule);
    if (rule.kind != RuleKind::IndexBand) {
        rule.priority = word<Priority>(map, "priority");
        rule.task = yes_or_no(map, "task", true);
    }
    read_kind(map, rule);
    return rule;
}

/// Whether the rule hides itself by way of those that it hides.
bool hides_itself(const RulePack& pack, const Rule& rule) {
    std::vector<std::string_view> hidden(rule.inhibits.begin(), rule.inhibits.end());
    for (std::size_t i = 0; i < hidden.size(); ++i) {
        if (hidden[i] == rule.id) return true;
        for (const auto& other : pack.rules) {
            if (other.id != hidden[i]) continue;
            for (const std::string_view id : other.inhibits)
                if (std::find(hidden.begin(), hidden.end(), id) == hidden.end())
                    hidden.push_back(id);
        }
    }
    return false;
}

void check_inhibitions(const YAML::Node& rules, const RulePack& pack) {
    for (std::size_t i = 0; i < pack.rules.size(); ++i)
        if (hides_itself(pack, pack.rules[i]))
            refuse(rules[i]["inhibits"], "rule '" + pack.rules[i].id +
                                             "' is hidden by a rule that it inhibits; take one off "
                                             "its list");
}

RulePack read_pack(const YAML::Node& root) {
    check_keys(root, "a rule pack",
               {"format", "pack", "version", "description", "open_episodes", "rules"});
    if (required_text(root, "format") != "1")
        refuse(root["format"], "format must be 1; this program reads no other");
    RulePack pack;
    pack.id = required_name(root, "pack");
    pack.version = required_name(root, "version");
    if (root["open_episodes"].IsDefined())
        pack.open_episodes = word<OpenEpisodes>(root, "open_episodes");
    const auto rules = root["rules"];
    if (!rules.IsDefined() || !rules.IsSequence() || rules.size() == 0 ||
        rules.size() > kRulesPerPackMax)
        refuse_value(root, "rules",
                     "rules must list 1 to " + std::to_string(kRulesPerPackMax) +
                         " rules; write rules: and below it - id: ...");
    for (const auto& entry : rules) {
        pack.rules.push_back(read_rule(entry, pack));
        pack.lines.push_back(entry.Mark().line + 1);
        for (std::size_t i = 0; i + 1 < pack.rules.size(); ++i)
            if (pack.rules[i].id == pack.rules.back().id)
                refuse(entry,
                       "rule '" + pack.rules.back().id + "' is there twice; give one another id");
    }
    check_inhibitions(rules, pack);
    return pack;
}

/// Where the document in hand has its first content. YAML::LoadAll is not used: yaml-cpp 0.7 finds
/// documents without end in some texts.
class Content final : public YAML::EventHandler {
  public:
    void OnDocumentStart(const YAML::Mark&) override { begin = YAML::Mark::null_mark(); }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark& at, YAML::anchor_t) override { note(at); }
    void OnScalar(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                  const std::string&) override {
        note(at);
    }
    void OnSequenceStart(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        note(at);
    }
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        note(at);
    }
    void OnMapEnd() override {}

    YAML::Mark begin = YAML::Mark::null_mark();

  private:
    void note(const YAML::Mark& at) {
        if (begin.is_null()) begin = at;
    }
};

YAML::Node only_document(std::string_view yaml) {
    const std::string text(yaml);
    std::istringstream in(text);
    YAML::Parser parser(in);
    Content content;
    if (parser.HandleNextDocument(content) && parser.HandleNextDocument(content) &&
        !content.begin.is_null())
        throw Refused{content.begin.line + 1,
                      "a second document begins above; write each pack into its own file"};
    return YAML::Load(text);
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
    static Remembered<RulePack> remembered;
    try {
        VITALOG_TRY(const auto pack,
                    remembered.get(yaml, [&]() -> Result<std::shared_ptr<const RulePack>> {
                        return std::make_shared<const RulePack>(read_pack(only_document(yaml)));
                    }));
        return *pack;
    } catch (const Refused& refused) {
        if (const auto slip = slip_in(yaml)) return at_line(file, slip->line, slip->message);
        return at_line(file, std::max(refused.line, 1), refused.message);
    } catch (const YAML::Exception& error) {
        if (const auto slip = slip_in(yaml)) return at_line(file, slip->line, slip->message);
        return at_line(file, std::max(error.mark.line + 1, 1),
                       "not YAML here, or just before: " + error.msg +
                           "; see that keys of one level begin in one column, and put texts with "
                           "any of : # % @ [ { into quotes");
    }
}

Result<void> check_rules(std::string_view file, const RulePack& pack, const RuleFault& fault_of) {
    for (std::size_t i = 0; i < pack.rules.size(); ++i)
        if (const std::string fault = fault_of(pack.rules[i]); !fault.empty())
            return at_line(file, pack.lines[i], "rule '" + pack.rules[i].id + "': " + fault);
    return {};
}

std::chrono::microseconds duration_of(WindowLength length) {
    static constexpr std::array<std::chrono::hours, 4> kHours{
        std::chrono::hours(1), std::chrono::hours(24), std::chrono::hours(7 * 24),
        std::chrono::hours(90 * 24)};
    return kHours[static_cast<std::size_t>(length)];
}

}  // namespace vitalog::schemas
