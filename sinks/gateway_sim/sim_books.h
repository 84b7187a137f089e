#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"

namespace vitalog::sinks {

/// A message that a simulated provider took.
struct SimMessage {
    std::string channel, provider, to, template_code;
    std::string params;       ///< JSON
    std::string intent;       ///< of what the sender passed along
    std::string echo;         ///< that itself: OutId, SessionContext, client_msg_id
    std::string provider_id;  ///< BizId, SerialNo, msgid
    LogTime at;
};

/// How the next sends fail: POST /fail {"next":n,"as":...,"channel":optional,"code":with "code"}.
///   timeout      no answer, nothing taken          error        the provider's own trouble
///   limit        over a limit, for now             after-send   taken, but no answer
///   undelivered  taken, and the receipt says so    code         refused with that code
enum class SimFailure : std::uint8_t { Timeout, Error, Limit, AfterSend, Undelivered, Code };
struct SimFailurePlan {
    SimFailure as = SimFailure::Error;
    std::string code;
};

/// What the simulated providers have in common: the list of what they took, how they are to fail,
/// and requests that are never answered. Thread-safe.
class SimBooks {
  public:
    explicit SimBooks(const Clock& clock) : clock_(clock) {}

    /// Kept for /sent; beyond a limit the oldest half goes.
    void add(SimMessage message);
    std::size_t count() const;
    HttpResponse sent_list() const;
    HttpResponse plan_failures(const HttpRequest& request);
    /// How this send of the channel fails; nullopt: it does not.
    std::optional<SimFailurePlan> next_failure(std::string_view channel);
    /// Keeps a request unanswered: its sender runs into its own time-out.
    void hold(Respond respond);
    /// Lets go of those requests.
    void release();
    std::string next_id();
    std::int64_t next_number();

  private:
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::deque<SimMessage> sent_;  // guarded by mutex_, as is what follows
    std::vector<Respond> held_;
    int failures_left_ = 0;
    SimFailurePlan failure_;
    std::string failing_channel_;  // empty: every one
    std::int64_t numbers_ = 0;
};

/// "recipient|intent|attempt" without what is before and after the intent; else the whole.
std::string intent_in(const std::string& echo);

}  // namespace vitalog::sinks
