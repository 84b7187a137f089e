#include "ingest/hl7/identifiers.h"

#include <algorithm>

#include "schemas/base/national_id.h"

namespace vitalog::ingest::hl7 {
namespace {

using schemas::Identifier;

/// An HD: namespace id, else universal id.
std::string_view issuer(const Component& authority, TextArena& arena) {
    const Value name = authority.subcomponent(1);
    return (name.has_value() ? name : authority.subcomponent(2)).text(arena);
}

void add_once(std::vector<Identifier>& out, const Identifier& identifier) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const Identifier& other) {
        return other.authority == identifier.authority && other.value == identifier.value;
    });
    if (!known) out.push_back(identifier);
}

void add_national_id(std::string_view number, TextArena& arena, std::vector<Identifier>& out) {
    if (!is_national_id(number)) return;
    if (number.back() == 'x') number = arena.keep(*canonical_national_id(number));
    add_once(out, {kNationalIdAuthority, number, "NI"});
}

}  // namespace

void append_identifiers(const Field& field, std::string_view facility, TextArena& arena,
                        std::vector<Identifier>& out) {
    const std::size_t count = field.repetition_count();
    for (std::size_t i = 0; i < count; ++i) {
        const Repetition cx = field.repetition(i);
        const Component value = cx.component(1);
        if (!value.has_value()) continue;
        const std::string_view authority = issuer(cx.component(4), arena);
        add_once(out, {authority.empty() ? facility : authority, value.text(arena),
                       cx.component(5).text(arena)});
    }
}

void read_identifiers(const Segment& pid, std::string_view facility, TextArena& arena,
                      std::vector<Identifier>& out) {
    const std::size_t first = out.size();
    append_identifiers(pid.field(3), facility, arena, out);
    if (out.size() == first) append_identifiers(pid.field(2), facility, arena, out);
    const std::size_t sent = out.size();
    for (std::size_t i = first; i < sent; ++i)
        if (out[i].type == "NI" || out[i].type == "PRC") add_national_id(out[i].value, arena, out);
    add_national_id(pid.field(19).component(1).text(arena), arena, out);
}

std::string_view sending_facility(const Segment& msh, TextArena& arena) {
    const Field facility = msh.field(4);
    const Component name = facility.component(1);
    return (name.has_value() ? name : facility.component(2)).text(arena);
}

const Identifier* primary(std::span<const Identifier> identifiers,
                          std::span<const std::string> authorities) {
    for (const std::string& authority : authorities)
        for (const Identifier& identifier : identifiers)
            if (identifier.authority == authority) return &identifier;
    return identifiers.empty() ? nullptr : &identifiers.front();
}

}  // namespace vitalog::ingest::hl7
