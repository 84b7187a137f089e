#include "sinks/tencent/signature.h"

#include <algorithm>

#include "sinks/digest.h"

namespace vitalog::sinks {
namespace {

constexpr std::string_view kRequest = "tc3_request";

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

std::string lower(std::string_view text) {
    std::string out(trimmed(text));
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

auto sorted_headers(const Tc3Request& request) {
    auto headers = request.signed_headers;
    std::sort(headers.begin(), headers.end());
    return headers;
}

std::string names_of(const Tc3Request& request) {
    std::string names;
    for (const auto& [name, value] : sorted_headers(request))
        names += (names.empty() ? "" : ";") + name;
    return names;
}

std::string day_of(std::int64_t timestamp) {
    return to_rfc3339(timestamp * 1'000'000).substr(0, 10);
}

std::string canonical(const Tc3Request& request) {
    std::string out = "POST\n/\n\n";
    for (const auto& [name, value] : sorted_headers(request))
        out.append(name).append(":").append(lower(value)).append("\n");
    return out + "\n" + names_of(request) + "\n" + sha256_hex(request.body);
}

}  // namespace

std::string tc3_scope(const Tc3Request& request) {
    return day_of(request.timestamp) + "/" + request.service + "/" + std::string(kRequest);
}

std::string tc3_signature(const Tc3Request& request, std::string_view secret_key) {
    const std::string to_sign = std::string(kTc3) + "\n" + std::to_string(request.timestamp) +
                                "\n" + tc3_scope(request) + "\n" + sha256_hex(canonical(request));
    const std::string day = hmac_sha256("TC3" + std::string(secret_key), day_of(request.timestamp));
    return hex(hmac_sha256(hmac_sha256(hmac_sha256(day, request.service), kRequest), to_sign));
}

std::string tc3_authorization(const Tc3Request& request, std::string_view secret_id,
                              std::string_view secret_key) {
    return std::string(kTc3) + " Credential=" + std::string(secret_id) + "/" + tc3_scope(request) +
           ", SignedHeaders=" + names_of(request) +
           ", Signature=" + tc3_signature(request, secret_key);
}

Result<Tc3Authorization> parse_tc3_authorization(std::string_view field) {
    const auto broken = [] {
        return fail(
            Errc::Malformed,
            "Authorization must be 'TC3-HMAC-SHA256 Credential=ID/DATE/SERVICE/tc3_request, "
            "SignedHeaders=.., Signature=..'");
    };
    if (!field.starts_with(kTc3) || !field.substr(kTc3.size()).starts_with(' ')) return broken();
    field.remove_prefix(kTc3.size());
    Tc3Authorization out;
    std::string_view names;
    while (!field.empty()) {
        const std::size_t comma = field.find(',');
        const std::string_view part = trimmed(field.substr(0, comma));
        field = comma == std::string_view::npos ? std::string_view() : field.substr(comma + 1);
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) return broken();
        const std::string_view name = part.substr(0, equals);
        const std::string_view value = part.substr(equals + 1);
        if (name == "Credential") {
            const std::size_t slash = value.find('/');
            if (slash == std::string_view::npos) return broken();
            out.secret_id = value.substr(0, slash);
            out.scope = value.substr(slash + 1);
        } else if (name == "SignedHeaders") {
            names = value;
        } else if (name == "Signature") {
            out.signature = value;
        }
    }
    while (!names.empty()) {
        const std::size_t semicolon = std::min(names.find(';'), names.size());
        out.signed_headers.emplace_back(names.substr(0, semicolon));
        names.remove_prefix(std::min(semicolon + 1, names.size()));
    }
    if (out.secret_id.empty() || out.scope.empty() || out.signature.empty() ||
        out.signed_headers.empty())
        return broken();
    return out;
}

}  // namespace vitalog::sinks
