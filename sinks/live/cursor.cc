#include "sinks/live/cursor.h"

#include <limits>
#include <optional>

#include "schemas/base/binary.h"

namespace vitalog::sinks::live {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<std::string> bytes_of(std::string_view hex) {
    if (hex.empty() || hex.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const std::size_t high = kDigits.find(hex[i]);
        const std::size_t low = kDigits.find(hex[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        bytes.push_back(static_cast<char>(high << 4 | low));
    }
    return bytes;
}

tl::unexpected<Error> malformed() {
    return fail(
        Errc::Malformed,
        "this is no id of an event; connect without Last-Event-ID to begin with what comes");
}

}  // namespace

Cursor Cursor::start(const RecordSource& source, const schemas::TopicNames& topics) {
    Cursor cursor;
    for (std::size_t t = 0; t < kLiveTopics.size(); ++t)
        cursor.next_[t].resize(source.partitions(topics.name(kLiveTopics[t])));
    return cursor;
}

std::string Cursor::text(Generation generation) const {
    std::string bytes;
    BinaryWriter out(bytes);
    out.u8(kVersion);
    out.varint(generation.value());
    for (const auto& offsets : next_) {
        out.varint(offsets.size());
        for (const Offset offset : offsets) out.varint(static_cast<std::uint64_t>(offset.value()));
    }
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        hex.push_back(kDigits[value >> 4]);
        hex.push_back(kDigits[value & 15]);
    }
    return hex;
}

Result<Cursor> Cursor::parse(std::string_view text, Generation generation, const Cursor& shape) {
    const auto bytes = bytes_of(text);
    if (!bytes) return malformed();
    BinaryReader in(*bytes);
    if (in.u8() != kVersion) return malformed();
    const std::uint64_t said = in.varint();
    Cursor cursor = shape;
    for (auto& offsets : cursor.next_) {
        if (in.varint() != offsets.size()) return malformed();
        for (Offset& offset : offsets) {
            const std::uint64_t value = in.varint();
            if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                return malformed();
            offset = Offset(static_cast<std::int64_t>(value));
        }
    }
    if (!in.finish("an event's id")) return malformed();
    if (said != generation.value())
        return fail(Errc::Conflict,
                    "this event's id is of the log before it was restored; connect without "
                    "Last-Event-ID");
    return cursor;
}

}  // namespace vitalog::sinks::live
