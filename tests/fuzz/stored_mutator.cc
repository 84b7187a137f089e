// Mutates stored forms by what they are made of (schemas/base/binary.h): varints, fixed numbers,
// texts behind their length. A checksum at the end is made anew now and then, so that what stands
// before it is read.

#include <array>

#include "mutate.h"
#include "schemas/base/binary.h"
#include "schemas/base/ids.h"

namespace {

using vitalog::BinaryReader;
using vitalog::BinaryWriter;
using vitalog::fuzz::Chance;

constexpr std::size_t kChecksumBytes = 8;
constexpr std::array<std::uint64_t, 16> kNumbers{
    0,          1,          2,         63,         64,
    127,        128,        255,       16'383,     1u << 20,
    UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX - 1,
    UINT64_MAX};

std::string varint(std::uint64_t number) {
    std::string bytes;
    BinaryWriter(bytes).varint(number);
    return bytes;
}

/// The bytes of the varint that begins there; 1 where none does.
std::size_t varint_size(std::string_view bytes) {
    BinaryReader reader(bytes);
    (void)reader.varint();
    return reader.ok() ? bytes.size() - reader.rest().size() : 1;
}

/// Another length and text, or another length alone, for what may be a text.
void change_text(std::string& bytes, std::size_t at, Chance& chance) {
    BinaryReader reader(std::string_view(bytes).substr(at));
    const std::uint64_t length = reader.varint();
    if (!reader.ok() || length > reader.rest().size()) return;
    const std::size_t head = varint_size(std::string_view(bytes).substr(at));
    const std::string text = bytes.substr(at + head, length);
    const std::string other =
        chance.one_in(2) ? text + text : text.substr(0, chance.below(text.size() + 1));
    bytes.replace(at, head + text.size(),
                  varint(other.size() + (chance.one_in(8) ? 1 : 0)) + other);
}

}  // namespace

std::string vitalog::fuzz::mutate(std::string bytes, Chance& chance) {
    if (bytes.empty()) return varint(chance.any(kNumbers));
    const bool seal = bytes.size() > kChecksumBytes && chance.one_in(2);
    if (seal) bytes.resize(bytes.size() - kChecksumBytes);
    const std::size_t at = chance.below(bytes.size());
    const std::size_t other = chance.below(bytes.size());
    const std::size_t size = varint_size(std::string_view(bytes).substr(at));
    switch (chance.below(8)) {
        case 0:
        case 1:
            bytes.replace(at, size, varint(chance.any(kNumbers)));
            break;
        case 2:
            bytes.replace(at, size, varint(chance.below(64)));
            break;
        case 3:
            change_text(bytes, at, chance);
            break;
        case 4:
            bytes.insert(at, bytes.substr(other, 1 + chance.below(24)));
            break;
        case 5:
            bytes.erase(at, 1 + chance.below(8));
            break;
        case 6:
            bytes.resize(at);
            break;
        default:
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << chance.below(8)));
    }
    if (seal) {
        const std::uint64_t checksum = vitalog::hash64(bytes);
        BinaryWriter(bytes).fixed64(checksum);
    }
    return bytes;
}
