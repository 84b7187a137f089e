#include "sinks/fhir/parts.h"

#include <algorithm>
#include <array>

namespace vitalog::sinks::fhir {
namespace {

constexpr std::size_t kPrefixDigits = 8;
constexpr std::string_view kLocalCodes = "urn:vitalog:codes:";
constexpr std::string_view kAuthority = "urn:vitalog:authority:";

struct NamedSystem {
    std::string_view name;
    std::string_view uri;
};
// HL7 v2 table 0396 against the URIs of FHIR R4 (terminologies-systems).
constexpr std::array<NamedSystem, 8> kSystems{{
    {"LN", kLoinc},
    {"LOINC", kLoinc},
    {"SCT", "http://snomed.info/sct"},
    {"MDC", "urn:iso:std:iso:11073:10101"},
    {"UCUM", kUcum},
    {"I10", "http://hl7.org/fhir/sid/icd-10"},
    {"I9C", "http://hl7.org/fhir/sid/icd-9-cm"},
    {"HL70270", "http://terminology.hl7.org/CodeSystem/v2-0270"},
}};

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool is_uri(std::string_view text) {
    return text.starts_with("urn:") || text.starts_with("http://") || text.starts_with("https://");
}

}  // namespace

std::string located_id(std::string_view person, std::string_view id) {
    return std::string(person.substr(0, kPrefixDigits)) + "-" + std::string(id);
}

std::optional<Located> parse_located(std::string_view id) {
    if (id.size() != kPrefixDigits + 1 + 32 || id[kPrefixDigits] != '-') return std::nullopt;
    const Located located{id.substr(0, kPrefixDigits), id.substr(kPrefixDigits + 1)};
    if (!is_hex(located.person_prefix) || !is_hex(located.id)) return std::nullopt;
    return located;
}

std::string percent_encoded(std::string_view text) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

std::string code_system_uri(std::string_view name) {
    if (name.empty() || is_uri(name)) return std::string(name);
    for (const auto& known : kSystems)
        if (known.name == name) return std::string(known.uri);
    return std::string(kLocalCodes) + percent_encoded(name);
}

std::string code_system_name(std::string_view uri) {
    if (uri.starts_with(kLocalCodes)) return percent_decoded(uri.substr(kLocalCodes.size()));
    for (const auto& known : kSystems)
        if (known.uri == uri) return std::string(known.name);
    return std::string(uri);
}

std::string authority_uri(std::string_view authority) {
    if (authority.empty() || is_uri(authority)) return std::string(authority);
    return std::string(kAuthority) + percent_encoded(authority);
}

std::string authority_name(std::string_view uri) {
    if (uri.starts_with(kAuthority)) return percent_decoded(uri.substr(kAuthority.size()));
    return std::string(uri);
}

bool is_fhir_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.';
    });
}

void write_coding(JsonWriter& json, std::string_view system, std::string_view code,
                  std::string_view display) {
    json.begin_object();
    if (!system.empty()) json.field("system", system);
    if (!code.empty()) json.field("code", code);
    if (!display.empty()) json.field("display", display);
    json.end_object();
}

void write_concept(JsonWriter& json, std::string_view name, std::string_view system,
                   std::string_view code, std::string_view display) {
    json.key(name);
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, system, code, display);
    json.end_array();
    json.end_object();
}

void write_reference(JsonWriter& json, std::string_view name, std::string_view type,
                     std::string_view id) {
    json.key(name);
    write_reference_item(json, type, id);
}

void write_reference_item(JsonWriter& json, std::string_view type, std::string_view id) {
    json.begin_object();
    json.field("reference", std::string(type) + "/" + std::string(id));
    json.end_object();
}

void write_party(JsonWriter& json, std::string_view type, std::string_view system,
                 std::string_view name) {
    json.begin_object();
    if (is_fhir_id(name)) json.field("reference", std::string(type) + "/" + std::string(name));
    json.field("type", type);
    json.key("identifier");
    json.begin_object();
    json.field("system", system);
    json.field("value", name);
    json.end_object();
    json.field("display", name);
    json.end_object();
}

void write_identifier(JsonWriter& json, std::string_view system, std::string_view value) {
    json.begin_object();
    json.field("system", system);
    json.field("value", value);
    json.end_object();
}

void write_named(JsonWriter& json, std::string_view type, const Named& named) {
    json.begin_object();
    json.field("type", type);
    if (!named.id.empty()) {
        json.key("identifier");
        json.begin_object();
        json.field("value", named.id);
        json.end_object();
    }
    json.field("display", named.name.empty() ? named.id : named.name);
    json.end_object();
}

void write_performers(JsonWriter& json, std::string_view name,
                      std::initializer_list<Performer> performers) {
    bool any = false;
    for (const auto& performer : performers) {
        if (performer.named.id.empty() && performer.named.name.empty()) continue;
        if (!any) {
            json.key(name);
            json.begin_array();
        }
        any = true;
        write_named(json, performer.type, {performer.named.id, performer.named.name});
    }
    if (any) json.end_array();
}

void write_notes(JsonWriter& json, const std::vector<std::string_view>& notes) {
    if (notes.empty()) return;
    json.key("note");
    json.begin_array();
    for (const auto& note : notes) {
        json.begin_object();
        json.field("text", note);
        json.end_object();
    }
    json.end_array();
}

void write_attachment(JsonWriter& json, std::string_view binary, const Document& document) {
    json.begin_object();
    if (!document.content_type.empty()) json.field("contentType", document.content_type);
    json.field("url", "Binary/" + std::string(binary));
    json.field("size", document.size);
    if (!document.title.empty()) json.field("title", document.title);
    json.end_object();
}

void write_quantity(JsonWriter& json, std::string_view name, const Quantity& quantity) {
    static constexpr std::array<std::string_view, 4> kComparators{"<", "<=", ">=", ">"};
    json.key(name);
    json.begin_object();
    if (quantity.value) json.field("value", *quantity.value);
    if (std::find(kComparators.begin(), kComparators.end(), quantity.comparator) !=
        kComparators.end())
        json.field("comparator", quantity.comparator);
    if (!quantity.unit.empty()) {
        json.field("unit", quantity.unit);
        json.field("system", kUcum);
        json.field("code", quantity.unit);
    }
    json.end_object();
}

void write_limits(JsonWriter& json, std::optional<double> low, std::optional<double> high,
                  std::string_view unit) {
    if (low) write_quantity(json, "low", {low, {}, unit});
    if (high) write_quantity(json, "high", {high, {}, unit});
}

void begin_resource(JsonWriter& json, std::string_view type, std::string_view id,
                    std::int64_t revision, std::int64_t updated_us) {
    json.begin_object();
    json.field("resourceType", type);
    json.field("id", id);
    json.key("meta");
    json.begin_object();
    if (revision > 0) json.field("versionId", std::to_string(revision));
    json.field("lastUpdated", to_rfc3339(updated_us));
    json.end_object();
}

void write_interpretation(JsonWriter& json, std::string_view flags) {
    static constexpr std::array<std::string_view, 22> kKnown{
        "H", "HH", "HU", "L", "LL", "LU", "N", "A",  "AA", "<",   ">",
        "U", "D",  "B",  "W", "S",  "R",  "I", "MS", "VS", "POS", "NEG"};
    static constexpr std::string_view kSystem =
        "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
    if (flags.empty()) return;
    json.key("interpretation");
    json.begin_array();
    while (!flags.empty()) {
        const std::size_t end = std::min(flags.find('~'), flags.size());
        const std::string_view flag = flags.substr(0, end);
        flags.remove_prefix(std::min(end + 1, flags.size()));
        if (flag.empty()) continue;
        json.begin_object();
        if (std::find(kKnown.begin(), kKnown.end(), flag) != kKnown.end()) {
            json.key("coding");
            json.begin_array();
            write_coding(json, kSystem, flag);
            json.end_array();
        }
        json.field("text", flag);
        json.end_object();
    }
    json.end_array();
}

}  // namespace vitalog::sinks::fhir
