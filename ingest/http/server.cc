#include "ingest/http/server.h"

#include <boost/asio/io_context.hpp>
#include <charconv>
#include <condition_variable>
#include <thread>

#include "ingest/http/session.h"
#include "schemas/base/thread_name.h"

namespace vitalog::ingest {

using namespace http_detail;  // NOLINT: this file is the other half of session.cc

namespace {

constexpr std::size_t kRefusingConnections =
    64;  // beyond the limit, answered 503 rather than just closed
constexpr std::chrono::milliseconds kAcceptPause{50};
constexpr std::chrono::milliseconds kStopPoll{10};

std::string shown(const tcp::endpoint& endpoint) {
    const std::string host = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

}  // namespace

class HttpServer::Impl {
  public:
    Impl(HttpServerOptions options, Metrics* metrics)
        : shared_(std::move(options), metrics),
          acceptor_(asio::make_strand(io_)),
          pause_(acceptor_.get_executor()) {}
    ~Impl() { stop(); }

    Shared& shared() { return shared_; }

    Result<std::string> start() {
        const auto& options = shared_.options;
        VITALOG_CHECK(check_tokens(options.tokens));
        VITALOG_TRY(const tcp::endpoint endpoint, resolve(options.host, options.port));
        if (options.tokens.empty() && !endpoint.address().is_loopback())
            return fail(Errc::Configuration,
                        "http: without auth.tokens the server listens on loopback only, not on " +
                            options.host + "; set auth.tokens, or use 127.0.0.1");
        beast::error_code error;
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (error)
            return fail(Errc::Configuration, "http: cannot listen on " + shown(endpoint) + ": " +
                                                 error.message() +
                                                 "; choose another with --http HOST:PORT");
        const std::string address = shown(acceptor_.local_endpoint(error));
        accept();
        for (unsigned i = 0; i < std::max(1U, options.io_threads); ++i)
            threads_.emplace_back([this] {
                name_thread("http");
                io_.run();
            });
        return address;
    }

    void stop() {
        if (stopped_) return;
        stopped_ = true;
        shared_.stopping = true;
        asio::post(acceptor_.get_executor(), [this] {
            beast::error_code ignored;
            acceptor_.close(ignored);
            pause_.cancel(ignored);
        });
        if (!threads_.empty()) {
            close_idle_sessions();
            wait_for_sessions();
        }
        shared_.pool.stop();
        {
            const std::unique_lock lock(shared_.gate->mutex);
            shared_.gate->open = false;
        }
        io_.stop();
        for (auto& thread : threads_) thread.join();
        threads_.clear();
    }

  private:
    Result<tcp::endpoint> resolve(const std::string& host, std::uint16_t port) {
        beast::error_code error;
        const auto address = asio::ip::make_address(host, error);
        if (!error) return tcp::endpoint(address, port);
        const auto found =
            tcp::resolver(io_).resolve(host, std::to_string(port), tcp::resolver::passive, error);
        if (error || found.empty())
            return fail(
                Errc::Configuration,
                "http: '" + host + "' is not an address of this machine: " + error.message());
        for (const auto& entry : found)
            if (entry.endpoint().address().is_v4()) return entry.endpoint();
        return found.begin()->endpoint();
    }

    void accept() {
        acceptor_.async_accept(
            asio::make_strand(io_), [this](beast::error_code error, tcp::socket socket) {
                if (shared_.stopping || !acceptor_.is_open()) return;
                if (error) return accept_later();  // out of descriptors, as a rule
                std::size_t open = 0;
                {
                    const std::lock_guard lock(shared_.mutex);
                    open = shared_.sessions.size();
                }
                const std::size_t limit = shared_.options.max_connections;
                if (open < limit + kRefusingConnections) {
                    const auto session = Session::make(shared_, std::move(socket), open >= limit);
                    asio::dispatch(session->executor(), [session] { session->begin(); });
                }
                accept();
            });
    }

    void accept_later() {
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([this](beast::error_code error) {
            if (!error) accept();
        });
    }

    /// Outside the lock: whoever lets go of a session last runs its destructor, which takes the
    /// lock.
    void close_idle_sessions() {
        std::vector<std::shared_ptr<Session>> alive;
        {
            const std::lock_guard lock(shared_.mutex);
            for (Session* session : shared_.sessions)
                if (auto held = session->weak_from_this().lock()) alive.push_back(std::move(held));
        }
        for (const auto& session : alive) session->close_if_idle();
    }

    bool no_sessions() {
        const std::lock_guard lock(shared_.mutex);
        return shared_.sessions.empty();
    }

    void wait_for_sessions() {
        const auto deadline = std::chrono::steady_clock::now() + shared_.options.stop_grace;
        std::mutex mutex;
        std::condition_variable tick;
        std::unique_lock lock(mutex);
        while (!no_sessions() && std::chrono::steady_clock::now() < deadline)
            tick.wait_for(lock, kStopPoll);
    }

    // Order matters: the io_context dies before what the sessions of its pending operations refer
    // to.
    Shared shared_;
    asio::io_context io_;
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::vector<std::thread> threads_;
    bool stopped_ = false;
};

HttpServer::HttpServer(HttpServerOptions options, Metrics* metrics)
    : impl_(std::make_unique<Impl>(std::move(options), metrics)) {}

HttpServer::~HttpServer() = default;

void HttpServer::route(std::string method, std::string pattern, HttpHandler handler) {
    impl_->shared().routes.add(std::move(method), std::move(pattern), std::move(handler));
}

Result<void> HttpServer::start() {
    VITALOG_TRY(address_, impl_->start());
    return {};
}

void HttpServer::stop() {
    impl_->stop();
}

Result<std::pair<std::string, std::uint16_t>> split_host_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    unsigned port = 0;
    const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    std::string_view host = text.substr(0, colon == std::string_view::npos ? 0 : colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
        port > 65'535 || host.empty())
        return fail(Errc::Configuration,
                    "'" + std::string(text) + "' is not HOST:PORT, such as 127.0.0.1:8080");
    return std::pair(std::string(host), static_cast<std::uint16_t>(port));
}

}  // namespace vitalog::ingest
