#include "ingest/mllp/frame.h"

#include <algorithm>
#include <cstring>

namespace vitalog::ingest::mllp {
namespace {

constexpr std::size_t kKeptCapacity =
    1024 * 1024;  // a larger buffer is given back once it is empty
constexpr std::string_view kNewFrame = "\x0bMSH";

bool is_blank(char c) {
    return c == '\0' || c == '\r' || c == '\n' || c == ' ' || c == '\t' || c == kEndOfBlock;
}

}  // namespace

char* FrameDecoder::prepare(std::size_t size) {
    if (begin_ == end_) {
        begin_ = end_ = scanned_ = 0;
        if (buffer_.size() > kKeptCapacity) std::string().swap(buffer_);
    }
    if (buffer_.size() - end_ < size && begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        scanned_ -= std::min(scanned_, begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (buffer_.size() - end_ < size) buffer_.resize(std::max(end_ + size, buffer_.size() * 2));
    return buffer_.data() + end_;
}

std::optional<Frame> FrameDecoder::next() {
    switch (state_) {
        case State::Between:
            return next_between();
        case State::Body:
            return next_body();
        case State::Skipping:
            return next_skipping();
    }
    return std::nullopt;
}

void FrameDecoder::skip_blanks() {
    const std::string_view bytes = pending();
    const auto first = std::find_if_not(bytes.begin(), bytes.end(), is_blank);
    const auto count = static_cast<std::size_t>(first - bytes.begin());
    blanks_skipped_ += count;
    begin_ += count;
}

/// The first `size` pending bytes came without a frame around them.
Frame FrameDecoder::stray(std::size_t size) {
    const std::string_view bytes = pending().substr(0, size);
    begin_ += size;
    scanned_ = begin_;
    const auto kind = bytes.starts_with("MSH") ? Frame::Kind::Unframed : Frame::Kind::Junk;
    return {kind, bytes.substr(0, kHeadKept), size};
}

std::optional<Frame> FrameDecoder::next_between() {
    skip_blanks();
    const std::string_view bytes = pending();
    const bool unframed = bytes.starts_with("MSH");
    const std::size_t from = std::max(scanned_, begin_) - begin_;
    const std::size_t stop = unframed ? bytes.find_first_of(std::string_view("\x0b\x1c"), from)
                                      : bytes.find(kStartOfBlock, from);
    if (stop == std::string_view::npos) {
        scanned_ = end_;
        return bytes.size() > kHeadKept ? std::optional(stray(bytes.size())) : std::nullopt;
    }
    if (stop > 0) return stray(stop);
    ++begin_;
    scanned_ = begin_;
    state_ = State::Body;
    return next_body();
}

std::optional<Frame> FrameDecoder::next_body() {
    const std::string_view bytes = pending();
    const std::size_t end = bytes.find(kEndOfBlock, std::max(scanned_, begin_) - begin_);
    if (end == std::string_view::npos) {
        scanned_ = end_;
        if (bytes.size() > max_message_) start_skipping();
        return std::nullopt;
    }
    const std::string_view content = bytes.substr(0, end);
    // A vertical tab alone is a soft line break that somebody pasted; in front of MSH it starts
    // another frame.
    const std::size_t restart = content.rfind(kNewFrame);
    if (restart != std::string_view::npos) {
        begin_ += restart + 1;
        scanned_ = begin_;
        return Frame{Frame::Kind::Truncated, content.substr(0, std::min(restart, kHeadKept)),
                     restart};
    }
    begin_ += end + 1;
    scanned_ = begin_;
    state_ = State::Between;
    if (content.size() > max_message_)
        return Frame{Frame::Kind::TooLarge, content.substr(0, kHeadKept), content.size()};
    return Frame{Frame::Kind::Message, content, content.size()};
}

void FrameDecoder::start_skipping() {
    head_ = pending().substr(0, kHeadKept);
    skipped_size_ = pending().size();
    begin_ = end_;
    state_ = State::Skipping;
}

std::optional<Frame> FrameDecoder::next_skipping() {
    const std::string_view bytes = pending();
    const std::size_t end = bytes.find(kEndOfBlock);
    skipped_size_ += std::min(end, bytes.size());
    begin_ = end == std::string_view::npos ? end_ : begin_ + end + 1;
    scanned_ = begin_;
    if (end == std::string_view::npos) return std::nullopt;
    state_ = State::Between;
    return Frame{Frame::Kind::TooLarge, head_, skipped_size_};
}

std::optional<Frame> FrameDecoder::flush(bool end_of_stream) {
    if (state_ == State::Between) {
        skip_blanks();
        return begin_ < end_ ? std::optional(stray(end_ - begin_)) : std::nullopt;
    }
    if (!end_of_stream) return std::nullopt;
    const bool skipping = state_ == State::Skipping;
    const std::string_view bytes = skipping ? std::string_view(head_) : pending();
    state_ = State::Between;
    begin_ = scanned_ = end_;
    return Frame{skipping ? Frame::Kind::TooLarge : Frame::Kind::Truncated,
                 bytes.substr(0, kHeadKept), skipping ? skipped_size_ : bytes.size()};
}

std::string framed(std::string_view content) {
    std::string out;
    out.reserve(content.size() + 3);
    out.push_back(kStartOfBlock);
    out.append(content);
    out.push_back(kEndOfBlock);
    out.push_back('\r');
    return out;
}

}  // namespace vitalog::ingest::mllp
