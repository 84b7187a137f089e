#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/time.h"
#include "schemas/events/message.h"

namespace vitalog::sinks {

/// One attempt to tell somebody something, as a record of `send.<channel>` has it. Owns its text.
struct Attempt {
    std::string recipient;
    std::string intent;
    std::string attempt;
    std::string to;  ///< phone number, openid, ROBOT|PHONE: identifying, never logged
    std::string template_code;
    std::string sign;  ///< empty: the provider's default
    std::vector<std::pair<std::string, std::string>> params;
    std::string text;
    std::string url;
    ReceivedTime not_after;
    bool resend = false;  ///< not to be taken for a repeat of the attempt before

    /// "recipient|intent|attempt": what the provider passes back to us.
    std::string echo() const { return recipient + "|" + intent + "|" + attempt; }
};

/// What a provider said to a send, or what its silence means.
struct SendOutcome {
    schemas::ReceiptState state = schemas::ReceiptState::Unknown;
    std::string code{};  ///< the provider's own, or "unreachable", "timeout", "stopped", "expired"
    std::string provider_id{};   ///< when accepted
    bool retryable = false;      ///< with NotSent
    bool configuration = false;  ///< somebody must act: sign, template, account, key
    std::string message{};       ///< for the log: names no person
};

/// What a provider's own books say about an attempt that got no answer.
struct QueryOutcome {
    enum class Found : std::uint8_t {
        Yes,         ///< `state` says what became of it
        No,          ///< the provider answered, and never received it
        Unavailable  ///< no usable answer: ask again later
    };
    Found found = Found::Unavailable;
    schemas::ReceiptState state = schemas::ReceiptState::Accepted;
    std::string code{};
    std::string message{};
};

/// Sends attempts of one channel. Blocking; called by several threads at once.
class Provider {
  public:
    virtual ~Provider() = default;
    /// As in Receipt::provider.
    virtual std::string_view name() const = 0;
    virtual SendOutcome send(const Attempt& attempt) = 0;
    /// Looks an attempt up that the log took at `taken`.
    virtual QueryOutcome query(const Attempt&, LogTime) { return {}; }
    /// False: the provider can't be asked, and an attempt in doubt stays so.
    virtual bool can_query() const { return true; }
    /// Ends every call in hand, and every later one, soon.
    virtual void abort() = 0;
};

}  // namespace vitalog::sinks
