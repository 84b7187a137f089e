#include "topology/log/stored_position.h"

#include "schemas/base/binary.h"
#include "schemas/base/stored_version.h"

namespace vitalog::topology {

namespace {

constexpr std::string_view kShardMagic = "VSHP";
constexpr std::string_view kReaderMagic = "VRDP";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 8;

std::string position_key(std::string_view prefix, std::string_view owner,
                         const TopicPartition& tp) {
    std::string key(prefix);
    key.append(owner).push_back('\0');
    key.append(tp.topic).push_back('\0');
    BinaryWriter(key).fixed32(tp.partition.value());
    return key;
}

void begin(std::string& out, std::string_view magic) {
    out = magic;
    BinaryWriter(out).varint(kVersion);
}

void seal(std::string& out) {
    const std::uint64_t checksum = hash64(out);
    BinaryWriter(out).fixed64(checksum);
}

/// Checks magic, checksum and version; gives what lies between them.
Result<BinaryReader> open_sealed(std::string_view bytes, std::string_view magic) {
    const std::string what = "stored position " + std::string(magic);
    if (bytes.size() < magic.size() + kChecksumBytes || !bytes.starts_with(magic))
        return fail(Errc::Damaged, what + " has another form");
    const std::string_view summed = bytes.substr(0, bytes.size() - kChecksumBytes);
    if (BinaryReader(bytes.substr(summed.size())).fixed64() != hash64(summed))
        return fail(Errc::Damaged, what + " fails its checksum");
    BinaryReader reader(summed.substr(magic.size()));
    if (const std::uint64_t version = reader.varint(); version != kVersion)
        return other_version("a " + what, version, kVersion);
    return reader;
}

Generation read_generation(BinaryReader& reader) {
    return Generation(static_cast<std::uint32_t>(reader.varint()));
}

}  // namespace

std::string shard_position_key(std::string_view stage, const TopicPartition& input) {
    return position_key(kShardKeyPrefix, stage, input);
}

std::string reader_position_key(std::string_view reader, const TopicPartition& tp) {
    return position_key(kReaderKeyPrefix, reader, tp);
}

Result<PositionKey> parse_position_key(std::string_view key) {
    PositionKey parsed;
    for (std::string_view prefix : {kShardKeyPrefix, kReaderKeyPrefix, kLogicKeyPrefix})
        if (key.starts_with(prefix)) key.remove_prefix(prefix.size());
    for (std::string* part : {&parsed.owner, &parsed.tp.topic}) {
        const std::size_t size = key.find('\0');
        if (size == std::string_view::npos)
            return fail(Errc::Damaged, "a stored position has a broken key");
        *part = key.substr(0, size);
        key.remove_prefix(size + 1);
    }
    BinaryReader reader(key);
    parsed.tp.partition = Partition(reader.fixed32());
    VITALOG_CHECK(reader.finish("the key of a stored position"));
    return parsed;
}

std::string logic_key(std::string_view stage, const TopicPartition& input, Offset until) {
    std::string key = position_key(kLogicKeyPrefix, stage, input);
    BinaryWriter(key).fixed64(static_cast<std::uint64_t>(until.value()));
    return key;
}

Result<LogicKey> parse_logic_key(std::string_view key) {
    constexpr std::size_t kOffsetBytes = 8;
    if (key.size() < kLogicKeyPrefix.size() + kOffsetBytes)
        return fail(Errc::Damaged, "the note of an earlier logic has a broken key");
    LogicKey parsed;
    VITALOG_TRY(parsed.shard, parse_position_key(key.substr(0, key.size() - kOffsetBytes)));
    BinaryReader offset(key.substr(key.size() - kOffsetBytes));
    parsed.until = Offset(static_cast<std::int64_t>(offset.fixed64()));
    return parsed;
}

std::string encode_shard_position(const StoredShard& stored) {
    std::string out;
    begin(out, kShardMagic);
    BinaryWriter writer(out);
    writer.varint(stored.shard);
    writer.varint(stored.position.generation.value());
    writer.signed_varint(stored.position.committed.value());
    writer.signed_varint(stored.position.checkpoint.value());
    writer.varint(stored.position.logic);
    writer.text(stored.position.digest);
    seal(out);
    return out;
}

Result<StoredShard> decode_shard_position(std::string_view bytes) {
    VITALOG_TRY(BinaryReader reader, open_sealed(bytes, kShardMagic));
    StoredShard stored;
    stored.shard = static_cast<std::uint32_t>(reader.varint());
    stored.position.generation = read_generation(reader);
    stored.position.committed = Offset(reader.signed_varint());
    stored.position.checkpoint = Offset(reader.signed_varint());
    stored.position.logic = static_cast<std::uint32_t>(reader.varint());
    stored.position.digest = reader.text();
    VITALOG_CHECK(reader.finish("a stored shard position"));
    return stored;
}

std::string encode_reader_position(const ReaderPosition& position) {
    std::string out;
    begin(out, kReaderMagic);
    BinaryWriter writer(out);
    writer.varint(position.generation.value());
    writer.signed_varint(position.next.value());
    seal(out);
    return out;
}

Result<ReaderPosition> decode_reader_position(std::string_view bytes) {
    VITALOG_TRY(BinaryReader reader, open_sealed(bytes, kReaderMagic));
    ReaderPosition position;
    position.generation = read_generation(reader);
    position.next = Offset(reader.signed_varint());
    VITALOG_CHECK(reader.finish("a stored reader position"));
    return position;
}

}  // namespace vitalog::topology
