#pragma once

#include <array>
#include <atomic>
#include <boost/asio/ssl.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/hl7/ack.h"
#include "ingest/mllp/listener.h"

// What the connections of one listener share. For files of ingest/mllp only.

namespace vitalog::ingest::mllp {

/// Counts in the listener's threads, hands the sums on when asked.
class Tally {
  public:
    Tally(Metrics& metrics, std::string endpoint)
        : metrics_(metrics), endpoint_(std::move(endpoint)) {}

    void message(Outcome outcome) {
        messages_[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
    }
    void dead_letter(std::string_view reason) {
        const std::lock_guard lock(mutex_);
        ++dead_letters_[reason];
    }
    void publish() {
        for (std::size_t i = 0; i < messages_.size(); ++i) {
            const auto count = messages_[i].exchange(0, std::memory_order_relaxed);
            if (count == 0) continue;
            const auto result = std::string(to_string(static_cast<Outcome>(i)));
            metrics_.count("vitalog_messages_in_total",
                           {{"endpoint", endpoint_}, {"result", result}},
                           static_cast<double>(count));
        }
        const std::lock_guard lock(mutex_);
        for (const auto& [reason, count] : dead_letters_)
            metrics_.count("vitalog_dead_letters_total",
                           {{"stage", "mllp"}, {"reason", std::string(reason)}},
                           static_cast<double>(count));
        dead_letters_.clear();
    }

  private:
    Metrics& metrics_;
    const std::string endpoint_;
    std::array<std::atomic<std::uint64_t>, kOutcomeCount> messages_{};
    std::mutex mutex_;
    std::map<std::string_view, std::uint64_t> dead_letters_;  // keys are literals of hl7::reason
};

/// Lets the log's threads through to the listener's while there is one.
class Gate {
  public:
    template <class Function>
    void pass(Function function) {
        const std::shared_lock lock(mutex_);
        if (open_) function();
    }
    void shut() {
        const std::unique_lock lock(mutex_);
        open_ = false;
    }

  private:
    std::shared_mutex mutex_;
    bool open_ = true;
};

/// What the connections of one listener share.
struct Shared {
    ListenerConfig config;
    hl7::SiteZone zone;
    Listener::Ports ports;
    hl7::ControlIds ids;
    Tally tally;
    std::unique_ptr<boost::asio::ssl::context> tls = nullptr;  // null: plain
    std::atomic<bool> stopping{false};
    // shared: an append that the log has not finished may outlive the listener
    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
};

}  // namespace vitalog::ingest::mllp
