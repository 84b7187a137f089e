#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/base/record.h"
#include "schemas/base/result.h"

namespace vitalog::sinks::views {

/// Records of one partition, in order. Borrowed for the call.
struct ViewBatch {
    TopicPartition tp;
    std::span<const RecordView> records;
    Offset next;  ///< where to read on
};

/// How desk judged a decision, for the request that waits for it.
struct Judged {
    std::string root;
    std::string task;
    int status = 200;
    std::string message;
    std::int64_t version = 0;  ///< of the task that the answer shows; 0: none
};

/// What one apply() did.
struct Applied {
    std::uint64_t observations = 0;
    std::uint64_t samples = 0;  ///< of wearables
    std::uint64_t records = 0;  ///< applied: not already covered by the position
    std::uint64_t refused = 0;  ///< could not be read, and passed over
    std::string refusal;        ///< of the last one: "topic/partition/offset: why"
    std::vector<Judged> judged;
};

/// The tables of the archive: SQLite in WAL mode, written by one thread, read by ViewReader's
/// connections. What it holds is a function of the records applied, whatever the order in which
/// partitions come, so that the file can be deleted and rebuilt from the log at any time. Rows stay
/// with the person they were written for; a merge adds a link, through which readers look.
class ViewStore {
  public:
    /// Opens or creates. Conflict when the file follows another generation of the log or another
    /// version of the tables: it has to be rebuilt. Damaged, Io.
    static Result<ViewStore> open(const std::string& path, Generation generation);
    /// Deletes the file, for a rebuild. Nothing may have it open.
    static Result<void> remove(const std::string& path);

    ViewStore(ViewStore&&) noexcept;
    ViewStore& operator=(ViewStore&&) noexcept;
    ~ViewStore();

    /// Rows and positions in one transaction; records before a partition's position are passed
    /// over. Io, Damaged.
    Result<Applied> apply(std::span<const ViewBatch> batches);
    /// Where to read on; Offset 0 for a partition never seen.
    Offset position(const TopicPartition& tp) const;
    /// Returns once everything committed is on disk. A commit alone survives a crash of the
    /// process, not of the machine.
    Result<void> sync();

  private:
    struct Impl;
    explicit ViewStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::sinks::views
