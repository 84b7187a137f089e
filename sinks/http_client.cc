#include "sinks/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <optional>
#include <variant>

namespace vitalog::sinks {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using tcp = asio::ip::tcp;

namespace {

constexpr int kHttp11 = 11;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

tl::unexpected<Error> bad_url(std::string_view why) {
    return fail(Errc::Configuration,
                "a URL must be http://HOST[:PORT][/PATH] or https://...: " + std::string(why));
}

Result<std::uint16_t> parse_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65'535)
        return bad_url("the port must be 1 to 65535");
    return static_cast<std::uint16_t>(port);
}

}  // namespace

std::string HttpUrl::host_field() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

Result<HttpUrl> parse_url(std::string_view url) {
    HttpUrl out;
    if (url.starts_with("https://"))
        out.tls = true;
    else if (!url.starts_with("http://"))
        return bad_url("unknown scheme");
    url.remove_prefix(out.tls ? 8 : 7);
    if (const std::size_t fragment = url.find('#'); fragment != std::string_view::npos)
        url = url.substr(0, fragment);
    const std::size_t end = url.find_first_of("/?");
    std::string_view authority = url.substr(0, end);
    out.target = end == std::string_view::npos ? "" : std::string(url.substr(end));
    if (!out.target.starts_with('/')) out.target.insert(0, "/");
    for (const char c : out.target)
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
            return bad_url("a space or control character");
    if (authority.find('@') != std::string_view::npos)
        return bad_url("no user information, please");
    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return bad_url("'[' without ']'");
        out.host = authority.substr(1, close - 1);
        port = authority.substr(close + 1);
    } else {
        out.host = authority.substr(0, authority.find(':'));
        port = authority.substr(out.host.size());
    }
    if (out.host.empty()) return bad_url("no host");
    out.port = out.tls ? 443 : 80;
    if (port.empty()) return out;
    if (!port.starts_with(':')) return bad_url("something odd after the host");
    VITALOG_TRY(out.port, parse_port(port.substr(1)));
    return out;
}

class HttpClient::Impl {
  public:
    explicit Impl(HttpClientOptions options)
        : options_(std::move(options)), tls_(ssl::context::tls_client) {
        beast::error_code error;
        tls_.set_verify_mode(ssl::verify_peer);
        if (options_.ca_file.empty())
            tls_.set_default_verify_paths(error);
        else
            tls_.load_verify_file(options_.ca_file, error);
        if (error) tls_error_ = "the certificate authorities can't be read: " + error.message();
        SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    }

    HttpOutcome send(const ClientRequest& request) {
        const auto url = parse_url(request.url);
        if (!url) return never(url.error().message());
        if (aborted_) return never("stopping");
        if (url->tls && !tls_error_.empty()) return never(tls_error_);
        if (!reusable(*url)) {
            if (auto failed = connect(*url)) return *std::move(failed);
        }
        auto outcome = std::holds_alternative<Plain>(stream_)
                           ? exchange(*std::get<Plain>(stream_), *url, request)
                           : exchange(*std::get<Tls>(stream_), *url, request);
        if (!keep_) drop();
        return outcome;
    }

    void abort() {
        aborted_ = true;
        asio::post(io_, [this] { lowest_close(); });
    }

  private:
    using Plain = std::unique_ptr<beast::tcp_stream>;
    using Tls = std::unique_ptr<beast::ssl_stream<beast::tcp_stream>>;

    static HttpOutcome never(std::string reason) {
        return {HttpFate::NeverSent, {}, std::move(reason)};
    }
    static HttpOutcome unknown(std::string reason) {
        return {HttpFate::Unknown, {}, std::move(reason)};
    }

    beast::tcp_stream* lowest() {
        if (auto* plain = std::get_if<Plain>(&stream_)) return plain->get();
        if (auto* tls = std::get_if<Tls>(&stream_)) return &beast::get_lowest_layer(**tls);
        return nullptr;
    }
    void lowest_close() {
        if (auto* stream = lowest()) stream->close();
    }
    void drop() {
        lowest_close();
        stream_ = std::monostate();
        keep_ = false;
    }

    /// A kept connection to the same place, not too old, on which the peer neither closed nor
    /// spoke.
    bool reusable(const HttpUrl& url) {
        auto* stream = lowest();
        if (stream == nullptr || !keep_) return false;
        const bool fresh = std::chrono::steady_clock::now() - used_ < options_.keep_alive;
        if (fresh && url.tls == to_.tls && url.host == to_.host && url.port == to_.port) {
            beast::error_code error;
            char byte = 0;
            auto& socket = stream->socket();
            socket.non_blocking(true, error);
            socket.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
            if (error == asio::error::would_block) return true;
        }
        drop();
        return false;
    }

    /// Runs the io_context until `done`. Every awaited operation has a deadline of its own.
    void run_until(const bool& done) {
        io_.restart();
        while (!done) VITALOG_ASSERT(io_.run_one() > 0, "an awaited operation is pending");
    }

    /// Name resolution can't be interrupted: it is left to end by itself when it takes too long.
    Result<std::vector<tcp::endpoint>> resolve(const HttpUrl& url) {
        beast::error_code error;
        const auto address = asio::ip::make_address(url.host, error);
        if (!error) return std::vector{tcp::endpoint(address, url.port)};
        struct Lookup {  // shared: outlives this call when it is given up
            bool done = false;
            beast::error_code error;
            std::vector<tcp::endpoint> found;
        };
        const auto lookup = std::make_shared<Lookup>();
        tcp::resolver resolver(io_);
        asio::steady_timer timer(io_, options_.connect_timeout);
        timer.async_wait([lookup](beast::error_code failure) {
            if (failure || lookup->done) return;
            lookup->error = beast::error::timeout;
            lookup->done = true;
        });
        resolver.async_resolve(
            url.host, std::to_string(url.port),
            [lookup](beast::error_code failure, const tcp::resolver::results_type& results) {
                if (lookup->done) return;
                lookup->error = failure;
                for (const auto& entry : results) lookup->found.push_back(entry.endpoint());
                lookup->done = true;
            });
        run_until(lookup->done);
        if (lookup->error || lookup->found.empty())
            return fail(Errc::Io,
                        "host " + url.host + " can't be resolved: " + lookup->error.message());
        return std::move(lookup->found);
    }

    std::optional<HttpOutcome> connect(const HttpUrl& url) {
        drop();
        const auto endpoints = resolve(url);
        if (!endpoints) return never(endpoints.error().message());
        if (url.tls)
            stream_ = std::make_unique<beast::ssl_stream<beast::tcp_stream>>(io_, tls_);
        else
            stream_ = std::make_unique<beast::tcp_stream>(io_);
        to_ = url;
        beast::error_code error;
        bool done = false;
        lowest()->expires_after(options_.connect_timeout);
        lowest()->async_connect(*endpoints, [&](beast::error_code failure, const tcp::endpoint&) {
            error = failure;
            done = true;
        });
        run_until(done);
        if (!error && aborted_) error = asio::error::operation_aborted;
        if (!error && url.tls) error = handshake(*std::get<Tls>(stream_), url.host);
        if (!error) {
            lowest()->socket().set_option(tcp::no_delay(true), error);
            return std::nullopt;
        }
        drop();
        return never("no connection to " + url.host_field() + ": " + error.message());
    }

    beast::error_code handshake(beast::ssl_stream<beast::tcp_stream>& stream,
                                const std::string& host) {
        beast::error_code error;
        asio::ip::make_address(host, error);
        const bool named =
            static_cast<bool>(error);  // an address takes no server name indication (RFC 6066, 3)
        if (named && SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1)
            return {static_cast<int>(::ERR_get_error()), asio::error::get_ssl_category()};
        stream.set_verify_callback(ssl::host_name_verification(host), error);
        if (error) return error;
        bool done = false;
        stream.async_handshake(ssl::stream_base::client, [&](beast::error_code failure) {
            error = failure;
            done = true;
        });
        run_until(done);
        return error;
    }

    template <class Stream>
    HttpOutcome exchange(Stream& stream, const HttpUrl& url, const ClientRequest& request) {
        keep_ = false;
        http::request<http::string_body> message(http::string_to_verb(request.method), url.target,
                                                 kHttp11);
        if (message.method() == http::verb::unknown) message.method_string(request.method);
        message.set(http::field::host, url.host_field());
        for (const auto& [name, value] : request.headers) message.insert(name, value);
        message.body() = request.body;
        if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
            message.content_length(request.body.size());
        lowest()->expires_after(options_.timeout);
        beast::error_code error;
        std::size_t written = 0;
        bool done = false;
        http::async_write(stream, message, [&](beast::error_code failure, std::size_t size) {
            error = failure;
            written = size;
            done = true;
        });
        run_until(done);
        if (error) {
            const std::string reason =
                "sending to " + url.host_field() + " failed: " + error.message();
            return written == 0 && !url.tls ? never(reason) : unknown(reason);
        }
        return receive(stream, url, request.method == "HEAD");
    }

    template <class Stream>
    HttpOutcome receive(Stream& stream, const HttpUrl& url, bool head) {
        http::response_parser<http::string_body> parser;
        parser.body_limit(options_.max_body);
        parser.skip(head);
        beast::flat_buffer buffer;
        beast::error_code error;
        bool done = false;
        http::async_read(stream, buffer, parser, [&](beast::error_code failure, std::size_t) {
            error = failure;
            done = true;
        });
        run_until(done);
        if (error)
            return unknown("no whole answer from " + url.host_field() + ": " + error.message());
        HttpOutcome outcome{HttpFate::Answered, {}, {}};
        outcome.response.status = static_cast<int>(parser.get().result_int());
        for (const auto& field : parser.get()) {
            const auto name = field.name_string();
            const auto value = field.value();
            outcome.response.headers.try_emplace(lower({name.data(), name.size()}), value.data(),
                                                 value.size());
        }
        keep_ = parser.keep_alive() && buffer.size() == 0;
        used_ = std::chrono::steady_clock::now();
        outcome.response.body = std::move(parser.get().body());
        lowest()->expires_never();
        return outcome;
    }

    const HttpClientOptions options_;
    asio::io_context io_;
    ssl::context tls_;
    std::string tls_error_;
    std::variant<std::monostate, Plain, Tls> stream_;
    HttpUrl to_;
    bool keep_ = false;
    std::chrono::steady_clock::time_point used_;
    std::atomic<bool> aborted_{false};
};

HttpClient::HttpClient(HttpClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpClient::~HttpClient() = default;
HttpOutcome HttpClient::send(const ClientRequest& request) {
    return impl_->send(request);
}
void HttpClient::abort() {
    impl_->abort();
}

}  // namespace vitalog::sinks
