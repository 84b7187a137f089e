#include "topology/roles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace vitalog::topology {
namespace {

constexpr std::array<std::string_view, 8> kAll{"listeners", "intake", "identity", "care",
                                               "desk",      "notify", "effects",  "views"};

}  // namespace

Result<Roles> Roles::parse(std::string_view list) {
    Roles roles;
    if (list.empty()) {
        roles.roles_.insert(kAll.begin(), kAll.end());
        return roles;
    }
    for (std::size_t at = 0; at <= list.size();) {
        const std::size_t comma = std::min(list.find(',', at), list.size());
        const std::string_view role = list.substr(at, comma - at);
        if (std::find(kAll.begin(), kAll.end(), role) == kAll.end())
            return fail(Errc::Configuration,
                        fmt::format("--roles: there is no role '{}'; there are {}", role,
                                    fmt::join(kAll, ", ")));
        roles.roles_.emplace(role);
        at = comma + 1;
    }
    return roles;
}

bool Roles::all() const {
    return roles_.size() == kAll.size();
}

}  // namespace vitalog::topology
