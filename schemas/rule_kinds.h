#pragma once

#include "schemas/rule_yaml.h"
#include "schemas/rules.h"

namespace vitalog::schemas {

/// Keys that a rule, or a condition, of this kind has beside those that every rule has.
const rule_yaml::Keys& keys_of(RuleKind kind);

/// Reads what is particular to the rule's kind into it. Throws rule_yaml::Refused.
void read_kind(const YAML::Node& map, Rule& rule);

}  // namespace vitalog::schemas
