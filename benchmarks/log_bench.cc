// What the embedded log carries: commits, reads and group-committed appends, each checked against
// what came back.
//   log_bench [DIRECTORY]     the directory is created and removed; its disk is what is measured

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "topology/log/embedded_log.h"

namespace {

using namespace vitalog;
using namespace vitalog::topology;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kSeed = 20260101;
constexpr std::size_t kRecordBytes = 100;
constexpr LogTime kStart = LogTime::from_millis(1'767'225'600'000);

double seconds_since(Steady::time_point start) {
    return std::chrono::duration<double>(Steady::now() - start).count();
}

/// Processor time of all threads, RocksDB's included: what counts where others use the machine as
/// well.
double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

[[noreturn]] void die(const std::string& what) {
    fmt::print(stderr, "{}\n", what);
    std::exit(1);
}

template <class T>
T must(Result<T> result) {
    if (!result) die(result.error().to_string());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Values as events are: JSON with the same names and other numbers.
std::vector<std::string> make_values(std::size_t count) {
    std::mt19937_64 random(kSeed);
    std::vector<std::string> values;
    for (std::size_t i = 0; i < count; ++i) {
        std::string value =
            fmt::format(R"({{"code":"8867-4","value":{},"unit":"/min","at":{},"device":"{:08x}"}})",
                        40 + random() % 120, kStart.millis() + static_cast<std::int64_t>(i),
                        random() % 100'000'000);
        value.resize(kRecordBytes, ' ');
        values.push_back(std::move(value));
    }
    return values;
}

RecordBlockBuilder make_block(const std::vector<std::string>& values, std::size_t bytes) {
    RecordBlockBuilder block;
    for (std::size_t i = 0; block.bytes() < bytes; ++i)
        block.add(LogTime(kStart.micros() + static_cast<std::int64_t>(i) * 1000),
                  fmt::format("{:08}", i % 10'000), "", values[i % values.size()]);
    return block;
}

EmbeddedLog::Options options_at(const std::filesystem::path& path) {
    EmbeddedLog::Options options;
    options.path = path;
    options.disk_reserve_bytes = 0;
    for (const char* name : {"feed.his", "subject", "person"}) {
        TopicConfig topic;
        topic.name = name;
        topic.partitions = 4;
        topic.feed = topic.name.starts_with("feed.");
        options.topics.push_back(topic);
    }
    return options;
}

void commit_blocks(const std::filesystem::path& path, std::size_t block_bytes,
                   std::size_t total_bytes, bool fsync) {
    std::filesystem::remove_all(path);
    const auto log = must(EmbeddedLog::open(options_at(path)));
    const auto shard = must(log->open_shard("identity", {"subject", Partition(0)}));
    Commit commit;
    commit.outputs.push_back(
        {{"person", Partition(0)}, make_block(make_values(10'000), block_bytes)});
    const std::size_t rounds = total_bytes / commit.outputs[0].block.bytes();
    std::optional<Error> error;
    const auto start = Steady::now();
    const double cpu = cpu_seconds();
    for (std::size_t i = 0; i < rounds; ++i) {
        commit.committed = commit.checkpoint = Offset(static_cast<std::int64_t>(i) + 1);
        if (shard->commit(commit, error) != CommitOutcome::Committed) die(error->to_string());
        if (fsync) must(log->sync());
    }
    must(log->sync());
    const double seconds = seconds_since(start);
    const auto records = static_cast<double>(rounds * commit.outputs[0].block.count());
    if (must(log->end_offset({"person", Partition(0)})) !=
        Offset(static_cast<std::int64_t>(records)))
        die("the log does not end where it should");
    fmt::print(
        "commit  {:5} KiB blocks, {:13}  {:7.0f} MB/s  {:9.0f} records/s  {:6.0f} commits/s  "
        "stored {:.0f} %  {:.0f} ns CPU/record\n",
        block_bytes >> 10, fsync ? "fsync each" : "fsync at end",
        static_cast<double>(rounds * commit.outputs[0].block.bytes()) / seconds / 1e6,
        records / seconds, static_cast<double>(rounds) / seconds,
        100.0 * static_cast<double>(log->stats().block_bytes_stored) /
            static_cast<double>(log->stats().block_bytes_raw),
        (cpu_seconds() - cpu) / records * 1e9);
}

/// Reads the partition once by batches of max_bytes; gives the number of records.
std::size_t read_through(const EmbeddedLog& log, std::size_t max_bytes) {
    const TopicPartition tp{"person", Partition(0)};
    RecordBatch batch;
    Offset from;
    std::size_t records = 0;
    std::size_t value_bytes = 0;
    while (true) {
        must(log.read(tp, from, max_bytes, batch));
        if (batch.records.empty()) break;
        records += batch.records.size();
        for (const RecordView& record : batch.records) value_bytes += record.value.size();
        from = batch.next;
    }
    if (value_bytes != records * kRecordBytes) die("values came back with another size");
    return records;
}

void read_blocks(const std::filesystem::path& path, std::size_t block_bytes,
                 std::size_t max_bytes) {
    constexpr std::size_t kTotal = std::size_t{200} << 20;
    std::filesystem::remove_all(path);
    auto options = options_at(path);
    options.recent_bytes = 2 * kTotal;
    std::size_t records = 0;
    const auto report = [&](const EmbeddedLog& log, std::string_view where) {
        const auto start = Steady::now();
        const double cpu = cpu_seconds();
        const std::size_t found = read_through(log, max_bytes);
        const double seconds = seconds_since(start);
        if (found != records) die("records are missing");
        fmt::print(
            "read    {:5} KiB blocks by {:5} KiB, {:11} {:9.0f} records/s  {:5.1f} ns CPU/record\n",
            block_bytes >> 10, max_bytes >> 10, where, static_cast<double>(found) / seconds,
            (cpu_seconds() - cpu) / static_cast<double>(found) * 1e9);
    };
    {
        const auto log = must(EmbeddedLog::open(options));
        const auto shard = must(log->open_shard("identity", {"subject", Partition(0)}));
        Commit commit;
        commit.outputs.push_back(
            {{"person", Partition(0)}, make_block(make_values(10'000), block_bytes)});
        std::optional<Error> error;
        for (std::size_t bytes = 0; bytes < kTotal; bytes += commit.outputs[0].block.bytes()) {
            if (shard->commit(commit, error) != CommitOutcome::Committed) die(error->to_string());
            records += commit.outputs[0].block.count();
        }
        report(*log, "memory");
    }
    const auto log = must(EmbeddedLog::open(options));
    report(*log, "page cache");
}

void append_in_groups(const std::filesystem::path& path, std::size_t in_flight, std::size_t total) {
    constexpr std::size_t kMessageBytes = 600;
    std::filesystem::remove_all(path);
    const auto log = must(EmbeddedLog::open(options_at(path)));
    std::vector<double> latencies(total);
    std::atomic<std::size_t> answered = 0;
    const double cpu = cpu_seconds();
    const auto start = Steady::now();
    for (std::size_t i = 0; i < total; ++i) {
        while (i - answered.load(std::memory_order_acquire) >= in_flight) std::this_thread::yield();
        FeedRecord record{"feed.his",
                          fmt::format("{:08}", i % 10'000),
                          std::string(kMessageBytes, 'x'),
                          "",
                          kStart,
                          std::nullopt};
        record.ledger = LedgerEntry{fmt::format("adt|hospital|{}", i), i, std::string(120, 'a'),
                                    OnReusedId::Accept};
        const auto sent = Steady::now();
        log->append(std::move(record), [&, i, sent](Result<AppendReceipt> receipt) {
            if (must(std::move(receipt)).outcome != Appended::New)
                die("a new message was taken for a repeat");
            latencies[i] = seconds_since(sent);
            answered.fetch_add(1, std::memory_order_release);
        });
    }
    while (answered.load(std::memory_order_acquire) < total) std::this_thread::yield();
    const double seconds = seconds_since(start);
    std::ranges::sort(latencies);
    fmt::print(
        "append  {:5} in flight, ledger on  {:8.0f} messages/s  p50 {:.2f} ms  p99 {:.2f} ms  "
        "{:.0f} messages per fsync  {:.1f} us CPU/message\n",
        in_flight, static_cast<double>(total) / seconds, latencies[total / 2] * 1e3,
        latencies[total * 99 / 100] * 1e3,
        static_cast<double>(total) / static_cast<double>(log->stats().fsyncs),
        (cpu_seconds() - cpu) / static_cast<double>(total) * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
    const std::filesystem::path path =
        (argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path()) /
        "vitalog-log-bench";
    fmt::print("seed {}  records of {} bytes  directory {}  processors {}\n", kSeed, kRecordBytes,
               path.string(), std::thread::hardware_concurrency());
    constexpr std::size_t kTotal = std::size_t{400} << 20;
    for (const std::size_t bytes :
         {std::size_t{64} << 10, std::size_t{256} << 10, std::size_t{1} << 20})
        for (const bool fsync : {false, true}) commit_blocks(path, bytes, kTotal, fsync);
    read_blocks(path, 64 << 10, 1 << 20);
    read_blocks(path, 1 << 20, 1 << 20);
    read_blocks(path, 1 << 20, 64 << 10);
    for (const std::size_t in_flight : {1, 64, 1024})
        append_in_groups(path, in_flight, in_flight == 1 ? 2'000 : 100'000);
    std::filesystem::remove_all(path);
}
