#pragma once

#include <filesystem>

#include "topology/log/kafka/move_in.h"
#include "topology/site_log.h"

namespace vitalog::topology {

struct MigrationOptions {
    std::filesystem::path from;  ///< data directory of the stopped site on the embedded log
    std::filesystem::path to;    ///< of the same site on the cluster: missing or empty
    std::string kafka_password;
    const Clock* wall = nullptr;
    MoveIn::Progress progress;
};

struct Migrated {
    MoveCounts log;
    bool resumed = false;  ///< an earlier attempt had begun
    bool views = false;    ///< the SQLite views were in the data directory, and were copied
};

/// Moves a site from its embedded log to the cluster that the configuration names: the log, the
/// stages' state, positions, the ledger of repeats, documents, and views in SQLite. `from` stays as
/// it is. Whole or not at all: until it is done, no site begins on that cluster, and the same call
/// goes on with what an interrupted one left. Conflict when `to` or the cluster holds something
/// else; the errors of StoppedLog::open and MoveIn.
Result<Migrated> migrate(const Config& config, const MigrationOptions& options);

}  // namespace vitalog::topology
