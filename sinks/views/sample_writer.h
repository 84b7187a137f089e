#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "schemas/events/wearable.h"
#include "sinks/views/database.h"
#include "sinks/views/sample_chunk.h"
#include "sinks/views/source.h"

namespace vitalog::sinks::views {

/// Writes the samples of wearables: no row per sample, but one packed row for each person, series
/// and hour. A series is one measure in one unit from one source; a person's are numbered in the
/// order in which their records came. Used by the store's thread, inside its transaction.
class SampleWriter {
  public:
    static Result<SampleWriter> open(sql::Connection& connection);

    /// Malformed, before anything is written, for an event that can't be used.
    Result<void> samples(const schemas::PersonSamples& event, const Source& source);
    /// Writes the hours that have changed. Before every commit.
    Result<void> finish();
    /// Forgets what it knows of the tables, after a rollback.
    void rolled_back();

    std::uint64_t written() const { return written_; }

  private:
    struct Series {
        std::string name;  ///< what makes it one series, in one text
        int rank = 0;
    };
    using Numbered = std::vector<Series>;
    using HourPlace = std::tuple<std::string, std::int64_t, std::int64_t>;  // person, n, hour
    struct OpenHour {
        SampleChunk chunk;
        std::int64_t changes = 0;
        int offset_minutes = 0;
        std::optional<std::int64_t> clock_shift;
        std::int64_t at_us = 0;
        std::int64_t record = 0;
    };

    Result<Numbered*> series_of(const std::string& person);
    struct Batch;
    Result<std::int64_t> number_of(const Batch& batch);
    Result<void> write(const Batch& batch);
    Result<OpenHour*> open_hour(const HourPlace& place);
    Result<void> add_to_hour(const Batch& batch, std::int64_t n, std::span<const Sample> samples);

    sql::Statement load_series_, add_series_, rank_series_, load_hour_, save_hour_;
    std::unordered_map<std::string, Numbered> known_;  ///< by person; a bounded copy of the table
    std::map<HourPlace, OpenHour> hours_;              ///< of the transaction
    std::vector<Sample> unpacked_;
    std::uint64_t written_ = 0;
};

}  // namespace vitalog::sinks::views
