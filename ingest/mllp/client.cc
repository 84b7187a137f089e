#include "ingest/mllp/client.h"

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "ingest/hl7/ack.h"
#include "ingest/hl7/header.h"
#include "ingest/hl7/identifiers.h"
#include "ingest/mllp/frame.h"
#include "ingest/mllp/stream.h"
#include "schemas/base/ids.h"

namespace vitalog::ingest::mllp {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kAnswerMax = 1024 * 1024;
constexpr std::string_view kCommitBlock = "\x06";  // MLLP release 2: stored; the HL7 answer follows
constexpr std::chrono::milliseconds kBackOff{100};
constexpr std::chrono::milliseconds kProgressPeriod{50};

/// Puts messages that speak of the same patient into one group: by their identifiers, and by
/// merges.
class Groups {
  public:
    /// A number that is the same for all messages of a group, once every message was added.
    std::size_t add(std::string_view message) {
        hl7::TextArena arena;
        std::vector<schemas::Identifier> identifiers;
        if (parsed_.parse(message)) {
            const auto facility = hl7::sending_facility(parsed_.msh(), arena);
            for (const hl7::Segment segment : parsed_) {
                if (segment.id() == "PID")
                    hl7::read_identifiers(segment, facility, arena, identifiers);
                if (segment.id() == "MRG")
                    hl7::append_identifiers(segment.field(1), facility, arena, identifiers);
            }
        }
        std::size_t node = new_node();
        for (const auto& identifier : identifiers) {
            const auto [known, is_new] = by_identifier_.try_emplace(identifier.key(), node);
            if (!is_new) parent_[root(node)] = root(known->second);
        }
        return node;
    }
    std::size_t root(std::size_t node) {
        while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
        return node;
    }

  private:
    std::size_t new_node() {
        parent_.push_back(parent_.size());
        return parent_.size() - 1;
    }
    hl7::Message parsed_;
    std::vector<std::size_t> parent_;
    std::map<std::string, std::size_t, std::less<>> by_identifier_;
};

/// The messages of each connection, in order.
std::vector<std::vector<std::size_t>> distribute(const std::vector<std::string>& messages,
                                                 unsigned connections) {
    Groups groups;
    std::vector<std::size_t> nodes;
    nodes.reserve(messages.size());
    for (const auto& message : messages) nodes.push_back(groups.add(message));
    std::vector<std::vector<std::size_t>> lanes(std::max(1U, connections));
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const std::string group = std::to_string(groups.root(nodes[i]));
        lanes[hash64(group) % lanes.size()].push_back(i);
    }
    return lanes;
}

/// What all lanes share: one thread, so no lock.
struct Run {
    Run(const std::vector<std::string>& what, const ClientConfig& how)
        : messages(what), config(how) {}

    const std::vector<std::string>& messages;
    const ClientConfig& config;
    asio::io_context io{1};
    std::unique_ptr<asio::ssl::context> tls;  // null: plain
    tcp::resolver::results_type endpoints;
    SteadyClock::time_point started = SteadyClock::now();
    std::uint64_t paced = 0;  // messages given leave to go
    SendProgress progress;
    SendSummary summary;
    std::vector<std::uint32_t> latencies;  // microseconds
    std::optional<Error> failure;
    std::size_t busy_lanes = 0;

    void give_up(Error error) {
        if (!failure) failure = std::move(error);
        io.stop();
    }
    /// When the next message may go.
    SteadyClock::time_point pace() {
        if (config.rate <= 0) return SteadyClock::time_point::min();
        const auto offset =
            std::chrono::duration<double>(static_cast<double>(paced++) / config.rate);
        return started + std::chrono::duration_cast<SteadyClock::duration>(offset);
    }
};

/// One connection and the messages that go over it.
class Lane {
  public:
    Lane(Run& run, std::vector<std::size_t> order)
        : run_(run),
          order_(std::move(order)),
          timer_(run.io),
          pacer_(run.io),
          decoder_(kAnswerMax) {}

    void start() {
        ++run_.busy_lanes;
        last_success_ = SteadyClock::now();
        connect();
    }

  private:
    void connect() {
        const unsigned epoch = ++epoch_;
        decoder_ = FrameDecoder(kAnswerMax);
        stream_ = std::make_shared<Stream>(tcp::socket(run_.io));
        limit_time("no connection within the time limit");
        asio::async_connect(
            stream_->socket(), run_.endpoints,
            [this, epoch, stream = stream_](error_code error, const tcp::endpoint&) {
                if (epoch != epoch_) return;
                if (error) return retry(error.message());
                error_code ignored;
                stream->socket().set_option(tcp::no_delay(true), ignored);
                if (!run_.tls) return connected();
                stream->async_connect_tls(*run_.tls, run_.config.host,
                                          [this, epoch, stream](error_code failed) {
                                              if (epoch != epoch_) return;
                                              if (failed)
                                                  return retry("TLS: " + describe_tls(failed));
                                              connected();
                                          });
            });
    }

    void connected() {
        timer_.cancel();
        if (!waiting_) return next();
        ++run_.summary.resent;
        send();
    }

    void limit_time(const char* failure) {
        timer_.expires_after(run_.config.ack_timeout);
        timer_.async_wait([this, failure, epoch = epoch_](error_code error) {
            if (!error && epoch == epoch_) retry(failure);
        });
    }

    void next() {
        if (at_ == order_.size()) return finish();
        const hl7::Header header = hl7::salvage_header(message());
        control_id_ = header.control_id;
        expects_answer_ =
            !(header.enhanced() && (header.accept_ack == "NE" || header.accept_ack == "ER"));
        waiting_ = true;
        const auto due = run_.pace();
        if (due <= SteadyClock::now()) return send();
        pacer_.expires_at(due);
        pacer_.async_wait([this](error_code error) {
            if (!error) send();
        });
    }

    void send() {
        const unsigned epoch = epoch_;
        outgoing_ = std::make_shared<const std::string>(framed(message()));
        sent_at_ = SteadyClock::now();
        limit_time("no answer within the time limit");
        stream_->async_write(
            asio::buffer(*outgoing_),
            [this, epoch, stream = stream_, kept = outgoing_](error_code error, std::size_t) {
                if (epoch != epoch_) return;
                if (error) return retry(error.message());
                if (expects_answer_) return read();
                ++run_.summary.unanswered;
                answered();
            });
    }

    void read() {
        const unsigned epoch = epoch_;
        auto buffer = std::make_shared<std::array<char, kReadSize>>();
        stream_->async_read_some(asio::buffer(*buffer), [this, epoch, stream = stream_, buffer](
                                                            error_code error, std::size_t size) {
            if (epoch != epoch_) return;
            if (error)
                return retry(error == asio::error::eof ? "closed by the other side"
                                                       : describe_tls(error));
            std::copy_n(buffer->data(), size, decoder_.prepare(size));
            decoder_.commit(size);
            take_answers();
        });
    }

    void take_answers() {
        while (const auto frame = decoder_.next()) {
            if (frame->content == kCommitBlock) continue;
            const auto ack = hl7::read_ack(frame->content);
            if (!ack) return retry("an answer that can't be read: " + ack.error().message());
            if (ack->control_id != control_id_) {
                // Only the refusal of a message that asked for silence otherwise can come late.
                if (ack->accepted()) return retry("an answer to another message");
                refuse(*ack);
                continue;
            }
            run_.latencies.push_back(static_cast<std::uint32_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - sent_at_)
                    .count()));
            if (ack->accepted()) {
                ++run_.progress.accepted;
            } else {
                refuse(*ack);
            }
            return answered();
        }
        read();
    }

    void refuse(const hl7::Acknowledgement& ack) {
        ++run_.progress.refused;
        run_.summary.refused.push_back({ack.control_id, ack.code, ack.text});
    }

    void answered() {
        timer_.cancel();
        last_success_ = SteadyClock::now();
        waiting_ = false;
        ++run_.progress.sent;
        ++at_;
        next();
    }

    /// The connection is of no use any more; the same message goes over a new one.
    void retry(const std::string& why) {
        ++epoch_;
        timer_.cancel();
        stream_->close();
        if (SteadyClock::now() - last_success_ > run_.config.retry_for)
            return run_.give_up(Error(Errc::Io, "sending to " + run_.config.host + ":" +
                                                    std::to_string(run_.config.port) +
                                                    " failed: " + why));
        pacer_.expires_after(kBackOff);
        pacer_.async_wait([this](error_code error) {
            if (!error) connect();
        });
    }

    void finish() {
        stream_->close();
        if (--run_.busy_lanes == 0) run_.io.stop();
    }

    const std::string& message() const { return run_.messages[order_[at_]]; }

    Run& run_;
    std::vector<std::size_t> order_;
    std::size_t at_ = 0;
    // shared: handlers of a connection given up still hold it, and what it was sending
    std::shared_ptr<Stream> stream_;
    std::shared_ptr<const std::string> outgoing_;
    asio::steady_timer timer_;
    asio::steady_timer pacer_;
    FrameDecoder decoder_;
    std::string control_id_;
    SteadyClock::time_point sent_at_;
    SteadyClock::time_point last_success_;
    unsigned epoch_ = 0;  // of the connection; handlers of an older one are ignored
    bool waiting_ = false;
    bool expects_answer_ = true;
};

std::chrono::microseconds percentile(std::vector<std::uint32_t>& sorted, double share) {
    if (sorted.empty()) return std::chrono::microseconds(0);
    const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
    return std::chrono::microseconds(sorted[index]);
}

void report_progress(Run& run, asio::steady_timer& timer,
                     const std::function<void(const SendProgress&)>& progress) {
    progress(run.progress);
    timer.expires_after(kProgressPeriod);
    timer.async_wait([&](error_code error) {
        if (!error) report_progress(run, timer, progress);
    });
}

}  // namespace

double SendSummary::messages_per_second() const {
    return elapsed.count() == 0
               ? 0
               : static_cast<double>(sent) * 1e6 / static_cast<double>(elapsed.count());
}

Result<SendSummary> send_messages(const std::vector<std::string>& messages,
                                  const ClientConfig& config,
                                  const std::function<void(const SendProgress&)>& progress) {
    Run run(messages, config);
    if (config.tls.enabled) {
        VITALOG_TRY(run.tls, make_tls(asio::ssl::context::tls_client,
                                      {config.tls.certificate, config.tls.key, config.tls.ca},
                                      {"--cert", "--key", "--ca"}));
    }
    run.progress.total = messages.size();
    run.latencies.reserve(messages.size());
    error_code error;
    tcp::resolver resolver(run.io);
    run.endpoints = resolver.resolve(config.host, std::to_string(config.port), error);
    if (error)
        return fail(Errc::Configuration,
                    "cannot find the host '" + config.host + "': " + error.message());
    std::vector<std::unique_ptr<Lane>> lanes;
    for (auto& order : distribute(messages, config.connections))
        if (!order.empty()) lanes.push_back(std::make_unique<Lane>(run, std::move(order)));
    run.started = SteadyClock::now();
    for (auto& lane : lanes) lane->start();
    asio::steady_timer timer(run.io);
    if (progress && !lanes.empty()) report_progress(run, timer, progress);
    if (!lanes.empty()) run.io.run();
    if (progress) progress(run.progress);
    if (run.failure) return tl::unexpected(*run.failure);
    run.summary.elapsed =
        std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - run.started);
    run.summary.sent = run.progress.sent;
    run.summary.accepted = run.progress.accepted;
    std::sort(run.latencies.begin(), run.latencies.end());
    run.summary.latency_p50 = percentile(run.latencies, 0.5);
    run.summary.latency_p99 = percentile(run.latencies, 0.99);
    return std::move(run.summary);
}

}  // namespace vitalog::ingest::mllp
