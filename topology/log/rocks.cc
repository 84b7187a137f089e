#include "topology/log/rocks.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <array>
#include <cstdio>
#include <vector>

#include "schemas/base/planted.h"
#include "schemas/base/ports.h"
#include "topology/log/checked_tables.h"

namespace vitalog::topology {

namespace {

constexpr double kBloomBitsPerKey = 10;
constexpr std::size_t kPointBlockBytes = 8 << 10;  // a few entities of 1 KB
constexpr std::size_t kLogBlockBytes =
    64 << 10;  // a block of records is a block of its own from here on
constexpr std::size_t kLogWriteBufferBytes = 32 << 20;
constexpr std::size_t kStateWriteBufferBytes = 64 << 20;
constexpr std::size_t kSmallWriteBufferBytes = 8 << 20;
constexpr std::size_t kArenaBytes = 64 << 10;        // an idle column family takes next to nothing
constexpr std::uint64_t kWalBytesPerSync = 1 << 20;  // lets the kernel write ahead of our fsync
constexpr int kOpenFilesMax = 512;
constexpr int kNever = 1 << 30;

/// Blocks of records arrive in rising order and are compressed already: compaction moves files
/// without reading them, and nothing may ever slow writing down or rewrite them by age (RocksDB's
/// default after 30 days).
rocksdb::ColumnFamilyOptions log_column_options() {
    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = kLogWriteBufferBytes;
    options.max_write_buffer_number = 6;
    options.arena_block_size = kArenaBytes;
    options.compression = rocksdb::kNoCompression;
    options.level0_slowdown_writes_trigger = kNever;
    options.level0_stop_writes_trigger = kNever;
    options.soft_pending_compaction_bytes_limit = 0;
    options.hard_pending_compaction_bytes_limit = 0;
    options.ttl = 0;
    options.periodic_compaction_seconds = 0;
    rocksdb::BlockBasedTableOptions table;
    table.block_size = kLogBlockBytes;
    table.checksum = rocksdb::kXXH3;  // RocksDB as Debian builds it has no hardware CRC
    table.no_block_cache = true;      // the log keeps decoded blocks itself
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return options;
}

/// What RocksDB warns of, in our log. Its own log file would lie on the disk that fails: as Debian
/// builds it, the second line that can't be written there aborts the process.
class Warnings final : public rocksdb::Logger {
  public:
    Warnings() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
    using rocksdb::Logger::Logv;
    void Logv(const char* format, va_list arguments) override {
        std::array<char, 512> line{};
        std::vsnprintf(line.data(), line.size(), format, arguments);
        std::string message(line.data());
        while (message.ends_with('\n')) message.pop_back();
        log_line("warn", "rocksdb", {{"message", std::move(message)}});
    }
    void LogHeader(const char* /*format*/, va_list /*arguments*/) override {}
};

/// Opens every table, and so finds what with_checked_tables finds; RocksDB opens but some of them
/// by itself, others when they are read. A table without properties is one whose index RocksDB
/// reads by the wrong rules: records are missing without an error.
Result<void> check_tables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) {
    rocksdb::TablePropertiesCollection tables;
    VITALOG_CHECK(check(db.GetPropertiesOfAllTables(family, &tables),
                        "cannot read the tables of " + family->GetName(), db.GetName()));
    for (const auto& [file, properties] : tables)
        if (!properties)
            return fail(Errc::Damaged,
                        file +
                            " is damaged: its properties fail their checksum: stop vitalog and "
                            "restore the data directory from a backup");
    return {};
}

}  // namespace

Error to_error(const rocksdb::Status& status, std::string_view what, const std::string& database) {
    std::string message = std::string(what) + " in " + database + ": " + status.ToString();
    if (!status.IsCorruption()) return {Errc::Io, std::move(message)};
    return {Errc::Damaged,
            std::move(message) + ": stop vitalog and restore the data directory from a backup"};
}

Result<void> check(const rocksdb::Status& status, std::string_view what,
                   const std::string& database) {
    if (status.ok()) return {};
    return tl::unexpected(to_error(status, what, database));
}

Error found_in(const std::string& database, const Error& error) {
    if (error.message().find(database) != std::string::npos) return error;
    return {error.code(), "in " + database + ": " + error.message()};
}

Rocks::Rocks(const RocksSettings& settings)
    : settings_(settings),
      disk_(with_checked_tables(settings.disk ? *settings.disk->env : *rocksdb::Env::Default())),
      cache_(rocksdb::NewLRUCache(settings.block_cache_bytes)),
      write_buffers_(std::make_shared<rocksdb::WriteBufferManager>(settings.write_buffer_bytes)),
      log_options_(log_column_options()) {}

rocksdb::ColumnFamilyOptions Rocks::point_options(std::uint64_t write_buffer_bytes) const {
    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = write_buffer_bytes;
    options.max_write_buffer_number = 4;
    options.arena_block_size = kArenaBytes * 4;
    options.memtable_prefix_bloom_size_ratio = 0.02;
    options.memtable_whole_key_filtering = true;
    options.compression = rocksdb::kLZ4Compression;
    options.level_compaction_dynamic_level_bytes = true;
    // Writes to the state share a lock with appends: slow down late.
    options.level0_slowdown_writes_trigger = 40;
    options.level0_stop_writes_trigger = 80;
    rocksdb::BlockBasedTableOptions table;
    table.checksum = rocksdb::kXXH3;
    table.block_cache = cache_;
    table.block_size = kPointBlockBytes;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return options;
}

rocksdb::ColumnFamilyOptions Rocks::options_of(const std::string& name) const {
    if (name == "state") return point_options(kStateWriteBufferBytes);
    if (name == "ledger" || name == rocksdb::kDefaultColumnFamilyName)
        return point_options(kSmallWriteBufferBytes);
    return log_options_;
}

// Left as they are for 7.8 (see its release notes up to 8.7): atomic_flush and disableWAL, which
// lose data together; track_and_verify_wals_in_manifest, which finds damage where SyncWAL is used;
// file ingestion.
rocksdb::DBOptions Rocks::db_options() const {
    rocksdb::DBOptions options;
    options.env = disk_.get();
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.max_open_files = kOpenFilesMax;
    options.max_background_jobs = settings_.background_jobs;
    options.max_total_wal_size = settings_.wal_bytes_max;
    options.wal_bytes_per_sync = kWalBytesPerSync;
    options.bytes_per_sync = kWalBytesPerSync;
    options.write_buffer_manager = write_buffers_;
    options.allow_concurrent_memtable_write = false;  // one writer at a time
    options.info_log = std::make_shared<Warnings>();
    options.skip_stats_update_on_db_open = true;
    // What was not synced may be lost with the power, in order and across column families alike.
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    return options;
}

Result<std::unique_ptr<Rocks>> Rocks::open(const std::filesystem::path& path,
                                           const RocksSettings& settings) {
    return open_as(path, settings, Access::Write);
}

Result<std::unique_ptr<Rocks>> Rocks::open_to_read(const std::filesystem::path& path,
                                                   const RocksSettings& settings) {
    return open_as(path, settings, Access::Read);
}

Result<std::unique_ptr<Rocks>> Rocks::open_as(const std::filesystem::path& path,
                                              const RocksSettings& settings, Access access) {
    std::unique_ptr<Rocks> rocks(new Rocks(settings));
    std::error_code ignored;  // RocksDB says what it can't open
    if (access == Access::Write) std::filesystem::create_directories(path, ignored);
    VITALOG_TRY(rocks->dropped_, check_database_files(path, access == Access::Write));
    const rocksdb::DBOptions db_options = rocks->db_options();
    std::vector<std::string> names;
    if (std::filesystem::exists(path / "CURRENT"))
        VITALOG_CHECK(check(rocksdb::DB::ListColumnFamilies(db_options, path.string(), &names),
                            "cannot list the column families", path.string()));
    for (const char* name : {rocksdb::kDefaultColumnFamilyName.c_str(), "state", "ledger"})
        if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, rocks->options_of(name));
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status opened =
        access == Access::Read
            ? rocksdb::DB::OpenForReadOnly(db_options, path.string(), families, &handles, &db)
            : rocksdb::DB::Open(db_options, path.string(), families, &handles, &db);
    VITALOG_CHECK(check(opened, "cannot open the database", path.string()));
    rocks->db_.reset(db);
    for (std::size_t i = 0; i < handles.size(); ++i) {
        auto family = std::make_shared<ColumnFamily>(*db, handles[i]);
        if (names[i] == rocksdb::kDefaultColumnFamilyName) {
            rocks->meta_ = std::move(family);
        } else if (names[i] == "state") {
            rocks->state_ = std::move(family);
        } else if (names[i] == "ledger") {
            rocks->ledger_ = std::move(family);
        } else {
            rocks->logs_[names[i]] = std::move(family);
        }
    }
    for (rocksdb::ColumnFamilyHandle* handle : handles) VITALOG_CHECK(check_tables(*db, handle));
    return rocks;
}

Rocks::~Rocks() = default;

Result<std::vector<SharedColumnFamily>> Rocks::create_logs(const std::vector<std::string>& names) {
    std::vector<SharedColumnFamily> logs;
    if (names.empty()) return logs;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    const rocksdb::Status status = db_->CreateColumnFamilies(log_options_, names, &handles);
    for (rocksdb::ColumnFamilyHandle* handle : handles)
        logs.push_back(std::make_shared<ColumnFamily>(*db_, handle));
    VITALOG_CHECK(check(status, "cannot begin a segment", db_->GetName()));
    return logs;
}

Result<void> Rocks::drop_log(const ColumnFamily& log) {
    return check(db_->DropColumnFamily(log.get()), "cannot drop a segment", db_->GetName());
}

Rocks::Memory Rocks::memory() const {
    Memory memory{write_buffers_->memory_usage(), cache_->GetUsage(), 0};
    db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kEstimateTableReadersMem,
                                  &memory.table_readers);
    return memory;
}

Result<void> RocksBackend::get_many(std::span<const std::string_view> keys,
                                    std::vector<std::optional<std::string>>& values) const {
    const std::size_t count = keys.size();
    std::string bytes;  // prefixed keys, end to end
    std::vector<std::size_t> begins;
    for (const std::string_view key : keys) {
        begins.push_back(bytes.size());
        bytes.append(prefix_).append(key);
    }
    begins.push_back(bytes.size());
    std::vector<rocksdb::Slice> slices;
    for (std::size_t i = 0; i < count; ++i)
        slices.emplace_back(bytes.data() + begins[i], begins[i + 1] - begins[i]);
    std::vector<rocksdb::PinnableSlice> found(count);
    std::vector<rocksdb::Status> statuses(count);
    rocksdb::ReadOptions options;
    options.verify_checksums = !planted("believe-damaged-state");
    db_.MultiGet(options, family_, count, slices.data(), found.data(), statuses.data());
    values.assign(count, std::nullopt);
    for (std::size_t i = 0; i < count; ++i) {
        if (statuses[i].ok()) {
            values[i].emplace(found[i].data(), found[i].size());
        } else if (!statuses[i].IsNotFound()) {
            return tl::unexpected(to_error(statuses[i], "cannot read stored state", db_.GetName()));
        }
    }
    return {};
}

Result<void> RocksBackend::scan(
    std::string_view prefix,
    const std::function<Result<void>(std::string_view key, std::string_view value)>& visit) const {
    const std::string wanted = prefix_ + std::string(prefix);
    rocksdb::ReadOptions options = iterating();
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> at(db_.NewIterator(options, family_));
    for (at->Seek(wanted); at->Valid() && at->key().starts_with(wanted); at->Next())
        VITALOG_CHECK(visit(to_view(at->key()).substr(prefix_.size()), to_view(at->value())));
    return check(at->status(), "cannot scan stored state", db_.GetName());
}

void RocksBackend::put(rocksdb::WriteBatch& batch, const state::Write& write) const {
    const rocksdb::Slice parts[] = {to_slice(prefix_), to_slice(write.key)};
    const rocksdb::SliceParts key(parts, 2);
    if (!write.value) {
        batch.Delete(family_, key);
        return;
    }
    const rocksdb::Slice value = to_slice(*write.value);
    batch.Put(family_, key, rocksdb::SliceParts(&value, 1));
}

}  // namespace vitalog::topology
