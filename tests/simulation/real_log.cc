#include "tests/simulation/real_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "tests/topology/fault_disk.h"

namespace vitalog::simulation {
namespace {

/// In memory where there is such a place: what is synced is the simulated disk's to say.
std::filesystem::path folder_for(std::uint64_t seed) {
    std::error_code error;
    std::filesystem::path place = "/dev/shm";
    if (::access(place.c_str(), W_OK) != 0) place = std::filesystem::temp_directory_path();
    place /= fmt::format("vitalog-sim-{}-{:x}", ::getpid(), seed);
    std::filesystem::remove_all(place, error);
    return place;
}

}  // namespace

RealLog::RealLog(std::vector<topology::TopicConfig> topics, std::uint64_t seed)
    : folder_(folder_for(seed)), disk_(std::make_unique<topology::FaultDisk>(seed)) {
    options_.path = folder_;
    options_.topics = std::move(topics);
    options_.block_cache_bytes = 1 << 20;
    options_.write_buffer_bytes = 64 << 20;  // nothing is written behind the seed's back
    options_.segment_bytes = 3'000;
    options_.recent_bytes = 20'000;  // most is read from disk
    options_.disk_reserve_bytes = 0;
    options_.background_jobs = 1;
    options_.disk = disk_->disk();
}

RealLog::~RealLog() {
    close();
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
}

Result<void> RealLog::open() {
    struck_ = false;
    VITALOG_TRY(log_, topology::EmbeddedLog::open(options_));
    return {};
}

void RealLog::die(bool power) {
    heal();
    disk_->arm(topology::FaultDisk::Fault::PowerLoss, 0);
    log_.reset();
    disk_->heal();
    if (power) disk_->lose_power();
}

void RealLog::close() {
    log_.reset();
}

void RealLog::arm(Fault fault, std::uint64_t after) {
    using Disks = topology::FaultDisk::Fault;
    constexpr std::array kFaults{Disks::PowerLoss, Disks::FailedSync, Disks::Full,
                                 Disks::FlippedRead, Disks::FlippedBlock};
    heal();
    flips_ = fault == Fault::FlippedBlock;
    disk_->arm(kFaults.at(static_cast<std::size_t>(fault)), after);
}

bool RealLog::struck() const {
    return struck_ || disk_->struck();
}

bool RealLog::flipped() const {
    return flipped_ || (flips_ && disk_->struck());
}

void RealLog::heal() {
    struck_ = struck();
    flipped_ = flipped();
    flips_ = false;
    disk_->heal();
}

}  // namespace vitalog::simulation
