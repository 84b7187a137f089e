#include "ingest/mllp/listener.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <utility>
#include <vector>

namespace vitalog::ingest::mllp {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kReadSize = 32 * 1024;
// Unframed bytes are given up and answered after so much silence.
constexpr std::chrono::milliseconds kUnframedSilence{1000};
constexpr std::chrono::milliseconds kMetricsPeriod{100};
constexpr std::chrono::milliseconds kAcceptBackOff{100};

/// Counts in the listener's threads, hands the sums on now and then.
class Tally {
  public:
    Tally(Metrics& metrics, std::string endpoint)
        : metrics_(metrics), endpoint_(std::move(endpoint)) {}

    void message(Outcome outcome) {
        messages_[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
    }
    void dead_letter(std::string_view reason) {
        const std::lock_guard lock(mutex_);
        ++dead_letters_[reason];
    }
    void publish() {
        for (std::size_t i = 0; i < messages_.size(); ++i) {
            const auto count = messages_[i].exchange(0, std::memory_order_relaxed);
            if (count == 0) continue;
            const auto result = std::string(to_string(static_cast<Outcome>(i)));
            metrics_.count("vitalog_messages_in_total",
                           {{"endpoint", endpoint_}, {"result", result}},
                           static_cast<double>(count));
        }
        const std::lock_guard lock(mutex_);
        for (const auto& [reason, count] : dead_letters_)
            metrics_.count("vitalog_dead_letters_total",
                           {{"stage", "mllp"}, {"reason", std::string(reason)}},
                           static_cast<double>(count));
        dead_letters_.clear();
    }

  private:
    Metrics& metrics_;
    const std::string endpoint_;
    std::array<std::atomic<std::uint64_t>, kOutcomeCount> messages_{};
    std::mutex mutex_;
    std::map<std::string_view, std::uint64_t> dead_letters_;  // keys are literals of hl7::reason
};

/// Lets the log's threads through to the listener's while there is one.
class Gate {
  public:
    template <class Function>
    void pass(Function function) {
        const std::shared_lock lock(mutex_);
        if (open_) function();
    }
    void shut() {
        const std::unique_lock lock(mutex_);
        open_ = false;
    }

  private:
    std::shared_mutex mutex_;
    bool open_ = true;
};

/// What the connections of one listener share.
struct Shared {
    ListenerConfig config;
    hl7::SiteZone zone;
    Listener::Ports ports;
    hl7::ControlIds ids;
    Tally tally;
    std::atomic<bool> stopping{false};
    // shared: an append that the log has not finished may outlive the listener
    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
};

/// One client. Every handler runs on its strand.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(tcp::socket socket, Shared& shared, std::string peer)
        : socket_(std::move(socket)),
          timer_(socket_.get_executor()),
          shared_(shared),
          peer_(std::move(peer)),
          decoder_(shared.config.max_message),
          admission_(shared.config.endpoint, shared.zone, shared.ids, shared.ports.clock) {}

    /// `gone` is called once, when the socket is closed and the log has finished with every
    /// message.
    void start(std::function<void(Connection*)> gone) {
        gone_ = std::move(gone);
        touch();
        read();
        watch();
    }

    /// Reads no more and closes when the last answer is out.
    void drain() {
        asio::post(socket_.get_executor(), [self = shared_from_this()] { self->end_input(); });
    }
    void abort() {
        asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
    }

  private:
    /// One frame between its judgement and the end of its answer.
    struct Slot {
        std::uint64_t number;
        std::size_t size;
        bool settled = false;
        std::string answer;
        Judgement judged;
    };

    void touch() { last_activity_ = SteadyClock::now(); }

    bool may_read() const {
        return !closed_ && !input_ended_ && slots_.size() < shared_.config.max_in_flight &&
               bytes_in_flight_ <= shared_.config.max_message;
    }

    void read() {
        if (reading_ || !may_read()) return;
        reading_ = true;
        socket_.async_read_some(asio::buffer(decoder_.prepare(kReadSize), kReadSize),
                                [self = shared_from_this()](error_code error, std::size_t size) {
                                    self->on_read(error, size);
                                });
    }

    void on_read(error_code error, std::size_t size) {
        reading_ = false;
        if (closed_) return;
        if (error) return end_input();
        touch();
        decoder_.commit(size);
        take_frames();
        if (decoder_.holds_unframed()) watch();
        read();
    }

    /// Judges what has come in, as far as the limits on what is in flight allow.
    void take_frames() {
        while (may_read()) {
            const auto frame = decoder_.next();
            if (!frame) return;
            take(*frame);
        }
    }

    void flush_decoder(bool end_of_stream) {
        while (const auto frame = decoder_.flush(end_of_stream)) take(*frame);
    }

    void take(const Frame& frame) {
        Judgement judged = admission_.judge(frame);
        FeedRecord record = *std::move(judged.record);
        judged.record.reset();
        const std::uint64_t number = next_number_++;
        if (judged.outcome != Outcome::Accepted) report(judged, frame);
        slots_.push_back({number, frame.content.size(), false, {}, std::move(judged)});
        bytes_in_flight_ += frame.content.size();
        append(std::move(record), number);
    }

    void append(FeedRecord record, std::uint64_t number) {
        auto done = [gate = shared_.gate, weak = weak_from_this(),
                     number](Result<AppendReceipt> receipt) {
            gate->pass([&] {
                auto self = weak.lock();
                if (!self) return;
                const auto executor = self->socket_.get_executor();
                asio::post(executor, [self = std::move(self), number,
                                      receipt = std::move(receipt)]() mutable {
                    self->on_appended(number, std::move(receipt));
                });
            });
        };
        shared_.ports.appender.append(std::move(record), std::move(done));
    }

    void on_appended(std::uint64_t number, Result<AppendReceipt> receipt) {
        Slot& slot = slots_[static_cast<std::size_t>(number - slots_.front().number)];
        if (slot.judged.outcome != Outcome::Accepted) {
            // A dead letter is written. Where that failed too, the sender still learns that we did
            // not take it.
            if (!receipt)
                log_line("error", "dead letter not stored",
                         {{"peer", peer_}, {"error", receipt.error().to_string()}});
            settle(slot, slot.judged.outcome, std::move(slot.judged.answer));
        } else {
            Settlement settlement = admission_.settle(std::move(slot.judged), std::move(receipt));
            if (settlement.dead_letter) {
                slot.judged = {};
                slot.judged.outcome = settlement.outcome;
                slot.judged.answer = std::move(settlement.answer);
                shared_.tally.dead_letter(settlement.reason);
                append(*std::move(settlement.dead_letter), number);
                return;
            }
            settle(slot, settlement.outcome, std::move(settlement.answer));
        }
        write();
        proceed();
    }

    void settle(Slot& slot, Outcome outcome, std::string answer) {
        slot.settled = true;
        slot.answer = std::move(answer);
        shared_.tally.message(outcome);
    }

    void report(const Judgement& judged, const Frame& frame) {
        shared_.tally.dead_letter(judged.reason);
        log_line("warn", "message not accepted",
                 {{"endpoint", shared_.config.endpoint.name},
                  {"peer", peer_},
                  {"reason", std::string(judged.reason)},
                  {"bytes", std::to_string(frame.size)}});
    }

    /// After room was made or the input ended.
    void proceed() {
        if (closed_) return;
        if (!input_ended_) {
            take_frames();
            read();
        }
        close_when_done();
    }

    /// Sends every answer at the front of the line that is known.
    void write() {
        if (closed_) return drop_settled();
        if (writing_) return;
        while (!slots_.empty() && slots_.front().settled) {
            Slot& slot = slots_.front();
            if (!slot.answer.empty()) {
                output_.push_back(kStartOfBlock);
                output_.append(slot.answer);
                output_.append("\x1c\r");
            }
            bytes_in_flight_ -= slot.size;
            slots_.pop_front();
        }
        if (output_.empty()) return;
        writing_ = true;
        sending_.swap(output_);
        output_.clear();
        asio::async_write(socket_, asio::buffer(sending_),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              self->on_written(error);
                          });
    }

    void on_written(error_code error) {
        writing_ = false;
        if (closed_) return;
        if (error) return close();
        touch();
        write();
        proceed();
    }

    void end_input() {
        if (input_ended_ || closed_) return;
        // What came before the end is still taken in, whatever is in flight.
        while (const auto frame = decoder_.next()) take(*frame);
        flush_decoder(true);
        input_ended_ = true;
        close_when_done();
    }

    void close_when_done() {
        if (input_ended_ && slots_.empty() && !writing_ && output_.empty()) close();
    }

    /// Nobody is there for the answers any more.
    void drop_settled() {
        while (!slots_.empty() && slots_.front().settled) slots_.pop_front();
        if (slots_.empty()) finish();
    }

    void finish() {
        if (gone_) std::exchange(gone_, nullptr)(this);
    }

    void close() {
        if (closed_) return;
        closed_ = true;
        timer_.cancel();
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_both, ignored);
        socket_.close(ignored);
        drop_settled();
    }

    /// Wakes up when the connection may have been silent for too long.
    void watch() {
        if (closed_) return;
        const SteadyClock::duration limit =
            decoder_.holds_unframed() ? SteadyClock::duration(kUnframedSilence)
                                      : SteadyClock::duration(shared_.config.idle_timeout);
        timer_.expires_at(last_activity_ + limit);
        timer_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->on_silence();
        });
    }

    void on_silence() {
        const auto silent_for = SteadyClock::now() - last_activity_;
        if (decoder_.holds_unframed() && silent_for >= kUnframedSilence) {
            flush_decoder(false);
        } else if (silent_for >= shared_.config.idle_timeout && (slots_.empty() || writing_)) {
            // Waiting for the disk is not idleness; a client that does not read its answers is
            // idle.
            log_line("info", "idle connection closed", {{"peer", peer_}});
            flush_decoder(true);
            return close();
        } else if (silent_for >= shared_.config.idle_timeout) {
            touch();
        }
        watch();
    }

    tcp::socket socket_;
    asio::steady_timer timer_;
    Shared& shared_;
    const std::string peer_;
    FrameDecoder decoder_;
    Admission admission_;
    std::function<void(Connection*)> gone_;
    std::deque<Slot> slots_;  // in the order of the frames; numbers are consecutive
    std::uint64_t next_number_ = 0;
    std::size_t bytes_in_flight_ = 0;
    std::string output_;
    std::string sending_;
    SteadyClock::time_point last_activity_;
    bool reading_ = false;
    bool writing_ = false;
    bool input_ended_ = false;
    bool closed_ = false;
};

std::string describe(const tcp::endpoint& endpoint) {
    return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

}  // namespace

class Listener::Impl {
  public:
    Impl(ListenerConfig config, hl7::SiteZone zone, Ports ports, std::uint64_t first_id)
        : io_(static_cast<int>(config.threads)),
          acceptor_(asio::make_strand(io_)),
          timer_(acceptor_.get_executor()),
          shared_{config, std::move(zone), ports, hl7::ControlIds(first_id),
                  Tally(ports.metrics, config.endpoint.name)} {}

    Result<void> open() {
        const auto& config = shared_.config;
        error_code error;
        const auto address = asio::ip::make_address(
            config.address == "localhost" ? "127.0.0.1" : config.address, error);
        if (error)
            return fail(Errc::Configuration,
                        "'" + config.address +
                            "' is not an address to listen on; use one such as 127.0.0.1");
        const tcp::endpoint endpoint(address, config.port);
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (!error) bound_ = acceptor_.local_endpoint(error);
        if (error)
            return fail(Errc::Io, "cannot listen on " + describe(endpoint) + ": " +
                                      error.message() + "; choose another with --mllp HOST:PORT");
        address_ = bound_.address().to_string();
        return {};
    }

    void run() {
        accept();
        publish_metrics();
        for (unsigned i = 0; i < std::max(1U, shared_.config.threads); ++i)
            threads_.emplace_back([this] { io_.run(); });
    }

    void stop() {
        if (shared_.stopping.exchange(true)) return;
        asio::post(acceptor_.get_executor(), [this] {
            error_code ignored;
            acceptor_.close(ignored);
            timer_.cancel();
        });
        for_each([](Connection& connection) { connection.drain(); });
        const auto& config = shared_.config;
        if (!wait_until_empty(config.drain_timeout)) {
            for_each([](Connection& connection) { connection.abort(); });
            wait_until_empty(config.drain_timeout);
        }
        shared_.gate->shut();
        work_.reset();
        io_.stop();
        for (auto& thread : threads_) thread.join();
        connections_.clear();
        shared_.tally.publish();
    }

    const std::string& address() const { return address_; }
    std::uint16_t port() const { return bound_.port(); }

  private:
    void accept() {
        acceptor_.async_accept(asio::make_strand(io_),
                               [this](error_code error, tcp::socket socket) {
                                   if (shared_.stopping.load()) return;
                                   if (error) return accept_later(error);
                                   welcome(std::move(socket));
                                   accept();
                               });
    }

    /// Out of descriptors, as a rule: some will be closed.
    void accept_later(error_code error) {
        if (error == asio::error::operation_aborted) return;
        log_line("error", "accept failed", {{"error", error.message()}});
        auto timer = std::make_shared<asio::steady_timer>(acceptor_.get_executor(), kAcceptBackOff);
        timer->async_wait([this, timer](error_code) {
            if (!shared_.stopping.load()) accept();
        });
    }

    void welcome(tcp::socket socket) {
        error_code error;
        const tcp::endpoint peer = socket.remote_endpoint(error);
        if (error) return;
        socket.set_option(tcp::no_delay(true), error);
        socket.set_option(asio::socket_base::keep_alive(true), error);
        auto executor = socket.get_executor();
        auto connection = std::make_shared<Connection>(std::move(socket), shared_, describe(peer));
        {
            const std::lock_guard lock(mutex_);
            if (connections_.size() >= shared_.config.max_connections) {
                log_line("warn", "connection refused: too many", {{"peer", describe(peer)}});
                return;  // closes
            }
            connections_.emplace(connection.get(), connection);
        }
        asio::post(executor, [this, connection] {
            connection->start([this](Connection* gone) { forget(gone); });
            if (shared_.stopping.load()) connection->drain();
        });
    }

    void forget(Connection* connection) {
        const std::lock_guard lock(mutex_);
        connections_.erase(connection);
        if (connections_.empty()) empty_.notify_all();
    }

    template <class Function>
    void for_each(Function function) {
        const std::lock_guard lock(mutex_);
        for (const auto& [address, connection] : connections_) function(*connection);
    }

    bool wait_until_empty(std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex_);
        return empty_.wait_for(lock, limit, [this] { return connections_.empty(); });
    }

    void publish_metrics() {
        timer_.expires_after(kMetricsPeriod);
        timer_.async_wait([this](error_code error) {
            if (error || shared_.stopping.load()) return;
            shared_.tally.publish();
            publish_metrics();
        });
    }

    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    tcp::acceptor acceptor_;
    asio::steady_timer timer_;
    Shared shared_;
    tcp::endpoint bound_;
    std::string address_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;  // guards connections_
    std::condition_variable empty_;
    // shared: the handlers in flight own a connection too
    std::map<Connection*, std::shared_ptr<Connection>> connections_;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() {
    stop();
}

Result<std::unique_ptr<Listener>> Listener::start(ListenerConfig config, hl7::SiteZone zone,
                                                  Ports ports) {
    const std::uint64_t first_id =
        config.first_control_id != 0
            ? config.first_control_id
            : static_cast<std::uint64_t>(std::max<std::int64_t>(1, ports.clock.now().micros()));
    auto impl = std::make_unique<Impl>(std::move(config), std::move(zone), ports, first_id);
    VITALOG_CHECK(impl->open());
    impl->run();
    return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

const std::string& Listener::address() const {
    return impl_->address();
}
std::uint16_t Listener::port() const {
    return impl_->port();
}
void Listener::stop() {
    impl_->stop();
}

}  // namespace vitalog::ingest::mllp
