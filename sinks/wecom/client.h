#pragma once

#include <map>
#include <string>

#include "sinks/client_pool.h"
#include "sinks/effects/provider.h"

namespace vitalog::sinks {

struct WecomConfig {
    std::string url = "https://qyapi.weixin.qq.com";  ///< notify.wecom.url
    std::map<std::string, std::string> robots;        ///< name to webhook key; keys never logged
    std::chrono::milliseconds connect_timeout{3'000};
    std::chrono::milliseconds timeout{10'000};
    std::string ca_file;  ///< PEM; empty: the system's authorities
};

/// Errors: Configuration, naming the key.
Result<void> check(const WecomConfig& config);

/// Group robots of WeCom: POST /cgi-bin/webhook/send?key=KEY, a text that mentions the recipient by
/// phone. `to` is ROBOT|PHONE. What the robot took is in the group: nothing comes after it, and
/// nothing can be asked. Thread-safe.
class WecomRobots : public Provider {
  public:
    explicit WecomRobots(WecomConfig config)
        : config_(std::move(config)),
          clients_(client_options(config_.connect_timeout, config_.timeout, config_.ca_file)) {}

    std::string_view name() const override { return "wecom"; }
    SendOutcome send(const Attempt& attempt) override;
    bool can_query() const override { return false; }
    void abort() override { clients_.abort(); }

  private:
    const WecomConfig config_;
    ClientPool clients_;
};

}  // namespace vitalog::sinks
