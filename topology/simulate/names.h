#pragma once

#include <string>
#include <string_view>

#include "topology/simulate/dice.h"

namespace vitalog::topology::simulate {

struct Name {
    std::string_view family;
    std::string given;  ///< one or two characters
};

/// A Chinese name, family names as often as they are. Some given names have characters whose second
/// byte in GB 18030 is one of HL7's delimiters (昞 0x5C, 玘 0x5E, 珅 0x7C), a few have characters
/// of four bytes there, as real registers do.
Name name_of(Dice& dice, bool male);

}  // namespace vitalog::topology::simulate
