#include <rocksdb/file_system.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "temporary_folder.h"
#include "topology/log/checked_tables.h"
#include "topology/log/database_files.h"

// Any bytes as a MANIFEST, as a write-ahead log and as a table: an end is found or an Error names
// the file, and once it was cut there is no more to cut.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto& folder = fuzz::temporary_folder();
    fuzz::write_file("CURRENT", "MANIFEST-000001\n");
    fuzz::write_file("MANIFEST-000001", bytes);
    (void)topology::check_database_files(folder, false);
    fuzz::write_file("MANIFEST-000001", "");
    fuzz::write_file("000003.sst", bytes);
    static const auto disk = topology::with_checked_tables(*rocksdb::Env::Default());
    std::unique_ptr<rocksdb::FSRandomAccessFile> table;
    const auto opened = disk->GetFileSystem()->NewRandomAccessFile(folder.string() + "/000003.sst",
                                                                   {}, &table, nullptr);
    VITALOG_ASSERT(opened.ok() || opened.ToString().find("000003.sst") != std::string::npos,
                   "the table is named");
    fuzz::write_file("000002.log", bytes);
    const auto first = topology::check_database_files(folder, true);
    if (!first) {
        VITALOG_ASSERT(first.error().message().find("000002.log") != std::string::npos,
                       "the file is named");
        return 0;
    }
    const auto second = topology::check_database_files(folder, true);
    VITALOG_ASSERT(second.has_value() && second->size() <= first->size(),
                   "a log is not damaged by the look at it");
    return 0;
}
