// The care stage on one core under telemetry: encoded `person` records of 20 samples of one measure
// from the embedded log, windows of six measures, three threshold rules with durations and NEWS2,
// outputs committed to the log, state flushed by the trail. Every person has an hour of one sample
// a minute of each measure before the clock, and one trail has passed: what is measured is the
// steady state. The clock stands while input is made.
//   care_samples_bench [records] [persons] [trail seconds] [seed] [folder]

#include "benchmarks/care_stage.h"
#include "benchmarks/samples_input.h"

namespace {

using namespace vitalog;
using namespace vitalog::benchmarks;

/// Persons with an hour of samples, and batches about them.
class SamplesStage {
  public:
    SamplesStage(StageHarness& harness, const CareSettings& settings)
        : stage_(harness, settings), persons_(settings.persons), rounds_(settings.persons) {}

    void prepare() {
        Spent spent;
        for (std::size_t first = 0; first < persons_; first += kPortion) {
            const std::size_t count = std::min(kPortion, persons_ - first);
            for (std::size_t i = 0; i < count; ++i) stage_.input().hour(first + i);
            stage_.run(spent, count);
        }
    }
    /// A portion of batches about persons by chance.
    void batches(Spent& spent, std::size_t records) {
        for (std::size_t i = 0; i < records; ++i) {
            const std::size_t person = stage_.by_chance(persons_);
            const std::size_t measure = stage_.by_chance(kMeasures.size());
            stage_.input().batch(person, measure, rounds_[person][measure]++);
        }
        stage_.run(spent, records);
    }
    static constexpr std::size_t kPortion = 100'000;

  private:
    CareStage<SamplesInput> stage_;
    const std::size_t persons_;
    std::vector<std::array<std::uint8_t, kMeasures.size()>> rounds_;
};

int measure(StageHarness& harness, const CareSettings& settings) {
    SamplesStage stage(harness, settings);
    stage.prepare();
    const auto& store = *harness.shard().store();
    const auto bytes_a_person = [&] {
        return store.memory_bytes() / std::max<std::size_t>(1, store.size());
    };
    fmt::print("after the hour: {} bytes a person as the store counts, {:.2f} GB resident\n",
               bytes_a_person(), resident_gigabytes());
    Spent warming;
    while (warming.wall < settings.trail) stage.batches(warming, SamplesStage::kPortion);
    fmt::print("prepared with {} records more: {} bytes a person, {:.2f} GB resident\n",
               warming.records, bytes_a_person(), resident_gigabytes());

    const std::uint64_t flushed_before = store.flushed();
    const std::int64_t risks_before = harness.records_in(schemas::Topic::Risk);
    Spent spent;
    while (spent.records < settings.records)
        stage.batches(spent, std::min(SamplesStage::kPortion, settings.records - spent.records));
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
    const CareSettings settings(argc, argv, "/tmp/vitalog-care-samples-bench");
    fmt::print(
        "care stage: {} records of {} samples, {} persons with an hour of {} measures each, trail "
        "{} s, seed {}, one shard, one thread\n",
        settings.records, kSamplesPerRecord, settings.persons, kMeasures.size(), settings.trail,
        settings.seed);
    return on_a_log(settings, false, measure);
}
