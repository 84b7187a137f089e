#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog {

/// Appends to a byte string: LEB128 varints, zigzag for signed, length-prefixed text, IEEE 754 little-endian doubles.
class BinaryWriter {
  public:
    explicit BinaryWriter(std::string& out) : out_(out) {}

    void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void varint(std::uint64_t value) {
        while (value >= 0x80) {
            out_.push_back(static_cast<char>(value | 0x80));
            value >>= 7;
        }
        out_.push_back(static_cast<char>(value));
    }
    void signed_varint(std::int64_t value) {
        varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
    }
    void fixed64(std::uint64_t value) {
        char bytes[8];
        for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
        out_.append(bytes, sizeof bytes);
    }
    void fixed32(std::uint32_t value) {
        char bytes[4];
        for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
        out_.append(bytes, sizeof bytes);
    }
    void real(double value) {
        std::uint64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        fixed64(bits);
    }
    void boolean(bool value) { u8(value ? 1 : 0); }
    void text(std::string_view value) {
        varint(value.size());
        out_.append(value);
    }

  private:
    std::string& out_;
};

/// Reads what BinaryWriter wrote. After a read past the end or a broken varint every further read gives zero
/// and ok() is false: check once, at the end.
class BinaryReader {
  public:
    explicit BinaryReader(std::string_view bytes) : bytes_(bytes) {}

    std::uint8_t u8() {
        if (bytes_.empty()) return broken();
        const auto value = static_cast<std::uint8_t>(bytes_.front());
        bytes_.remove_prefix(1);
        return value;
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const std::uint8_t byte = u8();
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if ((byte & 0x80) == 0) return value;
        }
        return broken();
    }
    std::int64_t signed_varint() {
        const std::uint64_t value = varint();
        return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }
    std::uint64_t fixed64() { return fixed(8); }
    std::uint32_t fixed32() { return static_cast<std::uint32_t>(fixed(4)); }
    double real() {
        const std::uint64_t bits = fixed64();
        double value;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }
    bool boolean() { return u8() != 0; }
    std::string_view text() {
        const std::uint64_t size = varint();
        if (size > bytes_.size()) {
            broken();
            return {};
        }
        const std::string_view value = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return value;
    }
    /// A count of items that take at least one byte each; broken when the rest can't hold them.
    std::size_t count() {
        const std::uint64_t value = varint();
        if (value > bytes_.size()) return broken();
        return value;
    }

    bool ok() const { return ok_; }
    bool at_end() const { return bytes_.empty(); }
    std::string_view rest() const { return bytes_; }
    /// Damaged unless everything was read and nothing was broken.
    Result<void> finish(std::string_view what) const {
        if (ok_ && bytes_.empty()) return {};
        return fail(Errc::Damaged, std::string(what) + " does not follow its format");
    }

  private:
    std::uint8_t broken() {
        ok_ = false;
        bytes_ = {};
        return 0;
    }
    std::uint64_t fixed(int size) {
        std::uint64_t value = 0;
        for (int i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(u8()) << (8 * i);
        return value;
    }

    std::string_view bytes_;
    bool ok_ = true;
};

}  // namespace vitalog
