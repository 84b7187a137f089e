// A gateway's load: wearable batches of Huawei's form over HTTP, gzipped, over many connections,
// each with one request outstanding; then waits until the site is through with them. All requests
// are made before the first is sent.
//
//     vitalog run --data-dir D --http 127.0.0.1:8080 &
//     wearable_load [--to 127.0.0.1:8080] [--connections 32] [--accounts 10000] [--batches 60000]
//     [--samples 100] [--seed 1]

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "benchmarks/wearable_input.h"
#include "ingest/http/deflate.h"
#include "schemas/base/result.h"

namespace {

using namespace vitalog;
using Clock = std::chrono::steady_clock;

struct Options {
    std::string to = "127.0.0.1:8080";
    std::size_t connections = 32, accounts = 10'000, batches = 60'000, samples = 100, seed = 1;
};

Options read_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        if (name == "--to") options.to = argv[i + 1];
        const std::size_t number = std::strtoull(argv[i + 1], nullptr, 10);
        if (name == "--connections") options.connections = number;
        if (name == "--accounts") options.accounts = number;
        if (name == "--batches") options.batches = number;
        if (name == "--samples") options.samples = number;
        if (name == "--seed") options.seed = number;
    }
    return options;
}

/// A kept connection, one request at a time.
class Connection {
  public:
    explicit Connection(const std::string& to) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const std::size_t colon = to.rfind(':');
        sockaddr_in peer{};
        peer.sin_family = AF_INET;
        peer.sin_port =
            htons(static_cast<std::uint16_t>(std::strtoul(to.c_str() + colon + 1, nullptr, 10)));
        VITALOG_ASSERT(inet_pton(AF_INET, to.substr(0, colon).c_str(), &peer.sin_addr) == 1,
                       "--to is ADDRESS:PORT");
        VITALOG_ASSERT(::connect(socket_, reinterpret_cast<sockaddr*>(&peer), sizeof peer) == 0,
                       "the site listens");
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ~Connection() { ::close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Status; the body is kept in `body`.
    int ask(std::string_view request) {
        while (!request.empty()) {
            const ssize_t sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
            VITALOG_ASSERT(sent > 0, "the site takes the request");
            request.remove_prefix(static_cast<std::size_t>(sent));
        }
        std::string answer;
        std::optional<std::size_t> size;
        while (!size || answer.size() < *size) {
            char chunk[16'384];
            const ssize_t got = ::recv(socket_, chunk, sizeof chunk, 0);
            VITALOG_ASSERT(got > 0, "the site answers");
            answer.append(chunk, static_cast<std::size_t>(got));
            const std::size_t end = answer.find("\r\n\r\n");
            if (size || end == std::string::npos) continue;
            const std::size_t length = answer.find("Content-Length: ");
            VITALOG_ASSERT(length < end, "an answer has a length");
            size = end + 4 + std::strtoul(answer.c_str() + length + 16, nullptr, 10);
            body_at_ = end + 4;
        }
        body = answer.substr(body_at_);
        return std::atoi(answer.c_str() + std::strlen("HTTP/1.1 "));
    }
    std::string body;

  private:
    const int socket_;
    std::size_t body_at_ = 0;
};

std::string post(std::string_view target, std::string_view type, std::string_view body,
                 bool packed) {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: site\r\nContent-Type: {}\r\n{}Content-Length: {}\r\n\r\n{}",
        target, type, packed ? "Content-Encoding: gzip\r\n" : "", body.size(), body);
}

void bind_accounts(const Options& options) {
    constexpr std::size_t kLines = 1'000;
    Connection connection(options.to);
    std::string lines;
    for (std::size_t i = 0; i < options.accounts; ++i) {
        lines += fmt::format("{{\"patient\":\"MRN|{}\",\"accounts\":[\"HUAWEI|{}\"]}}\n", i, i);
        if ((i + 1) % kLines != 0 && i + 1 != options.accounts) continue;
        VITALOG_ASSERT(
            connection.ask(post("/directory", "application/x-ndjson", lines, false)) == 200,
            connection.body);
        lines.clear();
    }
}

/// Every account sends in turn, each batch the seconds after its last one, the last of them now.
std::vector<std::string> make_requests(const Options& options, std::int64_t now_millis) {
    std::mt19937_64 random(options.seed);
    std::vector<std::string> requests;
    requests.reserve(options.batches);
    const std::size_t rounds = (options.batches + options.accounts - 1) / options.accounts;
    for (std::size_t i = 0; i < options.batches; ++i) {
        const auto back = static_cast<std::int64_t>((rounds - 1 - i / options.accounts) *
                                                    options.samples * 1'000);
        const std::string body =
            ingest::gzip(benchmarks::huawei_answer(options.samples, now_millis - back, random));
        requests.push_back(
            post(fmt::format("/ingest/wearable?account=HUAWEI%7C{}", i % options.accounts),
                 "application/json", body, true));
    }
    return requests;
}

/// Sums the lag of GET /lag, with or without that of the views.
std::uint64_t lag(Connection& connection, bool views) {
    VITALOG_ASSERT(connection.ask("GET /lag HTTP/1.1\r\nHost: site\r\n\r\n") == 200,
                   connection.body);
    const auto number = [&](std::string_view name) {
        const std::size_t at = connection.body.find(fmt::format("\"{}\":", name));
        return at == std::string::npos
                   ? 0
                   : std::strtoull(connection.body.c_str() + at + name.size() + 3, nullptr, 10);
    };
    return number("records") - (views ? 0 : number("views"));
}

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

double wait_until_through(const Options& options, bool views, Clock::time_point begin) {
    Connection connection(options.to);
    while (lag(connection, views) > 0) std::this_thread::yield();
    return seconds_since(begin);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = read_options(argc, argv);
    bind_accounts(options);
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const auto requests = make_requests(options, now.count());
    fmt::print("seed {} accounts {} batches {} samples a batch {} connections {}\n", options.seed,
               options.accounts, requests.size(), options.samples, options.connections);
    std::vector<std::vector<double>> latencies(options.connections);
    std::atomic<std::size_t> refused{0};
    std::vector<std::thread> senders;
    const auto begin = Clock::now();
    for (std::size_t c = 0; c < options.connections; ++c)
        senders.emplace_back([&, c] {
            Connection connection(options.to);
            // One account's batches keep their order: a connection has its own accounts.
            for (std::size_t i = 0; i < requests.size(); ++i) {
                if (i % options.accounts % options.connections != c) continue;
                const auto asked = Clock::now();
                if (connection.ask(requests[i]) != 202) ++refused;
                latencies[c].push_back(seconds_since(asked));
            }
        });
    for (auto& sender : senders) sender.join();
    const double sent = seconds_since(begin);
    const double through = wait_until_through(options, false, begin);
    const double seen = wait_until_through(options, true, begin);
    std::vector<double> all;
    for (const auto& list : latencies) all.insert(all.end(), list.begin(), list.end());
    std::sort(all.begin(), all.end());
    const double samples = static_cast<double>(requests.size() * options.samples);
    fmt::print(
        "refused {}\naccepted        {:>9.0f} samples/s\nthrough stages  {:>9.0f} samples/s\nwith "
        "the views  {:>9.0f} samples/s\n",
        refused.load(), samples / sent, samples / through, samples / seen);
    fmt::print("latency p50 {:.2f} ms p99 {:.2f} ms\n", 1e3 * all[all.size() / 2],
               1e3 * all[all.size() * 99 / 100]);
    return refused == 0 ? 0 : 1;
}
