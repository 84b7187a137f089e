// Mutates text by lines and words, as YAML, lists, URLs and search parameters have them:
// indentation, keys, separators, edge values.

#include <array>

#include "mutate.h"

namespace {

using vitalog::fuzz::Chance;

constexpr std::array<const char*, 34> kValues{"",
                                              "-",
                                              "0",
                                              "-1",
                                              "1e309",
                                              "9223372036854775808",
                                              "0.1",
                                              "null",
                                              "~",
                                              "true",
                                              "[]",
                                              "{}",
                                              "[a, b]",
                                              "{a: b}",
                                              "\"",
                                              "'",
                                              "|",
                                              ">-",
                                              "&a",
                                              "*a",
                                              "!!binary x",
                                              "#",
                                              ": ",
                                              "- ",
                                              "\t",
                                              "\xff",
                                              "\xe4\xb8\xad",
                                              "2026-02-30",
                                              "2026-11-21T08:00:00Z",
                                              "ge2026",
                                              "%00",
                                              "%zz",
                                              "30d",
                                              "1GiB"};
constexpr std::array<const char*, 10> kLines{"- name: x", "name: x", "  - {}",     "---",  "...",
                                             "? a",       "<<: *a",  "a: &a [*a]", "a: |", ""};
constexpr std::string_view kSeparators = " ,:;=/&?|-+.\"'[]{}()<>";

/// Words and separators, which joined give the text.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words(1);
    for (const char c : text) {
        const bool separator = kSeparators.find(c) != kSeparators.npos;
        if (separator) words.emplace_back();
        words.back().push_back(c);
        if (separator) words.emplace_back();
    }
    return words;
}

void change_words(std::string& line, Chance& chance) {
    auto words = words_of(line);
    if (chance.one_in(2))
        chance.any(words) = chance.any(kValues);
    else
        vitalog::fuzz::rearrange(words, chance);
    line.clear();
    for (const auto& word : words) line += word;
}

}  // namespace

std::string vitalog::fuzz::mutate(std::string text, Chance& chance) {
    auto lines = vitalog::fuzz::split(text, '\n');
    std::string& line = chance.any(lines);
    switch (chance.below(7)) {
        case 0:
            vitalog::fuzz::rearrange(lines, chance);
            break;
        case 1:
            line.insert(0, 1 + chance.below(6), ' ');
            break;
        case 2:
            line.erase(0, std::min(line.find_first_not_of(' '), 1 + chance.below(6)));
            break;
        case 3:
            line = chance.any(kLines);
            break;
        case 4:
            if (!line.empty())
                line[chance.below(line.size())] = static_cast<char>(chance.below(256));
            break;
        default:
            change_words(line, chance);
    }
    return vitalog::fuzz::join(lines, '\n');
}
