#include "sinks/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "ingest/http/server.h"

namespace vitalog::sinks {
namespace {

using namespace std::chrono_literals;

/// Accepts connections one after the other and treats each as told.
class RawPeer {
  public:
    explicit RawPeer(std::vector<std::function<void(int)>> treatments) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
        ::listen(listener_, 8);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, treatments = std::move(treatments)] {
            for (const auto& treat : treatments) {
                const int fd = ::accept(listener_, nullptr, nullptr);
                if (fd < 0) return;
                treat(fd);
                ::close(fd);
                ++closed_;
            }
        });
    }
    ~RawPeer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/x"; }

    int closed() const { return closed_; }

    static void read_request(int fd) {
        std::string got;
        char chunk[1024];
        while (got.find("\r\n\r\n") == std::string::npos) {
            const ssize_t size = ::recv(fd, chunk, sizeof chunk, 0);
            if (size <= 0) return;
            got.append(chunk, static_cast<std::size_t>(size));
        }
    }
    static void say(int fd, std::string_view text) {
        ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    }
    static void await_close(int fd) {
        char byte;
        while (::recv(fd, &byte, 1, 0) > 0) {
        }
    }

  private:
    int listener_;
    std::uint16_t port_ = 0;
    std::atomic<int> closed_{0};
    std::thread thread_;
};

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(ParseUrl, TakesSchemeHostPortAndTarget) {
    const auto url = *parse_url("https://dysmsapi.aliyuncs.com?a=1");
    EXPECT_TRUE(url.tls);
    EXPECT_EQ(url.port, 443);
    EXPECT_EQ(url.target, "/?a=1");
    EXPECT_EQ(url.host_field(), "dysmsapi.aliyuncs.com");
    EXPECT_EQ(parse_url("http://[::1]:8080/x")->host_field(), "[::1]:8080");
    EXPECT_EQ(parse_url("http://h:80/")->host_field(), "h");
}

TEST(ParseUrl, RefusesWhatItCanNotFetch) {
    for (const char* url : {"", "ftp://h/", "http://", "http://h:0/", "http://h:99999/",
                            "http://u:p@h/", "http://[::1/", "http://h/a b", "http://h/\r\nX: y"})
        EXPECT_EQ(parse_url(url).error().code(), Errc::Configuration) << url;
}

TEST(HttpClient, ExchangesRequestsOverOneKeptConnection) {
    ingest::HttpServer server({.max_connections = 1});
    server.route("POST", "/echo", [](HttpRequest request, Respond respond) {
        HttpResponse response;
        response.status = 201;
        response.headers = {{"X-Seen", request.headers["x-sent"]}};
        response.body = request.body;
        respond(std::move(response));
    });
    ASSERT_TRUE(server.start());
    HttpClient client;
    for (int i = 0; i < 3; ++i) {
        const auto out = client.send(
            {"POST", "http://" + server.address() + "/echo", {{"X-Sent", "a"}}, "body"});
        ASSERT_EQ(out.fate, HttpFate::Answered) << out.reason;
        EXPECT_EQ(out.response.status, 201);
        EXPECT_EQ(out.response.body, "body");
        EXPECT_EQ(out.response.headers.at("x-seen"), "a");
    }
}

TEST(HttpClient, KnowsThatARefusedConnectionSentNothing) {
    std::string url;
    {
        const RawPeer gone({});
        url = gone.url();
    }
    HttpClient client;
    EXPECT_EQ(client.send({"POST", url, {}, "x"}).fate, HttpFate::NeverSent);
    EXPECT_EQ(client.send({"POST", "http://no-such-host.invalid/", {}, "x"}).fate,
              HttpFate::NeverSent);
    EXPECT_EQ(client.send({"POST", "nonsense", {}, "x"}).fate, HttpFate::NeverSent);
}

TEST(HttpClient, DoesNotKnowWhatBecameOfARequestWithoutAnswer) {
    RawPeer peer({[](int fd) {
                      RawPeer::read_request(fd);
                      RawPeer::await_close(fd);
                  },
                  [](int fd) { RawPeer::read_request(fd); },
                  [](int fd) {
                      RawPeer::read_request(fd);
                      RawPeer::say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
                  },
                  [](int fd) {
                      RawPeer::read_request(fd);
                      RawPeer::say(fd, "no http\r\n\r\n");
                  }});
    HttpClientOptions options;
    options.timeout = 100ms;
    HttpClient client(options);
    EXPECT_EQ(client.send({"POST", peer.url(), {}, "x"}).fate, HttpFate::Unknown);  // time-out
    EXPECT_EQ(client.send({"POST", peer.url(), {}, "x"}).fate, HttpFate::Unknown);  // closed
    EXPECT_EQ(client.send({"POST", peer.url(), {}, "x"}).fate, HttpFate::Unknown);  // cut short
    EXPECT_EQ(client.send({"POST", peer.url(), {}, "x"}).fate, HttpFate::Unknown);  // garbage
}

TEST(HttpClient, DropsAKeptConnectionThatThePeerClosed) {
    RawPeer peer({[](int fd) {
                      RawPeer::read_request(fd);
                      RawPeer::say(fd, kOk);
                  },
                  [](int fd) {
                      RawPeer::read_request(fd);
                      RawPeer::say(fd, kOk);
                  }});
    HttpClient client;
    EXPECT_EQ(client.send({"GET", peer.url(), {}, ""}).fate, HttpFate::Answered);
    while (peer.closed() == 0) std::this_thread::yield();
    EXPECT_EQ(client.send({"GET", peer.url(), {}, ""}).fate, HttpFate::Answered);
}

TEST(HttpClient, RefusesAnAnswerBeyondItsLimit) {
    RawPeer peer({[](int fd) {
        RawPeer::read_request(fd);
        RawPeer::say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world");
    }});
    HttpClientOptions options;
    options.max_body = 10;
    HttpClient client(options);
    EXPECT_EQ(client.send({"GET", peer.url(), {}, ""}).fate, HttpFate::Unknown);
}

TEST(HttpClient, EndsSoonWhenAborted) {
    HttpClient client;
    RawPeer peer({[&](int fd) {
        RawPeer::read_request(fd);
        client.abort();
        RawPeer::await_close(fd);
    }});
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(client.send({"POST", peer.url(), {}, "x"}).fate, HttpFate::Unknown);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    EXPECT_EQ(client.send({"POST", peer.url(), {}, "x"}).fate, HttpFate::NeverSent);
}

TEST(HttpClient, SendsNothingWhenTheHandshakeFails) {
    RawPeer peer({[](int fd) {
        RawPeer::say(fd, "this is no TLS, whatever it may look like to a client\r\n\r\n");
        RawPeer::await_close(fd);
    }});
    HttpClient client;
    std::string url = peer.url();
    url.replace(0, 4, "https");
    EXPECT_EQ(client.send({"POST", url, {}, "x"}).fate, HttpFate::NeverSent);
}

}  // namespace
}  // namespace vitalog::sinks
