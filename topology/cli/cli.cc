#include "topology/cli/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "topology/environment.h"

extern char** environ;

namespace vitalog::topology::cli {

Result<Arguments> Arguments::parse(const std::vector<std::string>& words, const Known& known) {
    Arguments arguments;
    const auto listed = [](const auto& list, std::string_view name) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (!word.starts_with("--")) {
            if (arguments.words_.size() == known.words_max)
                return fail(Errc::Configuration, fmt::format("'{}' is one word too many", word));
            arguments.words_.emplace_back(word);
            continue;
        }
        const std::size_t equals = word.find('=');
        const std::string name(word.substr(0, equals));
        if (listed(known.switches, name) && equals == std::string_view::npos) {
            arguments.flags_.emplace_back(name, "");
        } else if (!listed(known.values, name)) {
            return fail(Errc::Configuration, fmt::format("there is no flag {}", name));
        } else if (equals != std::string_view::npos) {
            arguments.flags_.emplace_back(name, word.substr(equals + 1));
        } else if (i + 1 == words.size()) {
            return fail(Errc::Configuration, fmt::format("{} needs a value", name));
        } else {
            arguments.flags_.emplace_back(name, words[++i]);
        }
    }
    return arguments;
}

std::optional<std::string> Arguments::value(std::string_view flag) const {
    std::optional<std::string> last;
    for (const auto& [name, value] : flags_)
        if (name == flag) last = value;
    return last;
}

std::string Arguments::value_or(std::string_view flag, std::string_view otherwise) const {
    return value(flag).value_or(std::string(otherwise));
}

std::vector<std::string> Arguments::all(std::string_view flag) const {
    std::vector<std::string> values;
    for (const auto& [name, value] : flags_)
        if (name == flag) values.push_back(value);
    return values;
}

bool Arguments::has(std::string_view flag) const { return value(flag).has_value(); }

int report(std::string_view command, const Error& error) {
    fmt::print(stderr, "vitalog {}: {}\n", command, error.message());
    switch (error.code()) {
        case Errc::Configuration: return kUsage;
        case Errc::Conflict:
        case Errc::Damaged: return kDataDirectory;
        default: return kFailed;
    }
}

int report_usage(std::string_view command, const Error& error) {
    fmt::print(stderr, "vitalog {}: {}; see vitalog {} --help\n", command, error.message(), command);
    return kUsage;
}

Result<std::int64_t> number_of(const Arguments& arguments, std::string_view flag, std::int64_t otherwise,
                               std::int64_t least, std::int64_t most) {
    const auto text = arguments.value(flag);
    if (!text) return otherwise;
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || rest != text->data() + text->size() || number < least || number > most)
        return fail(Errc::Configuration, fmt::format("{} '{}' must be a whole number in {}..{}", flag, *text, least, most));
    return number;
}

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::size_t equals = text.find('=');
        if (text.starts_with("VITALOG_") && equals != std::string_view::npos)
            variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

std::string bearer_token() {
    const auto variables = environment();
    const auto found = variables.find(std::string(kTokenVariable));
    return found == variables.end() ? std::string() : found->second;
}

}  // namespace vitalog::topology::cli
