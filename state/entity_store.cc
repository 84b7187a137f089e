#include "state/entity_store.h"

#include <algorithm>

#include "schemas/base/binary.h"
#include "schemas/base/planted.h"
#include "schemas/base/stored_version.h"

namespace vitalog::state {
namespace {

constexpr std::string_view kMagic = "VE";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kInitialBuckets = 1024;
constexpr std::size_t kPrefetchedBytes = 192;
constexpr std::size_t kSlotOverhead = sizeof(Held) + 4 * sizeof(void*) + 64;

/// The first lines of an object that is about to be used.
template <class T>
void prefetch_object(const T& object) {
    const char* const begin = reinterpret_cast<const char*>(&object);
    for (std::size_t at = 0; at < kPrefetchedBytes; at += 64) __builtin_prefetch(begin + at);
}

std::string entity_key(std::string_view key) {
    std::string out("E");
    out.append(key);
    return out;
}

std::string tombstone_key(std::string_view key) {
    std::string out("D");
    out.append(key);
    return out;
}

std::string timer_key(ReceivedTime due, std::string_view key) {
    std::string out("T");
    const std::uint64_t ordered = static_cast<std::uint64_t>(due.micros()) ^ (std::uint64_t{1} << 63);
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(ordered >> shift));
    out.append(key);
    return out;
}

Result<std::pair<ReceivedTime, std::string>> parse_timer_key(std::string_view stored) {
    if (stored.size() < 9) return fail(Errc::Damaged, "a timer index entry is too short");
    std::uint64_t ordered = 0;
    for (std::size_t i = 1; i < 9; ++i)
        ordered = ordered << 8 | static_cast<unsigned char>(stored[i]);
    const auto micros = static_cast<std::int64_t>(ordered ^ (std::uint64_t{1} << 63));
    return std::pair(ReceivedTime(micros), std::string(stored.substr(9)));
}

std::string_view id_text(const RecordId& id) {
    return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

RecordId read_id(BinaryReader& reader) {
    RecordId id;
    const std::string_view text = reader.text();
    if (text.size() == id.bytes.size()) std::copy(text.begin(), text.end(), id.bytes.begin());
    return id;
}

}  // namespace

Timer* Held::timer(std::string_view name) {
    for (auto& timer : timers)
        if (timer.name == name) return &timer;
    return nullptr;
}

EntityStore::EntityStore(const EntityFactory& factory, const Backend& backend, Options options)
    : factory_(factory), backend_(backend), options_(options), buckets_(kInitialBuckets) {}

EntityStore::~EntityStore() {
    for (auto& bucket : buckets_) delete bucket.held;
}

Result<void> EntityStore::open() {
    VITALOG_CHECK(backend_.scan("T", [this](std::string_view key, std::string_view) -> Result<void> {
        VITALOG_TRY(auto entry, parse_timer_key(key));
        timers_.insert(std::move(entry));
        return {};
    }));
    return backend_.scan("D", [this](std::string_view key, std::string_view value) -> Result<void> {
        BinaryReader reader(value);
        const Offset applied(reader.signed_varint());
        VITALOG_CHECK(reader.finish("a tombstone"));
        tombstones_.emplace_back(key.substr(1), applied);
        return {};
    });
}

void EntityStore::prefetch(std::uint64_t hash) const {
    __builtin_prefetch(&buckets_[hash & (buckets_.size() - 1)]);
}

Held* EntityStore::find(std::string_view key, std::uint64_t hash) const {
    const std::size_t mask = buckets_.size() - 1;
    for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
        const Bucket& bucket = buckets_[i];
        if (bucket.held == nullptr) return nullptr;
        if (bucket.hash == hash && bucket.held->key == key) return bucket.held;
    }
}

void EntityStore::grow() {
    std::vector<Bucket> old(buckets_.size() * 2);
    old.swap(buckets_);
    const std::size_t mask = buckets_.size() - 1;
    for (const Bucket& bucket : old) {
        if (bucket.held == nullptr) continue;
        std::size_t i = bucket.hash & mask;
        while (buckets_[i].held != nullptr) i = (i + 1) & mask;
        buckets_[i] = bucket;
    }
}

Held* EntityStore::insert(std::string_view key, std::uint64_t hash) {
    if ((count_ + 1) * 4 > buckets_.size() * 3) grow();
    auto held = std::make_unique<Held>();
    held->key = key;
    held->hash = hash;
    const std::size_t mask = buckets_.size() - 1;
    std::size_t i = hash & mask;
    while (buckets_[i].held != nullptr) i = (i + 1) & mask;
    buckets_[i] = {hash, held.get()};
    ++count_;
    return held.release();
}

void EntityStore::erase(Held* held) {
    const std::size_t mask = buckets_.size() - 1;
    std::size_t hole = held->hash & mask;
    while (buckets_[hole].held != held) hole = (hole + 1) & mask;
    for (std::size_t i = (hole + 1) & mask; buckets_[i].held != nullptr; i = (i + 1) & mask) {
        const std::size_t home = buckets_[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            buckets_[hole] = buckets_[i];
            hole = i;
        }
    }
    buckets_[hole] = {};
    unlink_recent(*held);
    memory_bytes_ -= held->memory_bytes;
    --count_;
    delete held;
}

void EntityStore::unlink_recent(Held& held) {
    (held.recent_newer_ != nullptr ? held.recent_newer_->recent_older_ : newest_) = held.recent_older_;
    (held.recent_older_ != nullptr ? held.recent_older_->recent_newer_ : oldest_) = held.recent_newer_;
    held.recent_newer_ = held.recent_older_ = nullptr;
}

void EntityStore::use(Held& held) {
    if (newest_ == &held) return;
    if (held.recent_newer_ != nullptr || held.recent_older_ != nullptr || oldest_ == &held)
        unlink_recent(held);
    held.recent_older_ = newest_;
    if (newest_ != nullptr) newest_->recent_newer_ = &held;
    newest_ = &held;
    if (oldest_ == nullptr) oldest_ = &held;
}

Result<void> EntityStore::load(Held& held, const std::optional<std::string>& stored) {
    if (!stored) {
        held.entity = factory_.create(held.key);
        return {};
    }
    BinaryReader reader(*stored);
    const bool magic = reader.u8() == static_cast<std::uint8_t>(kMagic[0]) &&
                       reader.u8() == static_cast<std::uint8_t>(kMagic[1]);
    const std::uint8_t version = reader.u8();
    if (!magic)
        return fail(Errc::Damaged, "stored entity '" + held.key + "' does not begin with its magic");
    if (version != kVersion) return other_version("a stored entity", version, kVersion);
    held.removed_ = held.stored_tombstone_ = reader.boolean();
    held.applied = Offset(reader.signed_varint());
    for (std::size_t n = reader.count(); n > 0; --n) {
        Timer timer;
        timer.name = reader.text();
        timer.due = ReceivedTime(reader.signed_varint());
        timer.set_by = read_id(reader);
        timer.root = read_id(reader);
        held.stored_dues_.push_back(timer.due);
        held.timers.push_back(std::move(timer));
    }
    if (!reader.ok()) return fail(Errc::Damaged, "stored entity '" + held.key + "' is cut short");
    if (held.removed_) {
        held.entity = factory_.create(held.key);
        return {};
    }
    VITALOG_TRY(held.entity, factory_.decode(held.key, reader.rest()));
    return {};
}

Result<void> EntityStore::fetch(std::span<const std::string_view> keys,
                                std::span<const std::uint64_t> hashes, std::vector<Held*>& found) {
    found.assign(keys.size(), nullptr);
    for (const std::uint64_t hash : hashes)
        if (const Held* likely = buckets_[hash & (buckets_.size() - 1)].held; likely != nullptr)
            prefetch_object(*likely);
    std::vector<Held*> missing;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        found[i] = find(keys[i], hashes[i]);
        if (found[i] != nullptr) {
            if (found[i]->entity) prefetch_object(*found[i]->entity);
            continue;
        }
        found[i] = insert(keys[i], hashes[i]);
        use(*found[i]);
        missing.push_back(found[i]);
    }
    for (const Held* held : found)
        if (held->entity) held->entity->prefetch();
    if (missing.empty()) return {};
    std::vector<std::string> names;
    names.reserve(missing.size());
    for (const Held* held : missing) names.push_back(entity_key(held->key));
    const std::vector<std::string_view> views(names.begin(), names.end());
    std::vector<std::optional<std::string>> values;
    VITALOG_CHECK(backend_.get_many(views, values));
    for (std::size_t i = 0; i < missing.size(); ++i) {
        VITALOG_CHECK(load(*missing[i], values[i]));
        missing[i]->touched_ = true;
        touched_.push_back(missing[i]);
    }
    return {};
}

Result<Held*> EntityStore::fetch_one(std::string_view key) {
    const std::uint64_t hash = hash64(key);
    std::vector<Held*> found;
    VITALOG_CHECK(fetch(std::span(&key, 1), std::span(&hash, 1), found));
    return found[0];
}

void EntityStore::touch(Held& held, Offset offset, LogTime now) {
    if (!held.dirty_ || !planted("stale-position")) held.applied = offset;
    use(held);
    if (!held.touched_) {
        held.touched_ = true;
        touched_.push_back(&held);
    }
    held.removed_ = false;
    if (!held.dirty_) push_dirty(held, offset, now);
}

void EntityStore::push_dirty(Held& held, Offset offset, LogTime now) {
    held.dirty_ = true;
    held.first_dirty_ = offset;
    held.dirty_since_ = now;
    held.dirty_previous_ = dirty_last_;
    held.dirty_next_ = nullptr;
    (dirty_last_ != nullptr ? dirty_last_->dirty_next_ : dirty_first_) = &held;
    dirty_last_ = &held;
    ++dirty_count_;
}

void EntityStore::unlink_dirty(Held& held) {
    (held.dirty_previous_ != nullptr ? held.dirty_previous_->dirty_next_ : dirty_first_) = held.dirty_next_;
    (held.dirty_next_ != nullptr ? held.dirty_next_->dirty_previous_ : dirty_last_) = held.dirty_previous_;
    held.dirty_next_ = held.dirty_previous_ = nullptr;
    held.dirty_ = false;
    --dirty_count_;
}

void EntityStore::index_timer(const Held& held, ReceivedTime due) { timers_.emplace(due, held.key); }

void EntityStore::unindex_timer(const Held& held, ReceivedTime due) {
    // Another timer of the entity may be due at the same time.
    for (const auto& timer : held.timers)
        if (timer.due == due) return;
    timers_.erase({due, held.key});
}

void EntityStore::set_timer(Held& held, Timer timer) {
    if (Timer* known = held.timer(timer.name); known != nullptr) {
        const ReceivedTime before = known->due;
        *known = std::move(timer);
        unindex_timer(held, before);
        index_timer(held, known->due);
        return;
    }
    index_timer(held, timer.due);
    held.timers.push_back(std::move(timer));
    std::sort(held.timers.begin(), held.timers.end(),
              [](const Timer& a, const Timer& b) { return a.name < b.name; });
}

void EntityStore::cancel_timer(Held& held, std::string_view name) {
    const auto found = std::find_if(held.timers.begin(), held.timers.end(),
                                    [&](const Timer& timer) { return timer.name == name; });
    if (found == held.timers.end()) return;
    const ReceivedTime due = found->due;
    held.timers.erase(found);
    unindex_timer(held, due);
}

void EntityStore::remove(Held& held) {
    while (!held.timers.empty()) cancel_timer(held, std::string(held.timers.back().name));
    held.entity = factory_.create(held.key);
    held.removed_ = true;
}

std::optional<std::pair<ReceivedTime, std::string>> EntityStore::first_due(
    ReceivedTime now, const std::set<std::string, std::less<>>& passed) const {
    for (const auto& entry : timers_) {
        if (entry.first > now) return std::nullopt;
        if (!passed.contains(entry.second)) return entry;
    }
    return std::nullopt;
}

std::optional<ReceivedTime> EntityStore::next_due() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first;
}

void EntityStore::account(Held& held) {
    memory_bytes_ -= held.memory_bytes;
    held.memory_bytes = kSlotOverhead + held.key.capacity() + held.timers.size() * sizeof(Timer) +
                        (held.entity ? held.entity->memory_bytes() : 0);
    memory_bytes_ += held.memory_bytes;
}

void EntityStore::flush(Held& held, std::vector<Write>& writes) {
    std::string value(kMagic);
    BinaryWriter writer(value);
    writer.u8(kVersion);
    writer.boolean(held.removed_);
    writer.signed_varint(held.applied.value());
    writer.varint(held.timers.size());
    for (const auto& timer : held.timers) {
        writer.text(timer.name);
        writer.signed_varint(timer.due.micros());
        writer.text(id_text(timer.set_by));
        writer.text(id_text(timer.root));
    }
    if (!held.removed_) held.entity->encode(value);
    writes.push_back({entity_key(held.key), std::move(value)});
    for (const ReceivedTime due : held.stored_dues_)
        if (!planted("stale-timer-index")) writes.push_back({timer_key(due, held.key), std::nullopt});
    held.stored_dues_.clear();
    for (const auto& timer : held.timers) {
        writes.push_back({timer_key(timer.due, held.key), std::string()});
        held.stored_dues_.push_back(timer.due);
    }
    if (held.removed_) {
        std::string position;
        BinaryWriter(position).signed_varint(held.applied.value());
        writes.push_back({tombstone_key(held.key), std::move(position)});
        std::erase_if(tombstones_, [&](const auto& entry) { return entry.first == held.key; });
        tombstones_.emplace_back(held.key, held.applied);
    } else if (held.stored_tombstone_) {
        writes.push_back({tombstone_key(held.key), std::nullopt});
        std::erase_if(tombstones_, [&](const auto& entry) { return entry.first == held.key; });
    }
    held.stored_tombstone_ = held.removed_;
    unlink_dirty(held);
    ++flushed_;
}

Offset EntityStore::take_writes(Offset committed, LogTime now, std::size_t applied_records,
                                bool everything, std::vector<Write>& writes) {
    for (Held* held : touched_) {
        account(*held);
        held->touched_ = false;
    }
    touched_.clear();
    // Overdue ones no faster than twice the rate at which entities get dirty, so that no commit is slow.
    const std::size_t overdue_max = std::max(options_.flush_few, 2 * applied_records);
    for (std::size_t n = 0; dirty_first_ != nullptr; ++n) {
        const auto age = now - dirty_first_->dirty_since_;
        const bool set_back = age.count() < 0;  // the clock: nothing waits until it shows that time again
        const bool overdue = (age >= options_.trail || set_back) && n < overdue_max;
        const bool settled = age >= options_.settle && n < options_.flush_few;
        if (!everything && !overdue && !settled) break;
        flush(*dirty_first_, writes);
    }
    std::size_t projected = memory_bytes_;
    for (Held* held = oldest_; held != nullptr && projected > options_.memory_budget;
         held = held->recent_newer_) {
        if (planted("never-evict")) break;
        if (held->dirty_ && planted("evict-unflushed")) unlink_dirty(*held);
        if (planted("drop-timers-at-eviction")) held->timers.clear();
        if (held->dirty_) flush(*held, writes);
        projected -= held->memory_bytes;
        victims_.push_back(held);
    }
    const bool trails = dirty_first_ != nullptr && !planted("checkpoint-past-dirty");
    const Offset checkpoint = trails ? dirty_first_->first_dirty_ : committed;
    std::erase_if(tombstones_, [&](const auto& tombstone) {
        const auto& [key, applied] = tombstone;
        if (applied >= checkpoint) return false;
        if (Held* held = find(key, hash64(key)); held != nullptr) held->stored_tombstone_ = false;
        writes.push_back({entity_key(key), std::nullopt});
        writes.push_back({tombstone_key(key), std::nullopt});
        return true;
    });
    return checkpoint;
}

void EntityStore::committed() {
    for (Held* held : victims_) erase(held);
    victims_.clear();
}

}  // namespace vitalog::state
