#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "processors/processor.h"
#include "topology/log/log.h"
#include "schemas/topic_names.h"

namespace vitalog::topology {

/// Where an output comes from: what its headers say.
struct Origin {
    RecordId cause;
    RecordId root;
    ReceivedTime received;
};

/// The outputs of one shard between two commits. Those of the record in hand wait apart until it is accepted, so that a
/// refused record leaves nothing behind. One thread.
class Outbox {
  public:
    Outbox(const schemas::TopicNames& topics, std::string_view stage);

    /// An output of the record in hand, to the partition its key hashes to.
    void add(schemas::Topic topic, std::string_view key, std::string_view type, const RecordId& id,
             const Origin& origin, std::string_view value, const processors::EmitOptions& options);
    /// The same to a partition that is named, without key: controls and ticks.
    void add_to(schemas::Topic topic, Partition partition, std::string_view type, const RecordId& id,
                const Origin& origin, std::string_view value);
    /// With encoded headers: forwarded records and dead letters.
    void add_raw(schemas::Topic topic, Partition partition, std::string_view key,
                 std::string_view headers, std::string_view value);

    /// Shows the outputs of the record in hand.
    using Visitor = std::function<void(const TopicPartition& tp, std::string_view key,
                                       std::string_view headers, std::string_view value)>;
    void visit_waiting(const Visitor& visit) const;
    /// Of the largest value among them.
    std::size_t largest_waiting() const { return largest_waiting_; }
    /// The record in hand is accepted, or refused.
    void accept(LogTime now);
    void refuse();

    bool urgent() const { return urgent_; }
    std::size_t bytes() const { return bytes_; }
    std::size_t records() const { return records_; }
    /// In order for each partition, which comes again where its outputs fill more than a block should have.
    std::vector<PartitionOutput> take();

  private:
    struct Waiting {
        schemas::Topic topic;
        Partition partition;
        std::size_t key, headers, value, end;  // ranges of arena_
    };
    void wait(Waiting& waiting);
    void add_keyed(schemas::Topic topic, Partition partition, std::string_view key, std::string_view type,
                   const RecordId& id, const Origin& origin, std::string_view value,
                   const processors::EmitOptions& options);
    RecordBlockBuilder& builder(schemas::Topic topic, Partition partition);
    void append_headers(std::string_view type, const RecordId& id, const Origin& origin,
                        const processors::EmitOptions& options);

    const schemas::TopicNames& topics_;
    std::string source_;  // ce_source: "vitalog/<stage>"
    std::string time_text_;  // reused
    std::string arena_;
    std::vector<Waiting> waiting_;
    bool waiting_urgent_ = false;
    std::size_t largest_waiting_ = 0;
    std::vector<PartitionOutput> outputs_;
    std::vector<std::vector<int>> index_;  // topic, partition -> place in outputs_
    bool urgent_ = false;
    std::size_t bytes_ = 0;
    std::size_t records_ = 0;
};

}  // namespace vitalog::topology
