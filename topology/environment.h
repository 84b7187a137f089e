#pragma once

#include <array>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog::topology {

/// What is read from the environment, or a file, and is no configuration key.
inline constexpr std::array<std::string_view, 9> kSecretNames{
    "VITALOG_ALIYUN_KEY_ID",      "VITALOG_ALIYUN_KEY_SECRET", "VITALOG_TENCENT_SECRET_ID",
    "VITALOG_TENCENT_SECRET_KEY", "VITALOG_WECHAT_APPID",      "VITALOG_WECHAT_SECRET",
    "VITALOG_WECHAT_TOKEN",       "VITALOG_WECOM_ROBOTS",      "VITALOG_KAFKA_PASSWORD"};
/// The caller's bearer token, for commands that speak to a site.
inline constexpr std::string_view kTokenVariable = "VITALOG_TOKEN";

/// The key that a variable VITALOG_... sets, keys of topics included; empty for a secret.
/// Configuration: nothing reads such a variable; names the nearest that is read.
Result<std::string> key_of_variable(std::string_view variable);
/// A name in the file of secrets. Configuration: names the nearest.
Result<void> check_secret_name(std::string_view name);

}  // namespace vitalog::topology
