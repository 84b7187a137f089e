// The whole care stage on one core: encoded `person` records of five results from the embedded log,
// indices, rules, outputs committed to the log, state flushed by the trail. The persons and their
// 20 results are there before the clock, and one trail has passed: what is measured is the steady state.
// The clock stands while input is made.
//   care_stage_bench [records] [persons] [trail seconds] [seed] [folder] [keep]
// With `keep` the folder stays: a data directory for `vitalog audit verify --stage care`.

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

/// What the stage has spent on records, the making of its input left out.
struct Spent {
    std::size_t records = 0;
    double wall = 0, thread = 0, process = 0;
};

class CareStage {
  public:
    CareStage(StageHarness& harness, const Settings& settings)
        : harness_(harness),
          settings_(settings),
          input_(harness, settings.seed),
          random_(settings.seed + 1),
          rounds_(settings.persons, 0) {
        harness_.clock().pause();
        input_.control();
        harness_.open("care", schemas::Topic::Person,
                      std::make_unique<processors::care::CareProcessor>());
    }
    /// Every person's results before the clock.
    void prepare() {
        Spent spent;
        for (std::size_t round = 0; round < kRecordsBefore; ++round)
            for (std::size_t first = 0; first < settings_.persons; first += kPortion)
                run(spent, std::min(kPortion, settings_.persons - first),
                    [&](std::size_t i) { return first + i; });
    }
    /// A portion of records about persons by chance.
    void run(Spent& spent, std::size_t records) {
        run(spent, records, [&](std::size_t) { return random_() % settings_.persons; });
    }
    static constexpr std::size_t kPortion = 200'000;

  private:
    template <class Choose>
    void run(Spent& spent, std::size_t records, Choose choose) {
        for (std::size_t i = 0; i < records; ++i) {
            const std::size_t person = choose(i);
            input_.clinical(person, rounds_[person]++);
        }
        input_.flush();
        harness_.clock().resume();
        const Watch watch;
        harness_.run_to_end();
        spent.wall += watch.wall();
        spent.thread += watch.thread();
        spent.process += watch.process();
        spent.records += records;
        harness_.clock().pause();
    }

    StageHarness& harness_;
    const Settings& settings_;
    CareInput input_;
    std::mt19937_64 random_;
    std::vector<std::uint16_t> rounds_;
};

int measure(StageHarness& harness, const Settings& settings) {
    CareStage stage(harness, settings);
    stage.prepare();
    // From here the trail flushes what it will flush for ever: as many persons as get dirty.
    Spent warming;
    while (warming.wall < settings.trail) stage.run(warming, CareStage::kPortion);
    fmt::print("prepared; {:.2f} GB resident\n", resident_gigabytes());

    const std::int64_t risks_before = harness.records_in(schemas::Topic::Risk);
    const std::uint64_t flushed_before = harness.shard().store()->flushed();
    Spent spent;
    while (spent.records < settings.records)
        stage.run(spent, std::min(CareStage::kPortion, settings.records - spent.records));
    const auto rate = [&](double seconds) {
        return static_cast<double>(spent.records) / seconds / 1e3;
    };
    fmt::print(
        "{:.1f} k records/s wall, {:.1f} k per CPU-second of the shard's thread, {:.1f} k per "
        "CPU-second of the process; {:.1f} s; {} persons flushed meanwhile; {:.2f} GB resident\n",
        rate(spent.wall), rate(spent.thread), rate(spent.process), spent.wall,
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
    if (argc <= 6 || std::string_view(argv[6]) != "keep") std::filesystem::remove_all(folder);
    return status;
}
