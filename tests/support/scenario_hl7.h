#pragma once

#include <string>
#include <string_view>

#include "schemas/base/result.h"
#include "tests/support/scenario_script.h"

namespace vitalog::tests {

/// The authority of a patient who is named by a bare number.
inline constexpr std::string_view kHospital = "HIS";

/// "7" becomes "HIS|7", "NHS:99" becomes "NHS|99": the key of an identifier.
std::string identifier_key(std::string_view patient);

/// True for the kinds of input that are HL7 messages made from words (result, admit, merge, ...).
bool is_hl7_kind(std::string_view kind);

/// The HL7 v2.5 message that a line stands for, in UTF-8, segments ended by CR. Malformed: the line
/// lacks something or has a word that its kind does not know.
Result<std::string> hl7_message(const Line& line);

}  // namespace vitalog::tests
