#include "topology/stages/stage.h"

#include <fmt/format.h>

#include <algorithm>

namespace vitalog::topology {
namespace {

std::string names(const std::vector<schemas::Topic>& topics) {
    std::string text;
    for (const schemas::Topic topic : topics) {
        if (!text.empty()) text += ' ';
        text += schemas::name_of(topic);
    }
    return text.empty() ? "-" : text;
}

/// A topic's name as Mermaid takes it for a node.
std::string node(schemas::Topic topic) {
    std::string name(schemas::name_of(topic));
    std::replace_if(name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
    return name;
}

}  // namespace

std::vector<Stage> all_stages() {
    std::vector<Stage> stages;
    stages.push_back(intake_stage());
    stages.push_back(identity_stage());
    stages.push_back(care_stage());
    stages.push_back(desk_stage());
    stages.push_back(notify_stage());
    stages.push_back(views_stage());
    stages.push_back(effects_stage());
    return stages;
}

std::string describe() {
    std::string text = "Topology: vitalog\n";
    for (const Stage& stage : all_stages()) {
        text += fmt::format("\nStage: {}\n", stage.name);
        text += fmt::format("  reads:  {}\n", names(stage.reads));
        text += fmt::format("  entity: {}\n", stage.entity);
        text += fmt::format("  does:   {}\n", stage.does);
        text += fmt::format("  writes: {}\n", names(stage.writes));
        if (stage.make_processor) text += fmt::format("  logic:  {}\n", stage.make_processor()->logic());
    }
    text += "\nTopics:\n";
    for (const auto& topic : schemas::kTopics)
        text += fmt::format("  {:<15} key: {}; written by: {}{}{}\n", topic.name, topic.key, topic.written,
                            topic.kept_for_ever ? "; kept for ever" : "",
                            topic.single_partition ? "; one partition" : "");
    return text;
}

std::string describe_mermaid() {
    std::string text = "flowchart LR\n";
    for (const auto& topic : schemas::kTopics)
        text += fmt::format("  {}[({})]\n", node(topic.topic), topic.name);
    for (const Stage& stage : all_stages()) {
        text += fmt::format("  stage_{0}[\"{0}: {1}\"]\n", stage.name, stage.does);
        for (const schemas::Topic topic : stage.reads) text += fmt::format("  {} --> stage_{}\n", node(topic), stage.name);
        for (const schemas::Topic topic : stage.writes) text += fmt::format("  stage_{} --> {}\n", stage.name, node(topic));
    }
    return text;
}

}  // namespace vitalog::topology
