#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "topology/log/embedded_log.h"

namespace vitalog::topology {
class FaultDisk;
}

namespace vitalog::simulation {

/// The product's log of one machine with its RocksDB, on a disk that fails as it is told, in a
/// folder in memory. One thread calls.
class RealLog {
  public:
    /// As topology::FaultDisk has them (tests/topology/fault_disk.h).
    enum class Fault : std::uint8_t { PowerLoss, FailedSync, Full, FlippedRead, FlippedBlock };

    RealLog(std::vector<topology::TopicConfig> topics, std::uint64_t seed);
    ~RealLog();

    Result<void> open();
    /// As by kill -9. With the power, what was not synced goes too, or a part of it.
    void die(bool power);
    /// As by a stop: everything is synced.
    void close();
    topology::EmbeddedLog& log() { return *log_; }
    const topology::EmbeddedLog& log() const { return *log_; }

    /// From the operation number `after` on; see FaultDisk. One at a time.
    void arm(Fault fault, std::uint64_t after);
    void heal();
    /// Something went wrong since the log was opened.
    bool struck() const;
    /// A byte on disk is not what was written: what is damaged may be refused from here on.
    bool flipped() const;

  private:
    std::filesystem::path folder_;
    const std::unique_ptr<topology::FaultDisk> disk_;
    topology::EmbeddedLog::Options options_;
    std::unique_ptr<topology::EmbeddedLog> log_;
    bool flips_ = false;  // the fault that is armed
    bool struck_ = false;
    bool flipped_ = false;
};

}  // namespace vitalog::simulation
