#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "topology/log/batch_fill.h"
#include "topology/log/kafka/client.h"
#include "topology/log/record_block.h"

namespace vitalog::topology::kafka {

/// Follows one partition from an offset with a consumer that is in no group: keeps what it read
/// last in memory, so that readers close to one another share it. Offsets are its own (librdkafka's
/// stored ones are not used) and may have gaps: the marks that end transactions, and what
/// compaction took. Used by one thread at a time.
class Cursor {
  public:
    /// Begins to fetch. `wake(opaque)` is called from librdkafka's thread when something came. Io.
    static Result<std::unique_ptr<Cursor>> start(rd_kafka_t* consumer, const TopicPartition& tp,
                                                 Offset from, std::size_t window_bytes,
                                                 void (*wake)(rd_kafka_t*, void*), void* opaque);
    ~Cursor();
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;

    /// True when a read from there needs nothing but what is kept and what comes next.
    bool covers(Offset from) const { return window_begin_ <= from && from <= position_; }
    /// Everything before it was read; the marks that end transactions too, once the end was
    /// reached.
    Offset position() const { return position_; }
    /// Behind the last record that there is, as far as the last answer to a fetch goes.
    Offset end() const;

    /// Takes what has come, or waits for something. What lies before `wanted` may make room for it;
    /// what lies behind is kept, however much it is. OutOfRange when the position is no longer
    /// kept, Io.
    Result<void> take(std::chrono::milliseconds wait, Offset wanted);
    /// Adds what is kept from there on, up to the batch's limit.
    Result<void> give(BatchFill& fill) const;
    /// Bytes kept from there on.
    std::size_t kept_bytes(Offset from) const;

  private:
    Cursor(rd_kafka_t* consumer, const TopicPartition& tp, Offset from, std::size_t window_bytes);
    Result<void> add(const rd_kafka_message_t& message);
    void finish_block();
    void forget_before(Offset wanted);

    rd_kafka_t* const consumer_;
    const TopicPartition tp_;
    const std::size_t window_bytes_;
    Topic topic_;
    Queue queue_;
    Offset position_;
    Offset window_begin_;
    bool at_end_ = false;
    std::deque<std::shared_ptr<const RecordBlock>>
        window_;  // shared with the batches that point into them
    std::size_t kept_ = 0;
    RecordBlockBuilder builder_;  // of consecutive offsets from block_base_ on
    Offset block_base_;
};

}  // namespace vitalog::topology::kafka
