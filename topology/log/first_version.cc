#include "topology/log/first_version.h"

#include <map>
#include <memory>
#include <string>

#include "schemas/base/ports.h"
#include "topology/log/embedded_keys.h"
#include "topology/log/partition_log.h"
#include "topology/log/stored_position.h"

namespace vitalog::topology {
namespace {

constexpr std::string_view kEffects = "effects.";
constexpr std::string_view kHigh = ".high";
/// A topic that the first version did not have, and those between did.
constexpr std::string_view kLaterTopic = "send.wecom";

Result<void> check_writer(const RocksBackend& meta) {
    const std::string key = std::string(kTopicKeyPrefix) + std::string(kLaterTopic);
    const std::string_view view = key;
    std::vector<std::optional<std::string>> values;
    VITALOG_CHECK(meta.get_many({&view, 1}, values));
    if (!values.front()) return {};
    return fail(Errc::Conflict,
                "the data directory says VLOG 1, but has the topic " + std::string(kLaterTopic) +
                    ": a version between the first and this one wrote it, which this one does not "
                    "read; run that one");
}

Result<void> check_stopped(const RocksBackend& meta) {
    return meta.scan(kShardKeyPrefix, [](auto key, auto value) -> Result<void> {
        VITALOG_TRY(const PositionKey parsed, parse_position_key(key));
        VITALOG_TRY(const StoredShard stored, decode_shard_position(value));
        if (stored.position.checkpoint >= stored.position.committed) return {};
        return fail(Errc::Conflict,
                    "the data directory was written by an older version, which was not stopped in "
                    "order: the state of " +
                        parsed.owner + " trails at " + to_string(parsed.tp) +
                        ". Start that version once more and stop it (SIGTERM), or start this one "
                        "with --accept-drift");
    });
}

Result<void> link_blocks(Rocks& rocks, rocksdb::WriteBatch& batch) {
    std::map<TopicPartition, std::unique_ptr<PartitionLog>> partitions;
    for (const auto& [name, family] : rocks.logs()) {  // by name, and so by base
        VITALOG_TRY(const SegmentName segment, parse_segment_name(name));
        auto& partition = partitions[segment.tp];
        if (!partition)
            partition = std::make_unique<PartitionLog>(
                segment.tp, TopicConfig{.name = segment.tp.topic}, rocks);
        VITALOG_CHECK(partition->recover_segment(family, segment.base));
    }
    for (const auto& [tp, partition] : partitions) {
        const PartitionLog& log = *partition;
        BlockChain chain(tp, log.begin());
        VITALOG_CHECK(log.visit_blocks([&](Offset base, std::string_view stored) -> Result<void> {
            if (const auto added = chain.add(base, stored); !added)
                return tl::unexpected(log.block_error(base, added.error()));
            return {};
        }));
        if (chain.head()) batch.Put(rocks.meta(), chain_key(tp), to_slice(chain.head()->view()));
    }
    return {};
}

/// "effects.sms.settled" -> "effects.sms.high.settled"; channels have no dot in their names.
std::string of_high(std::string_view reader) {
    const std::size_t channel = reader.find('.', kEffects.size());
    std::string name(reader.substr(0, channel));
    name.append(kHigh);
    if (channel != std::string_view::npos) name.append(reader.substr(channel));
    return name;
}

Result<void> split_senders(const RocksBackend& meta, rocksdb::WriteBatch& batch) {
    return meta.scan(kReaderKeyPrefix, [&](auto key, auto value) -> Result<void> {
        VITALOG_TRY(const PositionKey parsed, parse_position_key(key));
        const std::string& reader = parsed.owner;
        if (!reader.starts_with(kEffects) || reader.find(kHigh) != std::string::npos) return {};
        meta.put(batch, {reader_position_key(of_high(reader), parsed.tp), std::string(value)});
        return {};
    });
}

}  // namespace

Result<void> complete_first_version(Rocks& rocks, bool accept_drift) {
    const RocksBackend meta(rocks.db(), rocks.meta(), "");
    VITALOG_CHECK(check_writer(meta));
    if (!accept_drift) VITALOG_CHECK(check_stopped(meta));
    rocksdb::WriteBatch batch;
    VITALOG_CHECK(link_blocks(rocks, batch));
    VITALOG_CHECK(split_senders(meta, batch));
    rocksdb::WriteOptions durable;
    durable.sync = true;
    return check(rocks.db().Write(durable, &batch), "cannot complete the data directory",
                 rocks.db().GetName());
}

}  // namespace vitalog::topology
