#include "topology/stages/stage.h"

#include <fmt/format.h>

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

}  // namespace vitalog::topology
