#include "schemas/base/ids.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace vitalog {

std::string to_string(const TopicPartition& tp) {
    return tp.topic + "/" + std::to_string(tp.partition.value());
}

std::string to_string(const TopicPartition& tp, Offset offset) {
    return to_string(tp) + "/" + std::to_string(offset.value());
}

std::string RecordId::to_string() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text(32, '0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        text[2 * i] = kDigits[bytes[i] >> 4];
        text[2 * i + 1] = kDigits[bytes[i] & 15];
    }
    return text;
}

namespace {
int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}
}  // namespace

RecordId RecordId::parse(std::string_view hex) {
    RecordId id;
    if (hex.size() != 32) return id;
    for (std::size_t i = 0; i < 16; ++i) {
        const int high = hex_digit(hex[2 * i]);
        const int low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return RecordId{};
        id.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return id;
}

IdHash& IdHash::part(std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    for (int shift = 0; shift < 32; shift += 8) buffer_.push_back(static_cast<char>(size >> shift));
    buffer_.append(text);
    return *this;
}

IdHash& IdHash::part(const RecordId& id) {
    return part(std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
}

IdHash& IdHash::part(std::int64_t number) {
    std::array<char, 8> bytes{};
    for (int i = 0; i < 8; ++i)
        bytes[static_cast<std::size_t>(i)] = static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i));
    return part(std::string_view(bytes.data(), bytes.size()));
}

RecordId IdHash::finish() const {
    const XXH128_hash_t hash = XXH3_128bits(buffer_.data(), buffer_.size());
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    RecordId id;
    std::memcpy(id.bytes.data(), canonical.digest, id.bytes.size());
    return id;
}

RecordId feed_record_id(Generation generation, const TopicPartition& tp, Offset offset) {
    return IdHash()
        .part(static_cast<std::int64_t>(generation.value()))
        .part(tp.topic)
        .part(static_cast<std::int64_t>(tp.partition.value()))
        .part(offset.value())
        .finish();
}

RecordId output_id(const RecordId& cause, std::string_view stage, std::string_view entity,
                   std::int64_t n) {
    return IdHash().part(cause).part(stage).part(entity).part(n).finish();
}

std::uint32_t murmur2(std::string_view key) {
    // org.apache.kafka.common.utils.Utils.murmur2
    constexpr std::uint32_t kSeed = 0x9747b28c;
    constexpr std::uint32_t kM = 0x5bd1e995;
    constexpr int kR = 24;
    const auto length = static_cast<std::uint32_t>(key.size());
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(key[i])); };
    std::uint32_t h = kSeed ^ length;
    const std::size_t words = key.size() / 4;
    for (std::size_t i = 0; i < words; ++i) {
        std::uint32_t k = byte(4 * i) | byte(4 * i + 1) << 8 | byte(4 * i + 2) << 16 | byte(4 * i + 3) << 24;
        k *= kM;
        k ^= k >> kR;
        k *= kM;
        h *= kM;
        h ^= k;
    }
    const std::size_t tail = words * 4;
    switch (key.size() - tail) {
        case 3: h ^= byte(tail + 2) << 16; [[fallthrough]];
        case 2: h ^= byte(tail + 1) << 8; [[fallthrough]];
        case 1: h ^= byte(tail); h *= kM; break;
        default: break;
    }
    h ^= h >> 13;
    h *= kM;
    h ^= h >> 15;
    return h;
}

Partition partition_of(std::string_view key, std::uint32_t partitions) {
    return Partition((murmur2(key) & 0x7fffffffU) % partitions);
}

std::uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace vitalog
