#include "topology/log/checked_tables.h"

#include <rocksdb/file_system.h>
#include <rocksdb/table.h>

#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/binary.h"
#include "schemas/base/ids.h"

namespace vitalog::topology {

namespace {

// "BlockBasedTable Format" in RocksDB's wiki:
//   table     := ... properties ... metaindex ... footer
//   footer    := checksum type u8 | handle of the metaindex | handle of the index | zeros, up to
//                41 bytes | format version fixed32 | magic fixed64
//   handle    := offset varint | size varint
//   block     := its `size` bytes | compression u8 | checksum fixed32 of these and of that
//   metaindex := entry* | restarts
//   entry     := bytes shared with the name before varint | bytes of the name varint | bytes of the
//                handle varint | name | handle
constexpr std::size_t kFooterBytes = 53;
constexpr std::size_t kHandlesEnd = 41;
constexpr std::size_t kTrailerBytes = 5;
constexpr std::uint32_t kFormatVersion = 5;
constexpr std::uint64_t kMagic = 0x88e241b785f4cff7;
constexpr std::uint32_t kCompressionFactor = 0x6b9083d9;  // of the compression in the checksum
constexpr std::string_view kProperties = "rocksdb.properties";

struct Handle {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

std::optional<Handle> handle_in(BinaryReader& bytes) {
    const Handle handle{bytes.varint(), bytes.varint()};
    if (!bytes.ok()) return std::nullopt;
    return handle;
}

std::optional<Handle> properties_in(std::string_view metaindex) {
    for (;;) {
        BinaryReader entry(metaindex);
        const std::uint64_t shared = entry.varint();
        const std::uint64_t name = entry.varint();
        const std::uint64_t handle = entry.varint();
        const std::string_view rest = entry.rest();
        if (!entry.ok() || shared != 0 || name > rest.size() || handle > rest.size() - name)
            return std::nullopt;
        BinaryReader value(rest.substr(name, handle));
        if (rest.substr(0, name) == kProperties) return handle_in(value);
        metaindex = rest.substr(name + handle);
    }
}

class TableFile {
  public:
    TableFile(std::string name, const rocksdb::FSRandomAccessFile& file, std::uint64_t size)
        : name_(std::move(name)), file_(file), size_(size) {}

    rocksdb::IOStatus check() const {
        std::string footer;
        if (size_ < kFooterBytes) return rocksdb::IOStatus::OK();
        if (auto read = bytes_at({size_ - kFooterBytes, kFooterBytes}, footer); !read.ok())
            return read;
        BinaryReader end(std::string_view(footer).substr(kHandlesEnd));
        const std::uint32_t version = end.fixed32();
        if (end.fixed64() != kMagic) return rocksdb::IOStatus::OK();
        if (version > rocksdb::BlockBasedTableOptions().format_version) return damaged("footer");
        if (version != kFormatVersion) return rocksdb::IOStatus::OK();
        BinaryReader begin(std::string_view(footer).substr(0, kHandlesEnd));
        if (begin.u8() != rocksdb::kXXH3) return damaged("footer");
        const auto metaindex = handle_in(begin);
        if (!metaindex) return damaged("footer");
        std::string names;
        if (auto read = block_at(*metaindex, "metaindex", names); !read.ok()) return read;
        const auto properties = properties_in(names);
        if (!properties) return rocksdb::IOStatus::OK();
        std::string ignored;
        return block_at(*properties, "properties", ignored);
    }

  private:
    rocksdb::IOStatus block_at(Handle handle, std::string_view what, std::string& block) const {
        const bool within = handle.offset <= size_ && handle.size <= size_ - handle.offset &&
                            kTrailerBytes <= size_ - handle.offset - handle.size;
        if (!within) return damaged(what);
        const std::size_t size = handle.size;
        if (auto read = bytes_at({handle.offset, size + kTrailerBytes}, block); !read.ok())
            return read;
        BinaryReader trailer(std::string_view(block).substr(size));
        const std::uint32_t compression = trailer.u8();
        const auto sum = static_cast<std::uint32_t>(hash64({block.data(), size}));
        if (trailer.fixed32() != (sum ^ compression * kCompressionFactor)) return damaged(what);
        block.resize(size);
        return rocksdb::IOStatus::OK();
    }

    rocksdb::IOStatus bytes_at(Handle place, std::string& bytes) const {
        bytes.resize(place.size);
        rocksdb::Slice found;
        auto read = file_.Read(place.offset, place.size, {}, &found, bytes.data(), nullptr);
        if (!read.ok()) return read;
        if (found.size() != place.size) return damaged("end");
        if (found.data() != bytes.data()) bytes.assign(found.data(), found.size());
        return read;
    }

    rocksdb::IOStatus damaged(std::string_view what) const {
        return rocksdb::IOStatus::Corruption(name_, "is damaged in its " + std::string(what));
    }

    const std::string name_;
    const rocksdb::FSRandomAccessFile& file_;
    const std::uint64_t size_;
};

class CheckedTables final : public rocksdb::FileSystemWrapper {
  public:
    using FileSystemWrapper::FileSystemWrapper;
    const char* Name() const override { return "CheckedTables"; }

    rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                          rocksdb::IODebugContext* debug) override {
        auto opened = target()->NewRandomAccessFile(name, options, file, debug);
        if (!opened.ok() || !name.ends_with(".sst")) return opened;
        std::uint64_t size = 0;
        opened = target()->GetFileSize(name, options.io_options, &size, debug);
        if (opened.ok()) opened = TableFile(name, **file, size).check();
        if (!opened.ok()) file->reset();
        return opened;
    }
};

}  // namespace

std::unique_ptr<rocksdb::Env> with_checked_tables(rocksdb::Env& env) {
    return rocksdb::NewCompositeEnv(std::make_shared<CheckedTables>(env.GetFileSystem()));
}

}  // namespace vitalog::topology
