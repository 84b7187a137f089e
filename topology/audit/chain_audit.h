#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "topology/audit/audit_log.h"
#include "topology/log/block_chain.h"
#include "topology/log/sha256.h"

namespace vitalog::topology {

/// One record of a running digest: its offset, its time and its bytes.
void add_record(Sha256& sha, const RecordView& record);

/// What an audit found of a stretch of a partition, to be kept where whoever can change the log can't: the link of the
/// last block before `end` (block_chain.h), which stands for all before it; or, of a cluster, which keeps no chain for
/// us, the SHA-256 of the records from `begin` on.
struct AnchorEntry {
    enum class Kind : std::uint8_t { Chain, Records };
    Kind kind = Kind::Chain;
    TopicPartition tp;
    Offset begin;
    Offset end;
    Digest digest;
};

/// A file of such entries. JSON: {"anchor":1,"entries":[{"kind","topic","partition","begin","end","sha256"}]}
struct Anchor {
    std::vector<AnchorEntry> entries;

    /// Empty where there is no file yet. Damaged, Io.
    static Result<Anchor> read(const std::filesystem::path& path);
    /// Durably: the old one or the new one is there, whatever happens.
    Result<void> write(const std::filesystem::path& path) const;
    /// The entries of a partition give way to these.
    void replace(const TopicPartition& tp, const std::vector<AnchorEntry>& entries);
    /// One digest for all entries, for a line in a log that others keep.
    Digest digest() const;
};

/// One partition followed from the first record that is kept to its end.
struct ChainReport {
    TopicPartition tp;
    Offset begin, end;
    std::uint64_t blocks = 0;  ///< 0 on a cluster
    Digest head;
    std::optional<Offset> fault_at;  ///< the block, or the begin of the stretch, that is not what it was
    std::string fault;               ///< empty: everything is as it was written
    std::string note;                ///< what could not be compared, and why
    std::vector<AnchorEntry> entries;  ///< for the next anchor
};

/// Follows a partition and compares it with the anchor's entries for it. Errors are those of reading: what is found
/// wrong is in the report. On a cluster it reads every record: with `digest_records`, else nothing is known of it.
Result<ChainReport> audit_chain(const AuditLog& log, const TopicPartition& tp, const Anchor& anchor,
                                bool digest_records);

}  // namespace vitalog::topology
