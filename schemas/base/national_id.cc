#include "schemas/base/national_id.h"

#include <array>

namespace vitalog {
namespace {

constexpr std::size_t kLength = 18;
// GB 11643-1999: weight of position i is 2^(17-i) mod 11.
constexpr std::array<int, 17> kWeights{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
constexpr std::string_view kCheckCharacters = "10X98765432";

int number_at(std::string_view digits, std::size_t from, std::size_t count) {
    int value = 0;
    for (std::size_t i = from; i < from + count; ++i) value = value * 10 + (digits[i] - '0');
    return value;
}

}  // namespace

char national_id_check_character(std::string_view digits) {
    int sum = 0;
    for (std::size_t i = 0; i < kWeights.size(); ++i) sum += (digits[i] - '0') * kWeights[i];
    return kCheckCharacters[static_cast<std::size_t>(sum % 11)];
}

bool is_national_id(std::string_view number) {
    if (number.size() != kLength || number.front() == '0') return false;
    for (std::size_t i = 0; i < kWeights.size(); ++i)
        if (number[i] < '0' || number[i] > '9') return false;
    const char check = number.back() == 'x' ? 'X' : number.back();
    return check == national_id_check_character(number) &&
           is_valid_date(number_at(number, 6, 4), static_cast<unsigned>(number_at(number, 10, 2)),
                         static_cast<unsigned>(number_at(number, 12, 2)));
}

std::optional<std::string> canonical_national_id(std::string_view number) {
    if (!is_national_id(number)) return std::nullopt;
    std::string canonical(number);
    if (canonical.back() == 'x') canonical.back() = 'X';
    return canonical;
}

std::optional<Date> national_id_birth_date(std::string_view number) {
    if (!is_national_id(number)) return std::nullopt;
    return Date{static_cast<std::int16_t>(number_at(number, 6, 4)),
                static_cast<std::uint8_t>(number_at(number, 10, 2)),
                static_cast<std::uint8_t>(number_at(number, 12, 2))};
}

}  // namespace vitalog
