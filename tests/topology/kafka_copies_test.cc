// Restores and standbys, for the cluster that VITALOG_TEST_KAFKA names.

#include "kafka_test_support.h"
#include "topology/log/kafka/producer.h"

namespace vitalog::topology {
namespace {

using kafka::Producer;

constexpr std::chrono::seconds kPatience{60};

/// What a log says about itself.
class Gauges final : public Metrics {
  public:
    void count(std::string_view name, const Labels&, double by) override {
        const std::lock_guard lock(mutex_);
        values_[std::string(name)] += by;
    }
    void gauge(std::string_view name, const Labels& labels, double value) override {
        const std::lock_guard lock(mutex_);
        values_[std::string(name) + (labels.empty() ? "" : " " + labels.front().second)] = value;
    }
    void observe(std::string_view, const Labels&, double) override {}
    double value(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        const auto found = values_.find(name);
        return found == values_.end() ? -1 : found->second;
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::string, double> values_;
};

/// One process of a site.
struct Worker {
    Worker(const std::string& group, const std::string& instance, std::size_t standbys)
        : options(small_kafka_options(folder.path(), group)) {
        options.instance = instance;
        options.standbys = standbys;
        options.metrics = &gauges;
        auto opened = KafkaLog::open(options);
        EXPECT_TRUE(opened.has_value()) << opened.error().to_string();
        log = std::move(*opened);
    }
    bool owns(std::string_view stage, const TopicPartition& input) const {
        return log->ownership(stage, input) == Ownership::Ours;
    }

    TemporaryFolder folder;
    Gauges gauges;
    KafkaLog::Options options;
    std::unique_ptr<KafkaLog> log;
};

struct KafkaCopies : testing::Test {
    KafkaCopies() : group(fresh_name()) { topic_prefix() = group + "."; }
    ~KafkaCopies() override { topic_prefix().clear(); }

    template <class What>
    static void until(const What& what) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!what()) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    std::string lag_of(std::string_view stage, std::uint32_t partition) const {
        return "vitalog_standby_lag_records " +
               to_string(TopicPartition{group + "." + std::string(stage) + ".state",
                                        Partition(partition)});
    }

    const std::string group;
};

/// A transaction that nobody ends holds up whoever needs what is in it, and nobody else.
TEST_F(KafkaCopies, ARestoreThatWaitsLetsOtherShardsBeOpened) {
    Worker worker(group, "one", 0);
    wait_for_shards(*worker.log, worker.options);
    Producer::Options options;
    options.properties = {{"bootstrap.servers", test_brokers()}};
    options.transactional_id = group + ".stranger";
    auto stranger = Producer::open(options);
    ASSERT_TRUE(stranger.has_value()) << stranger.error().to_string();
    rd_kafka_t* client = (*stranger)->client();
    ASSERT_TRUE(kafka::check(rd_kafka_begin_transaction(client), "begin").has_value());
    kafka::Delivered delivered;
    ASSERT_TRUE((*stranger)
                    ->send({group + ".care.state", Partition(0)}, {kNow, "k", "", "vx"}, delivered)
                    .has_value());
    ASSERT_TRUE((*stranger)->settle(delivered).has_value());

    const auto waiting = worker.log->open_shard("care", tp_of("person", 0));
    ASSERT_TRUE(waiting.has_value()) << waiting.error().to_string();
    EXPECT_EQ(*waiting, nullptr);
    const auto other = open_now(*worker.log, "care", tp_of("person", 1));
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(commit_to(*other, tp_of("person", 1), {"out"}, 1, {{"k", "v"}}),
              CommitOutcome::Committed);
    EXPECT_EQ(*worker.log->open_shard("care", tp_of("person", 0)), nullptr);

    ASSERT_TRUE(kafka::check(rd_kafka_abort_transaction(client, 20'000), "abort").has_value());
    const auto shard = open_now(*worker.log, "care", tp_of("person", 0));
    ASSERT_NE(shard, nullptr);
    EXPECT_EQ(stored_value(shard->state(), "k"), std::nullopt) << "what was aborted is no state";
}

TEST_F(KafkaCopies, AStandbyHasTheStateBeforeTheShardComes) {
    constexpr int kCommits = 20;
    auto one = std::make_unique<Worker>(group, "one", 1);
    wait_for_shards(*one->log, one->options);
    Worker two(group, "two", 1);
    // By range, and two partitions: the first is of "one".
    const TopicPartition input = tp_of("person", 0);
    until([&] { return two.owns("care", tp_of("person", 1)) && one->owns("care", input); });
    auto shard = open_now(*one->log, "care", input);
    ASSERT_NE(shard, nullptr);
    for (int i = 1; i <= kCommits; ++i)
        ASSERT_EQ(commit_to(*shard, input, {"out"}, i,
                            {{"k" + std::to_string(i), "v"}, {"last", std::to_string(i)}}),
                  CommitOutcome::Committed);
    ASSERT_EQ(commit_to(*shard, input, {"out"}, kCommits + 1, {{"k1", std::nullopt}}),
              CommitOutcome::Committed);
    until([&] { return two.gauges.value("vitalog_standbys") == 3; });
    // Each looks once a second, at its own moment.
    until([&] { return one->gauges.value("vitalog_standbys") == 3; });
    until([&] { return two.gauges.value(lag_of("care", 0)) == 0; });

    shard.reset();
    one.reset();
    until([&] { return two.owns("care", input); });
    shard = open_now(*two.log, "care", input);
    ASSERT_NE(shard, nullptr);
    EXPECT_EQ(shard->position().committed, Offset(kCommits + 1));
    EXPECT_EQ(stored_value(shard->state(), "k1"), std::nullopt);
    EXPECT_EQ(stored_value(shard->state(), "k2"), "v");
    EXPECT_EQ(stored_value(shard->state(), "last"), std::to_string(kCommits));
    EXPECT_LE(two.gauges.value("vitalog_restored_records_total"), 0) << "it was all there";
    until([&] { return two.gauges.value("vitalog_standbys") == 0; });
}

/// What a process that died had begun is ended by those it leaves: its own time-out is far off.
TEST_F(KafkaCopies, AnOpenTransactionOfAProcessThatIsGoneIsEnded) {
    Worker one(group, "b-lives", 1);
    wait_for_shards(*one.log, one.options);
    auto dead = std::make_unique<Worker>(group, "c-dies", 1);
    until([&] { return one.gauges.value("vitalog_standbys") == 3; });
    dead.reset();
    Producer::Options options;
    options.properties = {{"bootstrap.servers", test_brokers()}};
    options.transactional_id = group + ".c-dies.3";  // as if it had died in the midst of this
    options.timeout = 2 * kPatience;
    auto left = Producer::open(options);
    ASSERT_TRUE(left.has_value()) << left.error().to_string();
    rd_kafka_t* client = (*left)->client();
    ASSERT_TRUE(kafka::check(rd_kafka_begin_transaction(client), "begin").has_value());
    kafka::Delivered delivered;
    ASSERT_TRUE((*left)
                    ->send({group + ".care.state", Partition(1)}, {kNow, "k", "", "vx"}, delivered)
                    .has_value());
    ASSERT_TRUE((*left)->settle(delivered).has_value());
    until([&] { return one.owns("care", tp_of("person", 1)); });
    const auto shard = open_now(*one.log, "care", tp_of("person", 1));
    ASSERT_NE(shard, nullptr);
    EXPECT_EQ(stored_value(shard->state(), "k"), std::nullopt);
    rd_kafka_error_t* const refused = rd_kafka_commit_transaction(client, 20'000);
    EXPECT_FALSE(kafka::check(refused, "commit").has_value()) << "its name was taken";
}

/// Changes of hands: what one writes on from the copy that it had is what the other has.
TEST_F(KafkaCopies, AShardThatWentAndCameBackHasWhatWasWrittenElsewhere) {
    Worker one(group, "one", 1);
    wait_for_shards(*one.log, one.options);
    const TopicPartition input = tp_of("person", 1);
    auto shard = open_now(*one.log, "care", input);
    ASSERT_NE(shard, nullptr);
    ASSERT_EQ(commit_to(*shard, input, {"a"}, 1, {{"k", "1"}, {"gone", "x"}}),
              CommitOutcome::Committed);
    {
        Worker two(group, "two", 1);
        until([&] { return !one.owns("care", input); });
        shard.reset();
        until([&] { return two.owns("care", input); });
        auto there = open_now(*two.log, "care", input);
        ASSERT_NE(there, nullptr);
        EXPECT_EQ(stored_value(there->state(), "k"), "1");
        ASSERT_EQ(commit_to(*there, input, {"b"}, 2, {{"k", "2"}, {"gone", std::nullopt}}),
                  CommitOutcome::Committed);
    }
    until([&] { return one.owns("care", input); });
    shard = open_now(*one.log, "care", input);
    ASSERT_NE(shard, nullptr);
    EXPECT_EQ(stored_value(shard->state(), "k"), "2");
    EXPECT_EQ(stored_value(shard->state(), "gone"), std::nullopt);
    EXPECT_EQ(shard->position().committed, Offset(2));
}

}  // namespace
}  // namespace vitalog::topology
