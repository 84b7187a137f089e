#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "topology/log/embedded_log.h"
#include "topology/log/memory_log.h"

namespace vitalog::topology {

inline constexpr LogTime kNow = LogTime::from_millis(1'767'225'600'000);  // 2026-01-01

/// Before the names of all topics: tests that share a cluster keep to topics of their own.
inline std::string& topic_prefix() {
    static std::string prefix;
    return prefix;
}

inline std::string topic_name(std::string_view topic) {
    return topic_prefix() + std::string(topic);
}

inline TopicPartition tp_of(std::string_view topic, std::uint32_t partition) {
    return {topic_name(topic), Partition(partition)};
}

inline std::vector<TopicConfig> test_topics() {
    std::vector<TopicConfig> topics(4);
    topics[0].name = topic_name("feed.his");
    topics[0].partitions = 2;
    topics[0].feed = true;
    topics[1].name = topic_name("subject");
    topics[1].partitions = 2;
    topics[2].name = topic_name("person");
    topics[2].partitions = 2;
    topics[3].name = topic_name("audit");
    return topics;
}

/// Commits one record to `tp` as the stage before would: with an id made of `number`, its own root.
inline void commit_event(Log& log, std::string_view stage, const TopicPartition& tp, LogTime now,
                         std::int64_t number, std::string_view key, std::string_view type,
                         std::string_view json) {
    const std::string id = IdHash().part("record").part(number).finish().to_string();
    std::string headers;
    Headers::append(headers, header::kId, id);
    Headers::append(headers, header::kType, type);
    Headers::append(headers, header::kRoot, id);
    Headers::append(headers, header::kReceived, std::to_string(now.micros()));
    const auto shard = *log.open_shard(stage, tp);
    Commit commit;
    commit.outputs.push_back({tp, {}});
    commit.outputs.front().block.add(now, key, headers, json);
    std::optional<Error> error;
    ASSERT_EQ(shard->commit(commit, error), CommitOutcome::Committed);
}

inline FeedRecord feed_record(std::string key, std::string value, std::string_view topic = "feed.his") {
    FeedRecord record;
    record.topic = topic_name(topic);
    record.key = std::move(key);
    record.value = std::move(value);
    record.received = kNow;
    return record;
}

inline FeedRecord feed_record_once(std::string key, std::string message, std::uint64_t body,
                                   OnReusedId on_reused = OnReusedId::Accept) {
    FeedRecord record = feed_record(std::move(key), "body " + std::to_string(body));
    record.ledger =
        LedgerEntry{std::move(message), body, "ack of " + std::to_string(body), on_reused};
    return record;
}

/// Appends and waits for the answer.
inline Result<AppendReceipt> append_now(FeedAppender& log, FeedRecord record) {
    std::promise<Result<AppendReceipt>> answered;
    log.append(std::move(record),
               [&](Result<AppendReceipt> receipt) { answered.set_value(std::move(receipt)); });
    return answered.get_future().get();
}

struct Read {
    std::int64_t offset;
    std::string key;
    std::string value;
    friend bool operator==(const Read&, const Read&) = default;
};

/// Everything from `from` to the end, by reads of max_bytes. What was committed a moment ago may take a while to be
/// seen in a cluster.
inline std::vector<Read> read_all(const RecordSource& log, const TopicPartition& tp, Offset from = {},
                                  std::size_t max_bytes = 1 << 20) {
    std::vector<Read> all;
    RecordBatch batch;
    const auto end = log.end_offset(tp);
    EXPECT_TRUE(end.has_value()) << end.error().to_string();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
        const std::uint64_t seen = log.activity();
        const auto read = log.read(tp, from, max_bytes, batch);
        EXPECT_TRUE(read.has_value()) << read.error().to_string();
        if (!read) return all;
        for (const RecordView& record : batch.records)
            all.push_back({record.offset.value(), std::string(record.key), std::string(record.value)});
        from = batch.next;
        if (!batch.records.empty()) continue;
        if (!end || from >= *end) return all;
        if (std::chrono::steady_clock::now() > deadline) {
            ADD_FAILURE() << to_string(tp, from) << ": nothing comes, the end is " << end->value();
            return all;
        }
        log.wait(seen, std::chrono::milliseconds(10));
    }
}

/// One output of the given values, all with the key "k".
inline PartitionOutput output_of(TopicPartition tp, const std::vector<std::string>& values) {
    PartitionOutput output{std::move(tp), {}};
    for (const std::string& value : values) output.block.add(kNow, "k", "", value);
    return output;
}

/// Opens a shard, and waits while it can't be had yet.
inline std::unique_ptr<ShardLog> open_now(Log& log, std::string_view stage,
                                          const TopicPartition& input) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (true) {
        const std::uint64_t seen = log.activity();
        auto opened = log.open_shard(stage, input);
        if (opened && *opened) return std::move(*opened);
        const bool waits = opened || opened.error().code() == Errc::Busy;
        if (!waits || std::chrono::steady_clock::now() > deadline) {
            ADD_FAILURE() << (opened ? "the state does not come" : opened.error().to_string());
            return nullptr;
        }
        log.wait(seen, std::chrono::milliseconds(20));
    }
}

/// Commits and waits for the outcome.
inline CommitOutcome commit_now(ShardLog& shard, const Commit& commit, std::optional<Error>& error) {
    while (true) {
        const CommitOutcome outcome = shard.commit(commit, error);
        if (outcome != CommitOutcome::Pending) return outcome;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

inline CommitOutcome commit_to(ShardLog& shard, TopicPartition tp,
                               const std::vector<std::string>& values, std::int64_t committed,
                               std::vector<state::Write> state = {}) {
    Commit commit;
    commit.outputs.push_back(output_of(std::move(tp), values));
    commit.committed = commit.checkpoint = Offset(committed);
    commit.logic = 1;
    commit.state = std::move(state);
    std::optional<Error> error;
    return commit_now(shard, commit, error);
}

inline std::optional<std::string> stored_value(const state::Backend& backend,
                                               std::string_view key) {
    std::vector<std::optional<std::string>> values;
    const auto got = backend.get_many({&key, 1}, values);
    EXPECT_TRUE(got.has_value());
    return values.at(0);
}

/// A folder that goes with the test.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "vitalog-log-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

inline EmbeddedLog::Options small_embedded_options(const std::filesystem::path& path) {
    EmbeddedLog::Options options;
    options.path = path;
    options.topics = test_topics();
    options.block_cache_bytes = 8 << 20;
    options.write_buffer_bytes = 8 << 20;
    options.disk_reserve_bytes = 0;
    return options;
}

}  // namespace vitalog::topology
