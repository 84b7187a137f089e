#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schemas/base/binary.h"
#include "schemas/events/directory.h"
#include "schemas/rules.h"

namespace vitalog::processors::care {

inline constexpr std::size_t kLimitsPerPersonMax = 64;

/// Numbers of one rule that a hospital set for one person.
struct PersonalLimit {
    std::string rule;
    std::optional<schemas::Limit> low;
    std::optional<schemas::Limit> high;
    std::optional<schemas::Limit> clear_low;
    std::optional<schemas::Limit> clear_high;
};

/// Malformed, with what to write instead, where the numbers contradict each other.
Result<std::vector<PersonalLimit>> personal_limits(std::span<const schemas::LimitEntry> entries);

/// The rule with the person's numbers in place of its own; null where they leave nothing that
/// could clear. A limit without one that clears keeps the rule's distance between the two.
std::shared_ptr<const schemas::Rule> with_limit(const schemas::Rule& rule,
                                                const PersonalLimit& limit);
/// "low 85, clear from 88": for the alert.
std::string limits_text(const schemas::Rule& rule);

void encode_limits(BinaryWriter& out, std::span<const PersonalLimit> limits);
/// False when the bytes do not follow the format.
bool decode_limits(BinaryReader& in, std::vector<PersonalLimit>& limits);

}  // namespace vitalog::processors::care
