#include "topology/log/kafka/cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "schemas/base/ports.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::size_t kMessagesATime = 4096;
constexpr std::size_t kBlockBytes = std::size_t{512} << 10;

std::string_view view(const void* bytes, std::size_t size) {
    return {static_cast<const char*>(bytes), size};
}

}  // namespace

Cursor::Cursor(rd_kafka_t* consumer, const TopicPartition& tp, Offset from,
               std::size_t window_bytes)
    : consumer_(consumer),
      tp_(tp),
      window_bytes_(window_bytes),
      topic_(rd_kafka_topic_new(consumer, tp.topic.c_str(), nullptr)),
      queue_(rd_kafka_queue_new(consumer)),
      position_(from),
      window_begin_(from),
      block_base_(from) {}

Result<std::unique_ptr<Cursor>> Cursor::start(rd_kafka_t* consumer, const TopicPartition& tp,
                                              Offset from, std::size_t window_bytes,
                                              void (*wake)(rd_kafka_t*, void*), void* opaque) {
    std::unique_ptr<Cursor> cursor(new Cursor(consumer, tp, from, window_bytes));
    rd_kafka_queue_cb_event_enable(cursor->queue_.get(), wake, opaque);
    if (rd_kafka_consume_start_queue(cursor->topic_.get(),
                                     static_cast<std::int32_t>(tp.partition.value()), from.value(),
                                     cursor->queue_.get()) != 0)
        return tl::unexpected(
            to_error(rd_kafka_last_error(), "cannot read " + to_string(tp, from)));
    return cursor;
}

Cursor::~Cursor() {
    rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
    rd_kafka_consume_stop(topic_.get(), static_cast<std::int32_t>(tp_.partition.value()));
}

Result<void> Cursor::take(std::chrono::milliseconds wait, Offset wanted) {
    std::array<rd_kafka_message_t*, kMessagesATime> messages{};
    const ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), static_cast<int>(wait.count()),
                                                       messages.data(), messages.size());
    Result<void> taken;
    for (ssize_t i = 0; i < count; ++i) {
        if (taken) taken = add(*messages[i]);
        rd_kafka_message_destroy(messages[i]);
    }
    finish_block();
    forget_before(wanted);
    return taken;
}

Result<void> Cursor::add(const rd_kafka_message_t& message) {
    const Offset offset(message.offset);
    switch (message.err) {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            break;
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            finish_block();
            position_ = std::max(position_, offset);
            at_end_ = true;
            return {};
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            return fail(Errc::OutOfRange, fmt::format("{} is not in the cluster: retention dropped "
                                                      "it before it was read, or the topic "
                                                      "was made anew. What was lost has to be "
                                                      "decided by a person: restore the topic, or "
                                                      "begin with a new log.group",
                                                      to_string(tp_, position_)));
        default:
            // Metadata of a busy cluster may lack a partition for a while; where it is gone, who
            // asks for its end learns of it.
            if (to_error(message.err, "").code() == Errc::Io || passing(message.err)) {
                log_line(
                    "warn", "kafka-fetch",
                    {{"partition", to_string(tp_)}, {"error", rd_kafka_err2name(message.err)}});
                return {};  // the client goes on by itself
            }
            return tl::unexpected(to_error(message.err, "cannot read " + to_string(tp_)));
    }
    if (offset < position_) return {};  // of an earlier start
    at_end_ = false;
    if (builder_.empty() || offset != position_ || builder_.bytes() >= kBlockBytes) {
        finish_block();
        block_base_ = offset;
    }
    rd_kafka_timestamp_type_t type{};
    const std::int64_t at = rd_kafka_message_timestamp(&message, &type);
    builder_.add(LogTime::from_millis(std::max<std::int64_t>(at, 0)),
                 view(message.key, message.key_len), headers_of(message),
                 view(message.payload, message.len));
    position_ = Offset(offset.value() + 1);
    return {};
}

Offset Cursor::end() const {
    if (at_end_ && rd_kafka_queue_length(queue_.get()) == 0) return position_;
    std::int64_t low = 0;
    std::int64_t high = 0;
    const auto code = rd_kafka_get_watermark_offsets(
        consumer_, tp_.topic.c_str(), static_cast<std::int32_t>(tp_.partition.value()), &low,
        &high);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? std::max(position_, Offset(high)) : position_;
}

void Cursor::finish_block() {
    if (builder_.empty()) return;
    kept_ += builder_.bytes();
    window_.push_back(std::make_shared<const RecordBlock>(block_in_memory(block_base_, builder_)));
    builder_.clear();
}

/// Keeps the newest block whatever its size: whoever reads next wants it.
void Cursor::forget_before(Offset wanted) {
    while (kept_ > window_bytes_ && window_.size() > 1 && window_.front()->end() <= wanted) {
        kept_ -= std::min(kept_, window_.front()->records().size());
        window_begin_ = window_.front()->end();
        window_.pop_front();
    }
}

Result<void> Cursor::give(BatchFill& fill) const {
    const Offset from = fill.next();
    auto at =
        std::ranges::upper_bound(window_, from, {}, [](const auto& block) { return block->end(); });
    for (; at != window_.end() && !fill.full(); ++at) VITALOG_CHECK(fill.add(*at));
    return {};
}

std::size_t Cursor::kept_bytes(Offset from) const {
    std::size_t bytes = 0;
    for (auto block = window_.rbegin(); block != window_.rend(); ++block) {
        if ((*block)->end() <= from) break;
        bytes += (*block)->records().size();
    }
    return bytes;
}

}  // namespace vitalog::topology::kafka
