#include "topology/process_metrics.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>

namespace vitalog::topology {
namespace {

class Gauges final : public Metrics {
  public:
    void count(std::string_view, const Labels&, double) override {}
    void gauge(std::string_view name, const Labels&, double value) override {
        values[std::string(name)] = value;
    }
    void observe(std::string_view, const Labels&, double) override {}

    std::map<std::string, double> values;
};

double gauge(const std::string& name) {
    Gauges gauges;
    gauge_process(gauges);
    return gauges.values.at(name);
}

TEST(ProcessMetrics, SeesMemoryThatIsTouched) {
    constexpr std::size_t kTaken = 64U << 20;
    const double before = gauge("process_resident_memory_bytes");
    const auto taken = std::make_unique<std::string>(kTaken, 'x');
    const double after = gauge("process_resident_memory_bytes");
    EXPECT_GT(after - before, 0.9 * static_cast<double>(taken->size()));
#ifndef __SANITIZE_THREAD__  // which keeps several bytes of its own for each
    EXPECT_LT(after - before, 1.5 * static_cast<double>(taken->size()));
#endif
}

TEST(ProcessMetrics, CountsOpenFiles) {
    const double before = gauge("process_open_fds");
    const int file = open("/dev/null", O_RDONLY);
    EXPECT_EQ(gauge("process_open_fds"), before + 1);
    close(file);
    EXPECT_EQ(gauge("process_open_fds"), before);
}

}  // namespace
}  // namespace vitalog::topology
