// vitalog-sim: the whole site in one thread, everything that goes wrong chosen by a seed. See
// docs/simulation.md.

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>
#include <span>

#include "schemas/base/planted.h"
#include "tests/simulation/oracles.h"

namespace vitalog {

std::size_t planted_defect = kNoDefect;

/// What the product would write to stderr is of no interest here: the trace says what happened.
void log_line(std::string_view, std::string_view,
              const std::vector<std::pair<std::string_view, std::string>>&) {}

namespace simulation {
namespace {

/// What only a real disk shows: such a defect is planted into runs on RocksDB.
constexpr std::array kOfTheDisk{Defect("ack-before-sync"),       Defect("drop-before-sync"),
                                Defect("believe-failed-sync"),   Defect("believe-failed-write"),
                                Defect("believe-damaged-state"), Defect("believe-damaged-records"),
                                Defect("forget-repeats")};

bool is_among(std::size_t index, std::span<const Defect> defects) {
    return std::ranges::any_of(defects, [index](Defect d) { return d.index() == index; });
}

/// Whether the log of all runs is the product's, over RocksDB and a disk that fails.
bool on_rocksdb = false;

constexpr std::string_view kUsage =
    "vitalog-sim --seed N [--planted NAME]          one run, with its options and its trace\n"
    "vitalog-sim --seeds A..B [--planted NAME] [--jobs N] [--seconds N]\n"
    "                                               many, on N cores (2); failures and figures; "
    "ends after --seconds\n"
    "vitalog-sim --corpus FILE                      the seeds in a file, one a line\n"
    "vitalog-sim --check-planted [--within N]       each planted defect must be caught within N "
    "seeds (2000)\n"
    "vitalog-sim --list-planted\n"
    "   --on-rocksdb yes                            of --seed, --seeds and --corpus: the product's "
    "own log, on a disk that fails\n";

/// What the children of a run share with their parent.
struct Shared {
    struct Job {
        std::atomic<std::uint64_t> seed{0};  ///< in hand
        std::atomic<std::uint64_t> done{0};
        std::atomic<std::uint64_t> failures{0};
        std::atomic<std::uint64_t> first_failure{0};
        std::atomic<std::uint64_t> refused{0};
        std::atomic<std::int64_t> simulated_seconds{0};
        std::array<char, 160> why{};  ///< of the first failure
    };
    static constexpr std::size_t kJobsMax = 64;
    std::array<Job, kJobsMax> jobs;
    std::atomic<bool> enough{false};
};

struct Outcome {
    Result<void> result;
    std::int64_t simulated_seconds = 0;
    bool refused = false;  ///< damage or loss was refused, as it should: the run ends there, before the oracles
};

SeedOptions options_of(std::uint64_t seed) {
    SeedOptions options = SeedOptions::derive(seed);
    if (!on_rocksdb) return options;
    Random random(seed);
    options.kind = SimLog::Kind::RocksDb;
    options.processes = 1;
    options.disasters = static_cast<int>(random.between(2, 10));  // each death costs an opening
    options.trouble = static_cast<unsigned>(random.between(20, 120));
    options.disk_faults = random.chance(300) ? 0 : static_cast<unsigned>(random.between(100, 600));
    options.drops_by_size = random.chance(500);
    return options;
}

Outcome run_seed(std::uint64_t seed, SiteData& data, Trace& trace) {
    const SeedOptions options = options_of(seed);
    trace.say("{}", options.text());
    World world(options, data, trace);
    Outcome outcome{world.run()};
    outcome.simulated_seconds = (world.now() - course_start()).count() / 1'000'000;
    outcome.refused = world.refused();
    if (outcome.refused) return outcome;
    if (outcome.result) outcome.result = check_folds(world);
    if (outcome.result) outcome.result = check_records(world);
    if (!outcome.result || !options.one_by_one || options.disasters == 0) return outcome;
    Trace silent(false);
    World undisturbed(options.undisturbed(), data, silent);
    outcome.result = undisturbed.run();
    if (outcome.result) outcome.result = check_same(world, undisturbed);
    return outcome;
}

struct Batch {
    std::vector<std::uint64_t> seeds;
    std::size_t jobs = 2;
    int seconds = 0;  ///< 0: no limit
    bool stop_at_first = false;
    bool quiet = false;  ///< failures are not printed, but the first one is kept
};

struct Totals {
    std::uint64_t done = 0;
    std::uint64_t failures = 0;
    std::uint64_t first_failure = 0;  ///< 0: none; the seed
    std::string why;                  ///< it failed: the first line
    std::uint64_t refused = 0;
    std::int64_t simulated_seconds = 0;
    double seconds = 0;
};

/// The seeds of one job from its `from`-th on. Ends the process.
[[noreturn]] void work(const Batch& batch, std::size_t job, std::size_t from, Shared& shared,
                       SiteData& data) {
    const auto began = std::chrono::steady_clock::now();
    Shared::Job& mine = shared.jobs[job];
    for (std::size_t i = from; i < batch.seeds.size() && !shared.enough; i += batch.jobs) {
        mine.seed = i + 1;
        Trace silent(false);
        const Outcome outcome = run_seed(batch.seeds[i], data, silent);
        if (!outcome.result) {
            mine.failures++;
            const std::string& why = outcome.result.error().message();
            if (mine.first_failure == 0) {
                mine.first_failure = batch.seeds[i];
                why.substr(0, std::min(why.find('\n'), mine.why.size() - 1))
                    .copy(mine.why.data(), mine.why.size() - 1);
            }
            if (!batch.quiet) fmt::print("seed {}: {}\n", batch.seeds[i], why);
            std::fflush(stdout);
            if (batch.stop_at_first) shared.enough = true;
        }
        mine.simulated_seconds += outcome.simulated_seconds;
        mine.refused += outcome.refused ? 1 : 0;
        mine.done++;
        if (batch.seconds > 0 &&
            std::chrono::steady_clock::now() - began > std::chrono::seconds(batch.seconds))
            break;
    }
    std::_Exit(0);
}

/// A child that ends by a broken invariant or a signal fails its seed; another goes on behind it.
void await(const Batch& batch, Shared& shared, SiteData& data,
           std::map<pid_t, std::size_t>& children) {
    while (!children.empty()) {
        int status = 0;
        const pid_t child = ::wait(&status);
        const std::size_t job = children.at(child);
        children.erase(child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
        Shared::Job& theirs = shared.jobs[job];
        const std::size_t index = theirs.seed - 1;
        if (!batch.quiet)
            fmt::print("seed {}: the process ended with status {}\n", batch.seeds[index], status);
        theirs.failures++;
        theirs.done++;
        if (theirs.first_failure == 0) theirs.first_failure = batch.seeds[index];
        if (batch.stop_at_first) shared.enough = true;
        std::fflush(stdout);
        const pid_t next = ::fork();
        if (next == 0) work(batch, job, index + batch.jobs, shared, data);
        children[next] = job;
    }
}

Totals run_batch(const Batch& batch, SiteData& data) {
    void* const memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    VITALOG_ASSERT(memory != MAP_FAILED, "no memory to share with children");
    Shared& shared = *new (memory) Shared();
    const auto began = std::chrono::steady_clock::now();
    std::map<pid_t, std::size_t> children;
    std::fflush(stdout);
    for (std::size_t job = 0; job < batch.jobs; ++job) {
        const pid_t child = ::fork();
        if (child == 0) work(batch, job, job, shared, data);
        children[child] = job;
    }
    await(batch, shared, data, children);
    Totals totals;
    for (const auto& job : shared.jobs) {
        totals.done += job.done;
        totals.failures += job.failures;
        totals.simulated_seconds += job.simulated_seconds;
        totals.refused += job.refused;
        if (job.first_failure != 0 &&
            (totals.first_failure == 0 || job.first_failure < totals.first_failure)) {
            totals.first_failure = job.first_failure;
            totals.why = job.why.data();
        }
    }
    totals.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    ::munmap(memory, sizeof(Shared));
    return totals;
}

int report(const Totals& totals) {
    fmt::print("{:.1f} s, {:.1f} seeds/s, {:.0f} simulated hours/s\n", totals.seconds,
               static_cast<double>(totals.done) / totals.seconds,
               static_cast<double>(totals.simulated_seconds) / 3600 / totals.seconds);
    if (totals.refused > 0)
        fmt::print("{} ended where damage or a loss was refused: what comes after is not judged\n", totals.refused);
    fmt::print("{} seeds run, {} failures\n", totals.done, totals.failures);
    return totals.failures == 0 ? 0 : 1;
}

int check_planted(const Batch& limits, std::uint64_t within, SiteData& data) {
    int missed = 0;
    for (std::size_t i = 0; i < kDefects.size(); ++i) {
        planted_defect = i;
        on_rocksdb = is_among(i, kOfTheDisk);
        Batch batch = limits;
        batch.stop_at_first = batch.quiet = true;
        batch.seeds.clear();
        for (std::uint64_t seed = 1; seed <= within; ++seed) batch.seeds.push_back(seed);
        const Totals totals = run_batch(batch, data);
        missed += totals.failures == 0 ? 1 : 0;
        if (totals.failures == 0)
            fmt::print("{:<26} NOT CAUGHT within {} seeds\n", kDefects[i].name, within);
        else
            fmt::print("{:<26} seed {:<5}{} {}\n", kDefects[i].name, totals.first_failure,
                       on_rocksdb ? " on RocksDB" : "", totals.why);
        std::fflush(stdout);
    }
    planted_defect = kNoDefect;
    on_rocksdb = false;
    fmt::print("{} defects planted, {} not caught\n", kDefects.size(), missed);
    return missed == 0 ? 0 : 1;
}

int run_one(std::uint64_t seed, SiteData& data) {
    Trace trace(true);
    const Outcome outcome = run_seed(seed, data, trace);
    if (!outcome.result) fmt::print("FAILED: {}\n", outcome.result.error().message());
    fmt::print("1 seeds run, {} failures\n", outcome.result ? 0 : 1);
    return outcome.result ? 0 : 1;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

struct Arguments {
    std::map<std::string, std::string, std::less<>> values;
    std::optional<std::string> value(std::string_view name) const {
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional(found->second);
    }
    std::optional<std::uint64_t> number_of(std::string_view name) const {
        const auto text = value(name);
        return text ? number(*text) : std::nullopt;
    }
};

std::optional<Arguments> parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--list-planted" || name == "--check-planted") {
            arguments.values[name] = "yes";
        } else if (name.starts_with("--") && i + 1 < argc) {
            arguments.values[name] = argv[++i];
        } else {
            return std::nullopt;
        }
    }
    return arguments;
}

bool plant(const std::string& name) {
    for (std::size_t i = 0; i < kDefects.size(); ++i) {
        if (kDefects[i].name != name) continue;
        planted_defect = i;
        return true;
    }
    fmt::print(stderr, "there is no defect '{}'; --list-planted names them\n", name);
    return false;
}

/// False: they can't be read.
bool collect_seeds(const Arguments& arguments, std::vector<std::uint64_t>& seeds) {
    if (const auto range = arguments.value("--seeds")) {
        const std::size_t dots = range->find("..");
        if (dots == std::string::npos) return false;
        const auto first = number(std::string_view(*range).substr(0, dots));
        const auto last = number(std::string_view(*range).substr(dots + 2));
        if (!first || !last || *last < *first) return false;
        for (std::uint64_t seed = *first; seed <= *last; ++seed) seeds.push_back(seed);
        return true;
    }
    const auto path = arguments.value("--corpus");
    if (!path) return false;
    std::ifstream file(*path);
    if (!file) return false;
    for (std::string line; std::getline(file, line);)
        if (const auto seed = number(line.substr(0, line.find_first_of(" #"))))
            seeds.push_back(*seed);
    return true;
}

int run(int argc, char** argv) {
    const auto arguments = parse(argc, argv);
    if (!arguments || arguments->values.empty()) {
        fmt::print(stderr, "{}", kUsage);
        return 2;
    }
    if (arguments->value("--list-planted")) {
        for (const auto& defect : kDefects) fmt::print("{:<26} {}\n", defect.name, defect.what);
        return 0;
    }
    if (const auto name = arguments->value("--planted"); name && !plant(*name)) return 2;
    on_rocksdb = arguments->value("--on-rocksdb").has_value();
    auto data = SiteData::load();
    if (!data) {
        fmt::print(stderr, "{}\n", data.error().message());
        return 2;
    }
    if (const auto seed = arguments->number_of("--seed")) return run_one(*seed, *data);
    Batch batch;
    batch.jobs =
        std::clamp<std::size_t>(arguments->number_of("--jobs").value_or(2), 1, Shared::kJobsMax);
    batch.seconds = static_cast<int>(arguments->number_of("--seconds").value_or(0));
    if (arguments->value("--check-planted"))
        return check_planted(batch, arguments->number_of("--within").value_or(2000), *data);
    if (!collect_seeds(*arguments, batch.seeds)) {
        fmt::print(stderr, "{}", kUsage);
        return 2;
    }
    return report(run_batch(batch, *data));
}

}  // namespace
}  // namespace simulation
}  // namespace vitalog

int main(int argc, char** argv) {
    return vitalog::simulation::run(argc, argv);
}
