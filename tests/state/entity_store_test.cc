#include "state/entity_store.h"

#include <gtest/gtest.h>

#include <map>

#include "schemas/base/binary.h"

namespace vitalog::state {
namespace {

struct Number final : Entity {
    std::int64_t value = 0;
    std::size_t weight = 100;
    void encode(std::string& out) const override { BinaryWriter(out).signed_varint(value); }
    std::size_t memory_bytes() const override { return weight; }
};

class Numbers final : public EntityFactory {
  public:
    std::unique_ptr<Entity> create(std::string_view) const override {
        return std::make_unique<Number>();
    }
    Result<std::unique_ptr<Entity>> decode(std::string_view,
                                           std::string_view bytes) const override {
        auto number = std::make_unique<Number>();
        BinaryReader reader(bytes);
        number->value = reader.signed_varint();
        VITALOG_CHECK(reader.finish("number"));
        return number;
    }
};

class MapBackend final : public Backend {
  public:
    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override {
        values.clear();
        for (const auto key : keys) {
            const auto found = map.find(std::string(key));
            values.push_back(found == map.end() ? std::nullopt : std::optional(found->second));
        }
        reads += keys.size();
        return {};
    }
    Result<void> scan(std::string_view prefix,
                      const std::function<Result<void>(std::string_view, std::string_view)>& visit)
        const override {
        for (const auto& [key, value] : map)
            if (key.starts_with(prefix)) VITALOG_CHECK(visit(key, value));
        return {};
    }
    void write(const std::vector<Write>& writes) {
        for (const auto& [key, value] : writes) {
            if (value)
                map[key] = *value;
            else
                map.erase(key);
        }
    }
    std::map<std::string, std::string> map;
    mutable std::size_t reads = 0;
};

/// A store over a map, and the shard's part: offsets and commits.
class Bench {
  public:
    explicit Bench(EntityStore::Options options = {}) : options_(options) { reopen(); }

    void reopen() {
        store = std::make_unique<EntityStore>(factory_, backend, options_);
        ASSERT_TRUE(store->open());
    }
    Held& get(std::string_view key) {
        auto held = store->fetch_one(key);
        EXPECT_TRUE(held.has_value());
        return **held;
    }
    void set(std::string_view key, std::int64_t value) {
        Held& held = get(key);
        static_cast<Number&>(*held.entity).value = value;
        store->touch(held, Offset(offset++), now);
    }
    std::int64_t value(std::string_view key) {
        return static_cast<Number&>(*get(key).entity).value;
    }
    /// Gives the checkpoint.
    Offset commit(bool everything = false) {
        std::vector<Write> writes;
        const Offset checkpoint = store->take_writes(Offset(offset), now, 1, everything, writes);
        backend.write(writes);
        store->committed();
        return checkpoint;
    }

    MapBackend backend;
    std::unique_ptr<EntityStore> store;
    std::int64_t offset = 0;
    LogTime now{1'000'000'000};

  private:
    Numbers factory_;
    EntityStore::Options options_;
};

EntityStore::Options lazy() {
    EntityStore::Options options;
    options.flush_few = 0;
    return options;
}

TEST(EntityStore, WritesNothingUntilItIsTime) {
    Bench bench(lazy());
    bench.set("a", 1);
    EXPECT_EQ(bench.commit(), Offset(0)) << "the stored form of a lacks record 0";
    EXPECT_TRUE(bench.backend.map.empty());
    bench.now = bench.now + std::chrono::seconds(59);
    bench.set("b", 2);
    EXPECT_EQ(bench.commit(), Offset(0));
    bench.now = bench.now + std::chrono::seconds(1);
    EXPECT_EQ(bench.commit(), Offset(1)) << "a is overdue and flushed; b lacks record 1";
    EXPECT_EQ(bench.commit(true), Offset(2));
    EXPECT_EQ(bench.store->dirty(), 0U);
}

TEST(EntityStore, FlushesAFewSettledOnesWithEveryCommit) {
    EntityStore::Options options;
    options.flush_few = 1;
    Bench bench(options);
    bench.set("a", 1);
    bench.set("b", 2);
    EXPECT_EQ(bench.commit(), Offset(0)) << "just changed: not settled";
    bench.now = bench.now + std::chrono::seconds(1);
    EXPECT_EQ(bench.commit(), Offset(1));
    EXPECT_EQ(bench.commit(), Offset(2));
}

TEST(EntityStore, KeepsThePositionWithEachEntity) {
    Bench bench;
    bench.set("a", 7);
    bench.set("a", 8);
    (void)bench.commit(true);
    bench.reopen();
    EXPECT_EQ(bench.value("a"), 8);
    EXPECT_EQ(bench.get("a").applied, Offset(1));
    EXPECT_EQ(bench.get("never seen").applied, Offset(-1));
}

TEST(EntityStore, StaysInItsBudgetByEvictingWhatWasUsedLongestAgo) {
    EntityStore::Options options = lazy();
    options.memory_budget = 20'000;
    Bench bench(options);
    for (int i = 0; i < 500; ++i) {
        bench.set("key" + std::to_string(i), i);
        (void)bench.commit();
        EXPECT_LE(bench.store->memory_bytes(), options.memory_budget);
    }
    EXPECT_LT(bench.store->size(), 60U);
    for (int i = 0; i < 500; ++i) ASSERT_EQ(bench.value("key" + std::to_string(i)), i);
}

TEST(EntityStore, KeepsWhatTheBatchInHandTouched) {
    EntityStore::Options options = lazy();
    options.memory_budget = 1;
    Bench bench(options);
    Held& a = bench.get("a");
    Held& b = bench.get("b");
    static_cast<Number&>(*a.entity).value = 5;
    bench.store->touch(a, Offset(0), bench.now);
    bench.store->touch(b, Offset(1), bench.now);
    EXPECT_EQ(bench.store->size(), 2U) << "over the budget, but not committed";
    bench.offset = 2;
    (void)bench.commit();
    EXPECT_EQ(bench.store->size(), 0U);
    EXPECT_EQ(bench.value("a"), 5);
}

TEST(EntityStore, FindsWhatIsDueInTheOrderOfTimeAndEntity) {
    Bench bench;
    const auto due = [&](std::string_view key, std::string_view name, std::int64_t at) {
        Held& held = bench.get(key);
        bench.store->set_timer(held, {std::string(name), ReceivedTime(at), {}, {}});
        bench.store->touch(held, Offset(bench.offset++), bench.now);
    };
    due("b", "x", 10);
    due("a", "x", 10);
    due("c", "x", 5);
    const auto first = [&](std::int64_t now, std::set<std::string, std::less<>> passed = {}) {
        const auto found = bench.store->first_due(ReceivedTime(now), passed);
        return found ? found->second : std::string("none");
    };
    EXPECT_EQ(first(4), "none");
    EXPECT_EQ(first(10), "c");
    EXPECT_EQ(first(10, {"c"}), "a");
    EXPECT_EQ(first(10, {"c", "a"}), "b");
    (void)bench.commit(true);
    bench.reopen();
    EXPECT_EQ(first(10), "c") << "the index is stored beside the entities";
    due("c", "x", 20);
    bench.store->cancel_timer(bench.get("a"), "x");
    bench.store->touch(bench.get("a"), Offset(bench.offset++), bench.now);
    EXPECT_EQ(first(10), "b");
    (void)bench.commit(true);
    bench.reopen();
    EXPECT_EQ(first(10), "b");
    EXPECT_EQ(bench.store->next_due(), ReceivedTime(10));
}

TEST(EntityStore, KeepsOneIndexEntryForTwoTimersDueAtOnce) {
    Bench bench;
    Held& held = bench.get("a");
    bench.store->set_timer(held, {"x", ReceivedTime(10), {}, {}});
    bench.store->set_timer(held, {"y", ReceivedTime(10), {}, {}});
    bench.store->cancel_timer(held, "x");
    EXPECT_EQ(bench.store->next_due(), ReceivedTime(10));
    bench.store->cancel_timer(held, "y");
    EXPECT_EQ(bench.store->next_due(), std::nullopt);
}

TEST(EntityStore, ARemovedEntityLeavesATombstoneUntilTheCheckpointHasPassed) {
    EntityStore::Options options = lazy();
    Bench two(options);
    two.set("other", 1);
    two.set("a", 1);
    (void)two.commit();
    options.memory_budget = two.store->memory_bytes() - 1;  // room for one of them

    Bench bench(options);
    bench.set("other", 1);
    bench.set("a", 5);
    Held& a = bench.get("a");
    bench.store->touch(a, Offset(bench.offset++), bench.now);
    bench.store->remove(a);
    bench.set("other", 2);  // used last, so that a goes
    EXPECT_EQ(bench.commit(), Offset(0)) << "other still lacks record 0";
    EXPECT_TRUE(bench.backend.map.contains("Ea"));
    EXPECT_TRUE(bench.backend.map.contains("Da"));
    bench.reopen();
    EXPECT_EQ(bench.get("a").applied, Offset(2)) << "records up to the removal are no-ops";
    EXPECT_EQ(bench.value("a"), 0);
    (void)bench.commit();
    EXPECT_FALSE(bench.backend.map.contains("Ea")) << "the checkpoint has passed";
    EXPECT_FALSE(bench.backend.map.contains("Da"));
}

TEST(EntityStore, ATombstoneThatLivesAgainIsNotSweptAway) {
    Bench bench;
    bench.set("a", 5);
    Held& a = bench.get("a");
    bench.store->touch(a, Offset(bench.offset++), bench.now);
    bench.store->remove(a);
    std::vector<Write> writes;
    (void)bench.store->take_writes(Offset(1), bench.now, 1, true,
                                   writes);  // the checkpoint has not passed it
    bench.backend.write(writes);
    bench.store->committed();
    bench.set("a", 9);
    (void)bench.commit(true);
    (void)bench.commit(true);
    bench.reopen();
    EXPECT_EQ(bench.value("a"), 9);
}

TEST(EntityStore, RefusesDamagedStoredForms) {
    Bench bench;
    bench.set("a", 5);
    (void)bench.commit(true);
    const std::string good = bench.backend.map["Ea"];
    for (std::size_t size = 0; size < good.size(); ++size) {
        bench.backend.map["Ea"] = good.substr(0, size);
        bench.reopen();
        const auto held = bench.store->fetch_one("a");
        ASSERT_FALSE(held.has_value()) << size;
        EXPECT_EQ(held.error().code(), Errc::Damaged);
    }
    bench.backend.map["Ea"] = good;
    bench.backend.map["Ea"][2] = 2;
    bench.reopen();
    EXPECT_NE(bench.store->fetch_one("a").error().message().find("form 2"), std::string::npos);
}

}  // namespace
}  // namespace vitalog::state
