#include "schemas/base/binary.h"
#include "sinks/views/query.h"

namespace vitalog::sinks::views {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::size_t kMarksMax = 16;

enum Kind : std::uint8_t { kNothing, kNumber, kText, kId };

tl::unexpected<Error> foreign() {
    return fail(Errc::Malformed,
                "_page is not of this search; follow the link 'next' of a page as it is");
}

}  // namespace

std::string Cursor::to_string() const {
    std::string bytes;
    BinaryWriter out(bytes);
    for (const auto& mark : marks) {
        out.u8(static_cast<std::uint8_t>(mark.index()));
        if (const auto* number = std::get_if<std::int64_t>(&mark)) out.signed_varint(*number);
        if (const auto* text = std::get_if<std::string>(&mark)) out.text(*text);
        if (const auto* id = std::get_if<Id>(&mark)) out.text(id->hex);
    }
    std::string hex;
    for (const char byte : bytes) {
        hex += kHex[static_cast<std::uint8_t>(byte) >> 4];
        hex += kHex[static_cast<std::uint8_t>(byte) & 15];
    }
    return hex;
}

Result<Cursor> Cursor::parse(std::string_view text) {
    if (text.size() % 2 != 0 || text.empty()) return foreign();
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const std::size_t high = kHex.find(text[i]);
        const std::size_t low = kHex.find(text[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return foreign();
        bytes += static_cast<char>(high << 4 | low);
    }
    Cursor cursor;
    BinaryReader in(bytes);
    while (in.ok() && !in.at_end() && cursor.marks.size() < kMarksMax) {
        switch (in.u8()) {
            case kNothing:
                cursor.marks.emplace_back();
                break;
            case kNumber:
                cursor.marks.emplace_back(in.signed_varint());
                break;
            case kText:
                cursor.marks.emplace_back(std::string(in.text()));
                break;
            case kId:
                cursor.marks.emplace_back(Id{std::string(in.text())});
                break;
            default:
                return foreign();
        }
    }
    if (!in.ok() || !in.at_end()) return foreign();
    return cursor;
}

}  // namespace vitalog::sinks::views
