#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::sinks::views {

enum class Table : std::uint8_t {
    Patient,
    Encounter,
    Report,
    Observation,
    Risk,
    Alert,
    Task,
    Delivery
};

/// An id of 32 hexadecimal digits that the table keeps as bytes.
struct Id {
    std::string hex;

    friend auto operator<=>(const Id&, const Id&) = default;
};
using Value = std::variant<std::int64_t, std::string, Id>;

enum class Op : std::uint8_t { In, NotIn, Less, AtLeast, StartsWith };

/// `column` is one of the table's; In and NotIn take several values, the others one.
struct Term {
    std::string_view column;
    Op op = Op::In;
    std::vector<Value> values;
};
/// All terms of one alternative, for any of the alternatives.
using Condition = std::vector<std::vector<Term>>;

struct Order {
    std::string_view column;
    bool descending = false;
};

/// A place in an ordered search: what a row has in the columns of the order, its id and its person.
/// Rows that come or go elsewhere do not move it.
class Cursor {
  public:
    using Mark = std::variant<std::monostate, std::int64_t, std::string, Id>;  // as SQLite orders
    std::vector<Mark> marks;

    /// Letters and digits, opaque to whoever passes it back.
    std::string to_string() const;
    /// Malformed for a text that to_string() does not write.
    static Result<Cursor> parse(std::string_view text);

    bool empty() const { return marks.empty(); }
};

struct Query {
    std::optional<std::vector<std::string>>
        persons;                        ///< those who are one (group_of); absent: everybody
    std::vector<Condition> conditions;  ///< all of them
    bool survivors_only = false;        ///< patients: not those merged into others
    std::vector<Order> order;           ///< ties are broken by id
    std::int64_t limit = 50;
    Cursor after = {};  ///< goes on behind this place; empty: from the start
    bool count = true;
};

}  // namespace vitalog::sinks::views
