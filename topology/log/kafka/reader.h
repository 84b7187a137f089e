#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "topology/log/kafka/activity.h"
#include "topology/log/kafka/cursor.h"

namespace vitalog::topology::kafka {

/// Reads committed records of any partition from any offset. Readers that are close to one another
/// share a cursor; the others get one of their own, on another consumer, as a consumer follows a
/// partition once. Thread-safe.
class Reader {
  public:
    struct Options {
        Properties properties;  ///< connection and security
        std::size_t window_bytes =
            std::size_t{4} << 20;  ///< kept in memory by a cursor, besides what was not yet read
        std::size_t ahead_bytes = std::size_t{16}
                                  << 20;  ///< of a partition, fetched before they are read
    };
    Reader(Options options, Activity& activity)
        : options_(std::move(options)), activity_(activity) {}
    ~Reader();

    /// Whether what was read is kept for other readers.
    enum class Keeps : std::uint8_t { Window, Nothing };
    /// Before the first read: the partitions there are.
    void add_topic(const std::string& topic, std::uint32_t partitions, Keeps keeps = Keeps::Window);
    bool knows(const TopicPartition& tp) const { return partitions_.contains(tp); }

    /// As RecordSource::read.
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                      RecordBatch& out);
    /// Nobody reads it for some time: fetches no more of it.
    void leave(const TopicPartition& tp);
    Result<Offset> begin(const TopicPartition& tp);
    /// The first record of that time or later; the end when there is none.
    Result<Offset> at(const TopicPartition& tp, LogTime time);
    /// At least everything that this process has seen or was promised. Of a partition that nobody
    /// here reads the cluster is asked; for a moment after it did not answer, the error comes at
    /// once.
    Result<Offset> end(const TopicPartition& tp);
    /// Where readable records end now, by the cluster's own word.
    Result<Offset> asked_end(const TopicPartition& tp);
    /// Everything before `end` can be read now: a read before it waits for it.
    void readable(const TopicPartition& tp, Offset end);
    /// Everything before `end` is committed and will be readable soon.
    void promised(const TopicPartition& tp, Offset end);
    /// What was promised or seen; does not ask the cluster.
    Offset known(const TopicPartition& tp) const;
    /// Bytes kept by all cursors.
    std::uint64_t memory_bytes() const;

  private:
    struct Follower {
        std::size_t lane = 0;
        std::unique_ptr<Cursor> cursor;
        std::chrono::steady_clock::time_point used;
    };
    struct Partition {
        std::size_t window_bytes = 0;
        mutable std::mutex mutex;  // guards what follows
        std::vector<Follower> followers;
        Offset readable;
        Offset promised;
        std::chrono::steady_clock::time_point wanted;  // somebody asked for its end
        std::chrono::steady_clock::time_point asked;   // the cluster was asked for it
    };

    Partition* find(const TopicPartition& tp) const;
    Result<rd_kafka_t*> lane(std::size_t index);
    Result<Cursor*> follower(Partition& partition, const TopicPartition& tp, Offset from);
    Result<Watermarks> ask(const TopicPartition& tp);
    Result<void> ask_ends(const TopicPartition& wanted);
    static void wake(rd_kafka_t* consumer, void* activity);

    const Options options_;
    Activity& activity_;
    std::map<TopicPartition, std::unique_ptr<Partition>>
        partitions_;  // as it is once reading begins
    std::atomic<std::chrono::steady_clock::time_point> unanswered_{};  // the last question for ends
    std::mutex lanes_mutex_;                                           // guards what follows
    std::vector<Handle> lanes_;
};

}  // namespace vitalog::topology::kafka
