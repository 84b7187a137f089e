#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "ingest/hl7/time.h"
#include "ingest/mllp/admission.h"
#include "schemas/base/ports.h"

namespace vitalog::ingest::mllp {

/// TLS of a listener, PEM files. Without a certificate the listener speaks plain TCP.
struct ListenerTls {
    std::string certificate;  ///< mllp.tls.certificate: the chain, the listener's own first
    std::string key;          ///< mllp.tls.key
    std::string
        client_ca;  ///< mllp.tls.client_ca: who signs clients; then a client needs a certificate
};
/// Configuration when the files can't be used: names the key.
Result<void> check(const ListenerTls& tls);

struct ListenerConfig {
    std::string address = "127.0.0.1";
    std::uint16_t port = 2575;  ///< 0 takes a free one
    EndpointSettings endpoint;
    ListenerTls tls;
    std::size_t max_message = 16 * 1024 * 1024;  ///< hl7.max_message, bytes
    std::size_t max_connections = 1024;
    double rate = 0;  ///< messages a second of one connection, which is read no faster; 0: no limit
    std::size_t max_in_flight = 64;  ///< messages of one connection that wait for the disk
    std::chrono::seconds idle_timeout{3600};
    std::chrono::milliseconds handshake_timeout{
        10000};  ///< a client under TLS has so long to show itself
    std::chrono::milliseconds drain_timeout{5000};  ///< stop() waits so long for answers
    unsigned threads = 1;
    std::uint64_t first_control_id =
        0;  ///< MSH-10 of the first answer; 0: microseconds of the clock at start
};

/// An MLLP server: each message is judged by its MSH and PID, appended to the feed with its ledger
/// entry, and acknowledged once it is on disk. Answers of one connection leave in the order in
/// which the messages came, with several in flight. Has its own threads. The ports it is given must
/// outlive stop().
class Listener {
  public:
    struct Ports {
        FeedAppender& appender;
        Metrics& metrics;
        const Clock& clock;
    };

    /// Binds and starts. Configuration when the address can't be parsed or bound, or TLS files
    /// can't be used.
    static Result<std::unique_ptr<Listener>> start(ListenerConfig config, hl7::SiteZone zone,
                                                   Ports ports);
    /// Stops.
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    const std::string& address() const;
    std::uint16_t port() const;
    /// Hands to the metrics what was counted since the last time: to be called before they are
    /// read. What is acknowledged is counted. stop() reports what is left.
    void report();
    /// Accepts and reads no more, answers what is in flight, closes. Returns when no thread of it
    /// runs. Idempotent.
    void stop();

  private:
    class Impl;
    explicit Listener(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::ingest::mllp
