#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "topology/log/rocks.h"

namespace vitalog::topology {

/// A disk under RocksDB that fails as it is told, over real files. Knows of each file what was
/// synced and of each folder which names were, and takes the rest away when the power goes.
/// Thread-safe.
class FaultDisk final : public rocksdb::FileSystemWrapper {
  public:
    enum class Fault : std::uint8_t {
        None,
        PowerLoss,    ///< nothing more reaches the disk, as if the process were gone
        FailedSync,   ///< this fsync fails, and what it covered is never on disk
        Full,         ///< no space for what is written
        FlippedRead,  ///< one read gives a byte that is not what was written
        FlippedBlock  ///< one write puts a byte on disk that was not given
    };

    explicit FaultDisk(std::uint64_t seed);
    const char* Name() const override { return "FaultDisk"; }

    /// What EmbeddedLog::Options takes.
    const Disk* disk() const { return &disk_; }
    /// From the operation number `after` on; counted are writes and fsyncs, or reads for
    /// FlippedRead.
    void arm(Fault fault, std::uint64_t after);
    void heal();
    bool struck() const;
    /// Keeps of each file what was synced and a random part of what follows; files whose names were
    /// not synced may vanish.
    void lose_power();

    rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                          rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* directory,
                                   rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                                 const rocksdb::IOOptions& options,
                                 rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                                 rocksdb::IODebugContext* debug) override;

  private:
    class WritableFile;
    class RandomAccessFile;
    class Directory;

    /// How much of `bytes` may be written, and what is said then.
    rocksdb::IOStatus admit_write(const std::string& name, std::size_t bytes,
                                  std::size_t& admitted);
    rocksdb::IOStatus admit_sync(const std::string& name, std::uint64_t size);
    rocksdb::IOStatus admit_change(const std::string& name);
    /// A byte to change, or nothing.
    bool flips(Fault kind, std::size_t bytes, std::size_t& at);
    void names_synced(const std::string& folder);
    void note_written(const std::string& name, std::uint64_t size);
    bool strikes();

    struct File {
        std::uint64_t synced = 0;
        std::uint64_t size = 0;
        bool lost = false;  ///< an fsync of it has failed
    };

    mutable std::mutex mutex_;  // guards what follows
    std::mt19937_64 chance_;
    Fault fault_ = Fault::None;
    std::uint64_t left_ = 0;  // operations until it strikes
    bool struck_ = false;
    std::map<std::string, File> files_;
    std::set<std::string> new_names_;

    std::unique_ptr<rocksdb::Env> env_;
    Disk disk_;
};

}  // namespace vitalog::topology
