#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/time.h"

namespace vitalog {

/// Authority of the identifiers that are citizen identity numbers of the People's Republic of
/// China.
inline constexpr std::string_view kNationalIdAuthority = "GB11643";

/// True for an 18-character citizen identity number as GB 11643-1999 defines it: six digits of
/// region, a date of birth that exists, three digits of sequence and the ISO 7064 MOD 11-2 check
/// character (x counts as X).
bool is_national_id(std::string_view number);

/// The check character (ISO 7064 MOD 11-2) that belongs behind these 17 digits.
char national_id_check_character(std::string_view digits);

/// The number as it is stored and compared: a trailing x becomes X. Nothing when it is not valid.
std::optional<std::string> canonical_national_id(std::string_view number);

/// The date of birth in a valid number. Nothing when it is not valid.
std::optional<Date> national_id_birth_date(std::string_view number);

}  // namespace vitalog
