#include "topology/log/generations.h"

#include <rocksdb/utilities/checkpoint.h>

#include <limits>

#include "schemas/base/binary.h"
#include "topology/log/data_directory.h"
#include "topology/log/embedded_keys.h"
#include "topology/log/stored_position.h"

namespace vitalog::topology {
namespace {

constexpr std::string_view kBornPrefix{"born\0", 5};
constexpr std::string_view kRestoredKey = "restored";
constexpr std::string_view kSettled = ".settled";  // sinks: attempts whose outcome is known

}  // namespace

std::string births_key(const TopicPartition& tp) {
    std::string key(kBornPrefix);
    key.append(tp.topic).push_back('\0');
    BinaryWriter(key).fixed32(tp.partition.value());
    return key;
}

Result<TopicPartition> parse_births_key(std::string_view key) {
    const std::string_view rest =
        key.starts_with(kBornPrefix) ? key.substr(kBornPrefix.size()) : "";
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos || rest.size() != end + 5)
        return fail(Errc::Damaged, "a stored generation has a broken key");
    return TopicPartition{std::string(rest.substr(0, end)),
                          Partition(BinaryReader(rest.substr(end + 1)).fixed32())};
}

std::string encode_births(const std::vector<Birth>& births) {
    std::string out;
    BinaryWriter writer(out);
    for (const Birth& birth : births) {
        writer.varint(birth.generation.value());
        writer.varint(static_cast<std::uint64_t>(birth.from.value()));
    }
    return out;
}

Result<std::vector<Birth>> decode_births(std::string_view bytes, std::string_view what) {
    std::vector<Birth> births;
    BinaryReader reader(bytes);
    do {
        const std::uint64_t generation = reader.varint();
        const std::uint64_t offset = reader.varint();
        const Birth birth{Generation(static_cast<std::uint32_t>(generation)),
                          Offset(static_cast<std::int64_t>(offset))};
        const bool follows = births.empty() || (births.back().generation < birth.generation &&
                                                births.back().from <= birth.from);
        if (!reader.ok() || generation == 0 || generation != birth.generation.value() ||
            birth.from < Offset() || !follows)
            return fail(Errc::Damaged, std::string(what) + " do not follow their format");
        births.push_back(birth);
    } while (!reader.at_end());
    return births;
}

Result<void> Generations::load(Rocks& rocks) {
    births_.clear();
    const RocksBackend meta(rocks.db(), rocks.meta(), "");
    std::vector<std::optional<std::string>> mark;
    VITALOG_CHECK(meta.get_many({&kRestoredKey, 1}, mark));
    restored_ = mark.front().has_value();
    return meta.scan(kBornPrefix, [this](auto key, auto value) -> Result<void> {
        VITALOG_TRY(const TopicPartition tp, parse_births_key(key));
        VITALOG_TRY(births_[tp],
                    decode_births(value, "the births of generations of " + to_string(tp)));
        return {};
    });
}

Generation Generations::at(const TopicPartition& tp, Offset offset, Generation current) const {
    if (births_.empty()) return current;
    const auto found = births_.find(tp);
    if (found == births_.end()) return current;
    Generation generation = found->second.front().generation;
    for (const Birth& birth : found->second)
        if (birth.from <= offset) generation = birth.generation;
    return generation;
}

Result<Generation> Generations::raise(Rocks& rocks, AtomWriter& writer, Generation current,
                                      const std::map<TopicPartition, Offset>& ends) {
    const Generation next(current.value() + 1);
    const RocksBackend meta(rocks.db(), rocks.meta(), "");
    rocksdb::WriteBatch batch;
    meta.put(batch, {std::string(kGenerationKey), encode_number(next.value())});
    meta.put(batch, {std::string(kRestoredKey), std::string()});
    for (const auto& [tp, end] : ends) {
        auto births =
            births_.contains(tp) ? births_.at(tp) : std::vector<Birth>{{current, Offset()}};
        births.push_back({next, end});
        meta.put(batch, {births_key(tp), encode_births(births)});
    }
    VITALOG_CHECK(meta.scan(kShardKeyPrefix, [&](auto key, auto value) -> Result<void> {
        VITALOG_TRY(StoredShard stored, decode_shard_position(value));
        stored.position.generation = next;
        meta.put(batch, {std::string(key), encode_shard_position(stored)});
        return {};
    }));
    VITALOG_CHECK(meta.scan(kReaderKeyPrefix, [&](auto key, auto value) -> Result<void> {
        VITALOG_TRY(ReaderPosition stored, decode_reader_position(value));
        stored.generation = next;
        meta.put(batch, {std::string(key), encode_reader_position(stored)});
        return {};
    }));
    VITALOG_CHECK(writer.write(batch, {}));
    VITALOG_CHECK(writer.sync());
    VITALOG_CHECK(load(rocks));
    return next;
}

Result<std::uint64_t> Generations::pass_over(Rocks& rocks, AtomWriter& writer, PositionBook& book,
                                             const std::map<TopicPartition, Offset>& ends) {
    const RocksBackend meta(rocks.db(), rocks.meta(), "");
    rocksdb::WriteBatch batch;
    std::uint64_t passed = 0;
    std::vector<std::pair<std::string, TopicPartition>> moved;
    VITALOG_CHECK(meta.scan(kReaderKeyPrefix, [&](auto key, auto value) -> Result<void> {
        VITALOG_TRY(const PositionKey parsed, parse_position_key(key));
        VITALOG_TRY(ReaderPosition stored, decode_reader_position(value));
        const auto end = ends.find(parsed.tp);
        if (end == ends.end() || parsed.owner.ends_with(kSettled) || end->second <= stored.next)
            return {};
        passed += static_cast<std::uint64_t>(end->second.value() - stored.next.value());
        stored.next = end->second;
        meta.put(batch, {std::string(key), encode_reader_position(stored)});
        moved.emplace_back(key, parsed.tp);
        return {};
    }));
    meta.put(batch, {std::string(kRestoredKey), std::nullopt});
    VITALOG_CHECK(writer.write(batch, {}));
    VITALOG_CHECK(writer.sync());
    for (const auto& [key, tp] : moved) book.move_reader(key, tp, ends.at(tp));
    restored_ = false;
    return passed;
}

Result<void> copy_data_directory(Rocks& rocks, const std::filesystem::path& to) {
    std::error_code failure;
    if (std::filesystem::exists(to))
        return fail(Errc::Conflict, to.string() + " exists already: name a folder that does not");
    std::filesystem::create_directories(to, failure);
    if (failure) return fail(Errc::Io, "cannot create " + to.string() + ": " + failure.message());
    rocksdb::Checkpoint* made = nullptr;
    VITALOG_CHECK(check(rocksdb::Checkpoint::Create(&rocks.db(), &made), "cannot begin a backup",
                        rocks.db().GetName()));
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    // Every write is in the write-ahead log, which is copied: no flush of a hundred column
    // families.
    constexpr std::uint64_t kNoFlush = std::numeric_limits<std::uint64_t>::max();
    const std::string database = DataDirectory::database_of(to).string();
    VITALOG_CHECK(check(checkpoint->CreateCheckpoint(database, kNoFlush), "cannot write the backup",
                        database));
    return DataDirectory::write_format(to);
}

}  // namespace vitalog::topology
