#pragma once

#include <set>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog::topology {

/// What one process of a site does; everything unless told otherwise.
class Roles {
  public:
    static constexpr std::string_view kListeners =
        "listeners";  ///< MLLP, /ingest, /directory, /receipts, /gateway
    static constexpr std::string_view kEffects = "effects";  ///< sends, when on duty
    static constexpr std::string_view kViews =
        "views";  ///< the archive, its API, the operator's doors

    /// A comma-separated list; empty: all. Configuration: names those there are.
    static Result<Roles> parse(std::string_view list);

    /// A stage's name is its role.
    bool has(std::string_view role) const { return roles_.contains(role); }
    bool all() const;

  private:
    std::set<std::string, std::less<>> roles_;
};

}  // namespace vitalog::topology
