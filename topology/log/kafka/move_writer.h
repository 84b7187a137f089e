#pragma once

#include <optional>

#include "topology/log/kafka/producer.h"
#include "topology/log/kafka/reader.h"

namespace vitalog::topology::kafka {

/// Appends to one partition at offsets known before: in rounds, each acknowledged before the next,
/// so that memory is bounded and what was written is durable. Used by one thread.
class MoveWriter {
  public:
    /// `next` is where the partition ends. The producer outlives it.
    MoveWriter(Producer& producer, TopicPartition tp, Offset next)
        : producer_(producer), tp_(std::move(tp)), next_(next) {}
    /// Waits for what is on its way.
    ~MoveWriter();
    MoveWriter(const MoveWriter&) = delete;
    MoveWriter& operator=(const MoveWriter&) = delete;

    /// Conflict when a record came to lie elsewhere: somebody else writes to the partition.
    Result<void> write(const Message& message);
    /// Waits until everything written is acknowledged.
    Result<void> settle();
    /// Of the next message.
    Offset next() const { return next_; }

  private:
    Producer& producer_;
    const TopicPartition tp_;
    Offset next_;
    Delivered round_;
    std::size_t round_bytes_ = 0;
};

/// Reads a partition of the cluster record by record, up to where it ended at the start.
class ReadBack {
  public:
    static Result<ReadBack> start(Reader& reader, TopicPartition tp, Offset from);
    /// nullopt at the end. A view, until the next call.
    Result<std::optional<RecordView>> next();

  private:
    ReadBack(Reader& reader, TopicPartition tp, Offset from, Offset end)
        : reader_(&reader), tp_(std::move(tp)), end_(end) {
        batch_.next = from;
    }

    Reader* reader_;
    TopicPartition tp_;
    Offset end_;
    RecordBatch batch_;
    std::size_t at_ = 0;
};

}  // namespace vitalog::topology::kafka
