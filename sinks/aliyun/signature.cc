#include "sinks/aliyun/signature.h"

#include <algorithm>

namespace vitalog::sinks {
namespace {

NameValues sorted(NameValues pairs) {
    std::sort(pairs.begin(), pairs.end());
    return pairs;
}

std::string joined_names(const NameValues& headers) {
    std::string out;
    for (const auto& [name, value] : headers) out += (out.empty() ? "" : ";") + name;
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::string rfc3986_escape(std::string_view text) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            out.push_back(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.push_back('%');
            out.push_back(kDigits[byte >> 4]);
            out.push_back(kDigits[byte & 15]);
        }
    }
    return out;
}

std::string canonical_query(NameValues query) {
    std::string out;
    for (const auto& [name, value] : sorted(std::move(query))) {
        if (!out.empty()) out.push_back('&');
        out.append(rfc3986_escape(name)).append("=").append(rfc3986_escape(value));
    }
    return out;
}

std::string canonical_request(const Acs3Request& request) {
    const NameValues headers = sorted(request.signed_headers);
    std::string out =
        request.method + "\n" + request.path + "\n" + canonical_query(request.query) + "\n";
    for (const auto& [name, value] : headers)
        out.append(name).append(":").append(trimmed(value)).append("\n");
    return out + "\n" + joined_names(headers) + "\n" + request.body_sha256;
}

std::string acs3_signature(const Acs3Request& request, std::string_view secret) {
    const std::string to_sign = std::string(kAcs3) + "\n" + sha256_hex(canonical_request(request));
    return hex(hmac_sha256(secret, to_sign));
}

std::string acs3_authorization(const Acs3Request& request, std::string_view key_id,
                               std::string_view secret) {
    return std::string(kAcs3) + " Credential=" + std::string(key_id) +
           ",SignedHeaders=" + joined_names(sorted(request.signed_headers)) +
           ",Signature=" + acs3_signature(request, secret);
}

Result<Acs3Authorization> parse_acs3_authorization(std::string_view field) {
    const auto broken = [] {
        return fail(
            Errc::Malformed,
            "Authorization must be 'ACS3-HMAC-SHA256 Credential=..,SignedHeaders=..,Signature=..'");
    };
    if (!field.starts_with(kAcs3)) return broken();
    field.remove_prefix(kAcs3.size());
    if (!field.starts_with(' ')) return broken();
    Acs3Authorization out;
    std::string_view names;
    while (!field.empty()) {
        const std::size_t comma = field.find(',');
        const std::string_view part = trimmed(field.substr(0, comma));
        field = comma == std::string_view::npos ? std::string_view() : field.substr(comma + 1);
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) return broken();
        const std::string_view name = part.substr(0, equals);
        const std::string_view value = part.substr(equals + 1);
        if (name == "Credential")
            out.key_id = value;
        else if (name == "SignedHeaders")
            names = value;
        else if (name == "Signature")
            out.signature = value;
    }
    while (!names.empty()) {
        const std::size_t semicolon = names.find(';');
        out.signed_headers.emplace_back(names.substr(0, semicolon));
        names =
            semicolon == std::string_view::npos ? std::string_view() : names.substr(semicolon + 1);
    }
    if (out.key_id.empty() || out.signature.empty() || out.signed_headers.empty()) return broken();
    return out;
}

}  // namespace vitalog::sinks
