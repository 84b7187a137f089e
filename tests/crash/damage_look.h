#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "schemas/base/result.h"
#include "topology/config.h"

namespace vitalog::topology {

/// What a look at a directory gives: lines that must be the same, or why it ended.
struct Seen {
    enum class How : char { Whole = 'w', Refused = 'r', Stopped = 's', Crashed = 'c' };
    How how = How::Crashed;
    std::string text;       // the lines, or the error
    bool reported = false;  // that the end of a write-ahead log was dropped
};

/// A site of one partition, without threads of its own, over a data directory.
class SiteLook {
  public:
    SiteLook(const Config& config, std::filesystem::path folder);
    ~SiteLook();

    /// Opens what a site opens, takes the message and works until nothing is left to do. The lines:
    /// every topic by key, the archive, documents.
    Seen take(const std::string& then);
    /// After take(): the archive alone, in the views of another folder. Nothing else of a site
    /// depends on them.
    Seen views_in(const std::filesystem::path& folder);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::topology
