#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "schemas/base/ports.h"
#include "sinks/blobs/blob_store.h"

namespace vitalog::sinks {

/// Shows the documents inside a feed record, one after the other. Error: the record can't be read;
/// then it holds none. An Error of `visit` ends it and is passed on.
using FindDocuments = std::function<Result<void>(
    const RecordView& record,
    const std::function<Result<void>(const BlobStore::Document&)>& visit)>;

struct BlobWorkerOptions {
    std::vector<std::string> topics;      ///< feeds whose records may hold documents
    std::size_t batch_bytes = 1 << 20;    ///< read at once; a record that is larger comes alone
    std::chrono::milliseconds idle{200};  ///< waits so long for records
    std::chrono::milliseconds report{10'000};  ///< how often a position is made durable when idle
    Metrics* metrics = nullptr;
};

/// Copies documents out of feed records into the blob store. A reader with a position of its own:
/// retention keeps every record until its documents are on disk in the store, and a repeat stores
/// the same bytes under the same name. Owns one thread; public members are thread-safe, except that
/// step() may not be mixed with start().
class BlobWorker {
  public:
    static constexpr std::string_view kReader = "blobs";

    BlobWorker(BlobStore& store, RecordSource& source, FindDocuments find,
               BlobWorkerOptions options);
    ~BlobWorker();
    BlobWorker(const BlobWorker&) = delete;
    BlobWorker& operator=(const BlobWorker&) = delete;

    void start();
    void stop();
    /// One round over all partitions: true when something was read.
    Result<bool> step();
    /// The next offset to be looked at.
    Offset position(const TopicPartition& tp) const;

  private:
    Result<void> load_positions();
    Result<bool> step(const TopicPartition& tp);
    Result<void> keep(const TopicPartition& tp, const RecordView& record);
    Result<void> report_positions();
    void follow();

    BlobStore& store_;
    RecordSource& source_;
    const FindDocuments find_;
    const BlobWorkerOptions options_;

    // Used by the thread that steps.
    bool loaded_ = false;
    bool stored_ = false;  ///< a document since the last report
    std::map<TopicPartition, Offset> reported_;
    std::chrono::steady_clock::time_point report_due_{};
    RecordBatch batch_;

    mutable std::mutex mutex_;
    std::map<TopicPartition, Offset> positions_;  // guarded by mutex_
    std::condition_variable wake_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace vitalog::sinks
