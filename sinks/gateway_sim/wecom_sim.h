#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "sinks/gateway_sim/sim_books.h"

namespace vitalog::sinks {

struct WecomSimConfig {
    std::map<std::string, std::string> robots;  ///< name to webhook key
    int per_minute = 20;                        ///< of one robot
    std::size_t content_bytes = 2'048;
};

/// Group robots of WeCom: POST /cgi-bin/webhook/send?key=KEY with a text. Enforces key, form,
/// length and 20 a minute. Thread-safe.
class WecomSim {
  public:
    WecomSim(WecomSimConfig config, const Clock& clock, SimBooks& books)
        : config_(std::move(config)), clock_(clock), books_(books) {}
    void register_routes(Router& router);

  private:
    void send(const HttpRequest& request, Respond respond);

    const WecomSimConfig config_;
    const Clock& clock_;
    SimBooks& books_;
    std::mutex mutex_;
    std::map<std::string, std::vector<LogTime>> recent_;  // guarded by mutex_: by robot
};

}  // namespace vitalog::sinks
