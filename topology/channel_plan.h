#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/topics.h"

namespace vitalog::topology {

class Config;

/// How a channel leaves the site, as the configuration says.
struct ChannelPlan {
    std::string channel;
    schemas::Topic topic;
    std::string provider;   ///< "aliyun", "tencent", "wechat", "wecom": its part of the keys
    bool external = false;  ///< a hospital's gateway takes its attempts
    bool served = false;    ///< somebody takes them: the gateway, or the provider has a URL
};
/// Every channel there is.
std::vector<ChannelPlan> channel_plans(const Config& config);

}  // namespace vitalog::topology
