// A gateway's load: wearable batches of Huawei's form over HTTP, gzipped, over many connections,
// each with one request outstanding; then waits until the site is through with them. All requests
// are made before the first is sent. benchmarks/wearable_bench.py starts the site and measures it.
//
//     vitalog run --data-dir D --http 127.0.0.1:8080 &
//     wearable_load [--to 127.0.0.1:8080] [--connections 32] [--accounts 10000] [--batches 60000]
//     [--samples 100] [--step 1] [--rate 0] [--low-every 0] [--bind 1] [--wait 1] [--seed 1]
//
// --step: seconds between samples. --rate: samples a second; 0: as fast as they are taken.
// --low-every: each so many batches, one more, of an account of its own with a saturation that
// raises an alert. --bind 0: the accounts are bound already. --wait 0: ends with the last answer.

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
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "benchmarks/wearable_input.h"
#include "ingest/http/deflate.h"
#include "schemas/base/result.h"

namespace {

using namespace vitalog;
using Clock = std::chrono::steady_clock;

/// So many bodies differ in each round of the accounts; further accounts send them again.
constexpr std::size_t kBodiesARound = 1'000;
constexpr std::chrono::milliseconds kLagEvery{20};

struct Options {
    std::string to = "127.0.0.1:8080";
    std::map<std::string, std::size_t, std::less<>> numbers{
        {"--connections", 32}, {"--accounts", 10'000}, {"--batches", 60'000}, {"--samples", 100},
        {"--step", 1},         {"--rate", 0},          {"--low-every", 0},    {"--bind", 1},
        {"--wait", 1},         {"--seed", 1}};
    std::size_t operator[](std::string_view name) const { return numbers.find(name)->second; }
};

Options read_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; i += 2) {
        const auto number = options.numbers.find(std::string_view(argv[i]));
        const bool to = std::strcmp(argv[i], "--to") == 0;
        if (i + 1 == argc || (!to && number == options.numbers.end())) {
            fmt::print(stderr, "wearable_load: {} is no option with a value\n", argv[i]);
            std::exit(2);
        }
        if (to)
            options.to = argv[i + 1];
        else
            number->second = std::strtoull(argv[i + 1], nullptr, 10);
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

/// An account of the usual ones, or of those whose saturation is low.
struct Account {
    bool low = false;
    std::size_t number = 0;
    std::string id() const { return fmt::format("{}{}", low ? "L" : "", number); }
};

struct Batch {
    Account account;
    std::size_t round = 0;  ///< how many batches the account has sent before
};

/// Every account sends in turn; an account with a low saturation sends once.
std::vector<Batch> plan(const Options& options) {
    std::vector<Batch> batches;
    const std::size_t every = options["--low-every"];
    for (std::size_t i = 0; i < options["--batches"]; ++i) {
        batches.push_back({{false, i % options["--accounts"]}, i / options["--accounts"]});
        if (every > 0 && (i + 1) % every == 0) batches.push_back({{true, i / every}, 0});
    }
    return batches;
}

void bind_accounts(const Options& options, const std::vector<Batch>& batches) {
    constexpr std::size_t kLines = 1'000;
    Connection connection(options.to);
    std::string lines;
    std::size_t waiting = 0;
    const auto flush = [&] {
        if (waiting == 0) return;
        VITALOG_ASSERT(
            connection.ask(post("/directory", "application/x-ndjson", lines, false)) == 200,
            connection.body);
        lines.clear();
        waiting = 0;
    };
    for (const Batch& batch : batches) {
        if (batch.round > 0) continue;
        const std::string id = batch.account.id();
        lines += fmt::format("{{\"patient\":\"MRN|{}\",\"accounts\":[\"HUAWEI|{}\"]}}\n", id, id);
        if (++waiting == kLines) flush();
    }
    flush();
}

/// The packed bodies by round; each batch goes on where the account's last one ended, and the last
/// round ends now.
class Bodies {
  public:
    Bodies(const Options& options, std::int64_t now_millis) : random_(options["--seed"]) {
        benchmarks::WatchSeries series;
        series.samples = options["--samples"];
        series.step_millis = static_cast<std::int64_t>(options["--step"] * 1'000);
        const std::size_t accounts = options["--accounts"];
        const std::size_t rounds = (options["--batches"] + accounts - 1) / accounts;
        rounds_.resize(rounds);
        for (std::size_t round = 0; round < rounds; ++round) {
            const auto back = static_cast<std::int64_t>((rounds - 1 - round) * series.samples) *
                              series.step_millis;
            for (std::size_t i = 0; i < std::min(kBodiesARound, accounts); ++i)
                rounds_[round].push_back(
                    ingest::gzip(benchmarks::huawei_answer(series, now_millis - back, random_)));
        }
        auto low = benchmarks::kLowSaturation;
        low.samples = series.samples;
        low_ = ingest::gzip(benchmarks::huawei_answer(low, now_millis, random_));
    }
    const std::string& of(const Batch& batch) const {
        if (batch.account.low) return low_;
        const auto& round = rounds_[batch.round];
        return round[batch.account.number % round.size()];
    }

  private:
    std::mt19937_64 random_;
    std::vector<std::vector<std::string>> rounds_;
    std::string low_;
};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What the connections saw.
struct Answers {
    std::atomic<std::size_t> refused{0};         ///< batches not accepted whole
    std::vector<std::vector<double>> latencies;  ///< seconds, by connection
};

/// One connection's accounts, each in its order. At a fixed rate a batch is late from when it was
/// due, whatever held it up.
void send(const Options& options, const std::vector<Batch>& batches, const Bodies& bodies,
          std::size_t mine, Clock::time_point begin, Answers& answers) {
    Connection connection(options.to);
    const std::string whole = fmt::format("\"accepted\":{},", options["--samples"]);
    const double every = options["--rate"] == 0 ? 0
                                                : static_cast<double>(options["--samples"]) /
                                                      static_cast<double>(options["--rate"]);
    for (std::size_t i = 0; i < batches.size(); ++i) {
        if (batches[i].account.number % options["--connections"] != mine) continue;
        const std::string request =
            post("/ingest/wearable?account=HUAWEI%7C" + batches[i].account.id(), "application/json",
                 bodies.of(batches[i]), true);
        auto asked = Clock::now();
        if (every > 0) {
            asked = begin + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(every * static_cast<double>(i)));
            std::this_thread::sleep_until(asked);
        }
        const int status = connection.ask(request);
        if (status != 202 || connection.body.find(whole) == std::string::npos) ++answers.refused;
        answers.latencies[mine].push_back(seconds_since(asked));
    }
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

double wait_until_through(const Options& options, bool views, Clock::time_point begin) {
    Connection connection(options.to);
    while (lag(connection, views) > 0) std::this_thread::sleep_for(kLagEvery);
    return seconds_since(begin);
}

void report_latencies(const Answers& answers) {
    std::vector<double> all;
    for (const auto& list : answers.latencies) all.insert(all.end(), list.begin(), list.end());
    std::sort(all.begin(), all.end());
    const auto at = [&](std::size_t percent) {
        return 1e3 * all[(all.size() - 1) * percent / 100];
    };
    fmt::print("answered 202    p50 {:.2f} ms p90 {:.2f} ms p99 {:.2f} ms max {:.2f} ms\n", at(50),
               at(90), at(99), at(100));
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = read_options(argc, argv);
    const auto batches = plan(options);
    if (options["--bind"] != 0) {
        const auto begin = Clock::now();
        bind_accounts(options, batches);
        fmt::print("accounts bound in {:.1f} s\n", seconds_since(begin));
    }
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const Bodies bodies(options, now.count());
    fmt::print("seed {} accounts {} batches {} samples a batch {} connections {}\n",
               options["--seed"], options["--accounts"], batches.size(), options["--samples"],
               options["--connections"]);
    std::fflush(stdout);
    Answers answers;
    answers.latencies.resize(options["--connections"]);
    std::vector<std::thread> senders;
    const auto begin = Clock::now();
    for (std::size_t c = 0; c < options["--connections"]; ++c)
        senders.emplace_back([&, c] { send(options, batches, bodies, c, begin, answers); });
    for (auto& sender : senders) sender.join();
    const double samples = static_cast<double>(batches.size() * options["--samples"]);
    const auto rate = [&](std::string_view what, double seconds) {
        fmt::print("{:<15} {:>9.0f} samples/s ({:.2f} s)\n", what, samples / seconds, seconds);
    };
    fmt::print("refused {}\n", answers.refused.load());
    rate("accepted", seconds_since(begin));
    report_latencies(answers);
    std::fflush(stdout);
    if (options["--wait"] != 0) {
        rate("through stages", wait_until_through(options, false, begin));
        rate("with the views", wait_until_through(options, true, begin));
    }
    return answers.refused == 0 ? 0 : 1;
}
