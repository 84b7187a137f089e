#include "topology/log/kafka/producer.h"

#include <algorithm>

namespace vitalog::topology::kafka {
namespace {

constexpr int kRoomWaitMs = 100;

Properties producing(const Producer::Options& options) {
    Properties properties = options.properties;
    properties["enable.idempotence"] = "true";
    properties["acks"] = "all";
    properties["compression.type"] = "lz4";
    properties["linger.ms"] = "1";
    properties["retry.backoff.ms"] = "10";
    properties["message.timeout.ms"] = std::to_string(options.timeout.count());
    properties["message.max.bytes"] = std::to_string(options.message_bytes_max);
    properties["queue.buffering.max.kbytes"] = "1048576";
    if (!options.transactional_id.empty()) {
        properties["transactional.id"] = options.transactional_id;
        properties["transaction.timeout.ms"] = std::to_string(options.timeout.count());
    }
    return properties;
}

}  // namespace

Result<std::unique_ptr<Producer>> Producer::open(Options options) {
    std::unique_ptr<Producer> producer(new Producer(std::move(options)));
    const auto& given = producer->options_;
    VITALOG_TRY(producer->client_,
                make_client(RD_KAFKA_PRODUCER, producing(given), {.delivered = on_delivery}));
    VITALOG_CHECK(producer->warm_up());
    if (given.transactional_id.empty()) return producer;
    const auto deadline = std::chrono::steady_clock::now() + given.timeout;
    while (true) {
        const Failure failure(rd_kafka_init_transactions(producer->client(),
                                                         static_cast<int>(given.timeout.count())));
        if (!failure) return producer;
        if (!rd_kafka_error_is_retriable(failure.get()) ||
            std::chrono::steady_clock::now() >= deadline)
            return tl::unexpected(
                to_error(rd_kafka_error_code(failure.get()),
                         "cannot begin transactions as " + given.transactional_id));
    }
}

/// Learns who leads which partition now: the first message to a topic that the client doesn't know
/// waits for up to a second (librdkafka before 2.10.1).
Result<void> Producer::warm_up() {
    for (const std::string& topic : options_.topics)
        topics_.emplace_back(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto code = rd_kafka_metadata(client_.get(), 0, nullptr, &metadata,
                                        static_cast<int>(kCallLimit.count()));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return tl::unexpected(to_error(code, "cannot reach the Kafka cluster; see log.brokers"));
    rd_kafka_metadata_destroy(metadata);
    return {};
}

void Producer::on_delivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message,
                           void* /*opaque*/) {
    auto& delivery = *static_cast<Delivery*>(message->_private);
    Delivered& delivered = *delivery.round;
    --delivered.missing;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (!delivered.error)
            delivered.error = to_error(
                message->err, std::string("cannot write to ") + rd_kafka_topic_name(message->rkt));
        return;
    }
    const TopicPartition tp{rd_kafka_topic_name(message->rkt),
                            Partition(static_cast<std::uint32_t>(message->partition))};
    delivery.offset = Offset(message->offset);
    Offset& end = delivered.ends[tp];
    end = std::max(end, Offset(message->offset + 1));
}

Result<void> Producer::send(const TopicPartition& tp, const Message& message,
                            Delivered& delivered) {
    const std::string_view bytes = message.value.value_or("");
    // A null pointer says tombstone, whatever the length.
    const void* value = !message.value ? nullptr : bytes.empty() ? "" : bytes.data();
    const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
    rd_kafka_headers_t* headers = to_headers(message.headers);
    Delivery& delivery = delivered.messages.emplace_back(Delivery{&delivered});
    while (true) {
        const auto code = rd_kafka_producev(
            client_.get(), RD_KAFKA_V_TOPIC(tp.topic.c_str()),
            RD_KAFKA_V_PARTITION(static_cast<std::int32_t>(tp.partition.value())),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_TIMESTAMP(sent_time(message.timestamp)),
            RD_KAFKA_V_KEY(message.key.data(), message.key.size()),
            RD_KAFKA_V_VALUE(const_cast<void*>(value), bytes.size()), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_OPAQUE(&delivery), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            ++delivered.missing;
            return {};
        }
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && std::chrono::steady_clock::now() < deadline) {
            rd_kafka_poll(client_.get(), kRoomWaitMs);
            continue;
        }
        rd_kafka_headers_destroy(headers);
        delivered.messages.pop_back();
        return tl::unexpected(to_error(code, "cannot write to " + to_string(tp)));
    }
}

Result<void> Producer::settle(Delivered& delivered) {
    // Every message gets its report by its time-out; the client may take a little longer to say so.
    const auto deadline = std::chrono::steady_clock::now() + options_.timeout + kCallLimit;
    while (delivered.missing > 0) {
        rd_kafka_flush(client_.get(), kRoomWaitMs);
        if (std::chrono::steady_clock::now() < deadline) continue;
        rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(client_.get(), static_cast<int>(kCallLimit.count()));
        break;
    }
    if (delivered.missing > 0 && !delivered.error)
        delivered.error =
            Error(Errc::Io, "the cluster did not say what became of what was written");
    if (delivered.error) return tl::unexpected(*delivered.error);
    return {};
}

}  // namespace vitalog::topology::kafka
