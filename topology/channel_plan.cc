#include "topology/channel_plan.h"

#include "topology/config.h"

namespace vitalog::topology {

std::vector<ChannelPlan> channel_plans(const Config& config) {
    std::vector<ChannelPlan> plans{
        {"sms", schemas::Topic::SendSms, std::string(config.text("notify.sms.provider"))},
        {"wechat", schemas::Topic::SendWechat, "wechat"},
        {"wecom", schemas::Topic::SendWecom, "wecom"}};
    for (ChannelPlan& plan : plans) {
        plan.external = config.text("notify." + plan.channel + ".gateway") == "external";
        plan.served = plan.external || !config.text("notify." + plan.provider + ".url").empty();
    }
    return plans;
}

}  // namespace vitalog::topology
