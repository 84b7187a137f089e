#include "processors/care/personal_limits.h"

#include <array>
#include <cmath>

#include "processors/care/conditions.h"

namespace vitalog::processors::care {
namespace {

using schemas::Limit;
using schemas::Rule;
using schemas::RuleKind;

Result<void> check(const PersonalLimit& limit) {
    const std::string about = "limits of rule '" + limit.rule + "': ";
    if (limit.rule.empty()) return fail(Errc::Malformed, "limits need the id of their rule");
    for (const auto* each : {&limit.low, &limit.high, &limit.clear_low, &limit.clear_high})
        if (*each && !std::isfinite((*each)->value))
            return fail(Errc::Malformed, about + "a limit must be a finite number");
    if (!limit.low && !limit.high) return fail(Errc::Malformed, about + "write low, high or both");
    if (limit.low && limit.high && limit.low->value >= limit.high->value)
        return fail(Errc::Malformed, about + "low must be below high; exchange them");
    if ((limit.clear_low && (!limit.low || limit.clear_low->value <= limit.low->value)) ||
        (limit.clear_high && (!limit.high || limit.clear_high->value >= limit.high->value)))
        return fail(Errc::Malformed, about + "clear limits must lie inside the limits that raise");
    return {};
}

/// The limit that clears: the person's, or as far from the person's as the rule's from the rule's.
std::optional<Limit> clearing(const std::optional<Limit>& own, const std::optional<Limit>& raise,
                              const std::optional<Limit>& rule_raise,
                              const std::optional<Limit>& rule_clear) {
    if (own) return own;
    if (!rule_raise || !rule_clear) return std::nullopt;
    return Limit{raise->value + (rule_clear->value - rule_raise->value), rule_clear->strict};
}

void write_limit(BinaryWriter& out, const std::optional<Limit>& limit) {
    out.boolean(limit.has_value());
    if (!limit) return;
    out.real(limit->value);
    out.boolean(limit->strict);
}

void read_limit(BinaryReader& in, std::optional<Limit>& limit) {
    if (!in.boolean()) return;
    limit.emplace();
    limit->value = in.real();
    limit->strict = in.boolean();
}

}  // namespace

Result<std::vector<PersonalLimit>> personal_limits(std::span<const schemas::LimitEntry> entries) {
    std::vector<PersonalLimit> limits;
    if (entries.size() > kLimitsPerPersonMax)
        return fail(Errc::Malformed,
                    "a person has at most " + std::to_string(kLimitsPerPersonMax) + " limits");
    const auto inclusive = [](const std::optional<double>& value) {
        return value ? std::optional(Limit{*value, false}) : std::nullopt;
    };
    for (const auto& entry : entries) {
        PersonalLimit& limit = limits.emplace_back();
        limit.rule = entry.rule;
        limit.low = inclusive(entry.low);
        limit.high = inclusive(entry.high);
        if (entry.clear) {
            limit.clear_low = inclusive(entry.clear->low);
            limit.clear_high = inclusive(entry.clear->high);
        }
        VITALOG_CHECK(check(limit));
    }
    return limits;
}

std::shared_ptr<const Rule> with_limit(const Rule& rule, const PersonalLimit& limit) {
    if (rule.kind != RuleKind::Threshold && rule.kind != RuleKind::Window) return nullptr;
    auto own = std::make_shared<Rule>(rule);
    own->personal = true;
    if (limit.low) {
        own->low = limit.low;
        own->clear_low = clearing(limit.clear_low, limit.low, rule.low, rule.clear_low);
    }
    if (limit.high) {
        own->high = limit.high;
        own->clear_high = clearing(limit.clear_high, limit.high, rule.high, rule.clear_high);
    }
    // A limit that the rule has not, and that says nothing of its end, ends at itself.
    if (own->low && !own->clear_low) own->clear_low = Limit{own->low->value, true};
    if (own->high && !own->clear_high) own->clear_high = Limit{own->high->value, true};
    if (own->clear_low && own->clear_high && own->clear_low->value > own->clear_high->value)
        return nullptr;
    return own;
}

std::string limits_text(const Rule& rule) {
    if (!rule.personal) return {};
    std::string text;
    const auto add = [&](const char* name, const std::optional<Limit>& limit) {
        if (!limit) return;
        text.append(text.empty() ? "" : ", ").append(name).append(" ");
        text.append(number_text(limit->value));
    };
    add("low", rule.low);
    add("high", rule.high);
    add("clear from", rule.clear_low);
    add("clear to", rule.clear_high);
    return text;
}

// limits = n { rule [low] [high] [clear_low] [clear_high] }
void encode_limits(BinaryWriter& out, std::span<const PersonalLimit> limits) {
    out.varint(limits.size());
    for (const auto& limit : limits) {
        out.text(limit.rule);
        for (const auto* each : {&limit.low, &limit.high, &limit.clear_low, &limit.clear_high})
            write_limit(out, *each);
    }
}

bool decode_limits(BinaryReader& in, std::vector<PersonalLimit>& limits) {
    const std::size_t count = in.count();
    if (count > kLimitsPerPersonMax) return false;
    for (std::size_t i = 0; i < count; ++i) {
        PersonalLimit& limit = limits.emplace_back();
        limit.rule = in.text();
        for (auto* each : {&limit.low, &limit.high, &limit.clear_low, &limit.clear_high})
            read_limit(in, *each);
    }
    return in.ok();
}

}  // namespace vitalog::processors::care
