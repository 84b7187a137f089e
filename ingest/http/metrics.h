#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"

namespace vitalog::ingest {

/// Every number of the process, for GET /metrics in the Prometheus text format 0.0.4. A name keeps
/// the kind of its first use; a use as another kind is dropped and logged once. Thread-safe; a call
/// costs a lock and two lookups.
class MetricsRegistry : public Metrics {
  public:
    /// Upper bounds of histogram buckets, in seconds.
    static constexpr std::array<double, 16> kBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                     0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                                     1,      2.5,     5,      10};
    static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

    MetricsRegistry();

    void count(std::string_view name, const Labels& labels, double by = 1) override;
    void gauge(std::string_view name, const Labels& labels, double value) override;
    void observe(std::string_view name, const Labels& labels, double seconds) override;

    /// The HELP line of a name; those of the contract are known.
    void describe(std::string_view name, std::string_view help);
    /// Called at the beginning of each exposition() and refresh(), to set gauges that are read
    /// rather than counted.
    void before_scrape(std::function<void(Metrics&)> collect);
    /// Sets those gauges and counters now, for who reads them by value() and total().
    void refresh();
    std::string exposition();
    /// The present value of a counter or gauge, or the number of observations; 0 when never used.
    double value(std::string_view name, const Labels& labels) const;
    /// The sum of a counter over every series with these labels, whatever others it has.
    double total(std::string_view name, const Labels& labels) const;

    /// Registers GET /metrics.
    void register_routes(Router& router);

  private:
    enum class Kind : std::uint8_t { Unused, Counter, Gauge, Histogram };
    struct Series {
        double value = 0;  ///< histograms: the sum
        std::uint64_t count = 0;
        std::array<std::uint64_t, kBuckets.size()> buckets{};  ///< not cumulative
    };
    struct Family {
        Kind kind = Kind::Unused;
        bool warned = false;
        std::string help;
        std::map<std::string, Series, std::less<>> series;  ///< by rendered labels
    };

    Series* series(std::string_view name, const Labels& labels, Kind kind);
    static void expose(const std::string& name, const Family& family, std::string& out);

    mutable std::mutex mutex_;
    std::map<std::string, Family, std::less<>> families_;    // guarded by mutex_
    std::vector<std::function<void(Metrics&)>> collectors_;  // guarded by collectors_mutex_
    std::mutex collectors_mutex_;
};

}  // namespace vitalog::ingest
