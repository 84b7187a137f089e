#pragma once

#include <string>
#include <vector>

#include "ingest/http/access.h"
#include "sinks/aliyun/client.h"
#include "topology/config.h"

namespace vitalog::topology {

/// What comes from the environment or a file, never from a flag, and is never logged.
struct Secrets {
    std::string aliyun_key_id;
    std::string aliyun_key_secret;

    /// VITALOG_ALIYUN_KEY_ID and VITALOG_ALIYUN_KEY_SECRET among these variables.
    static Secrets from(const std::map<std::string, std::string>& environment);
};

/// The file that auth.tokens names; none without it. Configuration.
Result<std::vector<ingest::HttpToken>> read_tokens(const Config& config);
sinks::AliyunConfig aliyun_config(const Config& config, const Secrets& secrets);
/// Everything about the doors that can be checked before anything opens: tokens, addresses, zone, character set,
/// the provider's keys. Configuration.
Result<void> check_doors(const Config& config, const Secrets& secrets);

}  // namespace vitalog::topology
