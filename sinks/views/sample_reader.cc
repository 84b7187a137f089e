#include "sinks/views/sample_reader.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "sinks/views/sample_chunk.h"

namespace vitalog::sinks::views {
namespace {

using sql::Blob;
using sql::Statement;

constexpr std::int64_t kSlotMillis = 5 * 60'000;
constexpr std::int64_t kHoursAtOnce = 24;

/// Where the hours of a series lie.
struct Place {
    std::string person;  // bytes
    std::int64_t n = 0;
};

struct Sources {
    std::vector<Place> places;
    std::vector<SeriesSource> about;  // as many
    std::int64_t first_hour = INT64_MAX;
    std::int64_t last_hour = INT64_MIN;

    /// The order in which sources have the word.
    bool has_the_word(std::size_t a, std::size_t b) const {
        return std::tie(about[a].rank, about[a].source, a) <
               std::tie(about[b].rank, about[b].source, b);
    }
};

Result<void> add_range(Reader& reader, const Place& place, Sources& sources) {
    for (const std::string end : {"min", "max"}) {
        VITALOG_TRY(
            Statement* const statement,
            reader.prepared("SELECT " + end + "(hour) FROM sample_hour WHERE person=?1 AND n=?2"));
        statement->bind(Blob{place.person}, place.n);
        VITALOG_TRY(const bool found, statement->next());
        if (found && !statement->is_null(0)) {
            sources.first_hour = std::min(sources.first_hour, statement->integer(0));
            sources.last_hour = std::max(sources.last_hour, statement->integer(0));
        }
        statement->reset();
    }
    return {};
}

Result<Sources> sources_of(Reader& reader, const SeriesQuery& query) {
    Sources sources;
    for (const auto& person : query.persons) {
        VITALOG_TRY(const std::string bytes, sql::id_bytes(person, "person"));
        VITALOG_TRY(Statement* const statement,
                    reader.prepared("SELECT n,unit,display,source,provider,statistic,rank,"
                                    "self_reported,summary FROM sample_series WHERE person=?1 AND "
                                    "loinc=?2 ORDER BY n"));
        statement->bind(Blob{bytes}, query.loinc);
        for (;;) {
            VITALOG_TRY(const bool more, statement->next());
            if (!more) break;
            sources.places.push_back({bytes, statement->integer(0)});
            sources.about.push_back({statement->string(1), statement->string(2),
                                     statement->string(3), statement->string(4),
                                     statement->string(5), static_cast<int>(statement->integer(6)),
                                     statement->integer(7) != 0, statement->integer(8) != 0});
        }
    }
    for (const auto& place : sources.places) VITALOG_CHECK(add_range(reader, place, sources));
    return sources;
}

using Hours = std::map<std::int64_t, std::vector<SeriesSample>>;

/// Adds the samples of one series in these hours.
Result<void> read_hours(Reader& reader, const Sources& sources, std::size_t source,
                        std::int64_t hour, Hours& hours) {
    VITALOG_TRY(Statement* const statement,
                reader.prepared("SELECT hour,packed FROM sample_hour WHERE person=?1 AND n=?2 AND "
                                "hour>=?3 AND hour<?4"));
    const Place& place = sources.places[source];
    statement->bind(Blob{place.person}, place.n, hour, hour + kHoursAtOnce);
    for (;;) {
        VITALOG_TRY(const bool more, statement->next());
        if (!more) return {};
        VITALOG_TRY(const auto chunk,
                    SampleChunk::decode(statement->integer(0), statement->blob(1)));
        auto& samples = hours[statement->integer(0)];
        for (const auto& sample : chunk.samples())
            samples.push_back({sample.at, sample.span, chunk.value(sample), source, false});
    }
}

/// Decides which samples of an hour count, one slot after the other.
void let_count(const Sources& sources, std::vector<SeriesSample>& samples) {
    std::array<std::size_t, kHourMillis / kSlotMillis> word;
    word.fill(SIZE_MAX);
    const auto slot_of = [](const SeriesSample& sample) {
        return static_cast<std::size_t>(sample.at % kHourMillis / kSlotMillis);
    };
    for (const auto& sample : samples) {
        if (sources.about[sample.source].summary) continue;
        auto& best = word[slot_of(sample)];
        if (best == SIZE_MAX || sources.has_the_word(sample.source, best)) best = sample.source;
    }
    for (auto& sample : samples) sample.counts = sample.source == word[slot_of(sample)];
}

}  // namespace

Result<std::vector<SeriesSource>> read_samples(Reader& reader, const SeriesQuery& query,
                                               const SeriesVisitor& visit) {
    VITALOG_TRY(Sources sources, sources_of(reader, query));
    const std::int64_t first = std::max(hour_of(query.from), sources.first_hour);
    const std::int64_t last = std::min(hour_of(query.to - 1), sources.last_hour);
    for (std::int64_t begin = first; begin <= last; begin += kHoursAtOnce) {
        Hours hours;
        for (std::size_t i = 0; i < sources.places.size(); ++i)
            VITALOG_CHECK(read_hours(reader, sources, i, begin, hours));
        for (auto& [hour, samples] : hours) {
            let_count(sources, samples);
            std::erase_if(samples, [&](const auto& sample) {
                return sample.at < query.from || sample.at >= query.to;
            });
            std::sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) {
                return std::tie(a.at, a.source) < std::tie(b.at, b.source);
            });
            if (!samples.empty() && !visit(sources.about, samples)) return sources.about;
        }
    }
    return sources.about;
}

}  // namespace vitalog::sinks::views
