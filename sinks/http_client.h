#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::sinks {

/// An http or https URL taken apart. `target` is path and query as written, at least "/".
struct HttpUrl {
    bool tls = false;
    std::string host;  ///< without brackets
    std::uint16_t port = 0;
    std::string target;
    /// Value of the Host field: the port only where it is not the scheme's own.
    std::string host_field() const;
};
/// Errors: Configuration for another scheme, user information, an empty host, a bad port.
Result<HttpUrl> parse_url(std::string_view url);

struct ClientRequest {
    std::string method = "GET";
    std::string url;
    std::vector<std::pair<std::string, std::string>>
        headers;  ///< Host and Content-Length are added
    std::string body;
};

struct ClientResponse {
    int status = 0;
    std::map<std::string, std::string, std::less<>> headers;  ///< names in lower case
    std::string body;
};

/// What became of a request: the difference decides whether it may be sent again.
enum class HttpFate : std::uint8_t {
    Answered,
    NeverSent,  ///< provably not received: not resolved, not connected, no handshake, nothing
                ///< written
    Unknown     ///< bytes were written and no whole answer came
};

struct HttpOutcome {
    HttpFate fate = HttpFate::NeverSent;
    ClientResponse response;  ///< when Answered
    std::string reason;       ///< otherwise; names no header, query or body
};

struct HttpClientOptions {
    std::chrono::milliseconds connect_timeout{3'000};  ///< resolve, connect and handshake
    std::chrono::milliseconds timeout{10'000};         ///< the whole exchange after that
    std::chrono::milliseconds keep_alive{15'000};  ///< an older idle connection is not used again
    std::size_t max_body = 4U << 20;
    std::string ca_file;  ///< PEM; empty: the system's authorities
};

/// A synchronous HTTP/1.1 client that keeps one connection to the last host. https verifies the
/// peer's chain and name. One thread at a time; abort() from any.
class HttpClient {
  public:
    explicit HttpClient(HttpClientOptions options = {});
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    HttpOutcome send(const ClientRequest& request);
    /// Ends the exchange in hand, and every later one, as a time-out would.
    void abort();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::sinks
