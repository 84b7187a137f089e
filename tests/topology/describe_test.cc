#include <fmt/format.h>
#include <gtest/gtest.h>
#include <regex.h>

#include <fstream>
#include <set>
#include <sstream>

#include "schemas/catalogue.h"
#include "topology/asyncapi.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

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

std::string asyncapi_of(std::vector<std::pair<std::string, std::string>> flags) {
    Config::Sources sources;
    sources.flags = std::move(flags);
    const auto config = Config::load(sources);
    if (!config) return config.error().message();
    const auto names = configured_names(*config);
    return asyncapi(names, configured_topics(*config, names));
}

TEST(Asyncapi, IsTheOneThatIsWrittenDown) {
    std::ifstream file(VITALOG_SOURCE_DIR "/schemas/asyncapi.yaml");
    const std::string kept{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(kept, asyncapi_of({}))
        << "if the change is meant, run: vitalog describe --asyncapi > schemas/asyncapi.yaml";
}

TEST(Asyncapi, HasTheSitesNamesPartitionsAndRetention) {
    const std::string text = asyncapi_of({{"topics.alert.name", "his7.alerts"},
                                          {"topics.alert.partitions", "12"},
                                          {"topics.alert.retention", "2d"}});
    const std::size_t at = text.find("  alert:\n    address: his7.alerts\n");
    ASSERT_NE(at, std::string::npos);
    const std::string channel = text.substr(at, text.find("\n  task-board:", at) - at);
    EXPECT_NE(channel.find("topic: his7.alerts\n"), std::string::npos) << channel;
    EXPECT_NE(channel.find("partitions: 12\n"), std::string::npos) << channel;
    EXPECT_NE(channel.find("retention.ms: 172800000\n"), std::string::npos) << channel;
}

TEST(Asyncapi, NamesEveryTopicAndEveryEvent) {
    const std::string text = asyncapi_of({});
    for (const auto& topic : schemas::kTopics)
        EXPECT_NE(text.find(fmt::format("\n  {}:\n    address: {}\n", topic.name, topic.name)), std::string::npos)
            << topic.name;
    for (const auto& event : schemas::event_catalogue())
        EXPECT_NE(text.find("$ref: json/" + event.schema_file()), std::string::npos) << event.type;
}

}  // namespace
}  // namespace vitalog::topology
