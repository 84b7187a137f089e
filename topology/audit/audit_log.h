#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "schemas/topic_names.h"
#include "topology/audit/fold.h"
#include "topology/config.h"
#include "topology/log/stopped_log.h"

namespace vitalog::topology {

/// The log that an audit reads: the data directory of a stopped site (or a backup of a running one), which
/// is held and not changed; or a cluster, of which committed records are read and nothing is joined. Thread-safe.
class AuditLog {
  public:
    struct Options {
        std::filesystem::path data_dir;  ///< empty: the cluster that the configuration names
        std::string kafka_password;
    };
    /// The errors of StoppedLog::open and KafkaLog::open.
    static Result<std::unique_ptr<AuditLog>> open(const Config& config, Options options);
    ~AuditLog();

    const AuditSource& source() const { return *source_; }
    /// The site's names, and the partitions that the log has.
    const schemas::TopicNames& names() const { return names_; }
    /// Null on a cluster.
    const StoppedLog* stopped() const { return stopped_.get(); }
    Generation generation() const { return stopped_ ? stopped_->generation() : Generation(1); }

    struct Position {
        Offset committed;
        std::uint32_t logic = 0;  ///< that wrote the last commit; 0: not known
        std::vector<StoppedLog::EarlierLogic> earlier{};  ///< before it; on a cluster not known
    };
    /// Where a shard stands; at the beginning where it never committed. Io.
    Result<Position> position(std::string_view stage, const TopicPartition& input) const;

  private:
    AuditLog() = default;
    std::unique_ptr<StoppedLog> stopped_;
    std::unique_ptr<Log> cluster_;
    std::unique_ptr<RecordSource> records_;  // over stopped_
    std::optional<AuditSource> source_;
    schemas::TopicNames names_;
};

}  // namespace vitalog::topology
