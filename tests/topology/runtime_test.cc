// The threads that step the shards of a process.

#include "topology/runtime/runtime.h"

#include <gtest/gtest.h>

#include <future>

#include "fault_disk.h"
#include "log_test_support.h"
#include "tests/support/no_metrics.h"
#include "topology/clock.h"
#include "topology/log/embedded_log.h"

namespace vitalog::topology {
namespace {

/// Views, say, whose transaction fails keep trying, and feeds are refused: without an end of the
/// process nobody would see that nothing goes on.
TEST(Runtime, EndsOnceTheLogTakesNoMoreWorkWhoseverWriteFailed) {
    const TemporaryFolder folder;
    FaultDisk disk(1);
    EmbeddedLog::Options options = small_embedded_options(folder.path());
    options.disk = disk.disk();
    const auto log = EmbeddedLog::open(options);
    ASSERT_TRUE(log) << log.error().to_string();

    const schemas::TopicNames names;
    const ManualClock clock;
    tests::NoMetrics metrics;
    Runtime runtime({**log, names, clock, metrics}, {});
    std::promise<Error> failed;
    runtime.start(1, [&](Error error) { failed.set_value(std::move(error)); });

    disk.arm(FaultDisk::Fault::Full, 0);
    ASSERT_FALSE((*log)->store_position("views", tp_of("subject", 0), Offset(0)));
    auto failure = failed.get_future();
    ASSERT_EQ(failure.wait_for(std::chrono::minutes(1)), std::future_status::ready);
    EXPECT_NE(failure.get().to_string().find("the log takes no more work"), std::string::npos);
    EXPECT_TRUE(runtime.stop(false));
}

}  // namespace
}  // namespace vitalog::topology
