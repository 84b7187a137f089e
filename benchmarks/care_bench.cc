// How fast care handles encoded PersonClinical records of five results, without log and store: one
// core, persons held decoded in memory with 20 results each before the clock starts.
//   care_bench [persons] [records] [seed]

#include <fmt/core.h>
#include <time.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/care_records.h"
#include "processors/care/care_processor.h"
#include "schemas/events/clinical.h"

namespace {

using namespace vitalog;
using namespace vitalog::benchmarks;
using processors::care::CareProcessor;
using processors::care::Person;

constexpr std::size_t kBatch = 2000;

/// Counts what would be appended.
class CountingContext final : public processors::Context {
  public:
    void emit(schemas::Topic topic, std::string_view, std::string_view, std::string_view json,
              processors::EmitOptions) override {
        ++emitted[static_cast<std::size_t>(topic)];
        bytes += json.size();
        ++count_;
    }
    RecordId next_id() const override { return output_id(cause, "care", "bench", count_); }
    void forward(schemas::Topic, std::string_view) override {}
    void broadcast(schemas::Topic, const schemas::Control&) override {}
    void dead_letter(const Error&, std::string_view) override { ++dead; }
    void set_timer(std::string_view, ReceivedTime) override {}
    void cancel_timer(std::string_view) override {}
    void remove_entity() override {}
    void count(std::string_view, Labels) override {}
    std::size_t of(schemas::Topic topic) const { return emitted[static_cast<std::size_t>(topic)]; }

    RecordId cause;
    std::array<std::size_t, schemas::kTopicCount> emitted{};
    std::size_t bytes = 0;
    std::size_t dead = 0;

  private:
    std::int64_t count_ = 0;
};

/// Time that this thread had a core, so that neighbours on the machine do not count.
double cpu_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Handles records batch by batch; only the handling is timed.
class Run {
  public:
    Run(std::size_t persons, std::uint64_t seed) : records_(seed) {
        for (std::size_t i = 0; i < persons; ++i) {
            people_.push_back(std::make_unique<Person>());
            keys_.push_back(Records::person_id(i));
        }
        std::ifstream file(VITALOG_SOURCE_DIR "/schemas/rules/acute-core.yaml");
        const std::string pack{std::istreambuf_iterator<char>(file), {}};
        const auto taken = care_.on_control({"rules", "acute-core.yaml", "1", pack}, {});
        VITALOG_ASSERT(taken.has_value(), "the built-in pack is valid");
    }

    template <class Pick>
    double handle(std::size_t count, Pick pick) {
        double spent = 0;
        for (std::size_t done = 0; done < count;) {
            const std::size_t size = std::min(kBatch, count - done);
            std::vector<std::pair<std::size_t, std::string>> batch;
            for (std::size_t i = 0; i < size; ++i) {
                const auto [person, round] = pick(done + i);
                batch.emplace_back(person, records_.make(person, round));
                input_bytes += batch.back().second.size();
            }
            const double start = cpu_seconds();
            for (const auto& [person, json] : batch) apply(person, json);
            spent += cpu_seconds() - start;
            done += size;
        }
        return spent;
    }
    double memory_per_person() const {
        double bytes = 0;
        for (const auto& person : people_) bytes += static_cast<double>(person->memory_bytes());
        return bytes / static_cast<double>(people_.size());
    }

    CountingContext context;
    std::size_t input_bytes = 0;

  private:
    void apply(std::size_t person, std::string_view json) {
        const RecordId id =
            output_id({}, "bench", keys_[person], static_cast<std::int64_t>(applied_++));
        context.cause = id;
        const processors::Input input{
            .id = id,
            .root = id,
            .type = schemas::PersonClinical::kType,
            .key = keys_[person],
            .value = json,
            .received = ReceivedTime(1'700'000'000'000'000 + 20LL * 86'400'000'000),
            .headers = {},
            .source = "person/0/0"};
        const auto result = care_.on_record(people_[person].get(), input, context);
        VITALOG_ASSERT(result.has_value(), "every record is handled");
    }

    CareProcessor care_;
    Records records_;
    std::vector<std::unique_ptr<Person>> people_;
    std::vector<std::string> keys_;
    std::size_t applied_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const auto number = [&](int i, std::size_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    const std::size_t persons = number(1, 100'000);
    const std::size_t count = number(2, 300'000);
    const std::uint64_t seed = number(3, 1);
    fmt::print(
        "care processor alone: {} persons with {} results each, {} records of {} results, seed "
        "{}\n",
        persons, kRecordsBefore * kResultsPerRecord, count, kResultsPerRecord, seed);
    Run run(persons, seed);
    run.handle(persons * kRecordsBefore,
               [&](std::size_t i) { return std::pair(i % persons, i / persons); });
    fmt::print("{:.0f} bytes in memory per person\n", run.memory_per_person());

    run.context.emitted = {};
    run.context.bytes = 0;
    run.input_bytes = 0;
    std::mt19937_64 random(seed + 1);
    std::vector<std::uint8_t> rounds(persons, kRecordsBefore);
    const double seconds = run.handle(count, [&](std::size_t) {
        const std::size_t person = random() % persons;
        return std::pair(person, std::size_t{rounds[person]++});
    });
    const std::size_t risks = run.context.of(schemas::Topic::Risk);
    fmt::print(
        "{:.0f} records/s of core time, {:.0f} bytes in and {:.0f} bytes out per record; {} risk, "
        "{} alert, {} "
        "task records\n",
        static_cast<double>(count) / seconds,
        static_cast<double>(run.input_bytes) / static_cast<double>(count),
        static_cast<double>(run.context.bytes) / static_cast<double>(count), risks,
        run.context.of(schemas::Topic::Alert), run.context.of(schemas::Topic::Task));
    if (risks != 2 * count || run.context.dead != 0) {
        fmt::print(stderr, "expected {} risk records and no dead letter, got {} and {}\n",
                   2 * count, risks, run.context.dead);
        return 1;
    }
    return 0;
}
