#include "schemas/rule_yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "schemas/base/time.h"

namespace vitalog::schemas::rule_yaml {

void refuse(const YAML::Node& at, std::string message) {
    throw Refused{at.Mark().line + 1, std::move(message)};
}

void refuse_value(const YAML::Node& map, const char* name, std::string message) {
    const YAML::Node value = map[name];
    refuse(value.IsDefined() ? value : map, std::move(message));
}

std::optional<Refused> slip_in(std::string_view yaml) {
    constexpr std::string_view kFullWidthColon = "\xef\xbc\x9a";
    int number = 1;
    for (std::size_t at = 0; at < yaml.size(); ++number) {
        const std::size_t end = std::min(yaml.find('\n', at), yaml.size());
        std::string_view line = yaml.substr(at, end - at);
        at = end + 1;
        const std::size_t indent = std::min(line.find_first_not_of(" \t-"), line.size());
        if (line.substr(0, indent).find('\t') != std::string_view::npos)
            return Refused{number, "the line begins with a tab; write spaces instead"};
        line.remove_prefix(indent);
        const auto word = std::find_if_not(line.begin(), line.end(), [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '_';
        });
        const auto length = static_cast<std::size_t>(word - line.begin());
        if (length > 0 && line.substr(length).starts_with(kFullWidthColon))
            return Refused{number, "'" + std::string(line.substr(0, length)) +
                                       "' stands before a colon of full width; write " +
                                       std::string(line.substr(0, length)) + ": and a space"};
    }
    return std::nullopt;
}

std::string joined(std::span<const std::string_view> words) {
    std::string text;
    for (const auto word : words) text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

namespace {

/// At the key: yaml-cpp puts the value that is not there on a line behind it.
[[noreturn]] void refuse_empty(const YAML::Node& key) {
    refuse(key, "'" + key.Scalar() + "' has no value; write " + key.Scalar() + ": ...");
}

}  // namespace

void check_keys(const YAML::Node& map, std::string_view what, const Keys& allowed) {
    if (!map.IsMap())
        refuse(map, std::string(what) + " must be a mapping; write 'key: value' lines");
    std::vector<std::string> seen;
    for (const auto& entry : map) {
        if (!entry.first.IsScalar()) refuse(entry.first, "a key must be a word; write key: value");
        const std::string& key = entry.first.Scalar();
        if (std::find(allowed.begin(), allowed.end(), key) == allowed.end())
            refuse(entry.first, "unknown key '" + key + "' in " + std::string(what) +
                                    "; write one of " + joined(allowed));
        if (std::find(seen.begin(), seen.end(), key) != seen.end())
            refuse(entry.first, "key '" + key + "' is there twice; keep one");
        // Packs with an empty description are in logs, and must be read again.
        if (entry.second.IsNull() && key != "description") refuse_empty(entry.first);
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

std::string required_text(const YAML::Node& map, const char* name, std::string_view example) {
    const auto node = map[name];
    if (!node.IsDefined())
        refuse(map, std::string("'") + name + "' is missing; write " + name + ": " +
                        std::string(example));
    if (node.IsNull())
        for (const auto& entry : map)
            if (entry.first.IsScalar() && entry.first.Scalar() == name) refuse_empty(entry.first);
    return scalar(node, name);
}

std::string name_in(const YAML::Node& node, std::string_view name) {
    std::string text = scalar(node, name);
    const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
    });
    if (!plain || text.size() > 64)
        refuse(node, std::string(name) + " '" + text +
                         "' must be at most 64 letters, digits, '.', '-' or '_'");
    return text;
}

std::string required_name(const YAML::Node& map, const char* name) {
    (void)required_text(map, name);
    return name_in(map[name], name);
}

namespace {

double number(const YAML::Node& node, std::string_view name) {
    double value = 0;
    if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !std::isfinite(value))
        refuse(node, std::string(name) + " must be a number; write for example " +
                         std::string(name) + ": 6.2");
    return value;
}

}  // namespace

std::optional<double> optional_number(const YAML::Node& map, const char* name) {
    const auto node = map[name];
    if (!node.IsDefined()) return std::nullopt;
    return number(node, name);
}

std::int64_t count(const YAML::Node& map, const char* name, std::int64_t otherwise,
                   std::int64_t most) {
    const auto node = map[name];
    if (!node.IsDefined()) return otherwise;
    std::int64_t value = 0;
    if (!node.IsScalar() || !YAML::convert<std::int64_t>::decode(node, value) || value < 1 ||
        value > most)
        refuse(node, std::string(name) + " must be a whole number from 1 to " +
                         std::to_string(most) + "; write for example " + name + ": 6");
    return value;
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

std::chrono::microseconds optional_duration(const YAML::Node& map, const char* name,
                                            std::chrono::microseconds otherwise) {
    const auto node = map[name];
    return node.IsDefined() ? duration(node, name) : otherwise;
}

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

}  // namespace vitalog::schemas::rule_yaml
