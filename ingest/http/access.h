#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"

namespace vitalog::ingest {

/// One entry of `auth.tokens`.
struct HttpToken {
    std::string token;
    std::string user;
    std::string role;  ///< doctor, gateway, operator, hospital
    std::vector<std::string> teams;
};

/// Errors: Configuration for an empty, short (< 16 characters) or repeated token, an unknown role,
/// no user.
Result<void> check_tokens(const std::vector<HttpToken>& tokens);

/// Who a request comes from; empty: 401. Without tokens everybody is allowed every role and the
/// user is what X-User says. Tokens are compared in constant time.
std::optional<Caller> establish_caller(const std::vector<HttpToken>& tokens,
                                       std::string_view authorization, std::string_view x_user);

/// A JSON error answer {"error":{"status","code","message"}}; paths under /fhir get an
/// OperationOutcome.
HttpResponse error_response(int status, std::string_view code, std::string_view message,
                            std::string_view path = {});

/// For handlers: empty when the caller has one of the roles (or every role), else the 403 to answer
/// with.
std::optional<HttpResponse> require_role(const HttpRequest& request,
                                         std::initializer_list<std::string_view> roles);

}  // namespace vitalog::ingest
