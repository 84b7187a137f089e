// Damage in RocksDB's own logs that its reader takes for their end, and in tables that its
// iterators pass over.

#include "topology/log/database_files.h"

#include <fmt/format.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "log_test_support.h"
#include "topology/log/rocks.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

struct DatabaseFilesTest : testing::Test {
    TemporaryFolder folder;
    EmbeddedLog::Options options = small_embedded_options(folder.path());
    const fs::path database = folder.path() / "db";

    void SetUp() override {
        auto log = EmbeddedLog::open(options);
        ASSERT_TRUE(log.has_value());
        for (int i = 0; i < 20; ++i)
            ASSERT_TRUE(append_now(**log, feed_record("k", "value " + std::to_string(i))));
    }
    fs::path manifest() const {
        for (const auto& file : fs::directory_iterator(database))
            if (file.path().filename().string().starts_with("MANIFEST")) return file.path();
        return {};
    }
    fs::path newest_log() const {
        fs::path newest;
        for (const auto& file : fs::directory_iterator(database))
            if (file.path().extension() == ".log" && file.file_size() > 0)
                newest = std::max(newest, file.path());
        return newest;
    }
    static std::string bytes_of(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static void write(const fs::path& path, const std::string& bytes) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    }
    /// Where its records begin, as their lengths tell.
    static std::vector<std::size_t> records_of(const std::string& bytes) {
        std::vector<std::size_t> begins;
        for (std::size_t at = 0; at + 7 <= bytes.size();) {
            const std::size_t left = (32 << 10) - at % (32 << 10);
            if (left < 7) {
                at += left;
                continue;
            }
            begins.push_back(at);
            at += 7 + static_cast<std::uint8_t>(bytes[at + 4]) +
                  (static_cast<std::uint8_t>(bytes[at + 5]) << 8);
        }
        return begins;
    }
    void expect_refused(const fs::path& file) {
        const auto checked = check_database_files(database, false);
        ASSERT_FALSE(checked.has_value());
        EXPECT_EQ(checked.error().code(), Errc::Damaged);
        EXPECT_NE(checked.error().message().find(file.string()), std::string::npos)
            << checked.error().message();
    }
};

TEST_F(DatabaseFilesTest, FindsNothingInWhatIsWhole) {
    const auto checked = check_database_files(database, false);
    ASSERT_TRUE(checked.has_value()) << checked.error().to_string();
    EXPECT_TRUE(checked->empty());
    EXPECT_TRUE(check_database_files(folder.path() / "nothing", true).has_value());
}

TEST_F(DatabaseFilesTest, FindsEveryFlipInTheManifest) {
    const fs::path file = manifest();
    const std::string whole = bytes_of(file);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
        write(file, bytes);
        SCOPED_TRACE("byte " + std::to_string(at));
        expect_refused(file);
    }
}

TEST_F(DatabaseFilesTest, RocksAloneForgetsWhatALengthInTheManifestHides) {
    const fs::path file = manifest();
    std::string bytes = bytes_of(file);
    const auto records = records_of(bytes);
    bytes[records[records.size() / 2] + 5] ^= 0x40;  // the length's high byte
    write(file, bytes);
    std::vector<std::string> families;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, database.string(), &families).ok());
    EXPECT_LT(families.size(), records.size()) << "then the check is not needed any more";
    EXPECT_FALSE(EmbeddedLog::open(options).has_value());
}

TEST_F(DatabaseFilesTest, TakesAManifestThatWasCutShort) {
    const fs::path file = manifest();
    const std::string whole = bytes_of(file);
    const std::size_t last = records_of(whole).back();
    for (std::size_t size = last; size < whole.size(); ++size) {
        write(file, whole.substr(0, size));
        EXPECT_TRUE(check_database_files(database, false).has_value()) << size;
    }
}

TEST_F(DatabaseFilesTest, TellsATornEndOfTheLogFromAChangedHeader) {
    const fs::path file = newest_log();
    const std::string whole = bytes_of(file);
    const auto records = records_of(whole);
    ASSERT_GT(records.size(), 5u);
    const std::size_t last = records.back();

    write(file, whole.substr(0, whole.size() - 1));
    auto checked = check_database_files(database, false);
    ASSERT_TRUE(checked.has_value()) << checked.error().to_string();
    ASSERT_EQ(checked->size(), 1u);
    EXPECT_EQ(checked->front().file, file);
    EXPECT_EQ(checked->front().from, last);
    EXPECT_EQ(checked->front().bytes, whole.size() - 1 - last);

    for (const std::size_t header : {4, 5, 6}) {  // length, length, type
        std::string bytes = whole;
        bytes[last + header] ^= 0x04;
        write(file, bytes);
        SCOPED_TRACE(header);
        expect_refused(file);
    }
    std::string bytes = whole;
    bytes[last + 7] ^= 1;  // the payload: RocksDB drops it
    write(file, bytes);
    checked = check_database_files(database, false);
    ASSERT_TRUE(checked.has_value());
    EXPECT_EQ(checked->front().from, last);
}

TEST_F(DatabaseFilesTest, CutsOffWhatStandsBehindAHole) {
    const fs::path file = newest_log();
    const std::string whole = bytes_of(file);
    const std::string aside(100'000, '\0');
    write(file, whole + aside);
    auto checked = check_database_files(database, false);
    ASSERT_TRUE(checked.has_value()) << checked.error().to_string();
    EXPECT_EQ(bytes_of(file).size(), whole.size() + aside.size());

    write(file, whole + aside + whole);
    expect_refused(file);
    checked = check_database_files(database, true);
    ASSERT_TRUE(checked.has_value()) << checked.error().to_string();
    ASSERT_EQ(checked->size(), 1u);
    EXPECT_EQ(checked->front().from, whole.size());
    EXPECT_EQ(checked->front().bytes, whole.size() + aside.size());
    EXPECT_EQ(bytes_of(file), whole);
    EXPECT_TRUE(EmbeddedLog::open(options).has_value());
}

TEST_F(DatabaseFilesTest, WantsCurrentToNameAManifest) {
    const fs::path current = database / "CURRENT";
    const std::string whole = bytes_of(current);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ 1);
        write(current, bytes);
        expect_refused(current);
    }
    fs::remove(current);
    expect_refused(current);
}

/// See iterating(): without it the scan ends well, with the keys of the first table only.
TEST(DatabaseTables, ADamagedOneBetweenOthersOfItsLevelIsNotPassedOver) {
    const TemporaryFolder folder;
    const RocksSettings settings{1 << 20, 64 << 10, 1 << 20, 2, nullptr};
    std::vector<rocksdb::LiveFileMetaData> level;
    {
        const auto rocks = Rocks::open(folder.path() / "db", settings);
        ASSERT_TRUE(rocks.has_value()) << rocks.error().to_string();
        rocksdb::DB& db = (*rocks)->db();
        for (int i = 0; i < 2000 && level.size() < 3; ++i) {
            ASSERT_TRUE(db.Put({}, (*rocks)->state(), fmt::format("{:06}", i), "value").ok());
            ASSERT_TRUE(db.Flush({}, (*rocks)->state()).ok());
            db.GetLiveFilesMetaData(&level);
            std::erase_if(level, [](const auto& table) {
                return table.level == 0 || table.column_family_name != "state";
            });
        }
    }
    ASSERT_GE(level.size(), 3U);
    std::ranges::sort(level, {}, &rocksdb::LiveFileMetaData::smallestkey);
    ASSERT_EQ(level.front().level, level.back().level);
    const fs::path damaged = level[1].db_path + level[1].name;
    std::string bytes = DatabaseFilesTest::bytes_of(damaged);
    bytes.at(5) ^= 1;
    DatabaseFilesTest::write(damaged, bytes);

    const auto rocks = Rocks::open(folder.path() / "db", settings);
    ASSERT_TRUE(rocks.has_value()) << rocks.error().to_string();
    const RocksBackend state((*rocks)->db(), (*rocks)->state(), "");
    const auto scanned = state.scan("", [](auto, auto) -> Result<void> { return {}; });
    ASSERT_FALSE(scanned.has_value());
    EXPECT_EQ(scanned.error().code(), Errc::Damaged);
    EXPECT_NE(scanned.error().message().find(damaged.string()), std::string::npos)
        << scanned.error().to_string();
}

/// RocksDB alone reads the properties before it compares their checksum, and one bit of them ends
/// the process (see with_checked_tables).
TEST(DatabaseTables, AChangedByteBehindTheDataIsRefusedByNameOrDoesNothing) {
    const TemporaryFolder folder;
    const RocksSettings settings{1 << 20, 64 << 10, 1 << 20, 1, nullptr};
    fs::path table;
    {
        const auto rocks = Rocks::open(folder.path() / "db", settings);
        ASSERT_TRUE(rocks.has_value()) << rocks.error().to_string();
        ASSERT_TRUE((*rocks)->db().Put({}, (*rocks)->state(), "key", "value").ok());
        ASSERT_TRUE((*rocks)->db().Flush({}, (*rocks)->state()).ok());
        std::vector<rocksdb::LiveFileMetaData> tables;
        (*rocks)->db().GetLiveFilesMetaData(&tables);
        ASSERT_EQ(tables.size(), 1U);
        table = tables[0].db_path + tables[0].name;
    }
    const std::string whole = DatabaseFilesTest::bytes_of(table);
    const std::size_t begin = whole.find("rocksdb.");
    ASSERT_LT(begin, whole.size());
    int opened = 0;
    for (std::size_t at = begin; at < whole.size(); ++at) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ 0x80);
        DatabaseFilesTest::write(table, bytes);
        const auto rocks = Rocks::open(folder.path() / "db", settings);
        if (rocks) {
            ++opened;
            std::string value;
            EXPECT_TRUE((*rocks)->db().Get({}, (*rocks)->state(), "key", &value).ok()) << at;
            EXPECT_EQ(value, "value") << at;
            continue;
        }
        EXPECT_EQ(rocks.error().code(), Errc::Damaged) << at;
        EXPECT_NE(rocks.error().message().find(table.filename().string()), std::string::npos)
            << at << " " << rocks.error().to_string();
    }
    EXPECT_LT(opened, 41);  // what fills the footer up
}

}  // namespace
}  // namespace vitalog::topology
