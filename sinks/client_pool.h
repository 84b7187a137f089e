#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "sinks/http_client.h"

namespace vitalog::sinks {

inline HttpClientOptions client_options(std::chrono::milliseconds connect_timeout,
                                        std::chrono::milliseconds timeout, std::string ca_file) {
    HttpClientOptions options;
    options.connect_timeout = connect_timeout;
    options.timeout = timeout;
    options.ca_file = std::move(ca_file);
    return options;
}

/// HTTP clients for one provider: a call takes an idle one, or makes one more; there are as many as
/// there were calls at once. Thread-safe.
class ClientPool {
  public:
    explicit ClientPool(HttpClientOptions options) : options_(std::move(options)) {}

    HttpOutcome send(const ClientRequest& request);
    /// Ends every call in hand, and every later one, soon.
    void abort();

  private:
    const HttpClientOptions options_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<HttpClient>> clients_;  // guarded by mutex_
    std::vector<HttpClient*> idle_;                     // guarded by mutex_
    bool aborted_ = false;                              // guarded by mutex_
};

}  // namespace vitalog::sinks
