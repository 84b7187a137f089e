// Input of the comparison with Kafka Streams (benchmarks/run-peers): vitals as identity would write
// them to `person` on a cluster, one sample a record, and before them the rule pack acute-ward in
// every partition. Each person's samples are in the order of their times.
//   vitals_load --brokers HOST:PORT --dir D [--partitions 4] [--persons N] [--records N] [--seed N]
//               [--rate N] [--control 1] [--ill-one-in 600]
// --rate 0: all at once, a sample every ten seconds of each person, in 2023. Otherwise so many a
// second; the time of a sample is when it is due to be sent. --control 0: the rules are there.
// --ill-one-in: so many samples of a person who is well begin an illness of 12 to 30 samples.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/embed.h"
#include "schemas/events/control.h"
#include "schemas/events/wearable.h"
#include "topology/clock.h"
#include "topology/log/kafka_log.h"
#include "topology/topics.h"

namespace {

using namespace vitalog;
using topology::KafkaLog;

constexpr std::int64_t kStart = 1'700'000'000'000;  ///< milliseconds since the epoch
constexpr std::int64_t kStep = 10'000;              ///< between samples of a person, --rate 0
constexpr std::string_view kPack = "acute-ward.yaml";
constexpr std::size_t kWaitingMax = 50'000;  ///< records that are not answered yet

struct Range {
    std::int64_t least, most;
};
struct Measure {
    std::string_view loinc, unit;
    int decimals;
    Range well, ill;
};
/// The well score 0 in NEWS2; of the ill, most are 1 to 3 points each.
constexpr std::array<Measure, 6> kMeasures{{{"8867-4", "/min", 0, {55, 88}, {96, 136}},
                                            {"59408-5", "%", 0, {96, 99}, {89, 95}},
                                            {"8310-5", "Cel", 1, {362, 378}, {378, 396}},
                                            {"9279-1", "/min", 0, {13, 19}, {19, 27}},
                                            {"8480-6", "mm[Hg]", 0, {112, 136}, {86, 112}},
                                            {"8462-4", "mm[Hg]", 0, {65, 84}, {50, 70}}}};
constexpr Range kIllFor{12, 30};  ///< samples

[[noreturn]] void end_with(std::string_view why) {
    fmt::print(stderr, "vitals_load: {}\n", why);
    std::exit(1);
}
template <class T>
T must(Result<T> result) {
    if (!result) end_with(result.error().to_string());
    return *std::move(result);
}

struct Options {
    std::map<std::string, std::string, std::less<>> words{{"--brokers", ""}, {"--dir", ""}};
    std::map<std::string, std::uint64_t, std::less<>> numbers{
        {"--partitions", 4}, {"--persons", 100'000}, {"--records", 1'000'000}, {"--seed", 1},
        {"--rate", 0},       {"--control", 1},       {"--ill-one-in", 600}};

    std::uint64_t operator[](std::string_view name) const { return numbers.find(name)->second; }
};

Options read_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view name = argv[i];
        const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
        if (const auto word = options.words.find(name); word != options.words.end()) {
            word->second = value;
            continue;
        }
        const auto number = options.numbers.find(name);
        if (number == options.numbers.end() ||
            std::from_chars(value.begin(), value.end(), number->second).ptr != value.end() ||
            value.empty())
            end_with(fmt::format("'{} {}' is no option", name, value));
    }
    if (options.words["--brokers"].empty() || options.words["--dir"].empty())
        end_with("--brokers and --dir are required");
    return options;
}

std::unique_ptr<KafkaLog> open_log(const Options& options, const Clock& clock) {
    topology::Config::Sources sources;
    sources.flags = {{"log.partitions", std::to_string(options["--partitions"])}};
    const auto config = must(topology::Config::load(sources));
    KafkaLog::Options log;
    log.path = options.words.find("--dir")->second;
    log.brokers = options.words.find("--brokers")->second;
    log.group = "vitals-load";
    log.instance = "1";
    log.topics = topology::configured_topics(config, topology::configured_names(config));
    log.clock = &clock;
    return must(KafkaLog::open(std::move(log)));
}

std::int64_t within(const Range& range, std::mt19937_64& random) {
    const auto width = static_cast<std::uint64_t>(range.most - range.least + 1);
    return range.least + static_cast<std::int64_t>(random() % width);
}

/// One person's course: well, now and then ill for some samples; its measures in turn.
class Course {
  public:
    std::size_t next_measure() { return samples_++ % kMeasures.size(); }
    std::uint32_t samples() const { return samples_; }
    bool ill(std::mt19937_64& random, std::uint64_t one_in) {
        if (ill_for_ > 0) return --ill_for_ > 0;
        if (random() % one_in == 0) ill_for_ = static_cast<std::uint8_t>(within(kIllFor, random));
        return false;
    }
    /// Later than its last one.
    std::int64_t after_last(std::int64_t at) { return last_ = std::max(at, last_ + 1); }

  private:
    std::int64_t last_ = 0;
    std::uint32_t samples_ = 0;
    std::uint8_t ill_for_ = 0;
};

class Load {
  public:
    Load(const Options& options, KafkaLog& log, const Clock& clock)
        : options_(options),
          log_(log),
          clock_(clock),
          random_(options["--seed"]),
          courses_(options["--persons"]) {
        record_.event.identifiers = {{"HUAWEI", "1000001", {}}};
        auto& series = record_.event.series.emplace_back();
        series.source = "watch";
        series.offset_minutes = 480;
        series.steps = {0};
        series.values = {0};
    }

    void control() {
        const auto& files = schemas::builtin_files();
        const auto pack = std::find_if(files.begin(), files.end(),
                                       [](const auto& file) { return file.name == kPack; });
        if (pack == files.end()) end_with(fmt::format("no rule pack {} is built in", kPack));
        const schemas::Control control{pack->kind, pack->name, "1", pack->text};
        const std::string json = schemas::encode(control);
        const auto partitions = static_cast<std::uint32_t>(options_["--partitions"]);
        for (std::uint32_t p = 0; p < partitions; ++p)
            append(key_in(Partition(p), partitions), schemas::Control::kType, json, kStart);
    }
    void all_at_once() {
        for (std::uint64_t i = 0; i < options_["--records"]; ++i) sample(std::nullopt);
    }
    void at_rate() {
        const auto begin = clock_.now().micros();
        const std::uint64_t records = options_["--records"], rate = options_["--rate"];
        for (std::uint64_t i = 0; i < records; ++i) {
            const std::int64_t due = begin + static_cast<std::int64_t>(i * 1'000'000 / rate);
            if (const auto early = due - clock_.now().micros(); early > 0)
                std::this_thread::sleep_for(
                    std::chrono::microseconds(std::max<std::int64_t>(early, 500)));
            sample(due / 1000);
        }
    }
    /// Until everything is answered.
    void settle() {
        while (waiting_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (failed_) end_with("a record could not be written");
    }

  private:
    void sample(std::optional<std::int64_t> due) {
        const std::size_t person = random_() % courses_.size();
        Course& course = courses_[person];
        const std::int64_t at =
            course.after_last(due.value_or(kStart + static_cast<std::int64_t>(person % 60) * 1000 +
                                           static_cast<std::int64_t>(course.samples()) * kStep));
        const Measure& measure = kMeasures[course.next_measure()];
        const Range range =
            course.ill(random_, options_["--ill-one-in"]) ? measure.ill : measure.well;
        const std::string id =
            IdHash().part("person").part(static_cast<std::int64_t>(person)).finish().to_string();
        record_.person = id;
        auto& series = record_.event.series.front();
        series.loinc = measure.loinc;
        series.unit = measure.unit;
        series.decimals = measure.decimals;
        series.start = at;
        series.values.front() = within(range, random_);
        append(id, schemas::PersonSamples::kType, schemas::encode(record_), at);
    }

    static std::string key_in(Partition partition, std::uint32_t partitions) {
        for (int i = 0;; ++i)
            if (auto key = fmt::format("control-{}", i); partition_of(key, partitions) == partition)
                return key;
    }

    void append(const std::string& key, std::string_view type, std::string value,
                std::int64_t received) {
        while (waiting_ >= kWaitingMax) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const auto id = IdHash().part(clock_.now().micros()).part(written_++).finish().to_string();
        FeedRecord record;
        record.topic = schemas::name_of(schemas::Topic::Person);
        record.key = key;
        record.value = std::move(value);
        record.received = clock_.now();
        Headers::append(record.headers, header::kId, id);
        Headers::append(record.headers, header::kType, type);
        Headers::append(record.headers, header::kRoot, id);
        Headers::append(record.headers, header::kReceived, std::to_string(received * 1000));
        ++waiting_;
        log_.append(std::move(record), [this](const Result<AppendReceipt>& receipt) {
            if (!receipt) failed_ = true;
            --waiting_;
        });
    }

    const Options& options_;
    KafkaLog& log_;
    const Clock& clock_;
    std::mt19937_64 random_;
    std::vector<Course> courses_;
    schemas::PersonSamples record_;
    std::int64_t written_ = 0;
    std::atomic<std::size_t> waiting_{0};
    std::atomic<bool> failed_{false};
};

}  // namespace

int main(int argc, char** argv) {
    const Options options = read_options(argc, argv);
    const topology::SystemClock clock;
    const auto log = open_log(options, clock);
    Load load(options, *log, clock);
    const auto begun = std::chrono::steady_clock::now();
    if (options["--control"] != 0) load.control();
    load.settle();
    if (options["--rate"] == 0)
        load.all_at_once();
    else
        load.at_rate();
    load.settle();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    fmt::print("{} records in {:.1f} s\n", options["--records"], took.count());
    return 0;
}
