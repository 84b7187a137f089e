#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/json.h"

namespace YAML {
class Node;
}

// How rule packs read their YAML. Included by the sources that parse them only.

namespace vitalog::schemas::rule_yaml {

inline constexpr std::size_t kTextMax = 500;
using Keys = std::vector<std::string_view>;

/// What is wrong in a file, and where. Every function here throws it; parse_rule_pack() turns it
/// into an Error.
struct Refused {
    int line;
    std::string message;
};
[[noreturn]] void refuse(const YAML::Node& at, std::string message);
/// At the value of a key, or at the mapping that lacks it.
[[noreturn]] void refuse_value(const YAML::Node& map, const char* name, std::string message);

/// A slip of the hand that makes another line than its own look wrong: indentation by tabs, a key
/// before a colon of full width. Looked for in files that are refused.
std::optional<Refused> slip_in(std::string_view yaml);

/// Refuses what is no mapping, and keys that are no words, unknown, there twice or without a value.
void check_keys(const YAML::Node& map, std::string_view what, const Keys& allowed);
std::string scalar(const YAML::Node& node, std::string_view name);
/// `example`: of a value, for who left it out.
std::string required_text(const YAML::Node& map, const char* name,
                          std::string_view example = "...");
/// An identifier of ours: letters, digits, dot, dash and underscore.
std::string name_in(const YAML::Node& node, std::string_view name);
std::string required_name(const YAML::Node& map, const char* name);
std::optional<double> optional_number(const YAML::Node& map, const char* name);
/// A whole number from 1 to `most`; `otherwise` where it is not said.
std::int64_t count(const YAML::Node& map, const char* name, std::int64_t otherwise,
                   std::int64_t most);
bool yes_or_no(const YAML::Node& map, const char* name, bool otherwise);
std::chrono::microseconds duration(const YAML::Node& node, std::string_view name);
std::chrono::microseconds required_duration(const YAML::Node& map, const char* name);
std::chrono::microseconds optional_duration(const YAML::Node& map, const char* name,
                                            std::chrono::microseconds otherwise);
/// One text or a list of texts.
std::vector<std::string> texts(const YAML::Node& map, const char* name);

/// Words with commas between them.
std::string joined(std::span<const std::string_view> words);

/// One of the enumerators, by name.
template <class E>
E word(const YAML::Node& map, const char* name) {
    const std::string known = "one of " + joined(EnumNames<E>::names);
    const std::string text = required_text(map, name, known);
    if (const auto found = enum_named<E>(text)) return *found;
    refuse_value(map, name, std::string(name) + " '" + text + "' is unknown; write " + known);
}

}  // namespace vitalog::schemas::rule_yaml
