#include "sinks/explain/rule_text.h"

#include <algorithm>
#include <vector>

namespace vitalog::sinks::explain {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::size_t indent_of(std::string_view line) {
    const std::size_t first = line.find_first_not_of(' ');
    return first == std::string_view::npos ? line.size() : first;
}

/// `id: NAME` behind the dash of a list item or on a line of its own, quoted or not.
bool names(std::string_view line, std::string_view rule) {
    line.remove_prefix(indent_of(line));
    if (line.starts_with("- ")) {
        line.remove_prefix(2);
        line.remove_prefix(indent_of(line));
    }
    if (!line.starts_with("id:")) return false;
    line.remove_prefix(3);
    line.remove_prefix(indent_of(line));
    for (const char quote : {'"', '\''})
        if (line.starts_with(quote)) {
            line.remove_prefix(1);
            return line.starts_with(rule) && line.substr(rule.size()).starts_with(quote);
        }
    return line.starts_with(rule) &&
           (line.size() == rule.size() || line[rule.size()] == ' ' || line[rule.size()] == '#');
}

bool is_item(std::string_view line) {
    return line.substr(indent_of(line)).starts_with("- ");
}

}  // namespace

std::optional<std::string> rule_text(std::string_view pack, std::string_view rule) {
    const auto lines = lines_of(pack);
    for (std::size_t named = 0; named < lines.size(); ++named) {
        if (!names(lines[named], rule)) continue;
        std::size_t begin = named;
        while (begin > 0 && !is_item(lines[begin])) --begin;
        const std::size_t indent = indent_of(lines[begin]);
        std::string text;
        for (std::size_t i = begin; i < lines.size(); ++i) {
            if (i > begin && indent_of(lines[i]) <= indent) break;
            if (indent_of(lines[i]) == lines[i].size()) break;  // blank
            text.append(lines[i].substr(indent)).push_back('\n');
        }
        return text;
    }
    return std::nullopt;
}

}  // namespace vitalog::sinks::explain
