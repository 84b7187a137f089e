#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/base/time.h"

namespace vitalog::sinks {

/// Signature TC3-HMAC-SHA256 of Tencent Cloud's API 3.0. Pure functions of their arguments.
///
///     canonical  = "POST" LF "/" LF LF (name ":" value LF)* LF NAMES LF SHA256-HEX(body)
///     scope      = DATE "/" SERVICE "/tc3_request"                     DATE: yyyy-mm-dd in UTC
///     to sign    = "TC3-HMAC-SHA256" LF TIMESTAMP LF scope LF SHA256-HEX(canonical)
///     key        = HMAC(HMAC(HMAC("TC3" secret, DATE), SERVICE), "tc3_request")
///     signature  = HEX(HMAC(key, to sign))
///
/// NAMES: signed headers in lower case, sorted, joined by ";"; values in lower case, trimmed.
inline constexpr std::string_view kTc3 = "TC3-HMAC-SHA256";

struct Tc3Request {
    std::vector<std::pair<std::string, std::string>> signed_headers;  ///< names in lower case
    std::string body;
    std::int64_t timestamp = 0;  ///< seconds since 1970
    std::string service = "sms";
};

std::string tc3_scope(const Tc3Request& request);
std::string tc3_signature(const Tc3Request& request, std::string_view secret_key);
/// The Authorization field.
std::string tc3_authorization(const Tc3Request& request, std::string_view secret_id,
                              std::string_view secret_key);

/// An Authorization field taken apart, for the verifying side. Malformed otherwise.
struct Tc3Authorization {
    std::string secret_id;
    std::string scope;
    std::vector<std::string> signed_headers;
    std::string signature;
};
Result<Tc3Authorization> parse_tc3_authorization(std::string_view field);

}  // namespace vitalog::sinks
