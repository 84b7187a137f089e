// Decoding of wearable batches, as the door and intake do it: samples per second on one core.
//
//     wearable_bench [--batches N] [--samples N] [--seed N]

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "benchmarks/wearable_input.h"
#include "ingest/wearable/wearable_decoder.h"
#include "schemas/embed.h"

namespace {

using namespace vitalog;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kNow = 1'780'000'000'000;

std::size_t option(int argc, char** argv, const char* name, std::size_t otherwise) {
    for (int i = 1; i + 1 < argc; ++i)
        if (std::strcmp(argv[i], name) == 0) return std::strtoull(argv[i + 1], nullptr, 10);
    return otherwise;
}

schemas::Tables builtin_tables() {
    schemas::Tables tables;
    for (const auto& file : schemas::builtin_files())
        if (file.kind == "units" || file.kind == "codes" || file.kind == "measures")
            VITALOG_ASSERT(tables.load(file.kind, file.name, file.text).has_value(),
                           "built-in tables fit");
    return tables;
}

/// Decodes every batch, and encodes its event where `whole`; gives samples per second.
double measure(const std::vector<std::string>& batches, const schemas::Tables& tables,
               std::size_t samples, bool whole) {
    ingest::wearable::WearableDecoder decoder;
    std::string event;
    std::size_t read = 0;
    const auto begin = Clock::now();
    for (const auto& batch : batches) {
        const auto done = decoder.decode(batch, tables,
                                         {ReceivedTime::from_millis(kNow), "HUAWEI|1",
                                          ingest::wearable::WearableDecoder::Accounts::One});
        VITALOG_ASSERT(done.has_value() && decoder.faults().empty(), "the input is good");
        read += decoder.samples();
        if (!whole) continue;
        event.clear();
        schemas::encode(decoder.event("HUAWEI|1"), event);
    }
    const std::chrono::duration<double> took = Clock::now() - begin;
    VITALOG_ASSERT(read == batches.size() * samples, "every sample was read");
    return static_cast<double>(read) / took.count();
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t count = option(argc, argv, "--batches", 20'000);
    const std::size_t samples = option(argc, argv, "--samples", 100);
    const std::size_t seed = option(argc, argv, "--seed", 1);
    std::mt19937_64 random(seed);
    std::vector<std::string> batches;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
        batches.push_back(benchmarks::huawei_answer({.samples = samples}, kNow, random));
        bytes += batches.back().size();
    }
    const auto tables = builtin_tables();
    fmt::print("seed {} batches {} samples a batch {} bytes a sample {:.0f}\n", seed, count,
               samples, static_cast<double>(bytes) / static_cast<double>(count * samples));
    (void)measure(batches, tables, samples, true);
    fmt::print("decode           {:>12.0f} samples/s\n", measure(batches, tables, samples, false));
    fmt::print("decode and write {:>12.0f} samples/s\n", measure(batches, tables, samples, true));
    return 0;
}
