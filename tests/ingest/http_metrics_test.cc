#include <gtest/gtest.h>

#include <thread>

#include "ingest/http/metrics.h"

namespace vitalog::ingest {
namespace {

TEST(MetricsRegistry, WritesCountersAndGaugesWithHelpAndType) {
    MetricsRegistry metrics;
    metrics.count("vitalog_alerts_total", {{"rule", "aki"}, {"priority", "high"}}, 2);
    metrics.count("vitalog_alerts_total", {{"rule", "aki"}, {"priority", "high"}});
    metrics.gauge("vitalog_lag_records", {{"stage", "care"}, {"partition", "0"}}, 1.5);
    EXPECT_EQ(
        metrics.exposition(),
        "# HELP vitalog_alerts_total Alerts raised, by rule and priority.\n"
        "# TYPE vitalog_alerts_total counter\n"
        "vitalog_alerts_total{rule=\"aki\",priority=\"high\"} 3\n"
        "# HELP vitalog_lag_records Records a stage has not applied yet, by stage and partition.\n"
        "# TYPE vitalog_lag_records gauge\n"
        "vitalog_lag_records{stage=\"care\",partition=\"0\"} 1.5\n");
}

TEST(MetricsRegistry, CumulatesBucketsWithTheirUpperBoundInclusive) {
    MetricsRegistry metrics;
    metrics.observe("vitalog_latency_seconds", {{"stage", "care"}}, 0.0001);
    metrics.observe("vitalog_latency_seconds", {{"stage", "care"}}, 0.00011);
    metrics.observe("vitalog_latency_seconds", {{"stage", "care"}}, 10);
    metrics.observe("vitalog_latency_seconds", {{"stage", "care"}}, 11);
    const std::string text = metrics.exposition();
    const auto has = [&](const std::string& line) {
        return text.find(line + "\n") != std::string::npos;
    };
    EXPECT_TRUE(has("# TYPE vitalog_latency_seconds histogram"));
    EXPECT_TRUE(has("vitalog_latency_seconds_bucket{stage=\"care\",le=\"0.0001\"} 1"));
    EXPECT_TRUE(has("vitalog_latency_seconds_bucket{stage=\"care\",le=\"0.00025\"} 2"));
    EXPECT_TRUE(has("vitalog_latency_seconds_bucket{stage=\"care\",le=\"5\"} 2"));
    EXPECT_TRUE(has("vitalog_latency_seconds_bucket{stage=\"care\",le=\"10\"} 3"));
    EXPECT_TRUE(has("vitalog_latency_seconds_bucket{stage=\"care\",le=\"+Inf\"} 4"));
    EXPECT_TRUE(has("vitalog_latency_seconds_count{stage=\"care\"} 4"));
    EXPECT_TRUE(has("vitalog_latency_seconds_sum{stage=\"care\"} 21.00021"));
}

TEST(MetricsRegistry, EscapesLabelValues) {
    MetricsRegistry metrics;
    metrics.count("x", {{"reason", "a\"b\\c\nd"}});
    EXPECT_NE(metrics.exposition().find("x{reason=\"a\\\"b\\\\c\\nd\"} 1\n"), std::string::npos);
}

TEST(MetricsRegistry, KeepsTheKindOfTheFirstUse) {
    MetricsRegistry metrics;
    metrics.count("x", {}, 1);
    metrics.gauge("x", {}, 7);
    EXPECT_EQ(metrics.value("x", {}), 1);
}

TEST(MetricsRegistry, AsksCollectorsAtEachScrape) {
    MetricsRegistry metrics;
    int scrapes = 0;
    metrics.before_scrape([&](Metrics& into) { into.gauge("g", {}, ++scrapes); });
    metrics.exposition();
    EXPECT_NE(metrics.exposition().find("\ng 2\n"), std::string::npos);
}

TEST(MetricsRegistry, CountsFromSeveralThreads) {
    MetricsRegistry metrics;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) metrics.count("n", {{"k", "v"}});
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(metrics.value("n", {{"k", "v"}}), 4000);
}

TEST(MetricsRegistry, SumsOverTheLabelsThatAreNotNamed) {
    MetricsRegistry metrics;
    metrics.count("in_total", {{"endpoint", "his"}, {"result", "accepted"}}, 3);
    metrics.count("in_total", {{"endpoint", "lis"}, {"result", "accepted"}}, 4);
    metrics.count("in_total", {{"endpoint", "lis"}, {"result", "not accepted"}}, 8);
    EXPECT_EQ(metrics.total("in_total", {{"result", "accepted"}}), 7);
    EXPECT_EQ(metrics.total("in_total", {{"result", "accepted"}, {"endpoint", "lis"}}), 4);
    EXPECT_EQ(metrics.total("in_total", {}), 15);
    EXPECT_EQ(metrics.total("out_total", {}), 0);
}

TEST(MetricsRegistry, SetsWhatIsReadRatherThanCountedWhenAsked) {
    MetricsRegistry metrics;
    metrics.before_scrape([](Metrics& to) { to.count("late_total", {}, 2); });
    EXPECT_EQ(metrics.value("late_total", {}), 0);
    metrics.refresh();
    EXPECT_EQ(metrics.value("late_total", {}), 2);
}

}  // namespace
}  // namespace vitalog::ingest
