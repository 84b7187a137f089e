#include "schemas/flat_xml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace vitalog::schemas {
namespace {

constexpr std::string_view kCdata = "<![CDATA[";
constexpr std::string_view kCdataEnd = "]]>";
constexpr int kDepthMax = 16;

bool is_name_char(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':';
}
bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto byte = [&](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
    if (code < 0x80) return byte(code);
    if (code < 0x800) {
        byte(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            byte(0xe0 | code >> 12);
        } else {
            byte(0xf0 | code >> 18);
            byte(0x80 | (code >> 12 & 0x3f));
        }
        byte(0x80 | (code >> 6 & 0x3f));
    }
    byte(0x80 | (code & 0x3f));
}

/// One pass from the left. Any function that fails has set `ok` to false.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool document(FlatXml& out) {
        space();
        if (text_.starts_with("<?xml")) {
            const std::size_t end = text_.find("?>");
            if (end == std::string_view::npos) return false;
            text_.remove_prefix(end + 2);
            space();
        }
        const std::string root = open();
        while (ok_ && !text_.starts_with("</")) {
            space();
            if (!text_.starts_with('<') || text_.starts_with("</")) break;
            const std::string name = open();
            bool nested = false;
            std::string value = content(name, 1, nested);
            if (ok_ && !nested) out.emplace_back(name, std::move(value));
        }
        close(root);
        space();
        return ok_ && text_.empty();
    }

  private:
    void space() {
        while (!text_.empty() && is_space(text_.front())) text_.remove_prefix(1);
    }
    std::string open() {
        if (!text_.starts_with('<')) ok_ = false;
        std::size_t end = 1;
        while (end < text_.size() && is_name_char(text_[end])) ++end;
        ok_ = ok_ && end > 1 && end < text_.size() && text_[end] == '>';
        if (!ok_) return {};
        std::string name(text_.substr(1, end - 1));
        text_.remove_prefix(end + 1);
        return name;
    }
    void close(const std::string& name) {
        const std::string tag = "</" + name + ">";
        ok_ = ok_ && text_.starts_with(tag);
        if (ok_) text_.remove_prefix(tag.size());
    }
    /// Text up to the closing tag of `name`, the tag included.
    std::string content(const std::string& name, int depth, bool& nested) {
        std::string value;
        while (ok_ && !text_.starts_with("</")) {
            if (text_.empty() || depth > kDepthMax) {
                ok_ = false;
            } else if (text_.starts_with(kCdata)) {
                const std::size_t end = text_.find(kCdataEnd);
                ok_ = end != std::string_view::npos;
                if (!ok_) break;
                value.append(text_.substr(kCdata.size(), end - kCdata.size()));
                text_.remove_prefix(end + kCdataEnd.size());
            } else if (text_.front() == '<') {
                nested = true;
                const std::string inner = open();
                bool deeper = false;
                content(inner, depth + 1, deeper);
            } else if (text_.front() == '&') {
                entity(value);
            } else {
                value.push_back(text_.front());
                text_.remove_prefix(1);
            }
        }
        close(name);
        return value;
    }
    void entity(std::string& out) {
        static constexpr std::array<std::pair<std::string_view, char>, 5> kNamed{
            {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
        const std::size_t end = text_.substr(0, 12).find(';');
        ok_ = end != std::string_view::npos;
        if (!ok_) return;
        const std::string_view name = text_.substr(1, end - 1);
        text_.remove_prefix(end + 1);
        for (const auto& [known, c] : kNamed)
            if (name == known) return out.push_back(c);
        const bool hex = name.starts_with("#x");
        const std::string_view digits =
            name.substr(std::min<std::size_t>(hex ? 2 : 1, name.size()));
        std::uint32_t code = 0;
        const auto [rest, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
        ok_ = name.starts_with('#') && error == std::errc() &&
              rest == digits.data() + digits.size() && code > 0 && code <= 0x10ffff &&
              (code < 0xd800 || code > 0xdfff);
        if (ok_) append_utf8(out, code);
    }

    std::string_view text_;
    bool ok_ = true;
};

}  // namespace

Result<FlatXml> parse_flat_xml(std::string_view text) {
    if (text.size() > kFlatXmlBytesMax)
        return fail(Errc::TooLarge,
                    "an XML message is at most " + std::to_string(kFlatXmlBytesMax) + " bytes");
    FlatXml out;
    if (!Reader(text).document(out))
        return fail(Errc::Malformed,
                    "must be XML of the form <xml><Name>text</Name>...</xml>, without attributes");
    return out;
}

std::string_view find(const FlatXml& xml, std::string_view name) {
    for (const auto& [known, value] : xml)
        if (known == name) return value;
    return {};
}

}  // namespace vitalog::schemas
