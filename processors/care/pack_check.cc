#include "processors/care/pack_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "processors/care/index_kinds.h"
#include "processors/care/index_results.h"
#include "processors/risk/aki.h"

namespace vitalog::processors::care {
namespace {

using schemas::Rule;
using schemas::RuleKind;

constexpr std::array<std::string_view, 5> kAkiBands{"0", "1", "2", "3", "?AKI"};

std::string joined(std::span<const std::string_view> words) {
    std::string text;
    for (const auto word : words) text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

std::vector<std::string_view> methods() {
    std::vector<std::string_view> names{aki::kMethod};
    for (const auto& kind : index_kinds()) names.push_back(kind.method);
    return names;
}

/// What is wrong with a rule, or a condition, over an index; empty: nothing.
std::string fault_of(const Rule& rule) {
    if (rule.kind != RuleKind::IndexBand) return {};
    const auto known = methods();
    if (std::find(known.begin(), known.end(), rule.index) == known.end())
        return "index '" + rule.index + "' is unknown; write one of " + joined(known);
    const std::span<const std::string_view> bands =
        rule.index == aki::kMethod ? std::span<const std::string_view>(kAkiBands) : band_names();
    const auto unknown = [&](const std::string& band) {
        return std::find(bands.begin(), bands.end(), band) == bands.end();
    };
    std::vector<std::string> said = rule.clear_bands;
    for (const auto& band : rule.bands) said.push_back(band.band);
    const auto wrong = std::find_if(said.begin(), said.end(), unknown);
    if (wrong == said.end()) return {};
    return "index " + rule.index + " has no band '" + *wrong + "'; write one of " + joined(bands);
}

}  // namespace

Result<void> check_indices(std::string_view name, const schemas::RulePack& pack) {
    for (std::size_t i = 0; i < pack.rules.size(); ++i) {
        std::string fault = fault_of(pack.rules[i]);
        for (const auto& condition : pack.rules[i].conditions)
            if (fault.empty()) fault = fault_of(condition);
        if (!fault.empty())
            return fail(Errc::Configuration, std::string(name) + ":" +
                                                 std::to_string(pack.lines[i]) + ": rule '" +
                                                 pack.rules[i].id + "': " + fault);
    }
    return {};
}

}  // namespace vitalog::processors::care
