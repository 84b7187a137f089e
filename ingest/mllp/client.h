#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::ingest::mllp {

/// TLS of the sender, PEM files.
struct ClientTls {
    bool enabled = false;
    std::string ca;           ///< who signs the listener; empty: the system's authorities
    std::string certificate;  ///< the own one, where the listener wants it
    std::string key;
};

struct ClientConfig {
    std::string host = "127.0.0.1";  ///< name or address
    std::uint16_t port = 2575;
    ClientTls tls;
    unsigned connections = 1;
    double rate = 0;  ///< messages a second over all connections; 0: as fast as they are taken
    std::chrono::milliseconds ack_timeout{
        30000};  ///< then the connection is closed and the message sent again
    std::chrono::milliseconds retry_for{
        10000};  ///< without any connection or answer for so long: give up
};

struct SendProgress {
    std::uint64_t total = 0;
    std::uint64_t sent = 0;  ///< answered, or needing no answer
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
};

/// A message that was not taken.
struct Refusal {
    std::string control_id;
    std::string code;  ///< AE, AR, CE, CR
    std::string text;
};

struct SendSummary {
    std::uint64_t sent = 0;
    std::uint64_t accepted = 0;
    std::uint64_t unanswered = 0;  ///< asked for no answer by MSH-15
    std::uint64_t resent = 0;      ///< sent again after a lost connection or a time-out
    std::vector<Refusal> refused;
    std::chrono::microseconds elapsed{0};
    std::chrono::microseconds latency_p50{0};  ///< from the first byte sent to the answer read
    std::chrono::microseconds latency_p99{0};

    double messages_per_second() const;
};

/// Sends HL7 messages over MLLP as a careful sending system does: one message outstanding per
/// connection, MSA-2 matched against MSH-10, a connection with an outstanding answer never used
/// again, the same bytes sent again after a failure. Messages of one patient (merged ones included)
/// keep their order by going over one connection. Blocks until everything is answered; `progress`
/// is called from the same thread, at most some twenty times a second. Io when the other side can't
/// be reached for retry_for.
Result<SendSummary> send_messages(const std::vector<std::string>& messages,
                                  const ClientConfig& config,
                                  const std::function<void(const SendProgress&)>& progress = {});

}  // namespace vitalog::ingest::mllp
