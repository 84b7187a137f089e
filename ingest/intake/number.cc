#include "ingest/intake/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace vitalog::ingest {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// Longer spellings first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kComparators{{
    {"<=", "<="},
    {"=<", "<="},
    {"≤", "<="},
    {"≦", "<="},
    {">=", ">="},
    {"=>", ">="},
    {"≥", ">="},
    {"≧", ">="},
    {"<", "<"},
    {"＜", "<"},
    {">", ">"},
    {"＞", ">"},
}};

std::string_view take_comparator(std::string_view& text) {
    for (const auto& [spelling, meaning] : kComparators) {
        if (!text.starts_with(spelling)) continue;
        text = trimmed(text.substr(spelling.size()));
        return meaning;
    }
    return {};
}

/// A longer text is a sentence.
constexpr std::size_t kGradedMax = 24;

/// Reads a decimal number from the front. `std::errc()` and how many characters it took.
std::pair<std::errc, std::size_t> take_double(std::string_view text, double& value) {
    const std::size_t sign = text.starts_with('+') ? 1 : 0;
    const char* const begin = text.data() + sign;
    const char* const end = text.data() + text.size();
    if (sign == 1 && (begin == end || *begin == '-')) return {std::errc::invalid_argument, 0};
    const auto [rest, error] = std::from_chars(begin, end, value);
    return {error, static_cast<std::size_t>(rest - text.data())};
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

}  // namespace

Result<Number> parse_number(std::string_view text) {
    Number number;
    std::string_view digits = trimmed(text);
    if (!digits.empty() && (digits.front() < '0' || digits.front() > '9'))
        number.comparator = take_comparator(digits);
    const auto [error, used] = take_double(digits, number.value);
    if (error == std::errc::invalid_argument || used != digits.size())
        return fail(Errc::Malformed, quoted(text) + " is not a number such as 4.5 or <15");
    if (error != std::errc() || !std::isfinite(number.value))
        return fail(Errc::OutOfRange, quoted(text) + " is not a finite number");
    return number;
}

Result<Number> parse_number(std::string_view comparator, std::string_view digits) {
    comparator = trimmed(comparator);
    std::string_view rest = comparator;
    const std::string_view meaning = take_comparator(rest);
    if (!comparator.empty() && comparator != "=" && (meaning.empty() || !rest.empty()))
        return fail(Errc::Malformed, quoted(comparator) + " is not one of < <= > >= =");
    VITALOG_TRY(Number number, parse_number(digits));
    if (!meaning.empty()) {
        if (!number.comparator.empty())
            return fail(Errc::Malformed, quoted(digits) + " has a comparator of its own");
        number.comparator = meaning;
    }
    return number;
}

namespace {

constexpr std::array<std::string_view, 8> kSeparators{"-", "–", "—", "~", "～", "－", "−", "至"};

bool take_separator(std::string_view& text) {
    for (const auto separator : kSeparators) {
        if (!text.starts_with(separator)) continue;
        text = trimmed(text.substr(separator.size()));
        return true;
    }
    return false;
}

std::string_view without_brackets(std::string_view text) {
    text = trimmed(text);
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kBrackets{
        {{"[", "]"}, {"(", ")"}, {"（", "）"}, {"【", "】"}}};
    for (const auto& [open, close] : kBrackets) {
        if (text.size() < open.size() + close.size() || !text.starts_with(open) ||
            !text.ends_with(close))
            continue;
        text.remove_prefix(open.size());
        text.remove_suffix(close.size());
        return trimmed(text);
    }
    return text;
}

std::optional<double> whole(std::string_view text) {
    double value = 0;
    const auto [error, used] = take_double(text, value);
    if (error != std::errc() || used != text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

}  // namespace

Range parse_range(std::string_view text) {
    Range range;
    std::string_view rest = without_brackets(text);
    if (const std::string_view comparator = take_comparator(rest); !comparator.empty()) {
        (comparator.front() == '<' ? range.high : range.low) = whole(rest);
        return range;
    }
    double low = 0;
    const auto [error, used] = take_double(rest, low);
    if (error != std::errc() || !std::isfinite(low)) return range;
    rest = trimmed(rest.substr(used));
    if (!take_separator(rest)) return range;
    auto high = whole(rest);
    // "3.5--5.3" is written for "3.5 to 5.3" as well as "-3 - -1" for what it says.
    while (low >= 0 && (!high || *high < low) && take_separator(rest)) high = whole(rest);
    if (!high || *high < low) return range;
    range.low = low;
    range.high = high;
    return range;
}

Result<Number> parse_marked_number(std::string_view text, std::string_view& flag) {
    /// Longer marks first.
    static constexpr auto kMarks =
        std::to_array<std::pair<std::string_view, std::string_view>>({{"HH", "HH"},
                                                                      {"LL", "LL"},
                                                                      {"↑↑", "HH"},
                                                                      {"↓↓", "LL"},
                                                                      {"H", "H"},
                                                                      {"L", "L"},
                                                                      {"↑", "H"},
                                                                      {"↓", "L"},
                                                                      {"*", "A"}});
    flag = {};
    auto number = parse_number(text);
    if (number) return number;
    std::string_view rest = trimmed(text);
    const bool bracket = rest.ends_with(')') && rest.find('(') != std::string_view::npos;
    if (bracket) rest.remove_suffix(1);
    for (const auto& [mark, meaning] : kMarks) {
        if (!rest.ends_with(mark)) continue;
        std::string_view digits = rest.substr(0, rest.size() - mark.size());
        if (bracket && !digits.ends_with('(')) return number;
        if (bracket) digits.remove_suffix(1);
        auto marked = parse_number(digits);
        if (!marked) return number;
        flag = meaning;
        return marked;
    }
    return number;
}

bool is_graded(std::string_view text) {
    text = trimmed(text);
    if (text.empty() || text.size() > kGradedMax) return false;
    if (text == "±" || text == "+/-" || text == "+-" || text == "-/+") return true;
    const std::size_t pluses = text.size() - std::min(text.size(), text.find_last_not_of('+') + 1);
    if (pluses == text.size()) return true;                                          // "+++"
    if (pluses > 0) return whole(text.substr(0, text.size() - pluses)).has_value();  // "3+"
    double first = 0;
    const auto [error, used] = take_double(text, first);
    if (error != std::errc()) return false;
    std::string_view rest = trimmed(text.substr(used));
    const bool separated = rest.starts_with(':') || rest.starts_with('/') || rest.starts_with("：");
    if (separated)
        rest = trimmed(rest.substr(rest.front() == ':' || rest.front() == '/' ? 1 : 3));
    else if (!take_separator(rest))
        return false;
    return whole(rest).has_value();
}

}  // namespace vitalog::ingest
