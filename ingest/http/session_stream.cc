#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "ingest/http/session.h"

// The part of a connection that sends an answer whose body is written as it comes.

namespace vitalog::ingest::http_detail {

void Session::stream_changed() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] { self->send_stream(); });
}

/// HTTP/1.0 knows no chunks: there the end of the body is the end of the connection.
void Session::begin_stream(HttpResponse given) {
    keep_ = false;
    stream_head_.emplace();
    fill_head(*stream_head_, given, parser_->get().version(), keep_);
    stream_head_->set(http::field::content_type, given.content_type);
    stream_head_->chunked(parser_->get().version() >= 11);
    head_out_.emplace(*stream_head_);
    stream_.expires_after(shared_.options.request_timeout);
    http::async_write_header(stream_, *head_out_,
                             [self = shared_from_this(), begin = std::move(given.stream)](
                                 beast::error_code error, std::size_t) {
                                 if (error || self->state_ == State::Closing) return self->shut();
                                 self->state_ = State::Streaming;
                                 self->body_ =
                                     std::make_shared<ResponseStream>(self->shared_.gate, self);
                                 self->watch_peer();
                                 begin(self->body_);
                                 if (self->shared_.stopping) self->body_->end();
                             });
}

/// A peer says nothing while it listens; that its read ends is how its going is noticed.
void Session::watch_peer() {
    stream_.expires_never();
    stream_.async_read_some(asio::buffer(trash_),
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                                if (error) return self->shut();
                                if (self->state_ == State::Streaming) self->watch_peer();
                            });
}

void Session::send_stream() {
    if (state_ != State::Streaming || sending_) return;
    if (!body_->take(chunk_)) {
        if (body_->ended()) finish_stream();
        return;
    }
    sending_ = true;
    const auto done = [self = shared_from_this()](beast::error_code error, std::size_t) {
        self->sending_ = false;
        if (error || self->state_ != State::Streaming) return self->shut();
        self->body_->sent();
        self->send_stream();
    };
    stream_.expires_after(shared_.options.request_timeout);  // of the write: the read is under way
    if (stream_head_->chunked())
        asio::async_write(stream_, http::make_chunk(asio::buffer(chunk_)), done);
    else
        asio::async_write(stream_, asio::buffer(chunk_), done);
}

void Session::finish_stream() {
    if (!stream_head_->chunked()) return shut();
    sending_ = true;
    stream_.expires_after(shared_.options.request_timeout);
    asio::async_write(
        stream_, http::make_chunk_last(),
        [self = shared_from_this()](beast::error_code, std::size_t) { self->shut(); });
}

}  // namespace vitalog::ingest::http_detail
