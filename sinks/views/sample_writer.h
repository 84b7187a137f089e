#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "schemas/events/wearable.h"
#include "sinks/views/sample_chunk.h"
#include "sinks/views/source.h"
#include "sinks/views/sqlite.h"

namespace vitalog::sinks::views {

/// Writes the samples of wearables: no row per sample, but one packed row for each person, series
/// and hour. A series is one measure in one unit from one source; a person's are numbered in the
/// order in which their records came. Used by the store's thread, inside its transaction.
class SampleWriter {
  public:
    static Result<SampleWriter> open(sql::Connection& connection);

    /// Malformed, before anything is written, for an event that can't be used.
    Result<void> samples(const schemas::PersonSamples& event, const Source& source);
    /// Forgets what it knows of the tables, after a rollback.
    void rolled_back() { known_.clear(); }

    std::uint64_t written() const { return written_; }

  private:
    struct Series {
        std::string name;  ///< what makes it one series, in one text
        int rank = 0;
    };
    using Numbered = std::vector<Series>;

    Result<Numbered*> series_of(const std::string& person);
    struct Batch;
    Result<std::int64_t> number_of(const Batch& batch);
    Result<void> write(const Batch& batch);
    Result<void> write_hour(const Batch& batch, std::int64_t n, std::span<const Sample> samples);

    sql::Statement load_series_, add_series_, rank_series_, load_hour_, save_hour_;
    std::unordered_map<std::string, Numbered> known_;  ///< by person; a bounded copy of the table
    std::vector<Sample> unpacked_;
    std::uint64_t written_ = 0;
};

}  // namespace vitalog::sinks::views
