// The whole care stage on one core: encoded `person` records of five results from the embedded log,
// indices, rules, outputs committed to the log, state flushed by the trail. The persons and their
// 20 results are there before the clock, and one trail has passed: what is measured is the steady
// state. The clock stands while input is made.
//   care_stage_bench [records] [persons] [trail seconds] [seed] [folder] [keep]
// With `keep` the folder stays: a data directory for `vitalog audit verify --stage care`.

#include "benchmarks/care_input.h"
#include "benchmarks/care_stage.h"

namespace {

using namespace vitalog;
using namespace vitalog::benchmarks;

/// Persons with results before the clock, and records about them.
class ResultsStage {
  public:
    ResultsStage(StageHarness& harness, const CareSettings& settings)
        : stage_(harness, settings), persons_(settings.persons), rounds_(settings.persons, 0) {}

    /// Every person's results before the clock.
    void prepare() {
        Spent spent;
        for (std::size_t round = 0; round < kRecordsBefore; ++round)
            for (std::size_t first = 0; first < persons_; first += kPortion)
                run(spent, std::min(kPortion, persons_ - first),
                    [&](std::size_t i) { return first + i; });
    }
    /// A portion of records about persons by chance.
    void run(Spent& spent, std::size_t records) {
        run(spent, records, [&](std::size_t) { return stage_.by_chance(persons_); });
    }
    static constexpr std::size_t kPortion = 200'000;

  private:
    template <class Choose>
    void run(Spent& spent, std::size_t records, Choose choose) {
        for (std::size_t i = 0; i < records; ++i) {
            const std::size_t person = choose(i);
            stage_.input().clinical(person, rounds_[person]++);
        }
        stage_.run(spent, records);
    }

    CareStage<CareInput> stage_;
    const std::size_t persons_;
    std::vector<std::uint16_t> rounds_;
};

int measure(StageHarness& harness, const CareSettings& settings) {
    ResultsStage stage(harness, settings);
    stage.prepare();
    // From here the trail flushes what it will flush for ever: as many persons as get dirty.
    Spent warming;
    while (warming.wall < settings.trail) stage.run(warming, ResultsStage::kPortion);
    fmt::print("prepared; {:.2f} GB resident\n", resident_gigabytes());

    const std::int64_t risks_before = harness.records_in(schemas::Topic::Risk);
    const std::uint64_t flushed_before = harness.shard().store()->flushed();
    Spent spent;
    while (spent.records < settings.records)
        stage.run(spent, std::min(ResultsStage::kPortion, settings.records - spent.records));
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
    const CareSettings settings(argc, argv, "/tmp/vitalog-care-stage-bench");
    fmt::print(
        "care stage: {} records of {} results, {} persons with {} results each, trail {} s, seed "
        "{}, one shard, "
        "one thread\n",
        settings.records, kResultsPerRecord, settings.persons, kRecordsBefore * kResultsPerRecord,
        settings.trail, settings.seed);
    return on_a_log(settings, argc > 6 && std::string_view(argv[6]) == "keep", measure);
}
