// The views: observation rows/s and samples/s through ViewStore::apply, and FHIR searches while it
// writes.
//
//     views_bench [persons] [messages] [seed]
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

/// What to write, and where the log of it stands.
struct Load {
    std::int64_t persons, messages;
    std::uint64_t seed;
    std::int64_t offset = 0;
};

struct Encoded {
    std::vector<std::string> values;
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

/// Messages of persons at random, from this offset on.
Encoded encode_batch(Kind kind, std::int64_t first, std::vector<std::int64_t>& batches_of,
                     std::mt19937_64& random) {
    Encoded batch;
    Headers::append(
        batch.headers, header::kType,
        kind == Kind::Results ? schemas::PersonClinical::kType : schemas::PersonSamples::kType);
    for (std::size_t i = 0; i < kMessagesPerBatch; ++i) {
        const std::size_t person = random() % batches_of.size();
        const auto number = static_cast<std::int64_t>(person);
        batch.values.push_back(kind == Kind::Results
                                   ? clinical(number, first + static_cast<std::int64_t>(i))
                                   : samples(number, batches_of[person]++));
    }
    for (std::size_t i = 0; i < kMessagesPerBatch; ++i)
        batch.records.push_back({Offset(first + static_cast<std::int64_t>(i)),
                                 LogTime(first * 1'000), "k", batch.values[i],
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
std::vector<double> search_until(const HttpHandler& search, std::int64_t persons,
                                 const std::atomic<bool>& stop, std::size_t& found) {
    std::mt19937_64 random(7);
    std::vector<double> times;
    for (int n = 0; !stop; ++n) {
        HttpRequest request;
        request.method = "GET";
        request.path = "/fhir/Observation";
        request.path_params["type"] = "Observation";
        const auto person =
            static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(persons));
        request.query = {
            {"patient", hex("person", person)}, {"code", "14682-9"}, {"_sort", "-date"}};
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

/// Applies the load's messages and gives the seconds spent in apply().
double write(sinks::views::ViewStore& store, Kind kind, Load& load) {
    std::mt19937_64 random(static_cast<std::uint64_t>(load.offset) + load.seed);
    std::vector<std::int64_t> batches_of(static_cast<std::size_t>(load.persons));
    std::chrono::duration<double> spent{0};
    for (std::int64_t done = 0; done < load.messages; done += kMessagesPerBatch) {
        const Encoded batch = encode_batch(kind, load.offset, batches_of, random);
        load.offset += kMessagesPerBatch;
        const sinks::views::ViewBatch one{
            {"person", Partition(0)}, batch.records, Offset(load.offset)};
        const auto start = Steady::now();
        const auto applied = store.apply({&one, 1});
        spent += Steady::now() - start;
        const std::uint64_t results = kind == Kind::Results ? kResultsPerMessage : 0;
        const std::uint64_t samples = kind == Kind::Samples ? kSamplesPerMessage : 0;
        if (!applied || applied->refused != 0 ||
            applied->observations != kMessagesPerBatch * results ||
            applied->samples != kMessagesPerBatch * samples) {
            std::fprintf(stderr, "apply failed: %s\n",
                         applied ? applied->refusal.c_str() : applied.error().to_string().c_str());
            std::exit(1);
        }
    }
    return spent.count();
}

void bench_samples(sinks::views::ViewStore& store, const std::string& path, Load& load) {
    const auto before = static_cast<double>(std::filesystem::file_size(path));
    const double seconds = write(store, Kind::Samples, load);
    const auto bytes = static_cast<double>(std::filesystem::file_size(path)) - before;
    const auto count =
        static_cast<double>(load.messages * static_cast<std::int64_t>(kSamplesPerMessage));
    std::printf("apply of samples:            %.0f samples/s (%.0f samples, %.1f bytes each)\n",
                count / seconds, count, bytes / count);
}

}  // namespace

int main(int argc, char** argv) {
    Load load{argc > 1 ? std::atoll(argv[1]) : 100'000, argc > 2 ? std::atoll(argv[2]) : 50'000,
              argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1};
    std::printf(
        "views_bench persons=%lld messages=%lld results/message=%zu messages/commit=%zu "
        "seed=%llu\n",
        static_cast<long long>(load.persons), static_cast<long long>(load.messages),
        kResultsPerMessage, kMessagesPerBatch, static_cast<unsigned long long>(load.seed));
    std::string folder = (std::filesystem::temp_directory_path() / "views-bench-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return 1;
    const std::string path = folder + "/views.db";
    int result = 0;
    {
        auto store = *sinks::views::ViewStore::open(path, Generation(1));
        const auto reader = *sinks::views::ViewReader::open(path);
        const double alone = write(store, Kind::Results, load);
        const double rows =
            static_cast<double>(load.messages * static_cast<std::int64_t>(kResultsPerMessage));
        std::printf(
            "apply, nothing else running: %.0f observation rows/s (%.0f rows, %.1f MB on disk)\n",
            rows / alone, rows, static_cast<double>(std::filesystem::file_size(path)) / 1e6);
        NullLog log;
        FixedClock clock;
        sinks::fhir::FhirApi api(reader, log, clock);
        Routes routes;
        api.register_routes(routes);
        std::atomic<bool> stop{false};
        std::size_t found = 0;
        auto searches = std::async(std::launch::async, [&] {
            return search_until(routes.search, load.persons, stop, found);
        });
        const double shared = write(store, Kind::Results, load);
        stop = true;
        const auto times = searches.get();
        std::printf("apply, while searching:      %.0f observation rows/s\n", rows / shared);
        std::printf(
            "search Observation?patient&code&_sort=-date while writing: n=%zu p50=%.2f ms p99=%.2f "
            "ms "
            "max=%.2f ms\n",
            times.size(), percentile(times, 0.5), percentile(times, 0.99), percentile(times, 1.0));
        bench_samples(store, path, load);
        if (found == 0) result = 1;  // the searches saw nothing: the figure would be worthless
        std::printf("%s\n", result == 0 ? "searches found rows" : "searches found no rows");
    }
    std::filesystem::remove_all(folder);
    return result;
}
