#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "state/backend.h"
#include "topology/log/database_files.h"

// RocksDB as the embedded log uses it. For the source files of topology/log only.

namespace vitalog::topology {

inline rocksdb::Slice to_slice(std::string_view bytes) {
    return {bytes.data(), bytes.size()};
}
inline std::string_view to_view(const rocksdb::Slice& slice) {
    return {slice.data(), slice.size()};
}
/// Damaged for what RocksDB calls corruption, Io for the rest; `what` says what was being done, in
/// the database of the folder `database`.
Error to_error(const rocksdb::Status& status, std::string_view what, const std::string& database);
Result<void> check(const rocksdb::Status& status, std::string_view what,
                   const std::string& database);
/// Something stored there can't be read: says where, unless the error does.
Error found_in(const std::string& database, const Error& error);
template <class T>
Result<T> found_in(const std::string& database, Result<T> result) {
    if (result) return result;
    return tl::unexpected(found_in(database, result.error()));
}

/// What lies between the database and the disk: tests put faults there.
struct Disk {
    rocksdb::Env* env = nullptr;  ///< outlives every log opened over it
};

struct RocksSettings {
    std::uint64_t block_cache_bytes = 0;
    std::uint64_t write_buffer_bytes = 0;
    std::uint64_t wal_bytes_max = 0;
    int background_jobs = 0;
    const Disk* disk = nullptr;  ///< the machine's own
};

/// For every iterator. Where a table ends and the next one of its level fails its checksum, RocksDB
/// 7.8 goes on with what the other levels hold, without an error, unless deleted ranges are ignored
/// (MergingIterator::SkipNextDeleted). So no range is deleted here.
inline rocksdb::ReadOptions iterating() {
    rocksdb::ReadOptions options;
    options.ignore_range_deletions = true;
    return options;
}

/// A column family while somebody needs its data: dropping it from the database leaves readers
/// undisturbed.
class ColumnFamily {
  public:
    ColumnFamily(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle) : db_(db), handle_(handle) {}
    ColumnFamily(const ColumnFamily&) = delete;
    ColumnFamily& operator=(const ColumnFamily&) = delete;
    ~ColumnFamily() { db_.DestroyColumnFamilyHandle(handle_); }
    rocksdb::ColumnFamilyHandle* get() const { return handle_; }

  private:
    rocksdb::DB& db_;
    rocksdb::ColumnFamilyHandle* handle_;
};
// Shared: a reader keeps a segment alive that retention drops meanwhile.
using SharedColumnFamily = std::shared_ptr<ColumnFamily>;

/// The one database of a data directory: column families "default" (topics, positions), "state",
/// "ledger", and "log/..." for the blocks. Thread-safe, except that column families are added by
/// one thread at a time.
class Rocks {
  public:
    static Result<std::unique_ptr<Rocks>> open(const std::filesystem::path& path,
                                               const RocksSettings& settings);
    /// Changes no file of the database. What its write-ahead log holds is read into memory.
    static Result<std::unique_ptr<Rocks>> open_to_read(const std::filesystem::path& path,
                                                       const RocksSettings& settings);
    ~Rocks();

    rocksdb::DB& db() { return *db_; }
    rocksdb::ColumnFamilyHandle* meta() const { return meta_->get(); }
    rocksdb::ColumnFamilyHandle* state() const { return state_->get(); }
    rocksdb::ColumnFamilyHandle* ledger() const { return ledger_->get(); }
    /// The column families of blocks found at open, by name.
    const std::map<std::string, SharedColumnFamily>& logs() const { return logs_; }
    /// The same, moved out.
    std::map<std::string, SharedColumnFamily> take_logs() { return std::move(logs_); }
    /// New column families for blocks.
    Result<std::vector<SharedColumnFamily>> create_logs(const std::vector<std::string>& names);
    Result<void> drop_log(const ColumnFamily& log);
    /// What lay behind the last whole record of each write-ahead log at open.
    const std::vector<DroppedEnd>& dropped() const { return dropped_; }

    /// Bytes in use now.
    struct Memory {
        std::uint64_t write_buffers = 0;
        std::uint64_t block_cache = 0;
        std::uint64_t table_readers = 0;
    };
    Memory memory() const;

  private:
    enum class Access : std::uint8_t { Write, Read };
    explicit Rocks(const RocksSettings& settings);
    static Result<std::unique_ptr<Rocks>> open_as(const std::filesystem::path& path,
                                                  const RocksSettings& settings, Access access);
    rocksdb::ColumnFamilyOptions point_options(std::uint64_t write_buffer_bytes) const;
    rocksdb::ColumnFamilyOptions options_of(const std::string& name) const;
    rocksdb::DBOptions db_options() const;

    const RocksSettings settings_;
    const std::unique_ptr<rocksdb::Env> disk_;
    std::vector<DroppedEnd> dropped_;
    std::shared_ptr<rocksdb::Cache> cache_;
    std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
    rocksdb::ColumnFamilyOptions log_options_;
    std::unique_ptr<rocksdb::DB> db_;
    SharedColumnFamily meta_;
    SharedColumnFamily state_;
    SharedColumnFamily ledger_;
    std::map<std::string, SharedColumnFamily> logs_;
};

/// One part of a column family, told by a prefix, as the entity store and the ledger read it. The
/// column family must outlive it.
class RocksBackend final : public state::Backend {
  public:
    RocksBackend(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, std::string prefix)
        : db_(db), family_(family), prefix_(std::move(prefix)) {}

    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override;
    Result<void> scan(
        std::string_view prefix,
        const std::function<Result<void>(std::string_view key, std::string_view value)>& visit)
        const override;
    /// Adds a change to a batch.
    void put(rocksdb::WriteBatch& batch, const state::Write& write) const;

  private:
    rocksdb::DB& db_;
    rocksdb::ColumnFamilyHandle* family_;
    const std::string prefix_;
};

}  // namespace vitalog::topology
