#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>

#include "log_test_support.h"
#include "topology/log/kafka_log.h"

namespace vitalog::topology {

/// Where the cluster of the tests is.
inline std::string test_brokers() {
    const char* brokers = std::getenv("VITALOG_TEST_KAFKA");
    return brokers ? brokers : "";
}

/// A name that no other test, and no earlier run on the same cluster, has.
inline std::string fresh_name() {
    static std::atomic<int> count{0};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return "t" +
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) +
           "-" + std::to_string(++count);
}

struct WallClock final : Clock {
    LogTime now() const override {
        const auto since = std::chrono::system_clock::now().time_since_epoch();
        return LogTime(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
    }
};

inline KafkaLog::Options small_kafka_options(const std::filesystem::path& path,
                                             const std::string& group) {
    static const WallClock clock;
    KafkaLog::Options options;
    options.clock = &clock;
    options.path = path;
    options.brokers = test_brokers();
    options.group = group;
    options.instance = "one";
    options.topics = test_topics();
    options.stages = {{"identity", {topic_name("subject")}, true},
                      {"care", {topic_name("person")}, true},
                      {"views", {topic_name("person")}, true}};
    options.runs = {"identity", "care", "views"};
    options.session = std::chrono::seconds(6);
    options.block_cache_bytes = 8 << 20;
    options.write_buffer_bytes = 8 << 20;
    return options;
}

/// Until every shard of the stages is this process's.
inline void wait_for_shards(const KafkaLog& log, const KafkaLog::Options& options) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (const auto& stage : options.stages)
        for (const auto& input : stage.inputs)
            for (std::uint32_t p = 0; p < log.partitions(input); ++p)
                while (log.ownership(stage.name, {input, Partition(p)}) != Ownership::Ours) {
                    ASSERT_LT(std::chrono::steady_clock::now(), deadline)
                        << stage.name << " is not assigned";
                    log.wait(log.activity(), std::chrono::milliseconds(20));
                }
}

/// A log in the cluster, on topics of its own.
struct OnKafka {
    static constexpr bool kDense = false;  ///< the marks that end transactions have offsets too
    OnKafka() : group(fresh_name()) {
        topic_prefix() = group + ".";
        open();
    }
    ~OnKafka() { topic_prefix().clear(); }
    void open() {
        auto options = small_kafka_options(folder.path(), group);
        options.ledger = {.entries_max = 4};
        auto opened = KafkaLog::open(options);
        ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
        log = std::move(*opened);
        wait_for_shards(*log, options);
    }
    Log& get() { return *log; }
    void reopen() {
        log.reset();
        open();
    }
    const std::string group;
    TemporaryFolder folder;
    std::unique_ptr<KafkaLog> log;
};

}  // namespace vitalog::topology
