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

#include "ingest/hl7/batch.h"
#include "ingest/mllp/pace.h"
#include "ingest/mllp/shared.h"
#include "ingest/mllp/stream.h"
#include "schemas/base/thread_name.h"

namespace vitalog::ingest::mllp {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kReadSize = 32 * 1024;
// Unframed bytes are given up and answered after so much silence.
constexpr std::chrono::milliseconds kUnframedSilence{1000};
constexpr std::chrono::milliseconds kAcceptBackOff{100};
// One frame of the largest size could hold more than their records' memory allows.
constexpr std::size_t kBatchMessagesMax = 10'000;
// How long a client may take to answer our end of TLS.
constexpr std::chrono::milliseconds kGoodbyeTimeout{1000};

/// One client. Every handler runs on its strand.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(tcp::socket socket, Shared& shared, std::string peer)
        : stream_(std::move(socket)),
          timer_(stream_.socket().get_executor()),
          pace_(stream_.socket().get_executor(), shared.config.rate),
          shared_(shared),
          peer_(std::move(peer)),
          decoder_(shared.config.max_message),
          admission_(shared.config.endpoint, shared.zone, shared.ids, shared.ports.clock) {}

    /// `gone` is called once, when the socket is closed and the log has finished with every
    /// message.
    void start(std::function<void(Connection*)> gone) {
        gone_ = std::move(gone);
        touch();
        if (shared_.tls) return shake_hands();
        read();
        watch();
    }

    /// Reads no more and closes when the last answer is out.
    void drain() {
        asio::post(stream_.socket().get_executor(),
                   [self = shared_from_this()] { self->end_input(); });
    }
    void abort() {
        asio::post(stream_.socket().get_executor(), [self = shared_from_this()] { self->close(); });
    }

  private:
    /// One message between its judgement and its answer.
    struct Part {
        Judgement judged;
        std::string answer;
    };
    /// One frame until its answer is out. Usually one message; a batch has as many as it has.
    struct Slot {
        std::uint64_t number;
        std::size_t size;
        std::size_t open = 0;  // parts that wait for the disk
        std::vector<Part> parts;
        std::optional<hl7::Batch> batch;

        bool settled() const { return open == 0; }
    };

    /// Nothing is read and nothing said before the client has shown itself.
    void shake_hands() {
        timer_.expires_after(shared_.config.handshake_timeout);
        timer_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->refuse_tls("no handshake within the time limit");
        });
        stream_.async_accept_tls(*shared_.tls, [self = shared_from_this()](error_code error) {
            if (self->closed_) return;
            if (error) return self->refuse_tls(describe_tls(error));
            self->shaken_ = true;
            self->touch();
            self->read();
            self->watch();
        });
    }

    void refuse_tls(const std::string& why) {
        if (closed_) return;
        shared_.ports.metrics.count("vitalog_mllp_tls_refused_total",
                                    {{"endpoint", shared_.config.endpoint.name}});
        log_line("warn", "TLS connection refused", {{"peer", peer_}, {"error", why}});
        close();
    }

    void touch() { last_activity_ = SteadyClock::now(); }

    bool may_read() const {
        return !closed_ && !input_ended_ && !pace_.paused() &&
               slots_.size() < shared_.config.max_in_flight &&
               bytes_in_flight_ <= shared_.config.max_message;
    }

    void read() {
        if (reading_ || !may_read()) return;
        reading_ = true;
        stream_.async_read_some(asio::buffer(decoder_.prepare(kReadSize), kReadSize),
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
            pace_.spend([self = shared_from_this()] { self->proceed(); });
        }
    }

    void flush_decoder(bool end_of_stream) {
        while (const auto frame = decoder_.flush(end_of_stream)) take(*frame);
    }

    void take(const Frame& frame) {
        slots_.push_back({next_number_++, frame.content.size(), 0, {}, std::nullopt});
        bytes_in_flight_ += frame.content.size();
        Slot& slot = slots_.back();
        if (frame.kind == Frame::Kind::Message && hl7::is_batch(frame.content))
            take_batch(frame, slot);
        else
            take_part(admission_.judge(frame), frame.size, slot);
    }

    /// Each message of a batch stands by itself; the frame has one answer.
    void take_batch(const Frame& frame, Slot& slot) {
        auto batch = hl7::Batch::split(frame.content, kBatchMessagesMax);
        if (!batch)
            return take_part(admission_.judge_unsplit(frame, batch.error()), frame.size, slot);
        slot.batch = *std::move(batch);
        for (const std::string_view message : slot.batch->messages())
            take_part(admission_.judge({Frame::Kind::Message, message, message.size()}),
                      message.size(), slot);
        slot.batch->forget_messages();
        if (slot.settled())  // an empty batch
            asio::post(stream_.socket().get_executor(),
                       [self = shared_from_this()] { self->advance(); });
    }

    void take_part(Judgement judged, std::uint64_t size, Slot& slot) {
        FeedRecord record = *std::move(judged.record);
        judged.record.reset();
        if (judged.outcome != Outcome::Accepted) report(judged, size);
        slot.parts.push_back({std::move(judged), {}});
        ++slot.open;
        append(std::move(record), {slot.number, slot.parts.size() - 1});
    }

    /// Where a message stands: its frame and its place in it.
    struct Place {
        std::uint64_t number;
        std::size_t part;
    };

    void append(FeedRecord record, Place place) {
        auto done = [gate = shared_.gate, weak = weak_from_this(),
                     place](Result<AppendReceipt> receipt) {
            gate->pass([&] {
                auto self = weak.lock();
                if (!self) return;
                const auto executor = self->stream_.socket().get_executor();
                asio::post(executor,
                           [self = std::move(self), place, receipt = std::move(receipt)]() mutable {
                               self->on_appended(place, std::move(receipt));
                           });
            });
        };
        shared_.ports.appender.append(std::move(record), std::move(done));
    }

    void on_appended(Place place, Result<AppendReceipt> receipt) {
        Slot& slot = slots_[static_cast<std::size_t>(place.number - slots_.front().number)];
        Part& part = slot.parts[place.part];
        if (part.judged.outcome != Outcome::Accepted) {
            // A dead letter is written. Where that failed too, the sender still learns that we did
            // not take it.
            if (!receipt)
                log_line("error", "dead letter not stored",
                         {{"peer", peer_}, {"error", receipt.error().to_string()}});
            settle(slot, part, part.judged.outcome, std::move(part.judged.answer));
        } else {
            Settlement settlement = admission_.settle(std::move(part.judged), std::move(receipt));
            if (settlement.dead_letter) {
                part.judged = {};
                part.judged.outcome = settlement.outcome;
                part.judged.answer = std::move(settlement.answer);
                shared_.tally.dead_letter(settlement.reason);
                append(*std::move(settlement.dead_letter), place);
                return;
            }
            settle(slot, part, settlement.outcome, std::move(settlement.answer));
        }
        advance();
    }

    void settle(Slot& slot, Part& part, Outcome outcome, std::string answer) {
        --slot.open;
        part.answer = std::move(answer);
        shared_.tally.message(outcome);
    }

    void advance() {
        write();
        proceed();
    }

    std::string answer_of(Slot& slot) {
        if (!slot.batch) return std::move(slot.parts.front().answer);
        std::vector<std::string> answers;
        for (Part& part : slot.parts) answers.push_back(std::move(part.answer));
        return slot.batch->answer(
            answers, shared_.ids,
            hl7::format_time(shared_.ports.clock.now().as<EventTime>(), shared_.zone));
    }

    void report(const Judgement& judged, std::uint64_t size) {
        shared_.tally.dead_letter(judged.reason);
        log_line("warn", "message not accepted",
                 {{"endpoint", shared_.config.endpoint.name},
                  {"peer", peer_},
                  {"reason", std::string(judged.reason)},
                  {"bytes", std::to_string(size)}});
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
        while (!slots_.empty() && slots_.front().settled()) {
            Slot& slot = slots_.front();
            if (const std::string answer = answer_of(slot); !answer.empty()) {
                output_.push_back(kStartOfBlock);
                output_.append(answer);
                output_.append("\x1c\r");
            }
            bytes_in_flight_ -= slot.size;
            slots_.pop_front();
        }
        if (output_.empty()) return;
        writing_ = true;
        sending_.swap(output_);
        output_.clear();
        stream_.async_write(asio::buffer(sending_),
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
        while (!slots_.empty() && slots_.front().settled()) slots_.pop_front();
        if (slots_.empty()) finish();
    }

    void finish() {
        if (gone_) std::exchange(gone_, nullptr)(this);
    }

    void close() {
        if (closed_) return;
        closed_ = true;
        timer_.cancel();
        if (shaken_ && !writing_)
            say_goodbye();
        else
            stream_.close();
        drop_settled();
    }

    /// The client learns that nothing was cut off.
    void say_goodbye() {
        timer_.expires_after(kGoodbyeTimeout);
        timer_.async_wait([self = shared_from_this()](error_code) { self->stream_.close(); });
        stream_.async_goodbye([self = shared_from_this()](error_code) { self->timer_.cancel(); });
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

    Stream stream_;
    asio::steady_timer timer_;
    Pace pace_;
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
    bool shaken_ = false;  // under TLS, and the client has shown itself
    bool reading_ = false;
    bool writing_ = false;
    bool input_ended_ = false;
    bool closed_ = false;
};

/// Null: plain.
Result<std::unique_ptr<asio::ssl::context>> make_context(const ListenerTls& tls) {
    static const TlsFiles kNames{"mllp.tls.certificate", "mllp.tls.key", "mllp.tls.client_ca"};
    if (tls.certificate.empty() && tls.key.empty() && tls.client_ca.empty())
        return std::unique_ptr<asio::ssl::context>();
    if (tls.certificate.empty() || tls.key.empty())
        return fail(Errc::Configuration,
                    "mllp.tls.certificate and mllp.tls.key belong together, and mllp.tls.client_ca "
                    "needs both; set both or none");
    return make_tls(asio::ssl::context::tls_server, {tls.certificate, tls.key, tls.client_ca},
                    kNames);
}

std::string describe(const tcp::endpoint& endpoint) {
    return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

}  // namespace

Result<void> check(const ListenerTls& tls) {
    VITALOG_CHECK(make_context(tls));
    return {};
}

class Listener::Impl {
  public:
    Impl(ListenerConfig config, hl7::SiteZone zone, Ports ports, std::uint64_t first_id)
        : io_(static_cast<int>(config.threads)),
          acceptor_(asio::make_strand(io_)),
          shared_{config, std::move(zone), ports, hl7::ControlIds(first_id),
                  Tally(ports.metrics, config.endpoint.name)} {}

    Result<void> open() {
        const auto& config = shared_.config;
        VITALOG_TRY(shared_.tls, make_context(config.tls));
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
            return fail(Errc::Configuration, "cannot listen on " + describe(endpoint) + ": " +
                                                 error.message() +
                                                 "; choose another with --mllp HOST:PORT");
        address_ = bound_.address().to_string();
        return {};
    }

    void run() {
        accept();
        for (unsigned i = 0; i < std::max(1U, shared_.config.threads); ++i)
            threads_.emplace_back([this] {
                name_thread("mllp");
                io_.run();
            });
    }

    void stop() {
        if (shared_.stopping.exchange(true)) return;
        asio::post(acceptor_.get_executor(), [this] {
            error_code ignored;
            acceptor_.close(ignored);
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

    void report() { shared_.tally.publish(); }

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

    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    tcp::acceptor acceptor_;
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
void Listener::report() {
    impl_->report();
}
void Listener::stop() {
    impl_->stop();
}

}  // namespace vitalog::ingest::mllp
