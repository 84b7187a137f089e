#include "topology/log/kafka/move_writer.h"

#include <fmt/format.h>

namespace vitalog::topology::kafka {
namespace {

constexpr std::size_t kRoundRecords = 100'000;
constexpr std::size_t kRoundBytes = std::size_t{64} << 20;
constexpr std::size_t kReadBytes = std::size_t{4} << 20;

}  // namespace

MoveWriter::~MoveWriter() {
    if (round_.missing > 0) (void)producer_.settle(round_);  // whoever saw the error told it
}

Result<void> MoveWriter::write(const Message& message) {
    VITALOG_CHECK(producer_.send(tp_, message, round_));
    next_ = vitalog::next(next_);
    round_bytes_ += message.key.size() + message.headers.size() + message.value.value_or("").size();
    if (round_.messages.size() < kRoundRecords && round_bytes_ < kRoundBytes) return {};
    return settle();
}

Result<void> MoveWriter::settle() {
    if (round_.messages.empty()) return {};
    VITALOG_CHECK(producer_.settle(round_));
    const Offset end = round_.ends.at(tp_);
    round_ = {};
    round_bytes_ = 0;
    if (end == next_) return {};
    return fail(Errc::Conflict,
                fmt::format("a record that belongs before {} came to lie before {}: somebody else "
                            "writes to {}; stop them, delete the topics and begin anew",
                            next_.value(), end.value(), to_string(tp_)));
}

Result<ReadBack> ReadBack::start(Reader& reader, TopicPartition tp, Offset from) {
    VITALOG_TRY(const Offset end, reader.asked_end(tp));
    return ReadBack(reader, std::move(tp), from, end);
}

Result<std::optional<RecordView>> ReadBack::next() {
    while (at_ == batch_.records.size()) {
        if (batch_.next >= end_) return std::nullopt;
        VITALOG_CHECK(reader_->read(tp_, batch_.next, kReadBytes, batch_));
        at_ = 0;
    }
    return batch_.records[at_++];
}

}  // namespace vitalog::topology::kafka
