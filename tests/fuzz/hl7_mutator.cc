// Mutates HL7 by its grammar: segments, fields, repetitions, components, subcomponents, escapes,
// delimiters.

#include <array>

#include "mutate.h"

namespace {

using vitalog::fuzz::Chance;

constexpr std::array<const char*, 26> kValues{"",
                                              "\"\"",
                                              "0",
                                              "-1",
                                              "1e309",
                                              ".",
                                              "<0.5",
                                              ">=7.25",
                                              "20261121",
                                              "2026112108",
                                              "20261121080000.0001+0800",
                                              "99999999",
                                              "0000",
                                              "20260230",
                                              "\\E\\",
                                              "\\F\\",
                                              "\\X0D0A\\",
                                              "\\XZZ\\",
                                              "\\.br\\",
                                              "\\",
                                              "\\H\\a\\N\\",
                                              "^^^&&&~~~",
                                              "^~\\&",
                                              "\xd6\xd0\xce\xc4",
                                              "\xe4\xb8\xad\xe6\x96\x87",
                                              "\x1b$B0l\x1b(B"};

constexpr std::array<const char*, 8> kSegments{"OBX|1|NM|2823-3^K^LN||7.9|mmol/L|3.5-5.3|H|||F",
                                               "PID|1||1^^^A^MR~2^^^B^SS||W^F||19600101|F",
                                               "NTE|1||text",
                                               "OBR|1||O1|UE^U^L",
                                               "MRG|2^^^A^MR",
                                               "ZZZ|x",
                                               "PV1|1|I",
                                               "MSH|^~\\&|A|B|C|D|20261121||ORU^R01|1|P|2.5"};

constexpr std::array<char, 7> kDelimiters{'|', '^', '~', '\\', '&', '#', '*'};

void change_value(std::string& value, Chance& chance) {
    if (value.empty() || chance.one_in(3)) {
        value = chance.any(kValues);
        return;
    }
    const std::size_t at = chance.below(value.size());
    switch (chance.below(4)) {
        case 0:
            value.insert(at, chance.any(kValues));
            break;
        case 1:
            value.erase(at, 1 + chance.below(4));
            break;
        case 2:
            value[at] = static_cast<char>(chance.below(256));
            break;
        default:
            value += value;
    }
}

/// Goes down from a field to a repetition, a component, a subcomponent, and changes something
/// there.
void change_part(std::string& text, std::string_view separators, Chance& chance) {
    if (separators.empty() || chance.one_in(3)) return change_value(text, chance);
    auto parts = vitalog::fuzz::split(text, separators.front());
    if (chance.one_in(2))
        vitalog::fuzz::rearrange(parts, chance);
    else
        change_part(chance.any(parts), separators.substr(1), chance);
    text = vitalog::fuzz::join(parts, separators.front());
}

/// Another delimiter throughout, declared or not.
void change_delimiters(std::string& text, Chance& chance) {
    const char from = chance.any(kDelimiters);
    const char to = chance.any(kDelimiters);
    for (char& c : text)
        if (c == from) c = to;
}

}  // namespace

std::string vitalog::fuzz::mutate(std::string text, Chance& chance) {
    const char ends = text.find('\r') == text.npos ? '\n' : '\r';
    auto segments = vitalog::fuzz::split(text, ends);
    switch (chance.below(6)) {
        case 0:
            vitalog::fuzz::rearrange(segments, chance);
            break;
        case 1:
            segments.insert(
                segments.begin() + static_cast<std::ptrdiff_t>(chance.below(segments.size() + 1)),
                chance.any(kSegments));
            break;
        case 2: {
            std::string whole = vitalog::fuzz::join(segments, ends);
            change_delimiters(whole, chance);
            return whole;
        }
        default: {
            std::string& segment = chance.any(segments);
            const std::string separators =
                segment.size() > 8 && segment.starts_with("MSH") && chance.one_in(2)
                    ? std::string{segment[3], segment[5], segment[4], segment[7]}
                    : std::string("|~^&");
            change_part(segment, separators, chance);
        }
    }
    return vitalog::fuzz::join(segments, chance.one_in(30) ? '\n' : ends);
}
