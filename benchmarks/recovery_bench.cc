// Recovery of a care shard: a process with many persons and as many records applied, committed and
// not flushed is killed with SIGKILL; from then on, the time until the first new output of the next
// process is in the log.
//   recovery_bench [records] [persons] [seed] [folder]

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "benchmarks/care_input.h"
#include "processors/care/care_processor.h"

namespace {

using namespace vitalog;
using namespace vitalog::benchmarks;

struct Settings {
    std::size_t records, persons;
    std::uint64_t seed;
    std::filesystem::path folder;
};

topology::ShardOptions options() {
    topology::ShardOptions options;
    options.store.memory_budget = std::size_t{12} << 30;
    options.store.trail = options.store.settle =
        std::chrono::hours(1);  // nothing of the records is flushed
    return options;
}

void open(StageHarness& harness) {
    harness.open("care", schemas::Topic::Person,
                 std::make_unique<processors::care::CareProcessor>());
}

/// Runs until everything is committed, then dies as a process does that is killed.
[[noreturn]] void victim(const Settings& settings) {
    StageHarness harness(settings.folder, options());
    CareInput input(harness, settings.seed);
    input.controls();
    for (std::size_t person = 0; person < settings.persons; ++person) input.clinical(person, 0);
    input.flush();
    open(harness);
    harness.run_to_end();
    harness.close();  // every person is on disk
    std::mt19937_64 random(settings.seed + 1);
    std::vector<std::uint8_t> rounds(settings.persons, 1);
    for (std::size_t i = 0; i < settings.records; ++i) {
        const std::size_t person = random() % settings.persons;
        input.clinical(person, rounds[person]++);
    }
    input.flush();
    open(harness);
    harness.run_to_end();
    must(harness.log().sync());
    kill(getpid(), SIGKILL);
    std::abort();
}

int recover(const Settings& settings) {
    const Watch watch;
    StageHarness harness(settings.folder, options());
    const std::int64_t before = harness.records_in(schemas::Topic::Risk);
    const double opened = watch.wall();
    CareInput input(harness, settings.seed + 2);
    input.clinical(0, 200);
    input.flush();
    open(harness);
    harness.run_to_end();
    const double wall = watch.wall(), thread = watch.thread();
    const std::int64_t made = harness.records_in(schemas::Topic::Risk) - before;
    fmt::print(
        "first new output after {:.1f} s ({:.1f} s of the shard's thread); log open after {:.1f} "
        "s\n",
        wall, thread, opened);
    harness.close();
    if (made == 2) return 0;
    fmt::print(stderr, "wrong result: {} risk records after recovery where 2 are due\n", made);
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const auto number = [&](int i, std::size_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    const Settings settings{number(1, 1'000'000), number(2, 1'000'000), number(3, 1),
                            argc > 4 ? argv[4] : "/tmp/vitalog-recovery-bench"};
    fmt::print(
        "recovery: {} persons, {} records of {} results not flushed, seed {}, one shard, one "
        "thread\n",
        settings.persons, settings.records, kResultsPerRecord, settings.seed);
    std::fflush(stdout);
    std::filesystem::remove_all(settings.folder);
    const pid_t child = fork();
    if (child == 0) victim(settings);
    int how = 0;
    waitpid(child, &how, 0);
    if (!WIFSIGNALED(how) || WTERMSIG(how) != SIGKILL) {
        fmt::print(stderr, "the process to be killed ended by itself\n");
        return 1;
    }
    const int status = recover(settings);
    std::filesystem::remove_all(settings.folder);
    return status;
}
