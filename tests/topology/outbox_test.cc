#include "topology/runtime/outbox.h"

#include <gtest/gtest.h>

namespace vitalog::topology {
namespace {

using schemas::Topic;

TEST(Outbox, OutputsBeyondABlocksSizeGoOnInAnother) {
    const schemas::TopicNames topics;
    Outbox outbox(topics, "test");
    const std::string value(std::size_t{20} << 20, ' ');
    for (int i = 0; i < 5; ++i) {
        outbox.add(Topic::Alert, "k", "test", RecordId(), {}, value, {});
        outbox.accept(LogTime());
    }
    const auto outputs = outbox.take();
    ASSERT_EQ(outputs.size(), 3U);
    for (const auto& output : outputs) EXPECT_EQ(output.tp, outputs[0].tp);
    EXPECT_EQ(outputs[0].block.count() + outputs[1].block.count() + outputs[2].block.count(), 5U);
}

}  // namespace
}  // namespace vitalog::topology
