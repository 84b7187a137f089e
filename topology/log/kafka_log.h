#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "topology/log/log.h"
#include "topology/log/repeat_ledger.h"

namespace vitalog::topology {

/// The log of a cluster: topics of Apache Kafka. A shard's commit is a transaction of outputs,
/// position and state; the shards are shared among processes by one consumer group a stage; state
/// is kept in compacted topics, with a copy in the data directory that a start goes on from. Owns
/// the data directory while it lives. A read that the cluster does not answer is Busy. Thread-safe;
/// shard handles are destroyed before it.
class KafkaLog final : public Log {
  public:
    struct Stage {
        std::string name;
        std::vector<std::string> inputs;
        bool stateful = true;
    };
    struct Options {
        std::filesystem::path
            path;  ///< the data directory; created when missing; empty only with reads_only
        bool reads_only = false;  ///< takes no part in the work; makes no topics, appends nothing
        std::string brokers;      ///< host:port, comma-separated
        std::map<std::string, std::string> security;  ///< librdkafka's properties for TLS and SASL
        std::string group =
            "vitalog";  ///< begins the names of consumer groups, transactions and snapshot topics
        std::string instance;  ///< this process among those of the group
        std::vector<TopicConfig> topics;
        std::vector<Stage> stages;      ///< those that keep state or position in this site
        std::vector<std::string> runs;  ///< the stages that this process takes part in
        std::string duty_topic;  ///< whoever holds its first partition is on duty; empty: never us
        std::vector<std::string> local_readers;  ///< named readers that each process has for itself
        int replication =
            0;  ///< of topics that are created; 0: three, or as many as there are brokers
        std::size_t message_bytes_max = std::size_t{64} << 20;
        std::chrono::milliseconds session{
            10'000};  ///< a process silent for so long loses its shards
        std::size_t window_bytes = std::size_t{4}
                                   << 20;  ///< kept in memory by each reader of a partition
        std::uint64_t block_cache_bytes = std::uint64_t{256} << 20;
        std::uint64_t write_buffer_bytes = std::uint64_t{256} << 20;
        std::size_t append_queue_records = 65'536;
        std::size_t append_queue_bytes = std::size_t{128} << 20;
        std::size_t standbys = 0;  ///< processes that follow the state of a shard for its owner
        LedgerLimits ledger;
        const Clock* clock =
            nullptr;  ///< of the wall: how old a copy of the state is; outlives the log
        Metrics* metrics = nullptr;
    };
    /// Errors: Configuration when topics are not as configured or the data directory is another's,
    /// Forbidden where the ACLs refuse, Io when the cluster can't be reached.
    static Result<std::unique_ptr<KafkaLog>> open(Options options);
    ~KafkaLog() override;

    struct Stats {
        std::uint64_t window_bytes = 0;  ///< records kept for readers
        std::uint64_t write_buffer_bytes = 0;
        std::uint64_t block_cache_bytes = 0;
        std::uint64_t table_reader_bytes = 0;
    };
    Stats stats() const;

    std::vector<TopicConfig> topics() const override;
    Ownership ownership(std::string_view stage, const TopicPartition& input) const override;
    Result<Offset> committed(std::string_view stage, const TopicPartition& input) const override;
    Duty duty() const override;
    Result<std::unique_ptr<ShardLog>> open_shard(std::string_view stage,
                                                 const TopicPartition& input) override;
    Generation generation() const override;
    Generation generation_at(const TopicPartition& tp, Offset offset) const override;
    void append(FeedRecord record, AppendDone done) override;
    std::uint32_t partitions(std::string_view topic) const override;
    Result<Offset> begin_offset(const TopicPartition& tp) const override;
    Result<Offset> end_offset(const TopicPartition& tp) const override;
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                      RecordBatch& out) const override;
    Result<void> sync() override;
    std::uint64_t activity() const override;
    void wait(std::uint64_t seen, std::chrono::milliseconds timeout) const override;
    Result<std::optional<Offset>> load_position(std::string_view reader,
                                                const TopicPartition& tp) const override;
    Result<void> store_position(std::string_view reader, const TopicPartition& tp,
                                Offset next) override;

  private:
    class Impl;  // hides librdkafka and RocksDB
    explicit KafkaLog(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::topology
