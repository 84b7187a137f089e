#include "schemas/json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "schemas/json_decode.h"

namespace vitalog::schemas {

namespace {

/// True where one of eight bytes is a control character, a quote or a backslash. A borrow may
/// report its neighbour too, which costs time only (Lamport, "Multiple byte processing with
/// full-word instructions").
bool may_need_escape(const char* bytes) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHigh = 0x8080808080808080;
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t backslash = word ^ (kOnes * '\\');
    const std::uint64_t found = (word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes);
    return (found & ~word & kHigh) != 0;
}

/// How many characters from the front can be copied as they are.
std::size_t clean_prefix(std::string_view text) {
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8)
        if (may_need_escape(text.data() + i)) break;
    for (; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x20 || c == '"' || c == '\\') break;
    }
    return i;
}

void append_escape(std::string& out, unsigned char c) {
    static constexpr char kHex[] = "0123456789abcdef";
    switch (c) {
        case '"':
            out.append("\\\"");
            break;
        case '\\':
            out.append("\\\\");
            break;
        case '\n':
            out.append("\\n");
            break;
        case '\r':
            out.append("\\r");
            break;
        case '\t':
            out.append("\\t");
            break;
        default:
            out.append("\\u00");
            out.push_back(kHex[c >> 4]);
            out.push_back(kHex[c & 15]);
    }
}

void append_escaped(std::string& out, std::string_view text) {
    for (;;) {
        const std::size_t clean = clean_prefix(text);
        out.append(text.data(), clean);
        if (clean == text.size()) return;
        append_escape(out, static_cast<unsigned char>(text[clean]));
        text.remove_prefix(clean + 1);
    }
}

}  // namespace

void JsonWriter::key(std::string_view name) {
    separate();
    out_.push_back('"');
    out_.append(name);
    out_.append("\":", 2);
}

void JsonWriter::value(std::string_view text) {
    separate();
    const std::size_t clean = clean_prefix(text);
    if (clean == text.size()) {
        char* at = grow(text.size() + 2);
        *at = '"';
        if (!text.empty()) std::memcpy(at + 1, text.data(), text.size());
        at[text.size() + 1] = '"';
        return;
    }
    out_.push_back('"');
    append_escaped(out_, text);
    out_.push_back('"');
}

void JsonWriter::value(bool flag) {
    separate();
    out_.append(flag ? "true" : "false");
}

void JsonWriter::value(double number) {
    if (!std::isfinite(number)) return null();
    separate();
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    out_.append(text.data(), end);
}

void JsonWriter::value(std::int64_t number) {
    separate();
    std::array<char, 24> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    out_.append(text.data(), end);
}

void JsonWriter::value(const ZonedTime& time) {
    separate();
    out_.push_back('"');
    append_to(out_, time);
    out_.push_back('"');
}

void JsonWriter::instant(std::int64_t micros_utc) {
    separate();
    out_.push_back('"');
    append_rfc3339(out_, micros_utc);
    out_.push_back('"');
}

void JsonWriter::value(const Date& date) {
    value(to_string(date));
}

void JsonWriter::null() {
    separate();
    out_.append("null");
}

void JsonWriter::raw(std::string_view json) {
    separate();
    out_.append(json);
}

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

}  // namespace vitalog::schemas
