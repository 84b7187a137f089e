#include "ingest/intake/json_items.h"

namespace vitalog::ingest {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t skip_space(std::string_view text, std::size_t at) {
    while (at < text.size() && is_space(text[at])) ++at;
    return at;
}

/// Where the object that starts at `at` ends; npos when it does not.
std::size_t end_of_object(std::string_view text, std::size_t at) {
    std::size_t depth = 0;
    bool in_string = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\')
                ++at;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) return at + 1;
        }
    }
    return std::string_view::npos;
}

tl::unexpected<Error> not_items() {
    return fail(Errc::Malformed, "not a JSON object, an array of objects, or one object per line");
}

}  // namespace

Result<std::vector<std::string_view>> json_items(std::string_view text) {
    std::vector<std::string_view> items;
    std::size_t at = skip_space(text, 0);
    const bool array = at < text.size() && text[at] == '[';
    if (array) at = skip_space(text, at + 1);
    while (at < text.size() && text[at] == '{') {
        const std::size_t end = end_of_object(text, at);
        if (end == std::string_view::npos) return not_items();
        items.push_back(text.substr(at, end - at));
        at = skip_space(text, end);
        if (!array || at >= text.size() || text[at] != ',') continue;
        at = skip_space(text, at + 1);
        if (at >= text.size() || text[at] != '{') return not_items();
    }
    if (array) {
        if (at >= text.size() || text[at] != ']') return not_items();
        at = skip_space(text, at + 1);
    }
    if (at != text.size() || (items.empty() && !array)) return not_items();
    return items;
}

}  // namespace vitalog::ingest
