#include "sinks/views/sample_writer.h"

#include <algorithm>

#include "schemas/base/binary.h"
#include "sinks/views/person_writer.h"

namespace vitalog::sinks::views {
namespace {

using sql::Blob;

constexpr std::size_t kPersonsKnownMax = 200'000;
/// One person's devices are few; what names more of them is no wearable.
constexpr std::size_t kSeriesPerPersonMax = 10'000;

Result<void> check(const schemas::SampleSeries& series) {
    const auto refuse = [&](const char* why) {
        return fail(Errc::Malformed, "samples of '" + std::string(series.loinc) + "': " + why);
    };
    if (series.loinc.empty()) return refuse("no code");
    if (series.steps.size() != series.values.size()) return refuse("as many steps as values");
    if (!series.spans.empty() && series.spans.size() != series.values.size())
        return refuse("as many spans as values, or none");
    if (series.decimals < 0 || series.decimals > kSampleDecimalsMax)
        return refuse("decimals must be 0 to 6");
    for (const std::int64_t value : series.values)
        if (value > kSampleValueMax || value < -kSampleValueMax) return refuse("a value too large");
    std::int64_t at = series.start;
    if (at < 0 || at > kSampleTimeMax) return refuse("a time before 1970 or out of reach");
    for (const std::int64_t step : series.steps) {
        if (step < 0 || step > kSampleTimeMax) return refuse("a step back in time, or too far");
        at += step;
        if (at > kSampleTimeMax) return refuse("a time out of reach");
    }
    for (const std::int64_t span : series.spans)
        if (span < 0 || span > kSampleTimeMax) return refuse("a negative span");
    return {};
}

/// Measure, unit, source and what the values are, as one text.
std::string series_name(const schemas::SampleSeries& series, bool summary) {
    std::string name;
    BinaryWriter out(name);
    out.text(series.loinc);
    out.text(series.unit);
    out.text(series.source);
    out.text(series.statistic);
    out.boolean(series.self_reported);
    out.boolean(summary);
    return name;
}

}  // namespace

struct SampleWriter::Batch {
    const std::string& person;
    const schemas::SampleSeries& series;
    std::string_view provider;
    bool summary;
    const Source& source;
};

Result<SampleWriter> SampleWriter::open(sql::Connection& connection) {
    SampleWriter writer;
    VITALOG_TRY(writer.load_series_,
                connection.prepare("SELECT loinc,unit,source,statistic,self_reported,summary,rank "
                                   "FROM sample_series WHERE person=?1 ORDER BY n",
                                   {"sample_series", 1}));
    VITALOG_TRY(writer.add_series_,
                connection.prepare(sql::Upsert{
                    "sample_series",
                    "person,n,loinc,unit,display,source,rank,statistic,self_reported,summary,"
                    "provider,vital",
                    "person,n", "NOTHING"}));
    VITALOG_TRY(writer.rank_series_,
                connection.prepare("UPDATE sample_series SET rank=?3 WHERE person=?1 AND n=?2",
                                   {"sample_series", 2}));
    VITALOG_TRY(
        writer.load_hour_,
        connection.prepare("SELECT packed FROM sample_hour WHERE person=?1 AND n=?2 AND hour=?3",
                           {"sample_hour", 3}));
    VITALOG_TRY(
        writer.save_hour_,
        connection.prepare(sql::Upsert{
            "sample_hour",
            "person,n,hour,packed,offset_minutes,clock_shift,revision,updated_us,record",
            "person,n,hour",
            "UPDATE SET packed=excluded.packed,offset_minutes=excluded.offset_minutes,"
            "clock_shift=coalesce(excluded.clock_shift,sample_hour.clock_shift),"
            "revision=sample_hour.revision+excluded.revision,updated_us=excluded.updated_us,"
            "record=excluded.record"}));
    return writer;
}

Result<void> SampleWriter::samples(const schemas::PersonSamples& event, const Source& source) {
    VITALOG_TRY(const std::string person, sql::id_bytes(event.person, "person"));
    for (const auto* list : {&event.event.series, &event.event.statistics})
        for (const auto& series : *list) VITALOG_CHECK(check(series));
    for (const auto& series : event.event.series)
        VITALOG_CHECK(write({person, series, event.event.provider, false, source}));
    for (const auto& series : event.event.statistics)
        VITALOG_CHECK(write({person, series, event.event.provider, true, source}));
    return {};
}

Result<SampleWriter::Numbered*> SampleWriter::series_of(const std::string& person) {
    const auto found = known_.find(person);
    if (found != known_.end()) return &found->second;
    if (known_.size() >= kPersonsKnownMax) known_.clear();
    Numbered numbered;
    load_series_.bind(Blob{person});
    for (;;) {
        VITALOG_TRY(const bool more, load_series_.next());
        if (!more) break;
        schemas::SampleSeries series;
        series.loinc = load_series_.text(0);
        series.unit = load_series_.text(1);
        series.source = load_series_.text(2);
        series.statistic = load_series_.text(3);
        series.self_reported = load_series_.integer(4) != 0;
        numbered.push_back({series_name(series, load_series_.integer(5) != 0),
                            static_cast<int>(load_series_.integer(6))});
    }
    return &known_.emplace(person, std::move(numbered)).first->second;
}

Result<std::int64_t> SampleWriter::number_of(const Batch& batch) {
    VITALOG_TRY(Numbered* const numbered, series_of(batch.person));
    const std::string name = series_name(batch.series, batch.summary);
    const auto found = std::find_if(numbered->begin(), numbered->end(),
                                    [&](const Series& known) { return known.name == name; });
    const std::int64_t n = found - numbered->begin();
    const auto& s = batch.series;
    if (found != numbered->end()) {
        if (found->rank == s.rank) return n;
        found->rank = s.rank;  // the site's tables changed
        VITALOG_CHECK(rank_series_.run(Blob{batch.person}, n, s.rank));
        return n;
    }
    if (numbered->size() >= kSeriesPerPersonMax)
        return fail(Errc::TooLarge, "a person with more than 10000 series of samples");
    const bool vital = is_vital_sign(s.loinc, "LN", s.loinc);
    VITALOG_CHECK(add_series_.run(Blob{batch.person}, n, s.loinc, s.unit, s.display, s.source,
                                  s.rank, s.statistic, s.self_reported, batch.summary,
                                  batch.provider, vital ? 1 : 2));
    numbered->push_back({name, s.rank});
    return n;
}

Result<void> SampleWriter::write(const Batch& batch) {
    const auto& series = batch.series;
    if (series.values.empty()) return {};
    VITALOG_TRY(const std::int64_t n, number_of(batch));
    unpacked_.clear();
    std::int64_t at = series.start;
    for (std::size_t i = 0; i < series.values.size(); ++i) {
        at += series.steps[i];
        unpacked_.push_back({at, series.values[i], series.spans.empty() ? 0 : series.spans[i]});
    }
    const std::span<const Sample> all(unpacked_);
    for (std::size_t begin = 0; begin < all.size();) {
        std::size_t end = begin + 1;
        const std::int64_t hour = hour_of(all[begin].at);
        while (end < all.size() && hour_of(all[end].at) == hour) ++end;
        VITALOG_CHECK(add_to_hour(batch, n, all.subspan(begin, end - begin)));
        begin = end;
    }
    written_ += series.values.size();
    return {};
}

Result<SampleWriter::OpenHour*> SampleWriter::open_hour(const HourPlace& place) {
    const auto found = hours_.find(place);
    if (found != hours_.end()) return &found->second;
    const auto& [person, n, hour] = place;
    OpenHour open{SampleChunk(hour), 0, 0, {}, 0, 0};
    load_hour_.bind(Blob{person}, n, hour);
    VITALOG_TRY(const bool known, load_hour_.next());
    if (known) {
        VITALOG_TRY(open.chunk, SampleChunk::decode(hour, load_hour_.blob(0)));
        load_hour_.reset();
    }
    return &hours_.emplace(place, std::move(open)).first->second;
}

Result<void> SampleWriter::add_to_hour(const Batch& batch, std::int64_t n,
                                       std::span<const Sample> samples) {
    VITALOG_TRY(OpenHour* const open, open_hour({batch.person, n, hour_of(samples.front().at)}));
    if (!open->chunk.add(samples, batch.series.decimals)) return {};
    ++open->changes;
    open->offset_minutes = batch.series.offset_minutes;
    if (batch.series.clock_shift != 0) open->clock_shift = batch.series.clock_shift;
    open->at_us = batch.source.at_us;
    open->record = batch.source.record();
    return {};
}

Result<void> SampleWriter::finish() {
    for (const auto& [place, open] : hours_) {
        if (open.changes == 0) continue;
        const auto& [person, n, hour] = place;
        const std::string packed = open.chunk.encode();
        VITALOG_CHECK(save_hour_.run(Blob{person}, n, hour, Blob{packed}, open.offset_minutes,
                                     open.clock_shift, open.changes, open.at_us, open.record));
    }
    hours_.clear();
    return {};
}

void SampleWriter::rolled_back() {
    known_.clear();
    hours_.clear();
}

}  // namespace vitalog::sinks::views
