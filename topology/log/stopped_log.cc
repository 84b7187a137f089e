#include "topology/log/stopped_log.h"

#include <algorithm>
#include <map>

#include "topology/log/data_directory.h"
#include "topology/log/embedded_keys.h"
#include "topology/log/generations.h"
#include "topology/log/partition_log.h"
#include "topology/log/stored_position.h"

namespace vitalog::topology {
namespace {

constexpr RocksSettings kReading{.block_cache_bytes = std::uint64_t{64} << 20,
                                 .write_buffer_bytes = std::uint64_t{256} << 20,
                                 .wal_bytes_max = 0,
                                 .background_jobs = 1};

}  // namespace

class StoppedLog::Impl {
  public:
    Impl(DataDirectory directory, std::unique_ptr<Rocks> rocks)
        : directory_(std::move(directory)),
          rocks_(std::move(rocks)),
          meta_(rocks_->db(), rocks_->meta(), "") {}

    Result<void> load() {
        VITALOG_CHECK(
            directory_.check_synced(rocks_->db().GetLatestSequenceNumber(), rocks_->dropped()));
        VITALOG_CHECK(load_topics());
        VITALOG_CHECK(load_positions());
        VITALOG_CHECK(generations.load(*rocks_));
        for (auto& [name, family] : rocks_->take_logs()) {  // by name, and so by base
            VITALOG_TRY(const SegmentName segment, parse_segment_name(name));
            auto& partition = partitions_[segment.tp];
            if (!partition)
                partition = std::make_unique<PartitionLog>(
                    segment.tp, TopicConfig{.name = segment.tp.topic}, *rocks_);
            VITALOG_CHECK(partition->recover_segment(std::move(family), segment.base));
        }
        return {};
    }

    const PartitionLog* find(const TopicPartition& tp) const {
        const auto found = partitions_.find(tp);
        return found == partitions_.end() ? nullptr : found->second.get();
    }
    Result<void> scan_state(std::uint32_t shard, const Visit& visit) const {
        return RocksBackend(rocks_->db(), rocks_->state(), state_prefix(shard)).scan("", visit);
    }
    Result<void> scan_ledger(const Visit& visit) const {
        return RocksBackend(rocks_->db(), rocks_->ledger(), "").scan("", visit);
    }

    Generation generation{1};
    Generations generations;
    std::vector<Topic> topics;
    std::vector<Shard> shards;
    std::vector<ReaderPlace> readers;

  private:
    Result<void> load_topics() {
        std::vector<std::optional<std::string>> values;
        VITALOG_CHECK(meta_.get_many({&kGenerationKey, 1}, values));
        if (!values.front())
            return fail(Errc::Damaged, directory_.database().string() + " holds no log");
        VITALOG_TRY(const auto number, decode_number(*values.front(), "the stored generation"));
        generation = Generation(number);
        return meta_.scan(kTopicKeyPrefix, [this](auto key, auto value) -> Result<void> {
            std::string topic(key.substr(kTopicKeyPrefix.size()));
            VITALOG_TRY(const auto count,
                        decode_number(value, "the stored partition count of " + topic));
            topics.push_back({std::move(topic), count});
            return {};
        });
    }

    Result<void> load_positions() {
        VITALOG_CHECK(meta_.scan(kShardKeyPrefix, [this](auto key, auto value) -> Result<void> {
            VITALOG_TRY(auto parsed, parse_position_key(key));
            VITALOG_TRY(const StoredShard stored, decode_shard_position(value));
            shards.push_back(
                {std::move(parsed.owner), std::move(parsed.tp), stored.position, stored.shard, {}});
            return {};
        }));
        VITALOG_CHECK(meta_.scan(kLogicKeyPrefix, [this](auto key, auto value) -> Result<void> {
            VITALOG_TRY(const LogicKey parsed, parse_logic_key(key));
            VITALOG_TRY(const auto logic, decode_number(value, "the note of an earlier logic"));
            for (Shard& shard : shards)
                if (shard.stage == parsed.shard.owner && shard.input == parsed.shard.tp)
                    shard.earlier.push_back({parsed.until, logic});
            return {};
        }));
        for (Shard& shard : shards) std::ranges::sort(shard.earlier, {}, &EarlierLogic::until);
        return meta_.scan(kReaderKeyPrefix, [this](auto key, auto value) -> Result<void> {
            VITALOG_TRY(auto parsed, parse_position_key(key));
            VITALOG_TRY(const ReaderPosition stored, decode_reader_position(value));
            readers.push_back({std::move(parsed.owner), std::move(parsed.tp), stored.next});
            return {};
        });
    }

    const DataDirectory directory_;
    const std::unique_ptr<Rocks> rocks_;
    const RocksBackend meta_;
    std::map<TopicPartition, std::unique_ptr<PartitionLog>> partitions_;
};

StoppedLog::StoppedLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StoppedLog::~StoppedLog() = default;

Result<std::unique_ptr<StoppedLog>> StoppedLog::open(const std::filesystem::path& data_dir) {
    // What DataDirectory would make where there is nothing.
    for (const auto& needed : {data_dir / "format", DataDirectory::database_of(data_dir)})
        if (!std::filesystem::exists(needed))
            return fail(Errc::NotFound, data_dir.string() + " is no data directory: there is no " +
                                            needed.string());
    VITALOG_TRY(DataDirectory directory, DataDirectory::open(data_dir));
    if (directory.version() == 1)
        return fail(Errc::Conflict, data_dir.string() +
                                        " was written by the first version, VLOG 1: start the site "
                                        "on it once (`vitalog run`), then stop it");
    VITALOG_TRY(auto rocks, Rocks::open_to_read(directory.database(), kReading));
    const std::string database = rocks->db().GetName();
    auto impl = std::make_unique<Impl>(std::move(directory), std::move(rocks));
    VITALOG_CHECK(found_in(database, impl->load()));
    return std::unique_ptr<StoppedLog>(new StoppedLog(std::move(impl)));
}

const std::vector<StoppedLog::Topic>& StoppedLog::topics() const {
    return impl_->topics;
}

const std::vector<StoppedLog::Shard>& StoppedLog::shards() const {
    return impl_->shards;
}

const std::vector<StoppedLog::ReaderPlace>& StoppedLog::readers() const {
    return impl_->readers;
}

Generation StoppedLog::generation() const {
    return impl_->generation;
}

Generation StoppedLog::generation_at(const TopicPartition& tp, Offset offset) const {
    return impl_->generations.at(tp, offset, impl_->generation);
}

StoppedLog::Extent StoppedLog::extent(const TopicPartition& tp) const {
    const PartitionLog* partition = impl_->find(tp);
    return partition ? Extent{partition->begin(), partition->end()} : Extent{};
}

Result<void> StoppedLog::read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                              RecordBatch& out) const {
    const PartitionLog* partition = impl_->find(tp);
    return partition ? partition->read(from, max_bytes, out) : unknown_partition(tp);
}

Result<void> StoppedLog::visit_blocks(const TopicPartition& tp, const BlockVisit& visit) const {
    const PartitionLog* partition = impl_->find(tp);
    return partition ? partition->visit_blocks(visit) : unknown_partition(tp);
}

Result<void> StoppedLog::scan_state(const Shard& shard, const Visit& visit) const {
    return impl_->scan_state(shard.number, visit);
}

Result<void> StoppedLog::scan_ledger(const Visit& visit) const {
    return impl_->scan_ledger(visit);
}

}  // namespace vitalog::topology
