#pragma once

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <memory>
#include <string>
#include <utility>

#include "schemas/base/result.h"

// The bytes of an MLLP connection, plain or under TLS. For files of ingest/mllp only.

namespace vitalog::ingest::mllp {

namespace asio = boost::asio;

/// A TCP socket with TLS over it or not. Handlers run on the socket's executor, which must be a
/// strand or have one thread; a read and a write may be in flight at once. Not movable.
class Stream {
  public:
    using Socket = asio::ip::tcp::socket;
    using Error = boost::system::error_code;

    explicit Stream(Socket socket) : socket_(std::move(socket)) {}

    Socket& socket() { return socket_; }
    bool secure() const { return tls_ != nullptr; }

    /// Everything after it goes through TLS; for a client `host` is the name the certificate must
    /// have.
    template <class Handler>
    void async_accept_tls(asio::ssl::context& context, Handler handler) {
        tls_ = std::make_unique<Tls>(socket_, context);
        tls_->async_handshake(asio::ssl::stream_base::server, std::move(handler));
    }
    template <class Handler>
    void async_connect_tls(asio::ssl::context& context, const std::string& host, Handler handler) {
        tls_ = std::make_unique<Tls>(socket_, context);
        SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
        Error ignored;
        tls_->set_verify_callback(asio::ssl::host_name_verification(host), ignored);
        tls_->async_handshake(asio::ssl::stream_base::client, std::move(handler));
    }

    template <class Buffer, class Handler>
    void async_read_some(const Buffer& buffer, Handler handler) {
        if (tls_)
            tls_->async_read_some(buffer, std::move(handler));
        else
            socket_.async_read_some(buffer, std::move(handler));
    }
    template <class Buffer, class Handler>
    void async_write(const Buffer& buffer, Handler handler) {
        if (tls_)
            asio::async_write(*tls_, buffer, std::move(handler));
        else
            asio::async_write(socket_, buffer, std::move(handler));
    }
    /// Says under TLS that nothing more comes. The handler may come late or with an error: the
    /// other side has to answer.
    template <class Handler>
    void async_goodbye(Handler handler) {
        tls_->async_shutdown(std::move(handler));
    }
    void close() {
        Error ignored;
        socket_.shutdown(Socket::shutdown_both, ignored);
        socket_.close(ignored);
    }

  private:
    using Tls = asio::ssl::stream<Socket&>;
    Socket socket_;
    std::unique_ptr<Tls> tls_;
};

/// The files of one side, PEM.
struct TlsFiles {
    std::string certificate;  ///< chain, the own one first; empty: none
    std::string key;          ///< of the certificate
    std::string authorities;  ///< who may have signed the other side's
};

/// TLS 1.2 and later; `names` says which settings the files came from, for the messages:
/// certificate, key, authorities. Configuration when a file can't be read, or key and certificate
/// don't belong together. A server without authorities asks for no client certificate; a client
/// without takes the system's.
Result<std::unique_ptr<asio::ssl::context>> make_tls(asio::ssl::context::method method,
                                                     const TlsFiles& files, const TlsFiles& names);

/// What went wrong in a handshake, in words.
std::string describe_tls(const boost::system::error_code& error);

}  // namespace vitalog::ingest::mllp
