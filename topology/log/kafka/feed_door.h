#pragma once

#include <map>
#include <memory>

#include "topology/log/group_committer.h"
#include "topology/log/kafka/local_state.h"
#include "topology/log/kafka/producer.h"
#include "topology/log/kafka/reader.h"
#include "topology/log/repeat_ledger.h"

namespace vitalog::topology::kafka {

/// Appends to the feeds: whatever waits goes out together and is answered once it is replicated.
/// The ledger of repeats is made from the feeds themselves: each record carries its entry in its
/// headers, and what other processes appended is learnt by reading it, so that a process that
/// starts anew, on whatever machine, knows the repeats.
class FeedDoor {
  public:
    struct Options {
        Producer::Options producer;
        GroupCommitter::Limits queue;
        LedgerLimits ledger;
        std::vector<TopicConfig> topics;
        const Clock* clock = nullptr;  ///< of the wall
    };
    /// Learns what was appended since this data directory was last used.
    static Result<std::unique_ptr<FeedDoor>> open(Options options, Reader& reader,
                                                  LocalState& local);
    /// Answers what waits.
    ~FeedDoor();

    void append(FeedRecord record, AppendDone done);

  private:
    /// A group on its way: what is answered at once, and what waits for its message.
    struct Round {
        std::vector<Result<AppendReceipt>> receipts;
        std::vector<std::ptrdiff_t> message;  // index of the record's message; -1: none
        Delivered delivered;
    };

    FeedDoor(Options options, Reader& reader, LocalState& local)
        : options_(std::move(options)), reader_(reader), local_(local), ledger_(options_.ledger) {}
    Result<void> begin();
    Result<void> learn_feeds();
    Result<void> learn_feed(const TopicPartition& feed, Offset& next, Offset end);
    void commit_group(AppendGroup group);
    Result<void> send_group(const AppendGroup& group, Round& round);
    Result<void> send_record(const FeedRecord& record, Round& round);
    Result<void> settle(const AppendGroup& group, Round& round);
    Result<void> reopen();

    const Options options_;
    Reader& reader_;
    LocalState& local_;
    std::map<std::string, std::uint32_t, std::less<>> partitions_;  // by topic

    // Of the committer's thread.
    RepeatLedger ledger_;
    std::map<TopicPartition, Offset> next_;  // by feed: everything before it is in the ledger
    std::unique_ptr<Producer> producer_;
    std::unique_ptr<GroupCommitter> committer_;
};

}  // namespace vitalog::topology::kafka
