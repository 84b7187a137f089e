#include <gtest/gtest.h>

#include <fstream>

#include "topology/stages/stage.h"

namespace vitalog::topology {
namespace {

TEST(Describe, PrintsTheTopologyThatIsWrittenDown) {
    std::ifstream file(VITALOG_SOURCE_DIR "/docs/topology.txt");
    const std::string kept{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(kept, describe()) << "if the change is meant, run: vitalog describe > docs/topology.txt";
}

TEST(Describe, EveryTopicThatIsReadIsWrittenBySomebody) {
    for (const Stage& stage : all_stages())
        for (const schemas::Topic topic : stage.reads) {
            bool written = schemas::info(topic).feed;
            for (const Stage& writer : all_stages())
                for (const schemas::Topic output : writer.writes) written |= output == topic;
            EXPECT_TRUE(written) << schemas::name_of(topic);
        }
}

}  // namespace
}  // namespace vitalog::topology
