#include "ingest/http/session.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cmath>

#include "ingest/http/inflate.h"

namespace vitalog::ingest::http_detail {
namespace {

constexpr std::string_view kProbe = "/healthz";
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::size_t kLingerBytes = 64U << 20;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

/// Repeated fields are joined by a comma (RFC 9110, 5.2).
void copy_headers(const http::request<http::string_body>& from, HttpRequest& to) {
    for (const auto& field : from) {
        auto [entry, fresh] =
            to.headers.try_emplace(lower(view(field.name_string())), view(field.value()));
        if (!fresh) entry->second.append(", ").append(view(field.value()));
    }
}

std::string_view header(const HttpRequest& request, std::string_view name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string_view() : std::string_view(found->second);
}

/// Unpacks a gzip body in place.
std::optional<HttpResponse> unpack(HttpRequest& request, std::size_t limit) {
    const std::string coding = lower(header(request, "content-encoding"));
    if (coding.empty() || coding == "identity") return std::nullopt;
    auto plain = gunzip(request.body, limit);
    if (!plain) {
        const int status = plain.error().code() == Errc::TooLarge ? 413 : 400;
        return error_response(status, to_string(plain.error().code()), plain.error().message(),
                              request.path);
    }
    request.body = *std::move(plain);
    request.headers.erase("content-encoding");
    return std::nullopt;
}

void run_handler(const HttpHandler& handler, HttpRequest request,
                 const std::shared_ptr<Answer>& answer) {
    const std::string path = request.path;
    std::string what;
    try {
        handler(std::move(request),
                [answer](HttpResponse response) { answer->give(std::move(response)); });
        return;
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
        what = "something that is no std::exception";
    }
    log_line("error", "http_handler_threw", {{"what", what}});
    answer->give(error_response(500, "internal", "the handler failed; the log says why", path));
}

}  // namespace

Answer::~Answer() {
    if (!given_) give(error_response(500, "internal", "the handler gave no answer"));
}

void Answer::give(HttpResponse response) {
    if (given_.exchange(true)) return;
    const std::shared_lock lock(gate_->mutex);
    if (!gate_->open) return;
    if (const auto session = session_.lock()) session->answer(request_, std::move(response));
}

Session::Session(Shared& shared, tcp::socket socket, bool full)
    : shared_(shared), stream_(std::move(socket)), timer_(stream_.get_executor()), full_(full) {}

std::shared_ptr<Session> Session::make(Shared& shared, tcp::socket socket, bool full) {
    auto session = std::make_shared<Session>(shared, std::move(socket), full);
    const std::lock_guard lock(shared.mutex);
    shared.sessions.insert(session.get());
    return session;
}

Session::~Session() {
    if (body_) body_->close();
    const std::lock_guard lock(shared_.mutex);
    shared_.sessions.erase(this);
}

void Session::begin() {
    beast::error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    read_header();
}

void Session::close_if_idle() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        if (self->state_ == State::Idle) self->shut();
        if (self->state_ == State::Streaming) self->body_->end();
    });
}

void Session::shut() {
    state_ = State::Closing;
    if (body_) body_->close();
    beast::error_code ignored;
    timer_.cancel(ignored);
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
}

void Session::read_header() {
    if (shared_.stopping) return shut();
    state_ = State::Idle;
    incoming_ = {};
    match_ = {};
    body_unread_ = false;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_.options.max_header));
    parser_->body_limit(shared_.options.max_body);
    stream_.expires_after(shared_.options.idle_timeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                                self->on_header(error);
                            });
}

void Session::on_header(beast::error_code error) {
    if (state_ == State::Closing) return;
    ++request_;
    started_ = std::chrono::steady_clock::now();
    if (error) return on_read_error(error);
    state_ = State::Reading;
    keep_ = parser_->get().keep_alive();
    head_ = parser_->get().method() == http::verb::head;
    body_unread_ = !parser_->is_done();
    if (auto refusal = refuse_early()) return refuse(*std::move(refusal));
    if (!body_unread_) return dispatch();
    if (lower(header(incoming_, "expect")) != "100-continue") return read_body();
    response_.emplace(http::status::continue_, parser_->get().version());
    http::async_write(stream_, *response_,
                      [self = shared_from_this()](beast::error_code failure, std::size_t) {
                          if (failure) return self->shut();
                          self->read_body();
                      });
}

std::optional<HttpResponse> Session::refuse_early() {
    const auto& message = parser_->get();
    incoming_.method = view(message.method_string());
    copy_headers(message, incoming_);
    auto target = parse_target(view(message.target()));
    if (!target) return error_response(400, "malformed", target.error().message());
    incoming_.path = std::move(target->path);
    incoming_.query = std::move(target->query);
    const std::string& path = incoming_.path;
    if (full_) {
        auto busy = error_response(503, "busy", "too many connections", path);
        busy.headers.emplace_back("Retry-After", "1");
        return busy;
    }
    const auto& options = shared_.options;
    auto caller = establish_caller(options.tokens, header(incoming_, "authorization"),
                                   header(incoming_, "x-user"));
    if (auto hasty = refuse_hasty(caller)) return hasty;
    const bool open = std::find(options.open_paths.begin(), options.open_paths.end(), path) !=
                      options.open_paths.end();
    if (!caller && !open) {
        auto unknown = error_response(401, "unauthorized", "a valid bearer token is needed", path);
        unknown.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"vitalog\"");
        return unknown;
    }
    if (caller) incoming_.caller = *std::move(caller);
    match_ = shared_.routes.find(incoming_.method, target->segments);
    if (head_) incoming_.method = "GET";
    if (match_.pattern.empty())
        return error_response(404, "not-found", "there is nothing at " + path, path);
    if (match_.handler == nullptr) {
        std::string allowed;
        for (const auto& method : match_.allowed) allowed += (allowed.empty() ? "" : ", ") + method;
        auto refusal = error_response(405, "method", "use " + allowed + " here", path);
        refusal.headers.emplace_back("Allow", allowed);
        return refusal;
    }
    incoming_.path_params = std::move(match_.params);
    return refuse_body();
}

/// Whoever asks too often learns when to come again. By name where there are tokens; else, and
/// without a good one, by address.
std::optional<HttpResponse> Session::refuse_hasty(const std::optional<Caller>& caller) {
    if (incoming_.path == kProbe) return std::nullopt;
    beast::error_code error;
    const bool named = caller && !shared_.options.tokens.empty();
    const std::string who =
        named ? "user " + caller->user
              : "at " + stream_.socket().remote_endpoint(error).address().to_string();
    const auto wait = shared_.limiter.take(who, std::chrono::steady_clock::now());
    if (wait.count() == 0) return std::nullopt;
    auto hasty = error_response(
        429, "busy",
        "more than " + std::to_string(std::llround(shared_.options.rate)) + " requests a second",
        incoming_.path);
    hasty.headers.emplace_back(
        "Retry-After", std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()));
    return hasty;
}

std::size_t Session::body_limit() const {
    const auto& limits = shared_.options.body_limits;
    const auto found = std::find_if(limits.begin(), limits.end(), [&](const auto& limit) {
        return incoming_.path.starts_with(limit.first);
    });
    return found == limits.end() ? shared_.options.max_body
                                 : std::min(found->second, shared_.options.max_body);
}

std::optional<HttpResponse> Session::refuse_body() {
    const std::string& path = incoming_.path;
    const std::string coding = lower(header(incoming_, "content-encoding"));
    if (!coding.empty() && coding != "identity" && coding != "gzip" && coding != "x-gzip")
        return error_response(415, "unsupported", "Content-Encoding must be gzip or absent", path);
    const std::size_t most = body_limit();
    parser_->body_limit(most);
    const auto length = parser_->content_length();
    if (length && *length > most)
        return error_response(413, "too-large",
                              "the body may have " + std::to_string(most) + " bytes", path);
    return std::nullopt;
}

void Session::read_body() {
    stream_.expires_after(shared_.options.request_timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                         self->on_body(error);
                     });
}

void Session::on_body(beast::error_code error) {
    if (state_ == State::Closing) return;
    if (error) return on_read_error(error);
    body_unread_ = false;
    incoming_.body = std::move(parser_->get().body());
    dispatch();
}

void Session::on_read_error(beast::error_code error) {
    // At a time-out the stream is closed already.
    if (error == http::error::end_of_stream || error == beast::error::timeout) return shut();
    keep_ = false;
    body_unread_ = true;
    const std::string& path = incoming_.path;
    if (error == http::error::body_limit)
        return refuse(error_response(413, "too-large",
                                     "the body may have " + std::to_string(body_limit()) + " bytes",
                                     path));
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return refuse(error_response(431, "too-large", "the header is too long", path));
    if (error.category() == http::make_error_code(http::error::bad_method).category())
        return refuse(error_response(400, "malformed", "not HTTP: " + error.message(), path));
    shut();
}

void Session::dispatch() {
    state_ = State::Handling;
    const auto answer = std::make_shared<Answer>(shared_.gate, weak_from_this(), request_);
    auto job = [handler = match_.handler, request = std::move(incoming_), answer,
                limit = shared_.options.max_unpacked_body]() mutable {
        if (auto refusal = unpack(request, limit)) return answer->give(*std::move(refusal));
        run_handler(*handler, std::move(request), answer);
    };
    await_answer();
    if (shared_.pool.submit(std::move(job))) return;
    auto busy = error_response(503, "busy", "too many requests at once");
    busy.headers.emplace_back("Retry-After", "1");
    answer->give(std::move(busy));
}

void Session::await_answer() {
    stream_.expires_never();
    timer_.expires_after(shared_.options.answer_timeout);
    timer_.async_wait([self = shared_from_this(), request = request_](beast::error_code error) {
        if (error || self->state_ != State::Handling || self->request_ != request) return;
        self->keep_ = false;
        self->write(
            error_response(504, "timeout", "no answer in time; what was asked may still happen"));
    });
}

void Session::answer(std::uint64_t request, HttpResponse response) {
    asio::post(stream_.get_executor(),
               [self = shared_from_this(), request, response = std::move(response)]() mutable {
                   if (self->state_ != State::Handling || self->request_ != request) return;
                   self->timer_.cancel();
                   self->write(std::move(response));
               });
}

void Session::refuse(HttpResponse response) {
    if (body_unread_ || full_) keep_ = false;
    write(std::move(response));
}

void Session::write(HttpResponse given) {
    state_ = State::Writing;
    observe(given.status);
    if (shared_.stopping) keep_ = false;
    if (given.stream && !head_) return begin_stream(std::move(given));
    response_.emplace();
    fill_head(*response_, given, parser_->get().version(), keep_);
    if (!given.body.empty()) response_->set(http::field::content_type, given.content_type);
    const bool bodiless = given.status == 204 || given.status == 304;
    if (!bodiless) response_->content_length(given.body.size());
    if (!head_ && !bodiless) response_->body() = std::move(given.body);
    stream_.expires_after(shared_.options.request_timeout);
    http::async_write(stream_, *response_,
                      [self = shared_from_this(), keep = keep_](
                          beast::error_code error, std::size_t) { self->on_written(error, keep); });
}

void Session::on_written(beast::error_code error, bool keep) {
    if (error || state_ == State::Closing) return shut();
    if (keep) return read_header();
    if (!body_unread_) return shut();
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kLingerTime);
    state_ = State::Closing;
    linger();
}

/// Closing with unread bytes would reset the connection and could take the answer with it: read
/// some on.
void Session::linger() {
    stream_.async_read_some(asio::buffer(trash_),
                            [self = shared_from_this()](beast::error_code error, std::size_t size) {
                                self->trashed_ += size;
                                if (error || self->trashed_ > kLingerBytes) return self->shut();
                                self->linger();
                            });
}

void Session::observe(int status) {
    if (shared_.metrics == nullptr) return;
    const std::string route = match_.pattern.empty() ? "none" : match_.pattern;
    shared_.metrics->count("vitalog_http_requests_total",
                           {{"route", route}, {"status", std::to_string(status)}});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started_;
    shared_.metrics->observe("vitalog_http_seconds", {{"route", route}}, took.count());
}

}  // namespace vitalog::ingest::http_detail
