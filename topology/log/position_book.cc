#include "topology/log/position_book.h"

#include <fmt/format.h>

#include <algorithm>

namespace vitalog::topology {

namespace {

tl::unexpected<Error> other_generation(const PositionKey& key, Generation found,
                                       Generation wanted) {
    return fail(Errc::Conflict,
                fmt::format("the position of {} in {} is of generation {}, the log's is {}: the "
                            "data directory was put "
                            "together from two backups; restore one whole",
                            key.owner, to_string(key.tp), found.value(), wanted.value()));
}

}  // namespace

Result<void> PositionBook::open(Rocks& rocks, Generation generation) {
    const RocksBackend meta(rocks.db(), rocks.meta(), "");
    const auto add = [&](std::string_view key, Generation found, Offset keep) -> Result<void> {
        VITALOG_TRY(const PositionKey parsed, parse_position_key(key));
        if (found != generation) return other_generation(parsed, found, generation);
        auto entry = std::make_unique<Entry>();
        entry->tp = parsed.tp;
        entry->keep = keep.value();
        entries_[std::string(key)] = std::move(entry);
        return {};
    };
    const std::lock_guard lock(mutex_);
    VITALOG_CHECK(meta.scan(kShardKeyPrefix, [&](auto key, auto value) -> Result<void> {
        VITALOG_TRY(const StoredShard stored, decode_shard_position(value));
        last_shard_ = std::max(last_shard_, stored.shard);
        return add(key, stored.position.generation, stored.position.checkpoint);
    }));
    return meta.scan(kReaderKeyPrefix, [&](auto key, auto value) -> Result<void> {
        VITALOG_TRY(const ReaderPosition stored, decode_reader_position(value));
        return add(key, stored.generation, stored.next);
    });
}

Result<PositionBook::Taken> PositionBook::take_shard(Rocks& rocks, std::string_view stage,
                                                     const TopicPartition& input) {
    const RocksBackend meta(rocks.db(), rocks.meta(), "");
    Taken taken;
    taken.key = shard_position_key(stage, input);
    taken.stage = stage;
    const std::lock_guard lock(mutex_);
    auto& entry = entries_[taken.key];
    if (!entry) {
        entry = std::make_unique<Entry>();
        entry->tp = input;
    }
    if (entry->held)
        return fail(Errc::Conflict,
                    fmt::format("stage {} has {} open already", stage, to_string(input)));
    const std::string_view key = taken.key;
    std::vector<std::optional<std::string>> values;
    VITALOG_CHECK(meta.get_many({&key, 1}, values));
    if (values.front()) {
        VITALOG_TRY(taken.stored,
                    found_in(rocks.db().GetName(), decode_shard_position(*values.front())));
    } else {
        taken.stored.shard = ++last_shard_;
        taken.fresh = true;
    }
    entry->held = true;
    taken.entry = entry.get();
    return taken;
}

void PositionBook::release(Entry& entry) {
    const std::lock_guard lock(mutex_);
    entry.held = false;
}

bool PositionBook::any_held() const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(entries_, [](const auto& named) { return named.second->held; });
}

void PositionBook::move_reader(const std::string& key, const TopicPartition& tp, Offset next) {
    const std::lock_guard lock(mutex_);
    auto& entry = entries_[key];
    if (!entry) {
        entry = std::make_unique<Entry>();
        entry->tp = tp;
    }
    entry->keep = next.value();
}

std::optional<Offset> PositionBook::floor(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    std::optional<Offset> lowest;
    for (const auto& [key, entry] : entries_) {
        if (entry->tp != tp) continue;
        const Offset keep(entry->keep.load());
        lowest = lowest ? std::min(*lowest, keep) : keep;
    }
    return lowest;
}

}  // namespace vitalog::topology
