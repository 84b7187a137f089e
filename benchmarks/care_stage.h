#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "benchmarks/stage_harness.h"
#include "processors/care/care_processor.h"

namespace vitalog::benchmarks {

inline double resident_gigabytes() {
    std::ifstream file("/proc/self/statm");
    double total = 0, resident = 0;
    file >> total >> resident;
    return resident * 4096 / 1e9;
}

/// What the words after the program's name say: [records] [persons] [trail seconds] [seed]
/// [folder].
struct CareSettings {
    std::size_t records = 3'000'000;
    std::size_t persons = 1'000'000;
    int trail = 60;
    std::uint64_t seed = 1;
    std::filesystem::path folder;

    CareSettings(int argc, char** argv, const char* otherwise)
        : folder(argc > 5 ? argv[5] : otherwise) {
        const auto number = [&](int i, std::size_t as_it_is) {
            return argc > i ? std::strtoull(argv[i], nullptr, 10) : as_it_is;
        };
        records = number(1, records);
        persons = number(2, persons);
        trail = static_cast<int>(number(3, 60));
        seed = number(4, seed);
    }
};

/// What the stage has spent on records, the making of its input left out.
struct Spent {
    std::size_t records = 0;
    double wall = 0, thread = 0, process = 0;
};

/// The care stage behind an input of persons. The clock stands while input is made.
template <class Input>
class CareStage {
  public:
    CareStage(StageHarness& harness, const CareSettings& settings)
        : harness_(harness), input_(harness, settings.seed), random_(settings.seed + 1) {
        harness_.clock().pause();
        input_.controls();
        harness_.open("care", schemas::Topic::Person,
                      std::make_unique<processors::care::CareProcessor>());
    }
    Input& input() { return input_; }
    std::size_t by_chance(std::size_t below) { return random_() % below; }

    /// Works off the records that were made.
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

  private:
    StageHarness& harness_;
    Input input_;
    std::mt19937_64 random_;
};

/// Measures on a log of its own, which is removed unless `keep`. The exit code.
template <class Measure>
int on_a_log(const CareSettings& settings, bool keep, Measure measure) {
    std::filesystem::remove_all(settings.folder);
    topology::ShardOptions options;
    options.store.memory_budget = std::size_t{12} << 30;
    options.store.trail = std::chrono::seconds(settings.trail);
    int status = 0;
    {
        StageHarness harness(settings.folder, options);
        status = measure(harness, settings);
        harness.close();
    }
    if (!keep) std::filesystem::remove_all(settings.folder);
    return status;
}

}  // namespace vitalog::benchmarks
