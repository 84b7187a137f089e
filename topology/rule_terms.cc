#include "topology/rule_terms.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "processors/care/pack_check.h"
#include "schemas/rules.h"
#include "schemas/tables/tables.h"
#include "topology/nearest.h"

namespace vitalog::topology {
namespace {

using schemas::Rule;
using schemas::Tables;

/// By its form and its check digit, as LOINC's users' guide defines it (modulus 10).
bool is_loinc(std::string_view code) {
    constexpr std::size_t kDigitsMax = 7;
    const std::size_t dash = code.find('-');
    if (dash == 0 || dash > kDigitsMax || dash + 2 != code.size()) return false;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    int sum = 0;
    for (std::size_t i = 0; i < dash; ++i) {
        if (!is_digit(code[i])) return false;
        const int digit = code[i] - '0';
        const bool doubled = (dash - i) % 2 == 1;
        sum += doubled ? digit * 2 / 10 + digit * 2 % 10 : digit;
    }
    return is_digit(code.back()) && (sum + code.back() - '0') % 10 == 0;
}

std::string unknown_code(const std::string& code, const Tables& tables) {
    constexpr std::size_t kSlips = 2;  // letters wrong, left out or too many
    const auto known = tables.loinc_codes();
    std::string text = fmt::format("no table knows the code '{}'; write ", code);
    if (!known.empty())
        if (const std::string near = nearest(code, known); edit_distance(code, near) <= kSlips)
            text += fmt::format("for example {} ({}), or ", near,
                                tables.find_observable(near)->display);
    return text + "a LOINC code that has an entry under observables: in the tables of codes";
}

std::string fault_of_unit(const schemas::Observable& what, const std::string& unit) {
    const std::string kept(what.unit != nullptr   ? std::string_view(what.unit->ucum)
                           : what.answers.empty() ? std::string_view()
                                                  : schemas::kAnswerUnit);
    if (kept.empty())
        return fmt::format("{} ({}) has no numbers to judge; take another code", what.loinc,
                           what.display);
    if (unit == kept) return {};
    return fmt::format(
        "values of {} ({}) are kept in {}, not in {}; write unit: \"{}\", and the limits in it",
        what.loinc, what.display, kept, unit, kept);
}

/// What is wrong with the codes and the unit of a rule, or of a condition; empty: nothing. Beside a
/// code that the tables know another may be of other sites.
std::string fault_of(const Rule& rule, const Tables& tables) {
    std::size_t known = 0;
    for (const auto& code : rule.loinc) {
        const auto* what = tables.find_observable(code);
        known += what != nullptr;
        if (what == nullptr && !is_loinc(code)) return unknown_code(code, tables);
        if (what == nullptr || rule.kind == schemas::RuleKind::Silence) continue;
        if (std::string fault = fault_of_unit(*what, rule.unit); !fault.empty()) return fault;
    }
    if (known == 0 && !rule.loinc.empty()) return unknown_code(rule.loinc.front(), tables);
    for (const Rule& condition : rule.conditions)
        if (std::string fault = fault_of(condition, tables); !fault.empty()) return fault;
    return {};
}

struct ReadPack {
    std::string file;
    schemas::RulePack pack;
};

/// Of packs of one name the last.
Result<std::vector<ReadPack>> read_packs(const std::vector<Publication>& publications) {
    std::map<std::string_view, const Publication*> last;
    for (const auto& p : publications)
        if (p.kind == "rules") last[p.name] = &p;
    std::vector<ReadPack> packs;
    for (const auto& [name, p] : last) {
        if (p->body.empty()) continue;
        VITALOG_TRY(auto pack, schemas::parse_rule_pack(file_of(*p), p->body));
        packs.push_back({file_of(*p), std::move(pack)});
    }
    return packs;
}

Result<void> check_rules(const std::vector<ReadPack>& packs, const schemas::RuleFault& fault_of) {
    for (const auto& [file, pack] : packs)
        VITALOG_CHECK(schemas::check_rules(file, pack, fault_of));
    return {};
}

}  // namespace

Result<void> check_terms(const std::vector<Publication>& publications) {
    Tables tables;
    for (const auto& p : publications)
        if (p.kind == "units" || p.kind == "codes")
            if (!tables.load(p.kind, p.name, p.body)) return {};
    if (tables.loinc_codes().empty()) return {};
    VITALOG_TRY(const auto packs, read_packs(publications));
    return check_rules(packs, [&](const Rule& rule) { return fault_of(rule, tables); });
}

Result<void> check_bands(const std::vector<Publication>& publications) {
    VITALOG_TRY(const auto packs, read_packs(publications));
    return check_rules(packs, processors::care::index_fault);
}

Result<void> check_inhibited(const std::vector<Publication>& publications) {
    VITALOG_TRY(const auto packs, read_packs(publications));
    std::vector<std::string> ids;
    for (const auto& [file, pack] : packs)
        for (const Rule& rule : pack.rules) ids.push_back(rule.id);
    return check_rules(packs, [&](const Rule& rule) -> std::string {
        for (const auto& id : rule.inhibits)
            if (std::find(ids.begin(), ids.end(), id) == ids.end())
                return fmt::format(
                    "inhibits '{}', which is in none of the packs; write for example {}, or name "
                    "the pack that has it, too",
                    id, nearest(id, ids));
        return {};
    });
}

}  // namespace vitalog::topology
