#include "processors/care/pack_check.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "processors/care/index_kinds.h"
#include "processors/care/index_results.h"
#include "processors/risk/aki.h"

namespace vitalog::processors::care {
namespace {

using schemas::Rule;
using schemas::RuleKind;
using Words = std::span<const std::string_view>;

std::string joined(Words words) {
    std::string text;
    for (const auto word : words) text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

std::string unknown_index(const Rule& rule) {
    std::vector<std::string_view> known{aki::kMethod};
    for (const auto& kind : index_kinds()) known.push_back(kind.method);
    return "index '" + rule.index + "' is unknown; write one of " + joined(known);
}

enum class Asked : std::uint8_t { AtPublication, InForce };

std::string fault_of(const Rule& rule, Asked asked) {
    for (const Rule& condition : rule.conditions)
        if (std::string fault = fault_of(condition, asked); !fault.empty()) return fault;
    if (rule.kind != RuleKind::IndexBand) return {};
    const Words own = bands_of(rule.index);
    if (own.empty()) return unknown_index(rule);
    const bool wide = asked == Asked::InForce && rule.index != aki::kMethod;
    const auto has = [](Words words, const std::string& band) {
        return std::find(words.begin(), words.end(), band) != words.end();
    };
    std::vector<std::string> said = rule.clear_bands;
    for (const auto& band : rule.bands) said.push_back(band.band);
    for (const auto& band : said)
        if (!has(wide ? band_names() : own, band))
            return "index " + rule.index + " has no band '" + band + "'; write one of " +
                   joined(own);
    return {};
}

}  // namespace

Words bands_of(std::string_view index) {
    if (index == aki::kMethod) return aki::kBandNames;
    const IndexKind* kind = find_index_kind(index);
    return kind != nullptr ? kind->bands : Words();
}

std::string index_fault(const Rule& rule) {
    return fault_of(rule, Asked::AtPublication);
}

Result<void> check_indices(std::string_view name, const schemas::RulePack& pack) {
    return schemas::check_rules(name, pack,
                                [](const Rule& rule) { return fault_of(rule, Asked::InForce); });
}

}  // namespace vitalog::processors::care
