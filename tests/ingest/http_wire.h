#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/http/server.h"

namespace vitalog::tests {

/// A connection that sends bytes as given and reads whole answers.
class Wire {
  public:
    explicit Wire(const std::string& address) {
        const auto [host, port] = *ingest::split_host_port(address);
        fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in peer{};
        peer.sin_family = AF_INET;
        peer.sin_port = htons(port);
        inet_pton(AF_INET, host.c_str(), &peer.sin_addr);
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof peer) == 0;
        timeval limit{10, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    ~Wire() { ::close(fd_); }
    bool connected() const { return connected_; }
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// The next answer: header and body; empty when the peer closed.
    std::string receive(bool head = false) {
        while (true) {
            const std::size_t end = buffer_.find("\r\n\r\n");
            if (end != std::string::npos) {
                const std::size_t at = buffer_.find("Content-Length: ");
                std::size_t size = end + 4;
                if (!head && at < end) size += std::strtoul(buffer_.c_str() + at + 16, nullptr, 10);
                if (buffer_.size() >= size) {
                    const std::string answer = buffer_.substr(0, size);
                    buffer_.erase(0, size);
                    return answer;
                }
            }
            if (!more()) return "";
        }
    }
    /// Reads until the text is there; what came so far, without it, when the peer closed or nothing
    /// more came in time.
    std::string until(std::string_view text) {
        while (buffer_.find(text) == std::string::npos && more()) continue;
        const std::size_t at = buffer_.find(text);
        const std::size_t end = at == std::string::npos ? buffer_.size() : at + text.size();
        const std::string read = buffer_.substr(0, end);
        buffer_.erase(0, end);
        return read;
    }
    /// Everything until the peer closes.
    std::string rest() {
        while (more()) continue;
        return std::exchange(buffer_, {});
    }
    void close() { ::shutdown(fd_, SHUT_RDWR); }
    std::string ask(std::string_view bytes) {
        send(bytes);
        return receive();
    }

  private:
    bool more() {
        char chunk[4096];
        const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
        if (got > 0) buffer_.append(chunk, static_cast<std::size_t>(got));
        return got > 0;
    }

    int fd_;
    bool connected_ = false;
    std::string buffer_;
};

inline int status_of(const std::string& answer) {
    return answer.size() < 12 ? 0 : std::atoi(answer.c_str() + 9);
}
inline std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace vitalog::tests
