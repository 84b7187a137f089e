// Views in a file of which one byte is not what was written: it is seen before it is shown.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/sinks/views_fixture.h"

namespace vitalog::sinks::views {
namespace {

using namespace vitalog::tests;

const std::string kAnna = hex_id("anna");
constexpr const char* kNoon = "2020-05-01T12:00:00+08:00";

std::string bytes_of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string flipped(std::string bytes, std::size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    return bytes;
}

/// Messages of results, one after another.
class Results {
  public:
    Results() {
        for (int i = 0; i < 40; ++i) {
            ids_.push_back(std::make_unique<std::string>(hex_id("result " + std::to_string(i))));
            Message message;
            message.person = kAnna;
            message.results = {creatinine(*ids_.back(), kNoon, 90 + i)};
            records_.add(message.event(), kAnna);
        }
    }
    /// The first `count` of them.
    ViewBatch batch(std::size_t count) const {
        ViewBatch all = records_.batch("person");
        all.records = all.records.first(count);
        all.next = Offset(static_cast<std::int64_t>(count));
        return all;
    }
    ViewBatch all() const { return records_.batch("person"); }

  private:
    std::vector<std::unique_ptr<std::string>> ids_;
    Records records_;
};

/// Opens, follows what is missing, and reads every table.
Result<std::string> followed(const std::string& path, const Results& results) {
    {
        VITALOG_TRY(ViewStore store, ViewStore::open(path, Generation(1)));
        VITALOG_CHECK(store.apply(std::vector{results.all()}));
    }
    VITALOG_TRY(auto reader, sql::open(path, sql::Mode::Read));
    std::string text;
    for (const std::string table : {"person", "identifier", "report", "observation", "position"}) {
        VITALOG_TRY(auto rows, reader->prepare("SELECT * FROM " + table));
        for (;;) {
            VITALOG_TRY(const bool more, rows.next());
            if (!more) break;
            for (int i = 0; i < rows.columns(); ++i) text += rows.string(i) + "|";
        }
        text += "\n";
    }
    return text;
}

void expect_seen(const Result<std::string>& read, const std::string& expected, int& refused) {
    if (read) {
        EXPECT_EQ(*read, expected);
        return;
    }
    ++refused;
    EXPECT_EQ(read.error().code(), Errc::Damaged) << read.error().to_string();
    EXPECT_NE(read.error().message().find("views.db"), std::string::npos) << read.error().message();
    EXPECT_NE(read.error().message().find("rebuild"), std::string::npos);
}

TEST(ViewsDamage, APageThatWasChangedIsSeen) {
    const Folder folder;
    const std::string path = folder.file("views.db");
    const Results results;
    const auto expected = followed(path, results);
    ASSERT_TRUE(expected.has_value()) << expected.error().to_string();
    const std::string whole = bytes_of_file(path);
    int refused = 0;
    for (std::size_t at = 0; at < whole.size(); at += at < 120 ? 1 : 397) {
        SCOPED_TRACE("byte " + std::to_string(at));
        write(path, flipped(whole, at));
        expect_seen(followed(path, results), *expected, refused);
        for (const char* left : {"-wal", "-shm"}) std::filesystem::remove(path + left);
    }
    EXPECT_GE(refused, 120) << "the header is read at each start";
}

/// The write-ahead log of a process that was killed, before and after it was copied into the file.
TEST(ViewsDamage, AChangedByteInTheWriteAheadLogTakesNothingOldForNew) {
    for (const bool copied : {false, true}) {
        const Folder folder;
        const std::string path = folder.file("views.db");
        const Results results;
        std::string main;
        std::string wal;
        {
            auto store = ViewStore::open(path, Generation(1));
            ASSERT_TRUE(store.has_value());
            for (std::size_t n = 10; n <= 40; n += 10)
                ASSERT_TRUE(store->apply(std::vector{results.batch(n)}).has_value());
            if (copied) {
                auto other = sql::open(path, sql::Mode::Write);
                ASSERT_TRUE((*other)->execute("PRAGMA wal_checkpoint(PASSIVE)").has_value());
            }
            main = bytes_of_file(path);
            wal = bytes_of_file(path + "-wal");
        }
        ASSERT_GT(wal.size(), 10'000u);
        const auto place = [&](const std::string& log) {
            write(path, main);
            write(path + "-wal", log);
            std::filesystem::remove(path + "-shm");
        };
        place(wal);
        const auto expected = followed(path, results);
        ASSERT_TRUE(expected.has_value()) << expected.error().to_string();
        int refused = 0;
        for (std::size_t at = 0; at < wal.size(); at += at < 64 ? 1 : 1999) {
            SCOPED_TRACE("byte " + std::to_string(at) + (copied ? ", copied" : ""));
            place(flipped(wal, at));
            expect_seen(followed(path, results), *expected, refused);
        }
        EXPECT_GE(refused, copied ? 40 : 30);
    }
}

}  // namespace
}  // namespace vitalog::sinks::views
