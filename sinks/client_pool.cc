#include "sinks/client_pool.h"

namespace vitalog::sinks {

HttpOutcome ClientPool::send(const ClientRequest& request) {
    HttpClient* client = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (aborted_) return {HttpFate::NeverSent, {}, "stopping"};
        if (idle_.empty()) {
            client = clients_.emplace_back(std::make_unique<HttpClient>(options_)).get();
        } else {
            client = idle_.back();
            idle_.pop_back();
        }
    }
    auto outcome = client->send(request);
    const std::lock_guard lock(mutex_);
    idle_.push_back(client);
    return outcome;
}

void ClientPool::abort() {
    const std::lock_guard lock(mutex_);
    aborted_ = true;
    for (const auto& client : clients_) client->abort();
}

}  // namespace vitalog::sinks
