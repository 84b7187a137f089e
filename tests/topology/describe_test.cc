#include <gtest/gtest.h>
#include <regex.h>

#include <fstream>
#include <set>
#include <sstream>

#include "topology/stages/stage.h"

namespace vitalog::topology {
namespace {

TEST(Describe, PrintsTheTopologyThatIsWrittenDown) {
    std::ifstream file(VITALOG_SOURCE_DIR "/docs/topology.txt");
    const std::string kept{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(kept, describe())
        << "if the change is meant, run: vitalog describe > docs/topology.txt";
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

TEST(Describe, MermaidDrawsEveryArrowOfTheTopologyOnce) {
    const std::string text = describe_mermaid();
    std::set<std::string> lines;
    std::istringstream stream(text);
    std::size_t arrows = 0;
    regex_t shape;
    constexpr auto kShape = R"(^  (\w+\[\([A-Za-z_.-]+\)\]|\w+\["[^"]+"\]|\w+ --> \w+)$)";
    ASSERT_EQ(::regcomp(&shape, kShape, REG_EXTENDED | REG_NOSUB), 0);
    std::string line;
    ASSERT_TRUE(std::getline(stream, line));
    EXPECT_EQ(line, "flowchart LR");
    while (std::getline(stream, line)) {
        EXPECT_EQ(::regexec(&shape, line.c_str(), 0, nullptr, 0), 0) << line;
        EXPECT_TRUE(lines.insert(line).second) << line;
        if (line.find("-->") != std::string::npos) ++arrows;
    }
    ::regfree(&shape);
    std::size_t due = 0;
    for (const Stage& stage : all_stages()) due += stage.reads.size() + stage.writes.size();
    EXPECT_EQ(arrows, due);
    EXPECT_TRUE(lines.contains("  person --> stage_care"));
    EXPECT_TRUE(lines.contains("  stage_desk --> task_board"));
}

}  // namespace
}  // namespace vitalog::topology
