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

namespace {

constexpr auto kHexPairs = [] {
    constexpr char kDigits[] = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kDigits[i >> 4], kDigits[i & 15]};
    return pairs;
}();

constexpr std::uint8_t kNoDigit = 0x80;
constexpr auto kHexValues = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNoDigit);
    for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
    for (std::uint8_t i = 0; i < 6; ++i)
        values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
    return values;
}();

}  // namespace

void RecordId::write_hex(char* out) const {
    for (const std::uint8_t byte : bytes) {
        std::memcpy(out, kHexPairs[byte].data(), 2);
        out += 2;
    }
}

std::string RecordId::to_string() const {
    std::string text(32, '0');
    write_hex(text.data());
    return text;
}

RecordId RecordId::parse(std::string_view hex) {
    RecordId id;
    if (hex.size() != 32) return id;
    std::uint8_t wrong = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        const std::uint8_t high = kHexValues[static_cast<unsigned char>(hex[2 * i])];
        const std::uint8_t low = kHexValues[static_cast<unsigned char>(hex[2 * i + 1])];
        wrong |= high | low;
        id.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return (wrong & kNoDigit) == 0 ? id : RecordId{};
}

void IdHash::append(const void* bytes, std::size_t size) {
    if (beyond_.empty() && size_ + size <= kInline) {
        std::memcpy(inline_ + size_, bytes, size);
        size_ += size;
        return;
    }
    if (beyond_.empty()) beyond_.assign(inline_, size_);
    beyond_.append(static_cast<const char*>(bytes), size);
}

IdHash& IdHash::part(std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    const std::array<char, 4> length{static_cast<char>(size), static_cast<char>(size >> 8),
                                     static_cast<char>(size >> 16), static_cast<char>(size >> 24)};
    append(length.data(), length.size());
    if (!text.empty()) append(text.data(), text.size());
    return *this;
}

IdHash& IdHash::part(const RecordId& id) {
    return part(std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
}

IdHash& IdHash::part(std::int64_t number) {
    std::array<char, 8> bytes{};
    for (int i = 0; i < 8; ++i)
        bytes[static_cast<std::size_t>(i)] =
            static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i));
    return part(std::string_view(bytes.data(), bytes.size()));
}

RecordId IdHash::finish() const {
    const std::string_view all =
        beyond_.empty() ? std::string_view(inline_, size_) : std::string_view(beyond_);
    const XXH128_hash_t hash = XXH3_128bits(all.data(), all.size());
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
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(key[i]));
    };
    std::uint32_t h = kSeed ^ length;
    const std::size_t words = key.size() / 4;
    for (std::size_t i = 0; i < words; ++i) {
        std::uint32_t k =
            byte(4 * i) | byte(4 * i + 1) << 8 | byte(4 * i + 2) << 16 | byte(4 * i + 3) << 24;
        k *= kM;
        k ^= k >> kR;
        k *= kM;
        h *= kM;
        h ^= k;
    }
    const std::size_t tail = words * 4;
    switch (key.size() - tail) {
        case 3:
            h ^= byte(tail + 2) << 16;
            [[fallthrough]];
        case 2:
            h ^= byte(tail + 1) << 8;
            [[fallthrough]];
        case 1:
            h ^= byte(tail);
            h *= kM;
            break;
        default:
            break;
    }
    h ^= h >> 13;
    h *= kM;
    h ^= h >> 15;
    return h;
}

Partition partition_of(std::string_view key, std::uint32_t partitions) {
    return Partition((murmur2(key) & 0x7fffffffU) % partitions);
}

std::uint64_t hash64(std::string_view bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace vitalog
