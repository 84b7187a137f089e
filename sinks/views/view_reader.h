#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "sinks/views/query.h"
#include "sinks/views/rows.h"
#include "sinks/views/series.h"

namespace vitalog::sinks::views {

/// Reads the views: a pool of read-only connections, each call sees one committed state.
/// Thread-safe; a call waits while all connections are taken. Errors: Io, Damaged; Malformed for an
/// id that is none.
class ViewReader {
  public:
    static constexpr std::int64_t kCountMax = 100'000;  ///< beyond, the total is not given

    /// `place` as of ViewStore::open, which comes first.
    static Result<ViewReader> open(const std::string& place, std::size_t connections = 4);
    ViewReader(ViewReader&&) noexcept;
    ViewReader& operator=(ViewReader&&) noexcept;
    ~ViewReader();

    /// Bytes that SQLite's views hold in this process's memory, the writer's included.
    static std::int64_t memory_bytes();

    Result<Page<PatientRow>> patients(const Query& query) const;
    Result<Page<EncounterRow>> encounters(const Query& query) const;
    Result<Page<ReportRow>> reports(const Query& query) const;
    /// Where the query names persons, the hours of their samples too.
    Result<Page<ObservationRow>> observations(const Query& query) const;
    Result<Page<RiskRow>> risks(const Query& query) const;
    Result<Page<BodyRow>> alerts(const Query& query) const;
    Result<Page<BodyRow>> tasks(const Query& query) const;
    Result<Page<BodyRow>> deliveries(const Query& query) const;

    /// Samples of wearables, by time, and the sources there are of the measure. Holds a connection
    /// until the visitor has seen them all.
    Result<std::vector<SeriesSource>> samples(const SeriesQuery& query,
                                              const SeriesVisitor& visit) const;

    /// Messages decided in [from, to), microseconds since 1970, counted by quarter of an hour: days
    /// of every zone begin with one.
    Result<std::vector<MessageCount>> message_counts(std::int64_t from_us,
                                                     std::int64_t to_us) const;

    /// A task as it was in that version; nothing where the views don't have it.
    Result<std::optional<BodyRow>> task_version(const std::string& task,
                                                std::int64_t version) const;

    /// Pairs of persons who share an identifier, oldest first, without those who became one.
    Result<Page<ClashRow>> clashes(const Cursor& after, std::int64_t limit) const;

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
