#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/events/clinical.h"
#include "schemas/events/control.h"

namespace vitalog::processors::identity {

/// HL7 table 0203 has no word for the account of a wearable or a messenger: this one marks it.
inline constexpr std::string_view kAccountType = "ACCT";
/// Authority of the openid in a patient's line of the directory, which comes without one.
inline constexpr std::string_view kOpenidAuthority = "openid";

/// The authority in "authority|value".
std::string_view authority_of(std::string_view key);

/// What a site says about its identifiers: the settings site.authorities, site.linking and
/// site.accounts. A value type, used by the shard that owns it.
class SitePolicy {
  public:
    static SitePolicy from(const schemas::Settings& settings);

    /// Place in site.authorities; those not listed come last, and alike.
    std::size_t rank(std::string_view authority) const;
    /// An account never founds a person: type ACCT, authority "openid", or one of site.accounts.
    bool is_account(const schemas::Identifier& identifier) const;
    /// Two persons that share this identifier are one without asking anybody: a national ID (by its
    /// authority, or type NI, NN or NNCHN of HL7 table 0203) that satisfies GB 11643, or an
    /// authority of site.linking. Never an account.
    bool merges_by_itself(const schemas::Identifier& identifier) const;
    /// Of two founding identifiers the one whose person survives a clash: the earlier authority,
    /// then the smaller person id.
    bool survives(std::string_view founder, std::string_view other) const;

  private:
    std::vector<std::string> authorities_;
    std::vector<std::string> linking_;
    std::vector<std::string> accounts_;
};

}  // namespace vitalog::processors::identity
