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

/// The tables that are shown, or those that a rebuild fills beside them.
enum class Side : std::uint8_t { Live, Beside };

/// The tables of the archive, in a SQLite file of one writer or in a PostgreSQL database of
/// several, each of which follows partitions of its own; used by one thread, read by ViewReader's
/// connections. What they hold is a function of the records applied, whatever the order in which
/// partitions come, so that they can be rebuilt from the log at any time. Rows stay with the person
/// they were written for; a merge adds a link, through which readers look.
class ViewStore {
  public:
    /// Opens or creates; `place` is a path, or "postgresql://..." (sinks/views/place.h). Conflict
    /// when the tables follow another generation of the log or are of another version: they have to
    /// be rebuilt. Damaged, Io.
    static Result<ViewStore> open(const std::string& place, Generation generation,
                                  Side side = Side::Live);
    /// Drops what a rebuild that was broken off has left.
    static Result<void> clear_beside(const std::string& place);
    /// What was filled beside takes the place of what is live. No store or reader of this process
    /// may be open; readers of a database elsewhere go on with the new tables.
    static Result<void> take_over(const std::string& place);

    ViewStore(ViewStore&&) noexcept;
    ViewStore& operator=(ViewStore&&) noexcept;
    ~ViewStore();

    /// Rows and positions in one transaction; records before a partition's position are passed
    /// over. Where a position has moved meanwhile, by another writer or by a crash of the server,
    /// nothing is applied and position() is the new one. After an Io of a server the next call
    /// connects anew. Io, Damaged; Busy where other writers were in the way.
    Result<Applied> apply(std::span<const ViewBatch> batches);
    /// Where to read on; Offset 0 for a partition never seen.
    Offset position(const TopicPartition& tp) const;
    /// Returns once everything committed up to position() is on disk. A commit alone survives a
    /// crash of the process, not of the machine or of a server.
    Result<void> sync();

  private:
    struct Impl;
    explicit ViewStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::sinks::views
