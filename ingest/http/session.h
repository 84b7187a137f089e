#pragma once

// Asio inside: included by ingest/http/server.cc and session.cc only.

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_set>

#include "ingest/http/rate_limiter.h"
#include "ingest/http/routes.h"
#include "ingest/http/server.h"
#include "ingest/http/stream.h"
#include "ingest/http/url.h"
#include "ingest/http/worker_pool.h"

namespace vitalog::ingest::http_detail {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

class Session;

/// Lets a Respond reach its session as long as the server lives, from any thread.
struct Gate {
    std::shared_mutex mutex;
    bool open = true;  // guarded by mutex
};

/// What sessions share; owned by the server, outlives them.
struct Shared {
    explicit Shared(HttpServerOptions given, Metrics* numbers)
        : options(std::move(given)),
          metrics(numbers),
          pool(options.workers, options.max_queued),
          limiter(options.rate) {}

    const HttpServerOptions options;
    Metrics* const metrics;
    RouteTable routes;
    WorkerPool pool;
    RateLimiter limiter;
    const std::shared_ptr<Gate> gate = std::make_shared<Gate>();  // shared with answers still out
    std::atomic<bool> stopping{false};

    std::mutex mutex;
    std::unordered_set<Session*> sessions;  // guarded by mutex
};

/// One answer owed to a request: given once, by whoever comes first of handler, time-out and
/// destruction.
class Answer {
  public:
    Answer(std::shared_ptr<Gate> gate, std::weak_ptr<Session> session, std::uint64_t request)
        : gate_(std::move(gate)), session_(std::move(session)), request_(request) {}
    ~Answer();
    void give(HttpResponse response);

  private:
    const std::shared_ptr<Gate> gate_;
    const std::weak_ptr<Session> session_;
    const std::uint64_t request_;
    std::atomic<bool> given_{false};
};

/// Everything of an answer's head but its type and length.
template <class Body>
void fill_head(http::response<Body>& head, const HttpResponse& given, unsigned version, bool keep) {
    head.version(version);
    head.result(static_cast<unsigned>(given.status));
    head.keep_alive(keep);
    head.set(http::field::server, "vitalog");
    head.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : given.headers) head.insert(name, value);
}

/// One connection. Lives as long as an operation on it is pending; runs on its own strand.
class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Shared& shared, tcp::socket socket, bool full);
    ~Session();
    /// A session that others see once it is whole: they take their share of it.
    static std::shared_ptr<Session> make(Shared& shared, tcp::socket socket, bool full);

    asio::any_io_executor executor() { return stream_.get_executor(); }
    void begin();
    /// From the gate: an answer for the n-th request of this connection.
    void answer(std::uint64_t request, HttpResponse response);
    /// From the gate: there is something to send, or to end.
    void stream_changed();
    /// Closes a connection that waits for its next request, ends a stream. Any thread.
    void close_if_idle();

  private:
    using Parser = http::request_parser<http::string_body>;
    enum class State : std::uint8_t { Idle, Reading, Handling, Writing, Streaming, Closing };

    void read_header();
    void on_header(beast::error_code error);
    /// The answer that needs no body: 400, 401, 404, 405, 413, 415, 429, 503.
    std::optional<HttpResponse> refuse_early();
    std::optional<HttpResponse> refuse_body();
    std::optional<HttpResponse> refuse_hasty(const std::optional<Caller>& caller);
    std::size_t body_limit() const;
    void read_body();
    void on_body(beast::error_code error);
    void on_read_error(beast::error_code error);
    void dispatch();
    void await_answer();
    void refuse(HttpResponse response);
    void write(HttpResponse response);
    void begin_stream(HttpResponse response);
    void watch_peer();
    void send_stream();
    void finish_stream();
    void on_written(beast::error_code error, bool keep);
    void linger();
    void shut();
    void observe(int status);

    Shared& shared_;
    beast::tcp_stream stream_;
    asio::steady_timer timer_;
    beast::flat_buffer buffer_;
    const bool full_;  ///< over the connection limit: says 503 and closes

    State state_ = State::Idle;
    std::optional<Parser> parser_;
    std::uint64_t request_ = 0;  ///< counts requests of this connection
    bool keep_ = false;
    bool head_ = false;
    bool body_unread_ = false;
    HttpRequest incoming_;
    RouteTable::Match match_;
    std::chrono::steady_clock::time_point started_;
    std::optional<http::response<http::string_body>> response_;
    std::optional<http::response_serializer<http::empty_body>> head_out_;
    std::optional<http::response<http::empty_body>> stream_head_;
    std::shared_ptr<ResponseStream> body_;  // shared with whoever writes it
    std::string chunk_;                     // on its way
    bool sending_ = false;
    std::array<char, 4096> trash_;
    std::size_t trashed_ = 0;
};

}  // namespace vitalog::ingest::http_detail
