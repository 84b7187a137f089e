#include <array>

#include "tests/simulation/world.h"

namespace vitalog::simulation {

using std::chrono::microseconds;

SeedOptions SeedOptions::derive(std::uint64_t seed) {
    Random random(seed * 4);
    Random more(seed * 4 + kMoreSeeds);
    Random latest(seed * 4 + kLatestSeeds);
    SeedOptions o;
    o.seed = seed;
    o.kind = random.chance(350) ? SimLog::Kind::Disk : SimLog::Kind::Cluster;
    o.processes = o.kind == SimLog::Kind::Disk ? 1 : static_cast<int>(random.between(2, 3));
    o.partitions = static_cast<std::uint32_t>(random.between(1, 2));
    o.one_by_one = random.chance(300);
    o.course.persons = static_cast<int>(random.between(2, 5));
    o.course.inputs =
        static_cast<int>(o.one_by_one ? random.between(6, 14) : random.between(8, 36));
    o.course.wearables = random.chance(700);
    o.course.merges = random.chance(700);
    o.shard.read_bytes =
        random.chance(500) ? 1U << 16 : static_cast<std::size_t>(random.between(200, 6000));
    o.shard.commit_records = static_cast<std::size_t>(random.between(1, 40));
    o.shard.commit_bytes = static_cast<std::size_t>(random.between(1'000, 100'000));
    o.shard.commit_delay = microseconds(random.chance(300) ? 0 : random.between(1, 3'000));
    o.shard.commit_delay_behind = o.shard.commit_delay * 4;
    o.shard.store.memory_budget =
        random.chance(500) ? static_cast<std::size_t>(random.between(2'000, 20'000)) : 1U << 20;
    o.shard.store.trail =
        microseconds(random.chance(500) ? random.between(0, 20'000) : 3'600'000'000);
    o.shard.store.settle =
        microseconds(random.chance(500) ? random.between(0, 5'000) : 3'600'000'000);
    o.shard.store.flush_few = random.pick(4);
    o.effects.window = 1 + random.pick(8);
    o.effects.query_after = microseconds(random.between(1, 10'000'000));
    if (random.chance(50)) return o;  // some are undisturbed
    o.aimed = more.chance(400);
    o.log.abort = random.chance(500) ? 0 : static_cast<unsigned>(random.between(1, 60));
    o.log.unknown = random.chance(400) ? 0 : static_cast<unsigned>(random.between(1, 60));
    o.log.applied = static_cast<unsigned>(random.between(0, 1000));
    o.log.linger = random.chance(600) ? 0 : static_cast<unsigned>(random.between(100, 800));
    o.provider.silent_after =
        random.chance(500) ? 0 : static_cast<unsigned>(random.between(20, 300));
    o.provider.silent_before =
        random.chance(500) ? 0 : static_cast<unsigned>(random.between(20, 200));
    o.provider.limit = random.chance(500) ? 0 : static_cast<unsigned>(random.between(20, 300));
    o.provider.fails = random.chance(600) ? 0 : static_cast<unsigned>(random.between(20, 200));
    o.provider.no_books = random.chance(700) ? 0 : static_cast<unsigned>(random.between(50, 700));
    o.provider.trails = random.chance(500) ? 0 : 400;
    o.disasters = static_cast<int>(random.between(1, 24));
    o.trouble = static_cast<unsigned>(random.between(5, 120));
    o.clocks_jump = !o.one_by_one && random.chance(200);
    if (latest.chance(500)) {
        o.log.late_sync = o.away = true;
        o.log.leader_moves =
            latest.chance(500) ? 0 : static_cast<unsigned>(latest.between(20, 500));
        o.trims_unread = latest.chance(100);
    }
    return o;
}

SeedOptions SeedOptions::undisturbed() const {
    SeedOptions o = *this;
    o.log = {};
    o.provider = {};
    o.disasters = 0;
    o.trouble = 0;
    o.clocks_jump = false;
    o.disk_faults = 0;
    o.away = o.trims_unread = false;
    if (o.kind == SimLog::Kind::RocksDb) o.kind = SimLog::Kind::Disk;
    return o;
}

std::string SeedOptions::text() const {
    static constexpr std::array<std::string_view, 3> kNames{"one machine's disk",
                                                            "one machine's RocksDB", "a cluster"};
    return fmt::format(
        "seed {}: {}, {} processes, {} partitions, {}\n"
        "  course: {} persons, {} inputs{}{}\n"
        "  shard: read_bytes {}, commit_records {}, commit_bytes {}, commit_delay {} us, "
        "memory_budget {}, trail {} us, "
        "settle {} us, flush_few {}\n"
        "  effects: window {}, query_after {} us\n"
        "  log, per mille: abort {}, unknown {} (applied {}), linger {}, leader_moves {}\n"
        "  provider, per mille: silent_after {}, silent_before {}, limit {}, fails {}, no_books "
        "{}, trails {}\n"
        "  disasters: {} at most, {} per mille of the turns{}{}; of them the disk's, per mille: "
        "{}{}{}{}",
        seed, kNames[static_cast<std::size_t>(kind)], processes, partitions,
        one_by_one ? "one input at a time" : "inputs as they come", course.persons, course.inputs,
        course.wearables ? ", wearables" : "", course.merges ? ", merges" : "", shard.read_bytes,
        shard.commit_records, shard.commit_bytes, shard.commit_delay.count(),
        shard.store.memory_budget, shard.store.trail.count(), shard.store.settle.count(),
        shard.store.flush_few, effects.window, effects.query_after.count(), log.abort, log.unknown,
        log.applied, log.linger, log.leader_moves, provider.silent_after, provider.silent_before,
        provider.limit, provider.fails, provider.no_books, provider.trails, disasters, trouble,
        clocks_jump ? ", clocks jump" : "", aimed ? ", also at chosen calls" : "", disk_faults,
        drops_by_size ? "; retention by size" : "",
        away ? "; leaders away when a sender starts" : "",
        trims_unread ? "; retention does not wait for readers" : "");
}

}  // namespace vitalog::simulation
