#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "topology/audit/audit_log.h"
#include "topology/audit/chain_audit.h"
#include "topology/audit/output_match.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {

struct AuditOptions {
    std::string entity;               ///< only this entity's records; empty: all
    std::optional<LogTime> from, to;  ///< of the input, when the log took it
    std::filesystem::path scratch;    ///< where state goes that does not fit in memory; empty: the machine's own place
    std::size_t memory_bytes = std::size_t{1} << 30;  ///< of entities, all shards together
    Anchor anchor;
    bool digest_records = false;  ///< on a cluster: make entries for an anchor
};

/// What an audit of one stage checked and found.
struct AuditReport {
    std::string stage;
    std::uint32_t logic = 0;
    AuditOptions options;

    struct Shard {
        TopicPartition input;
        Offset begin, end;  ///< of what was applied
        std::uint64_t records = 0;
        std::uint64_t in_stretch = 0;
        std::uint32_t logic = 0;       ///< that wrote the last commit; 0: not known
        std::string not_recomputable;  ///< why; empty: it was recomputed
        std::vector<StoppedLog::EarlierLogic> earlier{};
    };
    struct Output {
        TopicPartition tp;
        std::uint64_t agreed = 0;
        std::uint64_t differences = 0;
        OutputMatch::Digested digested = {};
    };
    std::vector<ChainReport> chains;
    std::vector<Shard> shards;
    std::vector<Output> outputs;
    std::vector<Difference> differences;  ///< the first of each partition
    std::string cause;                    ///< of the first difference, in words
    std::string failure;                  ///< why it could not be recomputed to the end

    std::uint64_t input_records() const;
    std::uint64_t agreed() const;
    std::uint64_t difference_count() const;
    bool chains_hold() const;
    bool recomputed_all() const;
    /// Every output agrees, every chain holds.
    bool agrees() const { return chains_hold() && failure.empty() && difference_count() == 0; }
    /// One JSON object.
    std::string to_json() const;
};

/// Recomputes a stage's outputs from its logged input with the rules in force then, and compares them with what the
/// log has (equality (a) of the design). Reads everything once, holds what waits for its counterpart.
Result<AuditReport> audit_stage(const Stage& stage, const AuditLog& log, const AuditOptions& options);

/// What a person reads of a difference: where, which record, what is wrong with it.
std::string to_text(const Difference& difference);

}  // namespace vitalog::topology
