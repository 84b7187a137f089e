#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/base/time.h"
#include "schemas/events/wearable.h"
#include "schemas/tables/tables.h"

namespace vitalog::ingest::wearable {

/// One number as a device states it. A view.
struct Reading {
    const schemas::Measure* measure = nullptr;
    std::string_view unit;  ///< as spelled; empty: none was stated
    double number = 0;
    std::string_view statistic;  ///< what the number says of its span; empty: as measured
};

/// What the readings of one item share. A view.
struct Occasion {
    std::string_view source;
    std::int64_t start = 0;   ///< milliseconds since the epoch
    std::int64_t end = 0;     ///< the moment, where start and end are one
    std::int64_t stated = 0;  ///< when the device says that it wrote this down; 0: it does not say
    int offset_minutes = 0;
    bool self_reported = false;
};

/// Collects the readings of one account's batch into series, item by item: an item is taken whole
/// or refused whole. Then repairs clocks and puts each series in order of time. Reuses its memory
/// from batch to batch; one thread.
class SampleBatch {
  public:
    /// Series that one batch may have: beyond, items are refused.
    static constexpr std::size_t kSeriesMax = 256;
    /// A value of a moment says nothing of more than an hour, a total of more than a day (and the
    /// hour by which a day may be longer): what covers more is a statistic.
    static constexpr std::int64_t kMomentSpanMax = 3'600'000;
    static constexpr std::int64_t kTotalSpanMax = 25 * 3'600'000;

    /// Starts over.
    void begin(const schemas::Tables& tables, ReceivedTime received);
    /// One item: all its readings, or an Error that says what is wrong with the first that is.
    Result<void> add(const Occasion& occasion, const Reading* readings, std::size_t count);
    std::size_t samples() const { return samples_; }

    /// The batch as an event; `account` and `provider` are its head. A view, until the next
    /// begin().
    const schemas::SamplesEvent& finish(const schemas::Identifier& account,
                                        std::string_view provider);
    /// Time of the newest sample as finish() left it.
    EventTime newest() const { return EventTime::from_millis(newest_); }

  private:
    /// What its source's clock says, over all items of the batch.
    struct Clock {
        std::string_view source;
        std::int64_t newest = 0;  ///< the latest time it states, of samples or of writing them down
        std::int64_t shift = 0;
        std::string_view reason;
    };
    struct Column {
        const schemas::Measure* measure = nullptr;
        std::size_t clock = 0;
        std::string_view statistic;
        int offset_minutes = 0;
        bool self_reported = false;
        bool sorted = true;
        bool spanned = false;
        std::vector<std::int64_t> times;
        std::vector<std::int64_t> values;
        std::vector<std::int64_t> spans;
    };
    struct Pending {
        std::size_t column = 0;
        std::int64_t value = 0;
        std::int64_t span = 0;
    };
    struct KnownUnit {
        std::string_view spelling;
        const schemas::Unit* unit = nullptr;
    };

    Result<void> check_times(const Occasion& occasion) const;
    Result<std::int64_t> fixed_point(const Reading& reading);
    Result<const schemas::Unit*> unit_of(const Reading& reading);
    Result<std::size_t> column_for(const Occasion& occasion, const Reading& reading);
    Result<std::size_t> clock_of(std::string_view source);
    void append(const Pending& pending, const Occasion& occasion);
    void repair_clocks();
    void sort(Column& column);
    void write(const Column& column, schemas::SampleSeries& out) const;
    std::string_view keep(std::string text);

    const schemas::Tables* tables_ = nullptr;
    std::int64_t received_ = 0;
    std::size_t samples_ = 0;
    std::int64_t newest_ = 0;
    std::size_t last_column_ = 0;
    std::size_t columns_used_ = 0;
    std::vector<Column> columns_;
    std::vector<Clock> clocks_;
    std::vector<Pending> pending_;
    std::vector<KnownUnit> units_;
    std::deque<std::string> texts_;
    std::vector<std::uint32_t> order_;     ///< sort()'s
    std::vector<std::int64_t> reordered_;  ///< sort()'s
    schemas::SamplesEvent event_;
};

}  // namespace vitalog::ingest::wearable
