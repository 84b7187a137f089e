#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "schemas/topic_names.h"
#include "topology/config.h"
#include "topology/log/embedded_log.h"
#include "topology/log/kafka_log.h"
#include "topology/roles.h"

namespace vitalog::topology {

/// The log of a site, of the kind that its configuration names, with what only one kind can do.
class SiteLog {
  public:
    struct Options {
        std::filesystem::path data_dir;
        std::string kafka_password;   ///< of log.sasl.user
        const Clock* wall = nullptr;  ///< outlives the log; null: for reading only
        Metrics* metrics = nullptr;
        Roles roles;
        bool accept_drift = false;  ///< of a data directory of an older version, too
    };
    /// The errors of EmbeddedLog::open or KafkaLog::open.
    static Result<SiteLog> open(const Config& config, const schemas::TopicNames& topics,
                                Options options);
    /// For reading topics only: takes no part in the work of a cluster. Holds the data directory;
    /// on a cluster there may be none.
    static Result<std::unique_ptr<Log>> open_to_read(const Config& config,
                                                     const schemas::TopicNames& topics,
                                                     Options options);

    Log& log() const { return *log_; }
    /// Null on a cluster.
    EmbeddedLog* embedded() const { return embedded_; }
    const std::filesystem::path& data_dir() const { return data_dir_; }

    /// Drops what is older than its retention; a cluster does that by itself.
    Result<void> enforce_retention(LogTime now) const;
    /// Bytes of memory by part.
    std::map<std::string, std::uint64_t> memory() const;

  private:
    std::filesystem::path data_dir_;
    std::unique_ptr<Log> log_;
    EmbeddedLog* embedded_ = nullptr;
    KafkaLog* kafka_ = nullptr;
};

/// The cluster that the configuration names, as a site uses it.
KafkaLog::Options kafka_options(const Config& config, const schemas::TopicNames& topics,
                                const SiteLog::Options& given);

/// What of log.* can be checked before anything opens. Configuration.
Result<void> check_log(const Config& config, const std::string& kafka_password);

}  // namespace vitalog::topology
