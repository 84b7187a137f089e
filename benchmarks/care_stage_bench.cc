// The whole care stage on one core: encoded `person` records of five results from the embedded log,
// indices, rules, outputs committed to the log, state flushed by the trail. The persons and their
// 20 results are there before the clock.
//   care_stage_bench [records] [persons] [trail seconds] [seed] [folder]

#include "benchmarks/care_input.h"
#include "processors/care/care_processor.h"

namespace {

using namespace vitalog;
using namespace vitalog::benchmarks;

double resident_gigabytes() {
    std::ifstream file("/proc/self/statm");
    double total = 0, resident = 0;
    file >> total >> resident;
    return resident * 4096 / 1e9;
}

struct Settings {
    std::size_t records, persons;
    int trail;
    std::uint64_t seed;
};

int measure(StageHarness& harness, const Settings& settings) {
    CareInput input(harness, settings.seed);
    input.control();
    for (std::size_t round = 0; round < kRecordsBefore; ++round)
        for (std::size_t person = 0; person < settings.persons; ++person)
            input.clinical(person, round);
    input.flush();
    harness.open("care", schemas::Topic::Person,
                 std::make_unique<processors::care::CareProcessor>());
    const Watch before;
    harness.run_to_end();
    fmt::print("prepared in {:.0f} s; {:.2f} GB resident\n", before.wall(), resident_gigabytes());

    std::mt19937_64 random(settings.seed + 1);
    std::vector<std::uint8_t> rounds(settings.persons, kRecordsBefore);
    for (std::size_t i = 0; i < settings.records; ++i) {
        const std::size_t person = random() % settings.persons;
        input.clinical(person, rounds[person]++);
    }
    input.flush();
    const std::int64_t risks_before = harness.records_in(schemas::Topic::Risk);
    const std::uint64_t flushed_before = harness.shard().store()->flushed();
    const Watch watch;
    harness.run_to_end();
    const double wall = watch.wall(), thread = watch.thread(), process = watch.process();

    const auto rate = [&](double seconds) {
        return static_cast<double>(settings.records) / seconds / 1e3;
    };
    fmt::print(
        "{:.1f} k records/s wall, {:.1f} k per CPU-second of the shard's thread, {:.1f} k per "
        "CPU-second of the "
        "process; {:.1f} s; {} persons flushed meanwhile; {:.2f} GB resident\n",
        rate(wall), rate(thread), rate(process), wall,
        harness.shard().store()->flushed() - flushed_before, resident_gigabytes());
    const std::int64_t risks = harness.records_in(schemas::Topic::Risk) - risks_before;
    const std::int64_t dead = harness.records_in(schemas::Topic::DeadLetter);
    const auto expected = static_cast<std::int64_t>(2 * settings.records);
    if (risks < expected || dead != 0) {
        fmt::print(stderr, "wrong result: {} risk records where {} are due, {} dead letters\n",
                   risks, expected, dead);
        return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const auto number = [&](int i, std::size_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    const Settings settings{number(1, 3'000'000), number(2, 1'000'000),
                            static_cast<int>(number(3, 60)), number(4, 1)};
    const std::filesystem::path folder = argc > 5 ? argv[5] : "/tmp/vitalog-care-stage-bench";
    fmt::print(
        "care stage: {} records of {} results, {} persons with {} results each, trail {} s, seed "
        "{}, one shard, "
        "one thread\n",
        settings.records, kResultsPerRecord, settings.persons, kRecordsBefore * kResultsPerRecord,
        settings.trail, settings.seed);
    std::filesystem::remove_all(folder);
    topology::ShardOptions options;
    options.store.memory_budget = std::size_t{12} << 30;
    options.store.trail = std::chrono::seconds(settings.trail);
    int status = 0;
    {
        StageHarness harness(folder, options);
        status = measure(harness, settings);
        harness.close();
    }
    std::filesystem::remove_all(folder);
    return status;
}
