#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/http/access.h"
#include "ingest/mllp/listener.h"
#include "sinks/aliyun/client.h"
#include "topology/config.h"

namespace vitalog::topology {

/// What comes from the environment or a file, never from a flag, and is never logged.
struct Secrets {
    std::string aliyun_key_id;       ///< VITALOG_ALIYUN_KEY_ID
    std::string aliyun_key_secret;   ///< VITALOG_ALIYUN_KEY_SECRET
    std::string tencent_secret_id;   ///< VITALOG_TENCENT_SECRET_ID
    std::string tencent_secret_key;  ///< VITALOG_TENCENT_SECRET_KEY
    std::string wechat_appid;        ///< VITALOG_WECHAT_APPID
    std::string wechat_secret;       ///< VITALOG_WECHAT_SECRET
    std::string wechat_token;        ///< VITALOG_WECHAT_TOKEN, of the account's callback
    std::map<std::string, std::string> wecom_robots;  ///< VITALOG_WECOM_ROBOTS: NAME=KEY,NAME=KEY
    std::string kafka_password;  ///< VITALOG_KAFKA_PASSWORD, of log.sasl.user

    /// What of these the environment has, and of the rest what the YAML file at `path` has under
    /// the same names; empty: no file. Configuration.
    static Result<Secrets> read(const std::map<std::string, std::string>& environment,
                                std::string_view path);
};

/// The file that auth.tokens names; none without it. Configuration.
Result<std::vector<ingest::HttpToken>> read_tokens(const Config& config);
sinks::AliyunConfig aliyun_config(const Config& config, const Secrets& secrets);
ingest::mllp::ListenerTls mllp_tls(const Config& config);
/// Everything about the doors that can be checked before anything opens: tokens, addresses, TLS
/// files, zone, character set, the provider's keys. Configuration.
Result<void> check_doors(const Config& config, const Secrets& secrets);

}  // namespace vitalog::topology
