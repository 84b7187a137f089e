#include "topology/log/kafka/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <thread>

#include "schemas/base/ports.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::chrono::milliseconds kPassing{50};
// An admin call that librdkafka 2.0.2 gives up by itself ends the process by an assertion when the
// group's coordinator comes back: it is given up here, and its client lives no longer.
constexpr std::chrono::milliseconds kOutlives{std::chrono::minutes(30)};
constexpr int kSyslogWarning = 4;
constexpr int kFixedCooperative = 0x020a01ff;  // 2.10.1: commits while partitions move
constexpr int kFixedTruncation = 0x020100ff;   // 2.1.0: finds a truncated log (KIP-320)
constexpr int kFixedScram = 0x020601ff;        // 2.6.1: names its nonce once, as Kafka 4 insists

/// Why a broker last let none of this process's clients in: a call that waits for it says only that
/// it can't be reached.
class Refusal {
  public:
    void note(std::string_view text) {
        for (const std::string_view kind : {"SASL authentication error", "SSL handshake failed"})
            if (const auto at = text.find(kind); at != std::string_view::npos) {
                const std::scoped_lock lock(mutex_);
                text_ = text.substr(at);
            }
    }
    std::string text() const {
        const std::scoped_lock lock(mutex_);
        return text_;
    }

  private:
    mutable std::mutex mutex_;
    std::string text_;
};
Refusal& last_refusal() {
    static Refusal refusal;
    return refusal;
}

void on_log(const rd_kafka_t* client, int level, const char* facility, const char* text) {
    last_refusal().note(text);
    log_line(level <= kSyslogWarning ? "warn" : "info", "kafka",
             {{"client", rd_kafka_name(client)}, {"facility", facility}, {"text", text}});
}

void on_error(rd_kafka_t* client, int code, const char* reason, void* /*opaque*/) {
    log_line("warn", "kafka-error",
             {{"client", rd_kafka_name(client)},
              {"error", rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code))},
              {"reason", reason}});
}

/// What a connection has not sent when it is closed is dropped: the kernel would go on sending it
/// for a minute, and after a cut in the network an old record or position came after the new one.
int close_at_once(int socket, void* /*opaque*/) {
    const linger nothing_more{.l_onoff = 1, .l_linger = 0};
    (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &nothing_more, sizeof nothing_more);
    return ::close(socket);
}

void learn_leaders(rd_kafka_t* client, const std::set<std::string>& topics,
                   std::chrono::steady_clock::time_point deadline) {
    for (const std::string& topic : topics) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return;
        const Topic handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
        const rd_kafka_metadata_t* metadata = nullptr;
        if (rd_kafka_metadata(client, 0, handle.get(), &metadata, static_cast<int>(left.count())) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_metadata_destroy(metadata);
    }
}

Errc errc_of(rd_kafka_resp_err_t code) {
    switch (code) {
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
            return Errc::NotFound;
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            return Errc::Forbidden;
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            return Errc::OutOfRange;
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
            return Errc::TooLarge;
        case RD_KAFKA_RESP_ERR__INVALID_ARG:
        case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
            return Errc::Configuration;
        default:
            return Errc::Io;
    }
}

}  // namespace

Result<Handle> make_client(rd_kafka_type_t type, const Properties& properties,
                           ClientCallbacks callbacks) {
    std::unique_ptr<rd_kafka_conf_t, DestroyedBy<rd_kafka_conf_destroy>> conf(rd_kafka_conf_new());
    std::array<char, 512> text{};
    for (const auto& [name, value] : properties)
        if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text.data(), text.size()) !=
            RD_KAFKA_CONF_OK)
            return fail(Errc::Configuration,
                        fmt::format("Kafka client: {}: {}", name, text.data()));
    rd_kafka_conf_set_log_cb(conf.get(), on_log);
    rd_kafka_conf_set_error_cb(conf.get(), on_error);
    rd_kafka_conf_set_closesocket_cb(conf.get(), close_at_once);
    rd_kafka_conf_set_opaque(conf.get(), callbacks.opaque);
    if (callbacks.delivered) rd_kafka_conf_set_dr_msg_cb(conf.get(), callbacks.delivered);
    if (callbacks.rebalanced) rd_kafka_conf_set_rebalance_cb(conf.get(), callbacks.rebalanced);
    if (callbacks.committed) rd_kafka_conf_set_offset_commit_cb(conf.get(), callbacks.committed);
    rd_kafka_t* client = rd_kafka_new(type, conf.get(), text.data(), text.size());
    if (client == nullptr)
        return fail(Errc::Configuration, fmt::format("Kafka client: {}", text.data()));
    conf.release();  // the client's now
    return Handle(client);
}

Error to_error(rd_kafka_resp_err_t code, std::string_view what) {
    return {errc_of(code),
            fmt::format("{}: {} ({})", what, rd_kafka_err2str(code), rd_kafka_err2name(code))};
}

Error out_of_reach(rd_kafka_resp_err_t code) {
    const std::string refusal = last_refusal().text();
    if (refusal.empty()) return to_error(code, "cannot reach the Kafka cluster; see log.brokers");
    std::string what =
        "the Kafka cluster does not let us in; see log.sasl.*, log.tls.* and "
        "VITALOG_KAFKA_PASSWORD";
    if (refusal.find("SCRAM") != std::string::npos && rd_kafka_version() < kFixedScram)
        what += fmt::format(
            "; librdkafka {} can't log in to Kafka 4 by SCRAM: take PLAIN under TLS, a client "
            "certificate, or librdkafka 2.6.1",
            rd_kafka_version_str());
    return {errc_of(code), what + ": " + refusal};
}

bool passing(rd_kafka_resp_err_t code) {
    switch (code) {
        case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
        case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
        case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
        case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
        case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        case RD_KAFKA_RESP_ERR__WAIT_COORD:
        case RD_KAFKA_RESP_ERR__TRANSPORT:
            return true;
        default:
            return false;
    }
}

void rest(std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);
}

rd_kafka_resp_err_t until_settled(rd_kafka_t* client, const std::set<std::string>& topics,
                                  const std::function<rd_kafka_resp_err_t()>& call) {
    const auto deadline = std::chrono::steady_clock::now() + kCallLimit;
    while (true) {
        const auto code = call();
        if (!passing(code) || std::chrono::steady_clock::now() >= deadline) return code;
        rest(kPassing);
        learn_leaders(client, topics, deadline);
    }
}

Result<void> check(rd_kafka_error_t* failure, std::string_view what) {
    if (failure == nullptr) return {};
    const Failure owned(failure);
    return tl::unexpected(Error(errc_of(rd_kafka_error_code(failure)),
                                fmt::format("{}: {} ({})", what, rd_kafka_error_string(failure),
                                            rd_kafka_error_name(failure))));
}

rd_kafka_topic_partition_t* add_partition(rd_kafka_topic_partition_list_t& list,
                                          const TopicPartition& tp) {
    return rd_kafka_topic_partition_list_add(&list, tp.topic.c_str(),
                                             static_cast<std::int32_t>(tp.partition.value()));
}

TopicPartition partition_in(const rd_kafka_topic_partition_t& entry) {
    return {entry.topic, Partition(static_cast<std::uint32_t>(entry.partition))};
}

Result<Watermarks> ask_watermarks(rd_kafka_t* client, const TopicPartition& tp) {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    const auto code = until_settled(client, {tp.topic}, [&] {
        return rd_kafka_query_watermark_offsets(client, tp.topic.c_str(),
                                                static_cast<std::int32_t>(tp.partition.value()),
                                                &begin, &end, static_cast<int>(kCallLimit.count()));
    });
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return tl::unexpected(
            to_error(code, "cannot learn where " + to_string(tp) + " begins and ends"));
    return Watermarks{Offset(begin), Offset(end)};
}

std::string headers_of(const rd_kafka_message_t& message) {
    std::string encoded;
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return encoded;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i)
        Headers::append(encoded, name, {static_cast<const char*>(value), size});
    return encoded;
}

rd_kafka_headers_t* to_headers(std::string_view encoded) {
    const auto all = Headers(encoded).all();
    rd_kafka_headers_t* headers = rd_kafka_headers_new(all.size());
    for (const auto& [name, value] : all)
        rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                            static_cast<ssize_t>(value.size()));
    return headers;
}

Result<Event> admin_call(
    rd_kafka_t* client, rd_kafka_event_type_t type, rd_kafka_admin_op_t op, std::string_view what,
    const std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& call) {
    const Queue queue(rd_kafka_queue_new(client));
    std::unique_ptr<rd_kafka_AdminOptions_t, DestroyedBy<rd_kafka_AdminOptions_destroy>> options(
        rd_kafka_AdminOptions_new(client, op));
    std::array<char, 256> text{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(kOutlives.count()),
                                              text.data(), text.size());
    call(options.get(), queue.get());
    Event event(rd_kafka_queue_poll(queue.get(), static_cast<int>(kCallLimit.count())));
    if (!event || rd_kafka_event_type(event.get()) != type)
        return fail(Errc::Io, fmt::format("{}: the cluster did not answer; see log.brokers", what));
    if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(passing(code) ? Errc::Busy : errc_of(code),
                    fmt::format("{}: {}", what, rd_kafka_event_error_string(event.get())));
    return event;
}

void log_library_version() {
    const int version = rd_kafka_version();
    std::string around =
        "own offsets and own queues for reading, no seek, no positions outside transactions, a group "
        "for the client that asks, another such client once a coordinator has moved, topics known "
        "before they are written, Nagle off";
    if (version < kFixedCooperative) around += ", eager assignment";
    if (version < kFixedScram) around += ", no SCRAM with Kafka 4";
    if (version < kFixedTruncation) around += ", needs unclean.leader.election.enable=false";
    log_line("info", "librdkafka", {{"version", rd_kafka_version_str()}, {"work_arounds", around}});
}

}  // namespace vitalog::topology::kafka
