// The care stage on one core under telemetry: encoded `person` records of 20 samples of one measure
// from the embedded log, windows of six measures, three threshold rules with durations and NEWS2,
// outputs committed to the log, state flushed by the trail. Every person has an hour of one sample
// a minute of each measure before the clock, and one trail has passed: what is measured is the
// steady state. The clock stands while input is made.
//   care_samples_bench [records] [persons] [trail seconds] [seed] [folder]

#include "benchmarks/samples_input.h"
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
          rounds_(settings.persons) {
        harness_.clock().pause();
        input_.controls();
        harness_.open("care", schemas::Topic::Person,
                      std::make_unique<processors::care::CareProcessor>());
    }
    void prepare() {
        Spent spent;
        for (std::size_t first = 0; first < settings_.persons; first += kPortion) {
            const std::size_t count = std::min(kPortion, settings_.persons - first);
            for (std::size_t i = 0; i < count; ++i) input_.hour(first + i);
            run(spent, count);
        }
    }
    /// A portion of batches about persons by chance.
    void batches(Spent& spent, std::size_t records) {
        for (std::size_t i = 0; i < records; ++i) {
            const std::size_t person = random_() % settings_.persons;
            const std::size_t measure = random_() % kMeasures.size();
            input_.batch(person, measure, rounds_[person][measure]++);
        }
        run(spent, records);
    }
    static constexpr std::size_t kPortion = 100'000;

  private:
    void run(Spent& spent, std::size_t records) {
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
    SamplesInput input_;
    std::mt19937_64 random_;
    std::vector<std::array<std::uint8_t, kMeasures.size()>> rounds_;
};

int measure(StageHarness& harness, const Settings& settings) {
    CareStage stage(harness, settings);
    stage.prepare();
    const auto& store = *harness.shard().store();
    const auto bytes_a_person = [&] {
        return store.memory_bytes() / std::max<std::size_t>(1, store.size());
    };
    fmt::print("after the hour: {} bytes a person as the store counts, {:.2f} GB resident\n",
               bytes_a_person(), resident_gigabytes());
    Spent warming;
    while (warming.wall < settings.trail) stage.batches(warming, CareStage::kPortion);
    fmt::print("prepared with {} records more: {} bytes a person, {:.2f} GB resident\n",
               warming.records, bytes_a_person(), resident_gigabytes());

    const std::uint64_t flushed_before = store.flushed();
    const std::int64_t risks_before = harness.records_in(schemas::Topic::Risk);
    Spent spent;
    while (spent.records < settings.records)
        stage.batches(spent, std::min(CareStage::kPortion, settings.records - spent.records));
    const auto rate = [&](double seconds) {
        return static_cast<double>(spent.records * kSamplesPerRecord) / seconds / 1e3;
    };
    fmt::print(
        "{:.0f} k samples/s wall, {:.0f} k per CPU-second of the shard's thread, {:.0f} k per "
        "CPU-second of the process; {:.1f} k records/s; {:.1f} s; {} persons flushed and {} risk "
        "records meanwhile; {:.2f} GB resident\n",
        rate(spent.wall), rate(spent.thread), rate(spent.process),
        static_cast<double>(spent.records) / spent.wall / 1e3, spent.wall,
        store.flushed() - flushed_before, harness.records_in(schemas::Topic::Risk) - risks_before,
        resident_gigabytes());
    // One person in kLowEvery has had a low saturation for an hour, and no others.
    const std::int64_t alerts = harness.records_in(schemas::Topic::Alert);
    const std::int64_t tasks = harness.records_in(schemas::Topic::Task);
    const std::int64_t dead = harness.records_in(schemas::Topic::DeadLetter);
    const auto low = static_cast<std::int64_t>((settings.persons + kLowEvery - 1) / kLowEvery);
    if (alerts < low || tasks < low || alerts > 100 * low || dead != 0) {
        fmt::print(stderr,
                   "wrong result: {} alerts and {} task records of {} persons, {} dead letters\n",
                   alerts, tasks, low, dead);
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
    const std::filesystem::path folder = argc > 5 ? argv[5] : "/tmp/vitalog-care-samples-bench";
    fmt::print(
        "care stage: {} records of {} samples, {} persons with an hour of {} measures each, trail "
        "{} s, seed {}, one shard, one thread\n",
        settings.records, kSamplesPerRecord, settings.persons, kMeasures.size(), settings.trail,
        settings.seed);
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
