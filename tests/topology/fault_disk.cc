#include "fault_disk.h"

#include <filesystem>
#include <utility>

namespace vitalog::topology {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FaultDisk::WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    WritableFile(FaultDisk& disk, std::string name,
                 std::unique_ptr<rocksdb::FSWritableFile>&& target)
        : FSWritableFileOwnerWrapper(std::move(target)), disk_(disk), name_(std::move(name)) {}

    IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
        std::size_t admitted = 0;
        const IOStatus verdict = disk_.admit_write(name_, data.size(), admitted);
        std::string bytes(data.data(), admitted);
        std::size_t at = 0;
        if (disk_.flips(Fault::FlippedBlock, bytes.size(), at))
            bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
        const IOStatus written = target()->Append(bytes, options, debug);
        if (written.ok()) size_ += admitted;
        disk_.note_written(name_, size_);
        return verdict.ok() ? written : verdict;
    }
    IOStatus Append(const Slice& data, const IOOptions& options,
                    const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
        return Append(data, options, debug);
    }
    IOStatus Sync(const IOOptions&, IODebugContext*) override {
        return disk_.admit_sync(name_, size_);
    }
    IOStatus Fsync(const IOOptions&, IODebugContext*) override {
        return disk_.admit_sync(name_, size_);
    }
    IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
        return IOStatus::OK();
    }
    std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

  private:
    FaultDisk& disk_;
    const std::string name_;
    std::atomic<std::uint64_t> size_{0};
};

class FaultDisk::RandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
  public:
    RandomAccessFile(FaultDisk& disk, std::unique_ptr<rocksdb::FSRandomAccessFile>&& target)
        : FSRandomAccessFileOwnerWrapper(std::move(target)), disk_(disk) {}

    IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& options, Slice* result,
                  char* scratch, IODebugContext* debug) const override {
        const IOStatus read = target()->Read(offset, n, options, result, scratch, debug);
        flip(read, *result);
        return read;
    }
    IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t count,
                       const IOOptions& options, IODebugContext* debug) override {
        const IOStatus read = target()->MultiRead(requests, count, options, debug);
        for (std::size_t i = 0; read.ok() && i < count; ++i)
            flip(requests[i].status, requests[i].result);
        return read;
    }

  private:
    void flip(const IOStatus& read, const Slice& bytes) const {
        std::size_t at = 0;
        if (!read.ok() || !disk_.flips(Fault::FlippedRead, bytes.size(), at)) return;
        auto* const data = const_cast<char*>(bytes.data());  // the reader's own buffer
        data[at] = static_cast<char>(data[at] ^ 0x10);
    }
    FaultDisk& disk_;
};

class FaultDisk::Directory final : public rocksdb::FSDirectoryWrapper {
  public:
    Directory(FaultDisk& disk, std::string name, std::unique_ptr<rocksdb::FSDirectory>&& target)
        : FSDirectoryWrapper(std::move(target)), disk_(disk), name_(std::move(name)) {}

    IOStatus Fsync(const IOOptions&, IODebugContext*) override { return sync(); }
    IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*,
                                 const rocksdb::DirFsyncOptions&) override {
        return sync();
    }

  private:
    IOStatus sync() {
        const IOStatus verdict = disk_.admit_sync(name_, 0);
        if (verdict.ok()) disk_.names_synced(name_);
        return verdict;
    }
    FaultDisk& disk_;
    const std::string name_;
};

FaultDisk::FaultDisk(std::uint64_t seed)
    : FileSystemWrapper(rocksdb::FileSystem::Default()),
      chance_(seed),
      // The environment does not own the disk: it is a part of it.
      env_(rocksdb::NewCompositeEnv(
          std::shared_ptr<rocksdb::FileSystem>(std::shared_ptr<void>(), this))),
      disk_{env_.get()} {}

void FaultDisk::arm(Fault fault, std::uint64_t after) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    left_ = after;
    struck_ = false;
}

void FaultDisk::heal() {
    arm(Fault::None, 0);
}

bool FaultDisk::struck() const {
    const std::lock_guard lock(mutex_);
    return struck_;
}

/// Counts an operation; true from the one on that is meant.
bool FaultDisk::strikes() {
    if (left_ > 0) {
        --left_;
        return false;
    }
    struck_ = true;
    return true;
}

IOStatus FaultDisk::admit_write(const std::string& name, std::size_t bytes, std::size_t& admitted) {
    const std::lock_guard lock(mutex_);
    admitted = bytes;
    if ((fault_ != Fault::PowerLoss && fault_ != Fault::Full) || !strikes()) return IOStatus::OK();
    admitted = bytes == 0 ? 0 : chance_() % bytes;
    if (fault_ == Fault::Full) return IOStatus::NoSpace("No space left on device", name);
    return IOStatus::IOError("the power is gone", name);
}

IOStatus FaultDisk::admit_change(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (fault_ != Fault::PowerLoss || !strikes()) return IOStatus::OK();
    return IOStatus::IOError("the power is gone", name);
}

IOStatus FaultDisk::admit_sync(const std::string& name, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    File& file = files_[name];
    if ((fault_ == Fault::PowerLoss || fault_ == Fault::FailedSync) && strikes()) {
        file.lost = true;
        return IOStatus::IOError("While fsync: Input/output error", name);
    }
    if (!file.lost) file.synced = std::max(file.synced, size);
    return IOStatus::OK();
}

bool FaultDisk::flips(Fault kind, std::size_t bytes, std::size_t& at) {
    const std::lock_guard lock(mutex_);
    if (fault_ != kind || bytes == 0 || struck_ || !strikes()) return false;
    at = chance_() % bytes;
    return true;
}

void FaultDisk::note_written(const std::string& name, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    files_[name].size = size;
}

void FaultDisk::names_synced(const std::string& folder) {
    const std::lock_guard lock(mutex_);
    std::erase_if(new_names_, [&](const std::string& name) {
        return std::filesystem::path(name).parent_path() == std::filesystem::path(folder);
    });
}

void FaultDisk::lose_power() {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, file] : files_) {
        std::error_code gone;
        if (!std::filesystem::is_regular_file(name, gone)) continue;
        if (new_names_.contains(name) && chance_() % 2 == 0) {
            std::filesystem::remove(name);
            continue;
        }
        const std::uint64_t size = std::filesystem::file_size(name);
        const std::uint64_t written = std::min(file.size, size);
        if (written <= file.synced) continue;
        std::filesystem::resize_file(name, file.synced + chance_() % (written - file.synced + 1));
    }
    files_.clear();
    new_names_.clear();
}

IOStatus FaultDisk::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    IODebugContext* debug) {
    if (const IOStatus verdict = admit_change(name); !verdict.ok()) return verdict;
    std::unique_ptr<rocksdb::FSWritableFile> opened;
    const IOStatus made = target()->NewWritableFile(name, options, &opened, debug);
    if (!made.ok()) return made;
    const std::lock_guard lock(mutex_);
    files_[name] = File();
    new_names_.insert(name);
    *file = std::make_unique<WritableFile>(*this, name, std::move(opened));
    return made;
}

IOStatus FaultDisk::NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        IODebugContext* debug) {
    std::unique_ptr<rocksdb::FSRandomAccessFile> opened;
    const IOStatus made = target()->NewRandomAccessFile(name, options, &opened, debug);
    if (made.ok()) *file = std::make_unique<RandomAccessFile>(*this, std::move(opened));
    return made;
}

IOStatus FaultDisk::NewDirectory(const std::string& name, const IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 IODebugContext* debug) {
    std::unique_ptr<rocksdb::FSDirectory> opened;
    const IOStatus made = target()->NewDirectory(name, options, &opened, debug);
    if (made.ok()) *directory = std::make_unique<Directory>(*this, name, std::move(opened));
    return made;
}

IOStatus FaultDisk::RenameFile(const std::string& from, const std::string& to,
                               const IOOptions& options, IODebugContext* debug) {
    if (const IOStatus verdict = admit_change(from); !verdict.ok()) return verdict;
    const IOStatus renamed = target()->RenameFile(from, to, options, debug);
    if (!renamed.ok()) return renamed;
    // File systems with a journal keep the order of names in a folder: this one stays, so do those
    // made before it. Else CURRENT could name a manifest that the loss of power took.
    names_synced(std::filesystem::path(to).parent_path().string());
    const std::lock_guard lock(mutex_);
    // Whether the new name is on disk or the old one, what is under it is whole: RocksDB writes
    // and syncs a file before it gives it its name.
    files_[to] = files_[from];
    files_.erase(from);
    new_names_.erase(from);
    return renamed;
}

IOStatus FaultDisk::DeleteFile(const std::string& name, const IOOptions& options,
                               IODebugContext* debug) {
    if (const IOStatus verdict = admit_change(name); !verdict.ok()) return verdict;
    const IOStatus deleted = target()->DeleteFile(name, options, debug);
    const std::lock_guard lock(mutex_);
    files_.erase(name);
    new_names_.erase(name);
    return deleted;
}

}  // namespace vitalog::topology
