// The views: observation rows/s and samples/s through ViewStore::apply, and FHIR searches while it
// writes.
//
//     views_bench [persons] [messages] [seed] [place] [writers]
//
// `place` is an empty database as "postgresql://...", which has one or more writers, each with a
// partition of its own, and whose size is not told; without it a SQLite file in a temporary folder.
//
// Messages of ten results come in random order of persons, as from a busy laboratory; each is one
// record of `person`. Samples come as a watch sends them: batches of 100 heart rates, one a second,
// persons in random order, each going on where the last batch of theirs ended.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <random>
#include <thread>

#include "schemas/base/ids.h"
#include "schemas/events/clinical.h"
#include "schemas/events/identity.h"
#include "schemas/events/wearable.h"
#include "sinks/fhir/fhir_api.h"
#include "sinks/views/view_reader.h"
#include "sinks/views/view_store.h"

namespace {

using namespace vitalog;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kResultsPerMessage = 10;
constexpr std::size_t kSamplesPerMessage = 100;
constexpr std::size_t kMessagesPerBatch = 1'000;
constexpr int kWarmUpSearches = 50;

/// What one writer writes, of its own persons, and where the log of it stands.
struct Load {
    std::int64_t persons, messages;
    std::uint64_t seed;
    std::int64_t writer = 0, writers = 1;
    std::int64_t offset = 0;

    /// A number that no other writer uses.
    std::int64_t own(std::int64_t number) const { return number * writers + writer; }
};
struct Writer {
    sinks::views::ViewStore store;
    Load load;
};

struct Encoded {
    std::vector<std::string> keys, values;
    std::vector<RecordView> records;
    std::string headers;
};

std::string hex(std::string_view what, std::int64_t number) {
    return IdHash().part(what).part(number).finish().to_string();
}

std::string clinical(std::int64_t person, std::int64_t message) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < kResultsPerMessage; ++i)
        ids.push_back(hex("result", message * 100 + static_cast<std::int64_t>(i)));
    const std::string person_id = hex("person", person);
    const std::string report_id = hex("report", message);
    schemas::PersonClinical event;
    event.person = person_id;
    event.event.identifiers = {{"HOSP", "1", "MR"}};
    event.event.trigger = "ORU^R01";
    event.event.occurred = {EventTime(1'580'000'000'000'000 + message * 1'000'000), 480,
                            Precision::Second};
    schemas::Report report;
    report.id = report_id;
    report.filler = "4262718364";
    report.code = {"WinPath", "us-0003", "UREA AND ELECTROLYTES"};
    report.status = "final";
    report.effective = event.event.occurred;
    for (std::size_t i = 0; i < kResultsPerMessage; ++i) {
        schemas::Observation o;
        o.id = ids[i];
        o.loinc = i == 0 ? "14682-9" : "2823-3";
        o.code = {"WinPath", "tt-0003-01", "Creatinine"};
        o.effective = event.event.occurred;
        o.kind = schemas::ValueKind::Quantity;
        o.value = 90.0 + static_cast<double>(i);
        o.unit = "umol/L";
        o.raw_value = "98.00";
        o.raw_unit = "UMOLL";
        o.low = 49;
        o.high = 92;
        o.range = "49 - 92";
        o.flags = "H";
        report.observations.push_back(o);
    }
    event.event.reports.push_back(std::move(report));
    return schemas::encode(event);
}

/// `nth` of the person's batches.
std::string samples(std::int64_t person, std::int64_t nth) {
    const std::string person_id = hex("person", person);
    schemas::PersonSamples event;
    event.person = person_id;
    event.event.identifiers = {{"HUAWEI", "1", "ACCT"}};
    event.event.provider = "huawei";
    schemas::SampleSeries series;
    series.loinc = "8867-4";
    series.unit = "/min";
    series.display = "Heart rate";
    series.source = "watch";
    series.start = 1'580'000'000'000 + nth * 1'000 * static_cast<std::int64_t>(kSamplesPerMessage);
    series.steps.assign(kSamplesPerMessage, 1'000);
    series.steps.front() = 0;
    for (std::size_t i = 0; i < kSamplesPerMessage; ++i)
        series.values.push_back(70 + static_cast<std::int64_t>((i * 7 + i / 9) % 11));
    event.event.series.push_back(std::move(series));
    return schemas::encode(event);
}

enum class Kind : std::uint8_t { Results, Samples };

/// Messages of persons at random, from where the log stands.
Encoded encode_batch(Kind kind, const Load& load, std::vector<std::int64_t>& batches_of,
                     std::mt19937_64& random) {
    Encoded batch;
    Headers::append(
        batch.headers, header::kType,
        kind == Kind::Results ? schemas::PersonClinical::kType : schemas::PersonSamples::kType);
    for (std::size_t i = 0; i < kMessagesPerBatch; ++i) {
        const std::size_t person = random() % batches_of.size();
        const std::int64_t number = load.own(static_cast<std::int64_t>(person));
        batch.keys.push_back(hex("person", number));
        batch.values.push_back(
            kind == Kind::Results
                ? clinical(number, load.own(load.offset + static_cast<std::int64_t>(i)))
                : samples(number, batches_of[person]++));
    }
    for (std::size_t i = 0; i < kMessagesPerBatch; ++i)
        batch.records.push_back({Offset(load.offset + static_cast<std::int64_t>(i)),
                                 LogTime(load.offset * 1'000), batch.keys[i], batch.values[i],
                                 Headers(batch.headers)});
    return batch;
}

/// Takes every record at once: the audit costs its code, not a disk.
class NullLog final : public FeedAppender {
  public:
    void append(FeedRecord, AppendDone done) override { done(AppendReceipt{}); }
};
class FixedClock final : public Clock {
  public:
    LogTime now() const override { return LogTime(0); }
};
class Routes final : public Router {
  public:
    void route(std::string, std::string pattern, HttpHandler handler) override {
        if (pattern == "/fhir/{type}") search = std::move(handler);
    }
    HttpHandler search;
};

/// Searches one random patient's newest results after the other until told to stop; gives the times
/// in ms.
std::vector<double> search_until(const HttpHandler& search, const Load& load,
                                 const std::atomic<bool>& stop, std::size_t& found) {
    std::mt19937_64 random(7);
    std::vector<double> times;
    for (int n = 0; !stop; ++n) {
        HttpRequest request;
        request.method = "GET";
        request.path = "/fhir/Observation";
        request.path_params["type"] = "Observation";
        const auto person =
            static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(load.persons));
        request.query = {
            {"patient", hex("person", load.own(person))}, {"code", "14682-9"}, {"_sort", "-date"}};
        const auto start = Steady::now();
        search(std::move(request), [&](const HttpResponse& response) {
            if (response.status != 200) std::abort();
            found += response.body.find("\"Observation\"") != std::string::npos ? 1 : 0;
        });
        const std::chrono::duration<double, std::milli> took = Steady::now() - start;
        if (n >= kWarmUpSearches) times.push_back(took.count());
    }
    std::sort(times.begin(), times.end());
    return times;
}

double percentile(const std::vector<double>& sorted, double share) {
    return sorted.empty()
               ? 0
               : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void apply(Writer& writer, Kind kind, const Encoded& batch) {
    const sinks::views::ViewBatch one{
        {"person", Partition(static_cast<std::uint32_t>(writer.load.writer))},
        batch.records,
        Offset(writer.load.offset)};
    const auto applied = writer.store.apply({&one, 1});
    const std::uint64_t results = kind == Kind::Results ? kResultsPerMessage : 0;
    const std::uint64_t samples = kind == Kind::Samples ? kSamplesPerMessage : 0;
    if (applied && applied->refused == 0 && applied->observations == kMessagesPerBatch * results &&
        applied->samples == kMessagesPerBatch * samples)
        return;
    std::fprintf(stderr, "apply failed: %s\n",
                 applied ? applied->refusal.c_str() : applied.error().to_string().c_str());
    std::exit(1);
}

/// Applies the loads, a batch of each writer at once, and gives the seconds in which one was at it.
double write(std::vector<Writer>& writers, Kind kind) {
    std::vector<std::mt19937_64> random;
    std::vector<std::vector<std::int64_t>> batches_of;
    for (const auto& [store, load] : writers) {
        random.emplace_back(static_cast<std::uint64_t>(load.offset) + load.seed);
        batches_of.emplace_back(static_cast<std::size_t>(load.persons));
    }
    std::chrono::duration<double> spent{0};
    for (std::int64_t done = 0; done < writers.front().load.messages; done += kMessagesPerBatch) {
        std::vector<Encoded> batches;
        for (std::size_t i = 0; i < writers.size(); ++i) {
            batches.push_back(encode_batch(kind, writers[i].load, batches_of[i], random[i]));
            writers[i].load.offset += kMessagesPerBatch;
        }
        const auto start = Steady::now();
        std::vector<std::future<void>> others;
        for (std::size_t i = 1; i < writers.size(); ++i)
            others.push_back(
                std::async(std::launch::async, [&, i] { apply(writers[i], kind, batches[i]); }));
        apply(writers.front(), kind, batches.front());
        for (auto& other : others) other.get();
        spent += Steady::now() - start;
    }
    return spent.count();
}

/// Of a file; 0 for a database.
double bytes_on_disk(const std::string& place) {
    std::error_code none;
    const auto bytes = std::filesystem::file_size(place, none);
    return none ? 0 : static_cast<double>(bytes);
}

double messages_of(const std::vector<Writer>& writers) {
    return static_cast<double>(writers.front().load.messages) * static_cast<double>(writers.size());
}

void bench_samples(std::vector<Writer>& writers, const std::string& place) {
    const double before = bytes_on_disk(place);
    const double seconds = write(writers, Kind::Samples);
    const double bytes = bytes_on_disk(place) - before;
    const double count = messages_of(writers) * static_cast<double>(kSamplesPerMessage);
    std::printf("apply of samples:            %.0f samples/s (%.0f samples, %.1f bytes each)\n",
                count / seconds, count, bytes / count);
}

/// Of the first writer's persons. True when the searches found something: without, the figure would
/// be worthless.
bool bench_results(std::vector<Writer>& writers, const std::string& place) {
    const auto reader = *sinks::views::ViewReader::open(place);
    const double alone = write(writers, Kind::Results);
    const double rows = messages_of(writers) * static_cast<double>(kResultsPerMessage);
    std::printf(
        "apply, nothing else running: %.0f observation rows/s (%.0f rows, %.1f MB on disk)\n",
        rows / alone, rows, bytes_on_disk(place) / 1e6);
    NullLog log;
    FixedClock clock;
    sinks::fhir::FhirApi api(reader, log, clock);
    Routes routes;
    api.register_routes(routes);
    std::atomic<bool> stop{false};
    std::size_t found = 0;
    auto searches = std::async(std::launch::async, [&] {
        return search_until(routes.search, writers.front().load, stop, found);
    });
    const double shared = write(writers, Kind::Results);
    stop = true;
    const auto times = searches.get();
    std::printf("apply, while searching:      %.0f observation rows/s\n", rows / shared);
    std::printf(
        "search Observation?patient&code&_sort=-date while writing: n=%zu p50=%.2f ms p99=%.2f ms "
        "max=%.2f ms\n",
        times.size(), percentile(times, 0.5), percentile(times, 0.99), percentile(times, 1.0));
    return found != 0;
}

}  // namespace

int main(int argc, char** argv) {
    Load load{argc > 1 ? std::atoll(argv[1]) : 100'000, argc > 2 ? std::atoll(argv[2]) : 50'000,
              argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1};
    load.writers = argc > 5 ? std::atoll(argv[5]) : 1;
    std::printf(
        "views_bench persons=%lld messages=%lld results/message=%zu messages/commit=%zu "
        "seed=%llu writers=%lld\n",
        static_cast<long long>(load.persons), static_cast<long long>(load.messages),
        kResultsPerMessage, kMessagesPerBatch, static_cast<unsigned long long>(load.seed),
        static_cast<long long>(load.writers));
    load.persons /= load.writers;
    load.messages /= load.writers;
    std::string folder = (std::filesystem::temp_directory_path() / "views-bench-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return 1;
    const std::string place = argc > 4 ? argv[4] : folder + "/views.db";
    bool found = false;
    {
        std::vector<Writer> writers;
        for (load.writer = 0; load.writer < load.writers; ++load.writer)
            writers.push_back({*sinks::views::ViewStore::open(place, Generation(1)), load});
        found = bench_results(writers, place);
        bench_samples(writers, place);
    }
    std::filesystem::remove_all(folder);
    std::printf("%s\n", found ? "searches found rows" : "searches found no rows");
    return found ? 0 : 1;
}
