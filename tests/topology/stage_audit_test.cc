// What an audit of a stage says of outputs that do not come out as they are in the log.
#include "topology/audit/stage_audit.h"

#include "care_history.h"

namespace vitalog::topology {
namespace {

/// Passes everything on, but for what `change` makes of the events that are emitted.
class Changed final : public processors::Context {
  public:
    using Change = std::function<std::string(std::string_view json)>;
    Changed(processors::Context& out, const Change& change) : out_(out), change_(change) {}
    void emit(Topic topic, std::string_view key, std::string_view type, std::string_view json,
              processors::EmitOptions options) override {
        out_.emit(topic, key, type, change_(json), options);
    }
    RecordId next_id() const override { return out_.next_id(); }
    void forward(Topic topic, std::string_view key) override { out_.forward(topic, key); }
    void broadcast(Topic topic, const schemas::Control& control) override {
        out_.broadcast(topic, control);
    }
    void dead_letter(const Error& error, std::string_view at) override {
        out_.dead_letter(error, at);
    }
    void set_timer(std::string_view name, ReceivedTime due) override { out_.set_timer(name, due); }
    void cancel_timer(std::string_view name) override { out_.cancel_timer(name); }
    void remove_entity() override { out_.remove_entity(); }
    void count(std::string_view metric, Labels labels) override { out_.count(metric, labels); }

  private:
    processors::Context& out_;
    const Change& change_;
};

/// The care stage of a program that says something else.
class Other final : public processors::Processor {
  public:
    Other(Changed::Change change, std::uint32_t newer)
        : change_(std::move(change)), newer_(newer), care_(care_stage().make_processor()) {}
    std::string_view stage() const override { return care_->stage(); }
    std::uint32_t logic() const override { return care_->logic() + newer_; }
    std::unique_ptr<state::Entity> create(std::string_view key) const override {
        return care_->create(key);
    }
    Result<std::unique_ptr<state::Entity>> decode(std::string_view key,
                                                  std::string_view bytes) const override {
        return care_->decode(key, bytes);
    }
    Result<void> on_record(state::Entity* entity, const processors::Input& input,
                           processors::Context& out) override {
        Changed changed(out, change_);
        return care_->on_record(entity, input, changed);
    }
    void on_timer(state::Entity* entity, const processors::Timer& timer,
                  processors::Context& out) override {
        Changed changed(out, change_);
        care_->on_timer(entity, timer, changed);
    }
    Result<void> on_control(const schemas::Control& control,
                            const processors::Input& input) override {
        return care_->on_control(control, input);
    }

  private:
    const Changed::Change change_;
    const std::uint32_t newer_;
    const std::unique_ptr<processors::Processor> care_;
};

class StageAudit : public History {
  protected:
    void SetUp() override {
        rules(pack("version: 1\n", limit("1", "6", "5")));
        result(kPotassium, 6.5);
        pass(minutes(10));
        result(kPotassium, 4.0);
    }
    AuditReport audited(Changed::Change change, std::uint32_t newer = 0) {
        Stage stage = care_stage();
        stage.make_processor = [=] { return std::make_unique<Other>(change, newer); };
        auto report = audit_stage(stage, stopped(), {});
        EXPECT_TRUE(report) << report.error().message();
        return report ? *std::move(report) : AuditReport();
    }
    static std::string same(std::string_view json) { return std::string(json); }
    static std::string longer(std::string_view json) { return std::string(json) + " "; }
};

TEST_F(StageAudit, WhatComesOutTheSameAgrees) {
    const auto report = audited(same);
    EXPECT_TRUE(report.agrees()) << report.cause;
    EXPECT_GE(report.agreed(), 2U);  // raised and resolved
}

TEST_F(StageAudit, ANondeterministicProcessorIsSaid) {
    const auto report = audited([calls = std::make_shared<int>()](std::string_view json) {
        return std::string(json) + std::string(static_cast<std::size_t>(++*calls), ' ');
    });
    EXPECT_FALSE(report.agrees());
    EXPECT_TRUE(report.cause.starts_with("a nondeterministic processor")) << report.cause;
    EXPECT_EQ(report.differences.front().kind, Difference::Kind::Changed);
}

TEST_F(StageAudit, WhatComesOutOtherwiseEachTimeAlikeIsNotCalledSo) {
    const auto report = audited(longer);
    EXPECT_FALSE(report.agrees());
    EXPECT_TRUE(report.cause.starts_with("it comes out the same each time")) << report.cause;
}

TEST_F(StageAudit, AnEntityThatNobodyKnowsIsNotTakenForOneThatAgrees) {
    AuditOptions options;
    options.entity = person;
    const auto known = audit_stage(care_stage(), stopped(), options);
    ASSERT_TRUE(known) << known.error().message();
    EXPECT_TRUE(known->agrees()) << known->cause;
    EXPECT_GE(known->agreed(), 2U);
    options.entity = IdHash().part("nobody").finish().to_string();
    const auto unknown = audit_stage(care_stage(), stopped(), options);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code(), Errc::NotFound);
}

TEST_F(StageAudit, AnotherBinaryIsSaid) {
    const auto report = audited(longer, 1);
    EXPECT_FALSE(report.agrees());
    EXPECT_TRUE(report.cause.starts_with("another binary")) << report.cause;
    EXPECT_NE(report.cause.find("was last committed by logic"), std::string::npos);
}

/// A stage without state that says with each record what was published last.
class Stamping final : public processors::Processor {
  public:
    std::string_view stage() const override { return "intake"; }
    std::uint32_t logic() const override { return 1; }
    std::unique_ptr<state::Entity> create(std::string_view) const override { return nullptr; }
    Result<std::unique_ptr<state::Entity>> decode(std::string_view,
                                                  std::string_view) const override {
        return nullptr;
    }
    Result<void> on_record(state::Entity*, const processors::Input& input,
                           processors::Context& out) override {
        out.emit(Topic::Subject, input.key, "test.stamped", published_, {});
        return {};
    }
    void on_timer(state::Entity*, const processors::Timer&, processors::Context&) override {}
    Result<void> on_control(const schemas::Control& control, const processors::Input&) override {
        published_ = control.version;
        return {};
    }

  private:
    std::string published_ = "nothing";
};

TEST(StageAuditWithoutState, NamesWhatWaitedWhileSomethingWasPublished) {
    const TemporaryFolder folder;
    const Config config = *Config::load({});
    const auto names = configured_names(config);
    Stage stage = intake_stage();
    stage.make_processor = [] { return std::make_unique<Stamping>(); };
    const TopicPartition feed{names.name(Topic::FeedHis), Partition(0)};
    std::string key = "k";
    while (partition_of(key, names.partitions(Topic::FeedHis)) != feed.partition) key += "k";
    {
        SiteLog::Options options;
        options.data_dir = folder.path();
        auto site = SiteLog::open(config, names, options);
        ASSERT_TRUE(site);
        ManualClock clock;
        tests::NoMetrics metrics;
        const auto said = [&](Topic topic, const std::string& record_key, std::string value,
                              minutes after) {
            FeedRecord record = feed_record(record_key, std::move(value), names.name(topic));
            record.received = kNow + after;
            ASSERT_TRUE(append_now(site->log(), std::move(record)));
        };
        const auto published = [&](std::string_view version, minutes after) {
            said(Topic::FeedControl, "",
                 schemas::encode(schemas::Control{"units", "units.csv", version, ""}), after);
        };
        const auto work = [&] {
            auto shard =
                Shard::open({"intake", Topic::FeedHis, feed.partition, false},
                            *site->log().open_shard("intake", feed), stage.make_processor(),
                            {site->log(), names, clock, metrics}, {});
            ASSERT_TRUE(shard);
            for (int step = 0; step < 10; ++step) ASSERT_TRUE((*shard)->step());
            ASSERT_TRUE((*shard)->close());
        };
        published("first", minutes(0));
        said(Topic::FeedHis, key, "in time", minutes(1));
        work();
        said(Topic::FeedHis, key, "waits", minutes(2));
        published("second", minutes(3));
        said(Topic::FeedHis, key, "afterwards", minutes(4));
        work();
    }
    auto log = AuditLog::open(config, {folder.path(), {}});
    ASSERT_TRUE(log) << log.error().message();
    const auto report = audit_stage(stage, **log, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->agreed(), 2U);
    ASSERT_EQ(report->difference_count(), 1U);
    EXPECT_TRUE(report->cause.starts_with("it waited while something was published"))
        << report->cause;

    AuditOptions afterwards;
    afterwards.from = kNow + minutes(3);
    const auto later = audit_stage(stage, **log, afterwards);
    ASSERT_TRUE(later) << later.error().message();
    EXPECT_TRUE(later->agrees()) << later->cause;
    EXPECT_EQ(later->agreed(), 1U);
}

}  // namespace
}  // namespace vitalog::topology
