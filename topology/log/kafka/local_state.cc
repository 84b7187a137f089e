#include "topology/log/kafka/local_state.h"

#include <fmt/format.h>

#include "schemas/base/binary.h"
#include "topology/log/stored_position.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::size_t kWipeBytes = std::size_t{1} << 20;  // of one write

constexpr std::string_view kClusterKey = "cluster";
constexpr std::string_view kRestoredPrefix{"restored\0", 9};
constexpr std::string_view kStandPrefix{"stand\0", 6};
constexpr std::string_view kLearntPrefix{"learnt\0", 7};

std::string restored_key(const std::string& shard) {
    return std::string(kRestoredPrefix) + shard;
}

std::string stand_key(const std::string& shard) {
    return std::string(kStandPrefix) + shard;
}

std::string learnt_key(const TopicPartition& feed) {
    std::string key = std::string(kLearntPrefix) + feed.topic + '\0';
    BinaryWriter(key).fixed32(feed.partition.value());
    return key;
}

std::string state_prefix(const std::string& shard) {
    std::string prefix;
    BinaryWriter(prefix).fixed64(hash64(shard));
    return prefix;
}

Result<std::optional<std::string>> get(const RocksBackend& backend, std::string_view key) {
    std::vector<std::optional<std::string>> values;
    VITALOG_CHECK(backend.get_many({&key, 1}, values));
    return std::move(values.front());
}

}  // namespace

LocalState::LocalState(DataDirectory directory, std::unique_ptr<Rocks> rocks)
    : directory_(std::move(directory)),
      rocks_(std::move(rocks)),
      meta_(rocks_->db(), rocks_->meta(), ""),
      ledger_(rocks_->db(), rocks_->ledger(), "") {}

Result<std::unique_ptr<LocalState>> LocalState::open(const std::filesystem::path& folder,
                                                     const std::string& cluster,
                                                     const RocksSettings& settings) {
    VITALOG_TRY(DataDirectory directory,
                DataDirectory::open(folder, DataDirectory::Holds::ClusterState));
    VITALOG_TRY(auto rocks, Rocks::open(directory.database(), settings));
    std::unique_ptr<LocalState> local(new LocalState(std::move(directory), std::move(rocks)));
    VITALOG_CHECK(local->check_cluster(cluster));
    return local;
}

Result<void> LocalState::check_cluster(const std::string& cluster) {
    VITALOG_TRY(const auto known, get(meta_, kClusterKey));
    if (known && *known != cluster)
        return fail(Errc::Configuration,
                    fmt::format("{} belongs to the Kafka cluster {}, log.brokers lead to {}: "
                                "choose another --data-dir, "
                                "or remove this one, which costs the time of a restore",
                                folder().string(), *known, cluster));
    rocksdb::WriteBatch batch;
    meta_.put(batch, {std::string(kClusterKey), cluster});
    return write(batch);
}

Result<void> LocalState::write(rocksdb::WriteBatch& batch) {
    const std::lock_guard lock(mutex_);
    return topology::check(rocks_->db().Write(rocksdb::WriteOptions(), &batch),
                           "cannot write", directory_.database().string());
}

Result<std::optional<LocalState::Restored>> LocalState::restored(const std::string& shard) const {
    VITALOG_TRY(const auto bytes, get(meta_, restored_key(shard)));
    if (!bytes) return std::nullopt;
    BinaryReader reader(*bytes);
    Restored restored;
    restored.next = Offset(static_cast<std::int64_t>(reader.varint()));
    restored.when = LogTime(reader.signed_varint());
    VITALOG_CHECK(reader.finish("the position of a shard in the data directory"));
    return restored;
}

Result<void> LocalState::wipe(const std::string& shard) {
    rocksdb::WriteBatch batch;
    // First: what is half gone is not taken for whole. One by one: see iterating() on ranges.
    meta_.put(batch, {restored_key(shard), std::nullopt});
    const RocksBackend state(rocks_->db(), rocks_->state(), state_prefix(shard));
    VITALOG_CHECK(state.scan("", [&](std::string_view key, std::string_view) -> Result<void> {
        state.put(batch, {std::string(key), std::nullopt});
        if (batch.GetDataSize() < kWipeBytes) return {};
        const auto written = write(batch);
        batch.Clear();
        return written;
    }));
    return write(batch);
}

Result<void> LocalState::apply(const std::vector<Change>& changes, LogTime now,
                               const std::vector<Stand>& stands) {
    rocksdb::WriteBatch batch;
    for (const Change& change : changes) {
        const RocksBackend state(rocks_->db(), rocks_->state(), state_prefix(*change.shard));
        for (const state::Write& write : *change.writes) state.put(batch, write);
        std::string bytes;
        BinaryWriter writer(bytes);
        writer.varint(static_cast<std::uint64_t>(change.next.value()));
        writer.signed_varint(now.micros());
        meta_.put(batch, {restored_key(*change.shard), std::move(bytes)});
    }
    for (const Stand& stand : stands) {
        std::string bytes;
        BinaryWriter(bytes).varint(static_cast<std::uint64_t>(stand.committed.value()));
        meta_.put(batch, {stand_key(*stand.shard), bytes + stand.metadata});
    }
    return write(batch);
}

Result<std::optional<LocalState::Stand>> LocalState::stand(const std::string& shard) const {
    VITALOG_TRY(const auto bytes, get(meta_, stand_key(shard)));
    if (!bytes) return std::nullopt;
    BinaryReader reader(*bytes);
    Stand stand{nullptr, Offset(static_cast<std::int64_t>(reader.varint())), {}};
    if (!reader.ok() || stand.committed < Offset())
        return fail(Errc::Damaged, "where a shard stands can't be read in the data directory");
    stand.metadata = reader.rest();
    return stand;
}

Result<Offset> LocalState::learnt(const TopicPartition& feed) const {
    VITALOG_TRY(const auto bytes, get(meta_, learnt_key(feed)));
    if (!bytes) return Offset();
    BinaryReader reader(*bytes);
    const Offset learnt(static_cast<std::int64_t>(reader.varint()));
    VITALOG_CHECK(reader.finish("what was learnt of " + to_string(feed)));
    if (learnt < Offset())
        return fail(Errc::Damaged, "what was learnt of " + to_string(feed) + " lies before its begin");
    return learnt;
}

Result<void> LocalState::learn(const std::vector<state::Write>& ledger,
                               const std::map<TopicPartition, Offset>& next) {
    rocksdb::WriteBatch batch;
    for (const state::Write& write : ledger) ledger_.put(batch, write);
    for (const auto& [feed, offset] : next) {
        std::string bytes;
        BinaryWriter(bytes).varint(static_cast<std::uint64_t>(offset.value()));
        meta_.put(batch, {learnt_key(feed), std::move(bytes)});
    }
    return write(batch);
}

Result<void> LocalState::sync() {
    return topology::check(rocks_->db().SyncWAL(), "cannot sync", directory_.database().string());
}

std::unique_ptr<RocksBackend> LocalState::backend(const std::string& shard) {
    return std::make_unique<RocksBackend>(rocks_->db(), rocks_->state(), state_prefix(shard));
}

}  // namespace vitalog::topology::kafka
