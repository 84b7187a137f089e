#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/result.h"
#include "sinks/digest.h"

namespace vitalog::sinks {

/// Signature version 3 of Alibaba Cloud's RPC APIs. Pure functions of their arguments.
///
///     canonical  = METHOD LF PATH LF QUERY LF (name ":" value LF)* LF NAMES LF SHA256-HEX(body)
///     to sign    = "ACS3-HMAC-SHA256" LF SHA256-HEX(canonical)
///     signature  = HEX(HMAC-SHA256(secret, to sign))
///
/// QUERY: pairs sorted by name, escaped by RFC 3986 (a space is %20). NAMES: signed headers in
/// lower case, sorted, joined by ";".
inline constexpr std::string_view kAcs3 = "ACS3-HMAC-SHA256";

using NameValues = std::vector<std::pair<std::string, std::string>>;

struct Acs3Request {
    std::string method = "POST";
    std::string path = "/";
    NameValues query;           ///< plain, any order
    NameValues signed_headers;  ///< names in lower case, any order; values trimmed
    std::string body_sha256;    ///< hexadecimal
};

/// Everything but A-Z a-z 0-9 - _ . ~ becomes %XX.
std::string rfc3986_escape(std::string_view text);
/// "a=1&b=2", sorted and escaped: also what goes into the URL.
std::string canonical_query(NameValues query);
std::string canonical_request(const Acs3Request& request);
std::string acs3_signature(const Acs3Request& request, std::string_view secret);
/// The Authorization field.
std::string acs3_authorization(const Acs3Request& request, std::string_view key_id,
                               std::string_view secret);

/// An Authorization field taken apart, for the verifying side. Malformed otherwise.
struct Acs3Authorization {
    std::string key_id;
    std::vector<std::string> signed_headers;
    std::string signature;
};
Result<Acs3Authorization> parse_acs3_authorization(std::string_view field);

}  // namespace vitalog::sinks
