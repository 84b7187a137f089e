#include "processors/identity/site_policy.h"

#include <algorithm>

#include "processors/identity/identifier.h"
#include "schemas/base/national_id.h"

namespace vitalog::processors::identity {
namespace {

bool lists(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string_view authority_of(std::string_view key) {
    return key.substr(0, key.find('|'));
}

SitePolicy SitePolicy::from(const schemas::Settings& settings) {
    SitePolicy policy;
    policy.authorities_ = settings.list("site.authorities", "");
    policy.linking_ = settings.list("site.linking", "");
    policy.accounts_ = settings.list("site.accounts", "");
    return policy;
}

std::size_t SitePolicy::rank(std::string_view authority) const {
    const auto found = std::find(authorities_.begin(), authorities_.end(), authority);
    return static_cast<std::size_t>(found - authorities_.begin());
}

bool SitePolicy::is_account(const schemas::Identifier& identifier) const {
    return identifier.type == kAccountType || identifier.authority == kOpenidAuthority ||
           lists(accounts_, identifier.authority);
}

bool SitePolicy::merges_by_itself(const schemas::Identifier& identifier) const {
    if (is_account(identifier)) return false;
    if (lists(linking_, identifier.authority)) return true;
    const bool national = identifier.authority == kNationalIdAuthority || identifier.type == "NI" ||
                          identifier.type == "NN" || identifier.type == "NNCHN";
    return national && is_national_id(identifier.value);
}

bool SitePolicy::survives(std::string_view founder, std::string_view other) const {
    const std::size_t rank_founder = rank(authority_of(founder));
    const std::size_t rank_other = rank(authority_of(other));
    if (rank_founder != rank_other) return rank_founder < rank_other;
    return person_founded_by(founder) < person_founded_by(other);
}

}  // namespace vitalog::processors::identity
