#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "schemas/base/result.h"
#include "sinks/views/rows.h"

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

struct Query {
    std::optional<std::vector<std::string>>
        persons;                        ///< those who are one (group_of); absent: everybody
    std::vector<Condition> conditions;  ///< all of them
    bool survivors_only = false;        ///< patients: not those merged into others
    std::vector<Order> order;           ///< ties are broken by id
    std::int64_t limit = 50;
    std::int64_t offset = 0;
    bool count = true;
};

/// Reads the views: a pool of read-only connections, each call sees one committed state.
/// Thread-safe; a call waits while all connections are taken. Errors: Io, Damaged; Malformed for an
/// id that is none.
class ViewReader {
  public:
    static constexpr std::int64_t kCountMax = 100'000;  ///< beyond, the total is not given

    /// The file must exist: ViewStore::open comes first.
    static Result<ViewReader> open(const std::string& path, std::size_t connections = 4);
    ViewReader(ViewReader&&) noexcept;
    ViewReader& operator=(ViewReader&&) noexcept;
    ~ViewReader();

    Result<Page<PatientRow>> patients(const Query& query) const;
    Result<Page<EncounterRow>> encounters(const Query& query) const;
    Result<Page<ReportRow>> reports(const Query& query) const;
    Result<Page<ObservationRow>> observations(const Query& query) const;
    Result<Page<RiskRow>> risks(const Query& query) const;
    Result<Page<BodyRow>> alerts(const Query& query) const;
    Result<Page<BodyRow>> tasks(const Query& query) const;
    Result<Page<BodyRow>> deliveries(const Query& query) const;

    /// Messages decided in [from, to), microseconds since 1970, counted by quarter of an hour: days
    /// of every zone begin with one.
    Result<std::vector<MessageCount>> message_counts(std::int64_t from_us,
                                                     std::int64_t to_us) const;

    /// A task as it was in that version; nothing where the views don't have it.
    Result<std::optional<BodyRow>> task_version(const std::string& task,
                                                std::int64_t version) const;

    /// Persons that an identifier names, after merges; any authority when that is empty.
    Result<std::vector<std::string>> persons_of(std::string_view authority,
                                                std::string_view value) const;
    /// The survivor first, then those merged into them; just the person itself where there was no
    /// merge.
    Result<std::vector<std::string>> group_of(const std::string& person) const;
    /// Persons whose id begins with these hexadecimal digits (an even number), and those who are
    /// one with them.
    Result<std::vector<std::string>> persons_with_prefix(std::string_view prefix) const;

  private:
    struct Impl;
    explicit ViewReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::sinks::views
