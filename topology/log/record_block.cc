#include "topology/log/record_block.h"

#include <lz4.h>

#include <algorithm>
#include <memory>

#include "schemas/base/binary.h"
#include "schemas/base/planted.h"
#include "topology/log/block_chain.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace vitalog::topology {

namespace {

constexpr std::string_view kMagic = "VLB2";
constexpr std::size_t kHeaderBytesMax = 4 + 1 + 10 + 10 + 10 + 8;
/// Timestamp and three lengths: no record takes less.
constexpr std::size_t kRecordBytesMin = 4;
/// lz4 can't do better than this, so a raw_size beyond it is a lie.
constexpr std::size_t kLz4RatioMax = 255;

enum class Codec : std::uint8_t { Raw = 0, Lz4 = 1 };

struct ParsedBlock {
    BlockHeader header;
    Codec codec = Codec::Raw;
    std::uint64_t checksum = 0;
    std::string_view summed_header;  // what stands before the checksum
    std::string_view payload;
};

/// Milliseconds that stay within 64 bits as microseconds.
constexpr bool is_plausible(std::int64_t millis) {
    return millis <= INT64_MAX / 1000 && millis >= INT64_MIN / 1000;
}

std::uint64_t checksum_of(std::string_view header, std::string_view payload) {
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, header.data(), header.size());
    XXH3_64bits_update(&state, payload.data(), payload.size());
    return XXH3_64bits_digest(&state);
}

tl::unexpected<Error> damaged(std::string_view what) {
    return fail(Errc::Damaged, "record block: " + std::string(what));
}

Result<ParsedBlock> parse(std::string_view sealed) {
    VITALOG_TRY(const SealedBlock seal, open_seal(sealed));
    const std::string_view stored = seal.body;
    if (seal.placed && !stored.starts_with(kMagic)) return damaged("does not begin with VLB2");
    BinaryReader reader(stored.substr(kMagic.size()));
    ParsedBlock block;
    const std::uint8_t codec = reader.u8();
    const std::uint64_t count = reader.varint();
    const std::int64_t last_timestamp_ms = reader.signed_varint();
    const std::uint64_t raw_size = reader.varint();
    block.summed_header = stored.substr(0, stored.size() - reader.rest().size());
    block.checksum = reader.fixed64();
    block.payload = reader.rest();
    if (!reader.ok()) return damaged("ends within its header");
    if (codec > static_cast<std::uint8_t>(Codec::Lz4)) return damaged("has an unknown codec");
    block.codec = static_cast<Codec>(codec);
    const bool plausible =
        is_plausible(last_timestamp_ms) && raw_size <= kBlockBytesMax &&
        count <= raw_size / kRecordBytesMin &&
        (block.codec == Codec::Raw ? raw_size == block.payload.size()
                                   : raw_size <= (block.payload.size() + 1) * kLz4RatioMax);
    if (!plausible) return damaged("has sizes that contradict each other");
    block.header.count = static_cast<std::uint32_t>(count);
    block.header.raw_size = raw_size;
    block.header.last_timestamp = LogTime::from_millis(last_timestamp_ms);
    return block;
}

/// Decodes LEB128 without bounds checks: the padding behind the records takes a varint that runs
/// over their end.
inline std::uint64_t read_varint(const char*& at) {
    std::uint64_t byte = static_cast<std::uint8_t>(*at++);
    if (byte < 0x80) return byte;
    std::uint64_t value = byte & 0x7f;
    for (int shift = 7; shift < 64; shift += 7) {
        byte = static_cast<std::uint8_t>(*at++);
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return value;
}

/// Gives false when the text would reach beyond `end`.
inline bool read_text(const char*& at, const char* end, std::string_view& text) {
    const std::uint64_t size = read_varint(at);
    if (at > end || size > static_cast<std::uint64_t>(end - at)) return false;
    text = std::string_view(at, size);
    at += size;
    return true;
}

inline bool read_record(const char*& at, const char* end, RecordView& view) {
    const std::uint64_t zigzag = read_varint(at);
    const auto millis =
        static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1);
    if (!is_plausible(millis)) return false;
    view.timestamp = LogTime::from_millis(millis);
    std::string_view headers;
    if (at > end || !read_text(at, end, view.key) || !read_text(at, end, headers)) return false;
    view.headers = Headers(headers);
    return read_text(at, end, view.value);
}

}  // namespace

void RecordBlockBuilder::add(LogTime timestamp, std::string_view key, std::string_view headers,
                             std::string_view value) {
    BinaryWriter writer(raw_);
    writer.signed_varint(timestamp.millis());
    writer.text(key);
    writer.text(headers);
    writer.text(value);
    if (count_ == 0) first_timestamp_ = timestamp;
    last_timestamp_ = timestamp;
    ++count_;
}

void RecordBlockBuilder::clear() {
    raw_.clear();
    count_ = 0;
    first_timestamp_ = {};
    last_timestamp_ = {};
}

std::string encode_block(const RecordBlockBuilder& builder) {
    const std::string_view raw = builder.raw();
    VITALOG_ASSERT(raw.size() <= kBlockBytesMax, "a record block stays within kBlockBytesMax");
    const int packed_max = LZ4_compressBound(static_cast<int>(raw.size()));
    const auto packed =
        std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(packed_max));
    const auto packed_size = static_cast<std::size_t>(
        LZ4_compress_default(raw.data(), packed.get(), static_cast<int>(raw.size()), packed_max));
    const bool helps = packed_size > 0 && packed_size < raw.size() - raw.size() / 8;
    const std::string_view payload = helps ? std::string_view(packed.get(), packed_size) : raw;

    std::string stored;
    stored.reserve(kHeaderBytesMax + payload.size());
    stored = kMagic;
    BinaryWriter writer(stored);
    writer.u8(static_cast<std::uint8_t>(helps ? Codec::Lz4 : Codec::Raw));
    writer.varint(builder.count());
    writer.signed_varint(builder.last_timestamp().millis());
    writer.varint(raw.size());
    writer.fixed64(checksum_of(stored, payload));
    stored.append(payload);
    return stored;
}

Result<BlockHeader> peek_block(std::string_view stored) {
    VITALOG_TRY(const ParsedBlock block, parse(stored));
    return block.header;
}

Result<RecordBlock> decode_block(Offset base, std::string_view stored) {
    VITALOG_TRY(const ParsedBlock parsed, parse(stored));
    if (checksum_of(parsed.summed_header, parsed.payload) != parsed.checksum &&
        !planted("believe-damaged-records"))
        return damaged("fails its checksum");
    RecordBlock block;
    block.base = base;
    block.count = parsed.header.count;
    block.last_timestamp = parsed.header.last_timestamp;
    block.raw.resize(parsed.header.raw_size + kBlockPadding);
    if (parsed.codec == Codec::Raw) {
        std::copy(parsed.payload.begin(), parsed.payload.end(), block.raw.begin());
        return block;
    }
    const auto raw_size = static_cast<int>(parsed.header.raw_size);
    const int unpacked = LZ4_decompress_safe(parsed.payload.data(), block.raw.data(),
                                             static_cast<int>(parsed.payload.size()), raw_size);
    if (unpacked != raw_size) return damaged("does not decompress to its size");
    return block;
}

RecordBlock block_in_memory(Offset base, const RecordBlockBuilder& builder) {
    RecordBlock block;
    block.base = base;
    block.count = builder.count();
    block.last_timestamp = LogTime::from_millis(builder.last_timestamp().millis());
    block.raw.reserve(builder.raw().size() + kBlockPadding);
    block.raw = builder.raw();
    block.raw.append(kBlockPadding, '\0');
    return block;
}

Result<void> append_views(const RecordBlock& block, Offset from, std::size_t max_records,
                          RecordBatch& out) {
    const std::string_view records = block.records();
    const char* at = records.data();
    const char* const end = at + records.size();
    const std::int64_t skip = std::max<std::int64_t>(from.value() - block.base.value(), 0);
    const std::size_t wanted =
        skip >= block.count ? 0 : std::min<std::size_t>(max_records, block.count - skip);
    RecordView view;
    for (std::int64_t i = 0; i < skip && i < block.count; ++i)
        if (!read_record(at, end, view))
            return damaged("record " + std::to_string(i) + " is cut short");
    if (out.records.capacity() < out.records.size() + wanted)
        out.records.reserve(std::max(out.records.size() + wanted, 2 * out.records.size()));
    std::int64_t offset = block.base.value() + skip;
    for (std::size_t i = 0; i < wanted; ++i) {
        if (!read_record(at, end, view))
            return damaged("offset " + std::to_string(offset) + " is cut short");
        view.offset = Offset(offset++);
        out.records.push_back(view);
    }
    if (wanted > 0) out.next = Offset(offset);
    const bool read_all = skip + static_cast<std::int64_t>(wanted) == block.count;
    if (read_all && at != end) return damaged("has bytes behind its last record");
    return {};
}

}  // namespace vitalog::topology
