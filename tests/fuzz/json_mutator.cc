// Mutates JSON by its grammar: a value for a value, members doubled, dropped and moved, depth,
// escapes, numbers.

#include <array>

#include "mutate.h"

namespace {

using vitalog::fuzz::Chance;

constexpr std::array<const char*, 28> kValues{"null",
                                              "true",
                                              "false",
                                              "0",
                                              "-0",
                                              "-1",
                                              "1e309",
                                              "1E-400",
                                              "9223372036854775807",
                                              "9223372036854775808",
                                              "18446744073709551616",
                                              "0.1",
                                              "01",
                                              "\"\"",
                                              "\"\\u0000\"",
                                              "\"\\ud83d\\ude00\"",
                                              "\"\\ud83d\"",
                                              "\"\\n\\t\\\"\"",
                                              "\"2026-11-21T08:00:00+08:00\"",
                                              "\"2026-02-30T25:61:61Z\"",
                                              "\"\xff\xfe\"",
                                              "[]",
                                              "{}",
                                              "[[[[[[[[]]]]]]]]",
                                              "{\"a\":{\"a\":{\"a\":{}}}}",
                                              "[null,1,\"x\"]",
                                              "\"00000000000000000000000000000000\"",
                                              "NaN"};

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::size_t end_of_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
    return std::min(at + 1, text.size());
}

bool ends_a_word(char c) {
    return c == ',' || c == ']' || c == '}' || c == ':' || c == ' ' || c == '\n' || c == '\r' ||
           c == '\t';
}

/// Every value and name in a text that need not be JSON.
std::vector<Span> spans_of(std::string_view text) {
    std::vector<Span> spans;
    std::vector<std::size_t> open;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"') {
            const std::size_t end = end_of_string(text, at);
            spans.push_back({at, end});
            at = end;
        } else if (c == '{' || c == '[') {
            open.push_back(at++);
        } else if (c == '}' || c == ']') {
            ++at;
            if (open.empty()) continue;
            spans.push_back({open.back(), at});
            open.pop_back();
        } else if (ends_a_word(c)) {
            ++at;
        } else {
            std::size_t end = at;
            while (end < text.size() && !ends_a_word(text[end])) ++end;
            spans.push_back({at, end});
            at = end;
        }
    }
    return spans;
}

/// From the span to the comma behind it, or the one before.
Span with_comma(std::string_view text, Span span) {
    if (span.end < text.size() && text[span.end] == ',')
        ++span.end;
    else if (span.begin > 0 && text[span.begin - 1] == ',')
        --span.begin;
    return span;
}

}  // namespace

std::string vitalog::fuzz::mutate(std::string text, Chance& chance) {
    const auto spans = spans_of(text);
    if (spans.empty()) return text + chance.any(kValues);
    const Span one = chance.any(spans);
    const Span other = chance.any(spans);
    const std::string copy = text.substr(other.begin, other.end - other.begin);
    switch (chance.below(7)) {
        case 0:
            text.replace(one.begin, one.end - one.begin, copy);
            break;
        case 1: {
            const Span gone = with_comma(text, one);
            text.erase(gone.begin, gone.end - gone.begin);
            break;
        }
        case 2:
            text.insert(one.end, "," + copy);
            break;
        case 3:
            text.insert(one.begin, std::string(1 + chance.below(40), '['));
            break;
        case 4:
            text[chance.below(text.size())] = static_cast<char>(chance.below(256));
            break;
        case 5:
            text.resize(one.end);
            break;
        default:
            text.replace(one.begin, one.end - one.begin, chance.any(kValues));
    }
    return text;
}
