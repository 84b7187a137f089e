#include "schemas/json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "schemas/json_decode.h"

namespace vitalog::schemas {

void JsonWriter::separate() {
    if (out_.empty()) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':' && last != '\n') out_.push_back(',');
}

namespace {

/// True where one of eight bytes is a control character, a quote or a backslash. A borrow may report its neighbour
/// too, which costs time only (Lamport, "Multiple byte processing with full-word instructions").
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

void append_escaped(std::string& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::size_t clean = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        while (i + 8 <= text.size() && !may_need_escape(text.data() + i)) i += 8;
        if (i == text.size()) break;
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(text, clean, i - clean);
        clean = i + 1;
        switch (c) {
            case '"': out.append("\\\""); break;
            case '\\': out.append("\\\\"); break;
            case '\n': out.append("\\n"); break;
            case '\r': out.append("\\r"); break;
            case '\t': out.append("\\t"); break;
            default:
                out.append("\\u00");
                out.push_back(kHex[c >> 4]);
                out.push_back(kHex[c & 15]);
        }
    }
    out.append(text, clean);
}

}  // namespace

void JsonWriter::key(std::string_view name) {
    std::array<char, 48> text;
    if (name.size() + 4 > text.size()) {
        separate();
        out_.push_back('"');
        out_.append(name).append("\":");
        return;
    }
    // One append: names are most of what is written.
    std::size_t size = 0;
    const char last = out_.empty() ? '{' : out_.back();
    if (last != '{' && last != '[' && last != ':' && last != '\n') text[size++] = ',';
    text[size++] = '"';
    std::memcpy(text.data() + size, name.data(), name.size());
    size += name.size();
    text[size++] = '"';
    text[size++] = ':';
    out_.append(text.data(), size);
}

void JsonWriter::value(std::string_view text) {
    separate();
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

void JsonWriter::value(const Date& date) { value(to_string(date)); }

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
