#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ingest/http/access.h"
#include "schemas/base/ports.h"

namespace vitalog::ingest {

struct HttpServerOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: a free one, see address()
    /// Empty: loopback only, every role allowed.
    std::vector<HttpToken> tokens{};
    /// Paths that need no token: probes, and callbacks of providers who can't send one.
    std::vector<std::string> open_paths{"/healthz"};
    unsigned io_threads = 1;
    unsigned workers = 8;                       ///< threads that run handlers
    std::size_t max_queued = 1'024;             ///< requests waiting for a worker; beyond: 503
    std::size_t max_connections = 1'024;        ///< beyond: 503
    std::size_t max_header = 32U << 10;         ///< bytes; beyond: 431
    std::size_t max_body = 16U << 20;           ///< bytes as sent; beyond: 413
    std::size_t max_unpacked_body = 64U << 20;  ///< bytes after gzip; beyond: 413
    /// Paths beginning so take less; the first that fits counts.
    std::vector<std::pair<std::string, std::size_t>> body_limits{};
    /// Requests a second of one caller: a token's user, else a peer's address; beyond: 429. 0: no
    /// limit. Probes of /healthz are free.
    double rate = 0;
    std::chrono::milliseconds idle_timeout{
        60'000};  ///< a kept connection without a request is closed
    std::chrono::milliseconds request_timeout{
        30'000};  ///< to send a body, to take an answer; beyond: closed
    std::chrono::milliseconds answer_timeout{60'000};  ///< for a handler; beyond: 504
    std::chrono::milliseconds stop_grace{2'000};  ///< what runs at stop() may still be answered
};

/// The one HTTP server: HTTP/1.1 with keep-alive, gzip bodies, tokens and limits. Handlers run on
/// its workers and may answer later, from any thread, also after the server is gone (then nobody
/// hears). A handler that throws, or drops its Respond unused, is answered 500. Routes may be added
/// before or after start(). Thread-safe.
class HttpServer : public Router {
  public:
    explicit HttpServer(HttpServerOptions options, Metrics* metrics = nullptr);
    ~HttpServer() override;
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    void route(std::string method, std::string pattern, HttpHandler handler) override;
    /// Binds and serves. Errors: Configuration for bad tokens, an unreadable or busy address, or
    /// one that is not loopback although there are no tokens.
    Result<void> start();
    /// "host:port" as bound ("[::1]:8080" for IPv6); empty before start().
    const std::string& address() const { return address_; }
    /// Takes no more requests, answers what runs within stop_grace, closes, joins. Idempotent.
    void stop();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
    std::string address_;
};

/// Takes "host:port" or "[v6]:port" apart. Configuration otherwise.
Result<std::pair<std::string, std::uint16_t>> split_host_port(std::string_view text);

}  // namespace vitalog::ingest
