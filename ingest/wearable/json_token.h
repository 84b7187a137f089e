#pragma once

#include <simdjson.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

// How the readers of wearable data look at JSON: names and scalars as they stand in the document.
// Included by the sources of this folder only.

namespace vitalog::ingest::wearable {

/// The name of a field is `name`. A name with escapes is never one of ours.
template <std::size_t N>
bool is_named(const char* raw_key, const char (&name)[N]) {
    static_assert(N <= simdjson::SIMDJSON_PADDING);
    return std::memcmp(raw_key, name, N - 1) == 0 && raw_key[N - 1] == '"';
}

/// A scalar without the blanks behind it. Leaves the value unread.
inline std::string_view token_of(simdjson::ondemand::value& value) {
    std::string_view token = value.raw_json_token();
    while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ')
        token.remove_suffix(1);
    return token;
}

/// What stands between the quotes of a string; nothing for other tokens. Escapes stay as they are.
inline std::optional<std::string_view> quoted_text(std::string_view token) {
    if (token.size() < 2 || token.front() != '"' || token.back() != '"') return std::nullopt;
    return token.substr(1, token.size() - 2);
}

/// A string; nothing for other types. Live as long as the document and its parser.
inline std::string_view text_of(simdjson::ondemand::value& value) {
    const auto text = quoted_text(token_of(value));
    if (!text) return {};
    if (text->find('\\') == std::string_view::npos) return *text;
    std::string_view plain;
    return value.get_string().get(plain) == simdjson::SUCCESS ? plain : std::string_view();
}

/// A number, or a string that holds one.
inline std::optional<double> number_of(std::string_view token) {
    if (const auto text = quoted_text(token)) token = *text;
    std::int64_t whole = 0;
    std::size_t at = 0;
    constexpr std::size_t kExactDigits = 15;
    while (at < token.size() && at < kExactDigits && token[at] >= '0' && token[at] <= '9')
        whole = whole * 10 + (token[at++] - '0');
    if (at > 0 && at == token.size()) return static_cast<double>(whole);
    double number = 0;
    const auto [rest, error] = std::from_chars(token.data(), token.data() + token.size(), number);
    if (error != std::errc() || rest != token.data() + token.size()) return std::nullopt;
    return number;
}

}  // namespace vitalog::ingest::wearable
