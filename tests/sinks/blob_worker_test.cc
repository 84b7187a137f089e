#include "sinks/blobs/blob_worker.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/no_metrics.h"
#include "topology/log/memory_log.h"

namespace vitalog::sinks {
namespace {

namespace fs = std::filesystem;

// SHA-256 of "abc": FIPS 180-4.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

BlobStore::Document pieces(std::vector<std::string> bytes) {
    return [bytes = std::move(bytes)](const BlobStore::TakeBytes& take) -> Result<void> {
        for (const auto& piece : bytes) VITALOG_CHECK(take(piece));
        return {};
    };
}

class Folder {
  public:
    Folder() : path_(fs::path(::testing::TempDir()) / ("blobs_" + std::to_string(::getpid()))) {
        fs::remove_all(path_);
    }
    ~Folder() { fs::remove_all(path_); }
    const fs::path& path() const { return path_; }
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry : fs::recursive_directory_iterator(path_))
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }

  private:
    fs::path path_;
};

TEST(BlobStore, KeepsADocumentUnderItsHash) {
    Folder folder;
    auto store = BlobStore::open(folder.path());
    ASSERT_TRUE(store);
    EXPECT_EQ(*store->put(pieces({"a", "", "bc"})), kAbc);
    EXPECT_EQ(*store->put(pieces({"abc"})), kAbc);
    EXPECT_EQ(folder.files(), 1U);
    EXPECT_TRUE(*store->has(kAbc));
    EXPECT_EQ(**store->read(kAbc), "abc");
    EXPECT_FALSE(store->read(std::string(64, '0'))->has_value());
}

TEST(BlobStore, SeesAByteThatWasChanged) {
    Folder folder;
    auto store = BlobStore::open(folder.path());
    ASSERT_TRUE(store->put(pieces({"abc"})).has_value());
    const fs::path file = folder.path() / "ba" / kAbc;
    std::ofstream(file, std::ios::trunc) << "abd";
    const auto read = store->read(kAbc);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code(), Errc::Damaged);
    EXPECT_NE(read.error().message().find(file.string()), std::string::npos);
    EXPECT_EQ(*store->put(pieces({"abc"})), kAbc);
    EXPECT_EQ(**store->read(kAbc), "abc") << "stored again, it is whole again";
}

TEST(BlobStore, ReadsNothingOutsideItself) {
    Folder folder;
    auto store = BlobStore::open(folder.path());
    for (const std::string name : {"", "../../etc/passwd", "ba78"})
        EXPECT_EQ(store->read(name).error().code(), Errc::Malformed) << name;
}

TEST(BlobStore, LeavesNothingOfADocumentThatFails) {
    Folder folder;
    auto store = BlobStore::open(folder.path());
    const auto failed = store->put([](const BlobStore::TakeBytes& take) -> Result<void> {
        VITALOG_CHECK(take("half"));
        return fail(Errc::Malformed, "broken");
    });
    EXPECT_EQ(failed.error().code(), Errc::Malformed);
    EXPECT_EQ(folder.files(), 0U);
}

/// Records whose value is a document, "!" one that can't be decoded.
Result<void> find(const RecordView& record,
                  const std::function<Result<void>(const BlobStore::Document&)>& visit) {
    if (record.value == "none") return {};
    return visit([&](const BlobStore::TakeBytes& take) -> Result<void> {
        if (record.value == "!") return fail(Errc::Malformed, "not Base64");
        return take(record.value);
    });
}

class Feed {
  public:
    Feed() : log_(config()) {}
    void append(const std::string& value) {
        FeedRecord record;
        record.topic = "feed.his";
        record.key = "k";
        record.value = value;
        log_.append(std::move(record),
                    [](const Result<AppendReceipt>& done) { ASSERT_TRUE(done.has_value()); });
    }
    topology::MemoryLog& log() { return log_; }
    static BlobWorkerOptions options() {
        BlobWorkerOptions options;
        options.topics = {"feed.his", "feed.lis"};
        return options;
    }
    Offset reported() const {
        return log_.load_position(BlobWorker::kReader, {"feed.his", Partition(0)})
            ->value_or(Offset(-1));
    }

  private:
    static std::vector<topology::TopicConfig> config() {
        topology::TopicConfig topic;
        topic.name = "feed.his";
        return {topic};
    }
    topology::MemoryLog log_;
};

void run(BlobWorker& worker) {
    for (;;) {
        const auto read = worker.step();
        ASSERT_TRUE(read) << read.error().message();
        if (!*read) return;
    }
}

TEST(BlobWorker, CopiesTheDocumentsOfEveryRecord) {
    Folder folder;
    auto store = *BlobStore::open(folder.path());
    Feed feed;
    BlobWorker worker(store, feed.log(), find, Feed::options());
    for (const auto* value : {"none", "abc", "!", "other", "abc"}) feed.append(value);
    run(worker);
    EXPECT_EQ(folder.files(), 2U);
    EXPECT_EQ(**store.read(kAbc), "abc");
    EXPECT_EQ(worker.position({"feed.his", Partition(0)}), Offset(5));
}

TEST(BlobWorker, TellsTheLogWhereItStandsOnceADocumentIsOnDisk) {
    Folder folder;
    auto store = *BlobStore::open(folder.path());
    Feed feed;
    BlobWorker worker(store, feed.log(), find, Feed::options());
    EXPECT_EQ(feed.reported(), Offset(-1));
    run(worker);
    EXPECT_EQ(feed.reported(), Offset(0));  // retention waits from now on
    feed.append("abc");
    run(worker);
    EXPECT_EQ(feed.reported(), Offset(1));
}

TEST(BlobWorker, GoesOnWhereItStood) {
    Folder folder;
    auto store = *BlobStore::open(folder.path());
    Feed feed;
    feed.append("abc");
    {
        BlobWorker worker(store, feed.log(), find, Feed::options());
        run(worker);
    }
    fs::remove_all(folder.path());
    auto again = *BlobStore::open(folder.path());
    feed.append("later");
    BlobWorker worker(again, feed.log(), find, Feed::options());
    run(worker);
    EXPECT_FALSE(*again.has(kAbc));
    EXPECT_EQ(folder.files(), 1U);
}

TEST(BlobWorker, StandsStillWhileTheDiskFails) {
    Folder folder;
    auto store = *BlobStore::open(folder.path());
    Feed feed;
    feed.append("abc");
    BlobWorker worker(store, feed.log(), find, Feed::options());
    fs::remove_all(folder.path());
    std::ofstream(folder.path().string()) << "a file in the way";
    EXPECT_EQ(worker.step().error().code(), Errc::Io);
    EXPECT_EQ(feed.reported(), Offset(0));
    fs::remove(folder.path());
    fs::create_directories(folder.path());
    run(worker);
    EXPECT_TRUE(*store.has(kAbc));
}

TEST(BlobWorker, FollowsByItself) {
    Folder folder;
    auto store = *BlobStore::open(folder.path());
    Feed feed;
    BlobWorker worker(store, feed.log(), find, Feed::options());
    worker.start();
    feed.append("abc");
    for (int i = 0; i < 6'000 && !*store.has(kAbc); ++i) {
        const std::uint64_t seen = feed.log().activity();
        feed.log().wait(seen, std::chrono::milliseconds(10));
    }
    worker.stop();
    EXPECT_TRUE(*store.has(kAbc));
}

}  // namespace
}  // namespace vitalog::sinks
