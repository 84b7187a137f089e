#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::state {

/// One change to a shard's stored bytes. Applied by the commit that carries it, in order.
struct Write {
    std::string key;
    std::optional<std::string> value;  ///< nullopt erases
};

/// Reads one shard's stored bytes as of the last commit. Used by the shard's own thread.
class Backend {
  public:
    virtual ~Backend() = default;
    /// values[i] is what keys[i] holds, or nullopt. Errors: Io, Damaged.
    virtual Result<void> get_many(std::span<const std::string_view> keys,
                                  std::vector<std::optional<std::string>>& values) const = 0;
    /// Visits keys that begin with prefix, in byte order. The visitor's error ends the scan.
    virtual Result<void> scan(
        std::string_view prefix,
        const std::function<Result<void>(std::string_view key, std::string_view value)>& visit)
        const = 0;
};

}  // namespace vitalog::state
