// The runtime alone: a counter per entity over the embedded log, one thread, committed and flushed by the trail.
//   runtime_bench [records] [entities] [seed] [trail seconds] [folder]

#include <cstring>
#include <random>

#include "benchmarks/stage_harness.h"
#include "schemas/base/binary.h"

namespace {

using namespace vitalog;

struct Counter final : state::Entity {
    std::int64_t count = 0;
    void encode(std::string& out) const override { BinaryWriter(out).signed_varint(count); }
    std::size_t memory_bytes() const override { return sizeof *this; }
    Result<void> decode(std::string_view bytes) {
        BinaryReader reader(bytes);
        count = reader.signed_varint();
        return reader.finish("counter");
    }
};

class CountingProcessor final : public processors::ProcessorOf<Counter> {
  public:
    std::string_view stage() const override { return "count"; }
    std::uint32_t logic() const override { return 1; }
    Result<void> on_control(const schemas::Control&, const processors::Input&) override { return {}; }
    std::int64_t handled = 0;

  protected:
    Result<void> handle(Counter& counter, const processors::Input&, processors::Context&) override {
        ++counter.count;
        ++handled;
        return {};
    }
};

/// 100 bytes a record: a key of 8, a value of 92.
void fill(benchmarks::StageHarness& harness, std::int64_t records, std::uint64_t entities, std::uint64_t seed, bool each_once) {
    auto filler = harness.filler(schemas::Topic::Subject);
    std::mt19937_64 random(seed);
    std::string value(92, 'v');
    for (std::int64_t i = 0; i < records; ++i) {
        const std::uint64_t entity = each_once ? static_cast<std::uint64_t>(i) : random() % entities;
        char key[8];
        std::memcpy(key, &entity, sizeof key);
        for (std::size_t b = 0; b < 16; ++b) value[b] = static_cast<char>('a' + (random() & 15));
        filler.add({key, sizeof key}, {}, value);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t records = argc > 1 ? std::atoll(argv[1]) : 10'000'000;
    const std::uint64_t entities = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
    const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
    const int trail = argc > 4 ? std::atoi(argv[4]) : 60;
    const std::filesystem::path folder = argc > 5 ? argv[5] : "/tmp/vitalog-runtime-bench";
    std::filesystem::remove_all(folder);
    topology::ShardOptions options;
    options.store.memory_budget = std::size_t{4} << 30;
    options.store.trail = std::chrono::seconds(trail);
    fmt::print("records {} entities {} seed {} trail {} s, one shard, one thread\n", records, entities, seed, trail);
    {
        benchmarks::StageHarness harness(folder, options);
        fill(harness, static_cast<std::int64_t>(entities), entities, seed, true);
        auto processor = std::make_unique<CountingProcessor>();
        const CountingProcessor& counting = *processor;
        harness.open("count", schemas::Topic::Subject, std::move(processor));
        benchmarks::Watch first;
        harness.run_to_end();
        fmt::print("first touch of every entity: {:.2f} M records/s\n", static_cast<double>(entities) / first.wall() / 1e6);
        fill(harness, records, entities, seed, false);
        benchmarks::Watch watch;
        harness.run_to_end();
        const double wall = watch.wall();
        const double thread = watch.thread();
        const double process = watch.process();
        if (counting.handled != records + static_cast<std::int64_t>(entities)) {
            fmt::print("wrong result: {} records handled\n", counting.handled);
            return 1;
        }
        fmt::print("{} entities flushed; ", harness.shard().store()->flushed());
        fmt::print("{:.2f} M records/s wall, {:.2f} M per CPU-second of the shard's thread, {:.2f} M per CPU-second of the process\n",
                   static_cast<double>(records) / wall / 1e6, static_cast<double>(records) / thread / 1e6,
                   static_cast<double>(records) / process / 1e6);
        harness.close();
    }
    std::filesystem::remove_all(folder);
    return 0;
}
