// Prints how messages are split, for comparison with another parser: messages on stdin, each ended by 0x1c; on stdout one
// line for each subcomponent, "segment field repetition component subcomponent raw text", the last two in hexadecimal behind
// an x, and an empty line behind each message. MSH-1 and MSH-2 are left out.

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "ingest/hl7/message.h"

namespace {

using namespace vitalog::ingest::hl7;

std::string hex(std::string_view bytes) {
    std::string out = "x";
    for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return out;
}

void print_field(const Field& field, const std::string& place) {
    std::string scratch;
    for (std::size_t r = 0; r < field.repetition_count(); ++r)
        for (std::size_t c = 1; c <= field.repetition(r).component_count(); ++c) {
            const Component component = field.repetition(r).component(c);
            for (std::size_t s = 1; s <= component.subcomponent_count(); ++s) {
                const Value value = component.subcomponent(s);
                fmt::print("{} {} {} {} {} {}\n", place, r, c, s, hex(value.raw()), hex(value.text(scratch)));
            }
        }
}

void print(std::string_view text) {
    Message message;
    if (!message.parse(text)) {
        fmt::print("refused\n\n");
        return;
    }
    for (const Segment segment : message)
        for (std::size_t f = segment.id() == "MSH" ? 3 : 1; f <= segment.field_count(); ++f)
            print_field(segment.field(f), fmt::format("{} {}", segment.index(), f));
    fmt::print("\n");
}

}  // namespace

int main() {
    const std::string all(std::istreambuf_iterator<char>(std::cin), {});
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = all.find('\x1c', at);
        print(std::string_view(all).substr(at, end - at));
        if (end == all.npos) break;
        at = end + 1;
    }
    return 0;
}
