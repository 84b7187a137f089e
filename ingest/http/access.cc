#include "ingest/http/access.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <set>

#include "schemas/json.h"
#include "schemas/operation_outcome.h"

namespace vitalog::ingest {
namespace {

constexpr std::size_t kMinTokenSize = 16;
constexpr std::array<std::string_view, 4> kRoles{"doctor", "gateway", "operator", "hospital"};

bool same_token(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_bearer(std::string_view authorization) {
    constexpr std::string_view kScheme = "bearer ";
    if (authorization.size() <= kScheme.size()) return false;
    return std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
}

}  // namespace

Result<void> check_tokens(const std::vector<HttpToken>& tokens) {
    std::set<std::string_view> seen;
    for (const HttpToken& token : tokens) {
        if (token.user.empty())
            return fail(Errc::Configuration, "auth.tokens: an entry names no user");
        const std::string entry = "auth.tokens: the entry of user '" + token.user + "' ";
        if (token.token.size() < kMinTokenSize)
            return fail(Errc::Configuration, entry + "needs a token of at least 16 characters");
        if (!seen.insert(token.token).second)
            return fail(Errc::Configuration, entry + "has a token that another entry has too");
        if (std::find(kRoles.begin(), kRoles.end(), token.role) == kRoles.end())
            return fail(Errc::Configuration,
                        entry + "has role '" + token.role +
                            "'; doctor, gateway, operator or hospital is needed");
    }
    return {};
}

std::optional<Caller> establish_caller(const std::vector<HttpToken>& tokens,
                                       std::string_view authorization, std::string_view x_user) {
    if (tokens.empty()) {
        Caller caller;
        if (!x_user.empty()) caller.user = x_user;
        return caller;
    }
    if (!is_bearer(authorization)) return std::nullopt;
    std::string_view given = authorization.substr(7);
    while (given.starts_with(' ')) given.remove_prefix(1);
    while (given.ends_with(' ')) given.remove_suffix(1);
    const HttpToken* found = nullptr;
    for (const HttpToken& token : tokens)
        if (same_token(token.token, given)) found = &token;
    if (found == nullptr) return std::nullopt;
    return Caller{.user = found->user, .role = found->role, .teams = found->teams};
}

HttpResponse error_response(int status, std::string_view code, std::string_view message,
                            std::string_view path) {
    HttpResponse response;
    response.status = status;
    if (path == "/fhir" || path.starts_with("/fhir/")) {
        response.content_type = schemas::kFhirJson;
        response.body = schemas::operation_outcome(status, message);
        return response;
    }
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.key("error");
    json.begin_object();
    json.field("status", status);
    json.field("code", code);
    json.field("message", message);
    json.end_object();
    json.end_object();
    return response;
}

std::optional<HttpResponse> require_role(const HttpRequest& request,
                                         std::initializer_list<std::string_view> roles) {
    const std::string& role = request.caller.role;
    if (role.empty() || std::find(roles.begin(), roles.end(), role) != roles.end())
        return std::nullopt;
    return error_response(403, "forbidden", "the role '" + role + "' may not do this",
                          request.path);
}

}  // namespace vitalog::ingest
