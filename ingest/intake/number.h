#pragma once

#include <optional>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog::ingest {

/// A number as laboratories send it: exact, or with a comparator.
struct Number {
    std::string_view comparator;  ///< < <= > >=, empty for an exact value
    double value = 0;
};

/// Reads "4.5", "<15", "≥ 3". Malformed when it is no number, OutOfRange when it is not finite.
Result<Number> parse_number(std::string_view text);
/// Reads the pieces of an SN: "<" and "15". "=" is exact. Errors as above.
Result<Number> parse_number(std::string_view comparator, std::string_view digits);

/// The same with the laboratory's mark behind it: "12.5 H", "3.1 ↓", "<0.01 (L)". `flag` is HL7's
/// word for the mark (table 0078), or empty.
Result<Number> parse_marked_number(std::string_view text, std::string_view& flag);

/// A finding that is written with digits and is no number: a titre ("1:128"), a grade ("3+", "++",
/// "+/-", "±"), a range ("2-5").
bool is_graded(std::string_view text);

/// What a reference range says in numbers; nothing where it is open, or says it otherwise.
struct Range {
    std::optional<double> low;
    std::optional<double> high;
};

/// Reads "49 - 92", "[ 0.38 - 0.52 ]", "3.5--5.3", "3.5~5.3", "[ < 4.5]", "> 1.5"; of anything else
/// nothing.
Range parse_range(std::string_view text);

}  // namespace vitalog::ingest
