#include "ingest/hl7/message.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

namespace vitalog::ingest::hl7 {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kIdLength = 3;

bool is_delimiter(char c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return c > ' ' && c < 0x7f && !alnum;
}

bool is_line_end(char c) {
    return c == '\r' || c == '\n';
}

/// LF ends a segment unless text goes on behind it.
bool ends_segment(std::string_view text, std::size_t at, char separator) {
    if (text[at] == '\r') return true;
    const std::string_view next = text.substr(at + 1);
    return next.empty() || is_line_end(next.front()) || begins_segment(next, separator);
}

std::string_view without_leading_blanks(std::string_view text) {
    const std::size_t start = text.find_first_not_of(std::string_view(" \r\n\t\0", 5));
    return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

}  // namespace

const Encoding Message::kNothing{};

std::string_view Value::part(char separator, std::size_t n) const {
    if (separator == '\0') return n == 0 ? raw_ : std::string_view();
    std::size_t begin = 0;
    for (;; --n) {
        const std::size_t end = raw_.find(separator, begin);
        if (n == 0) return raw_.substr(begin, end == std::string_view::npos ? end : end - begin);
        if (end == std::string_view::npos) return {};
        begin = end + 1;
    }
}

std::size_t Value::count(char separator) const {
    if (raw_.empty()) return 0;
    if (separator == '\0') return 1;
    return 1 + static_cast<std::size_t>(std::count(raw_.begin(), raw_.end(), separator));
}

Result<Delimiters> read_delimiters(std::string_view text) {
    if (!text.starts_with("MSH"))
        return fail(Errc::Malformed, "the message does not begin with MSH");
    if (text.size() <= kIdLength || !is_delimiter(text[kIdLength]))
        return fail(Errc::Malformed, "MSH-1 is not a field separator such as |");
    Delimiters delimiters;
    delimiters.field = text[kIdLength];
    std::string_view codes = text.substr(kIdLength + 1);
    codes = codes.substr(0, std::min(codes.find(delimiters.field), codes.find_first_of("\r\n")));
    const std::array<char*, 5> slots{&delimiters.component, &delimiters.repetition,
                                     &delimiters.escape, &delimiters.subcomponent,
                                     &delimiters.truncation};
    delimiters.escape = delimiters.subcomponent = '\0';
    if (codes.size() < 2 || codes.size() > slots.size())
        return fail(Errc::Malformed, "MSH-2 does not hold the encoding characters such as ^~\\&");
    for (std::size_t i = 0; i < codes.size(); ++i) {
        if (!is_delimiter(codes[i]) || codes.find(codes[i]) != i)
            return fail(Errc::Malformed,
                        "MSH-2 repeats an encoding character or holds one that is not punctuation");
        *slots[i] = codes[i];
    }
    return delimiters;
}

bool begins_segment(std::string_view text, char separator) {
    if (text.size() < kIdLength) return false;
    const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    const auto upper_or_digit = [&](char c) { return upper(c) || (c >= '0' && c <= '9'); };
    if (!upper(text[0]) || !upper_or_digit(text[1]) || !upper_or_digit(text[2])) return false;
    return text.size() == kIdLength || text[kIdLength] == separator || is_line_end(text[kIdLength]);
}

bool SegmentWalk::next(std::string_view& segment) {
    while (at_ < text_.size()) {
        if (!searched_ || carriage_return_ < at_) {
            carriage_return_ = std::min(text_.find('\r', at_), text_.size());
            searched_ = true;
        }
        std::size_t end = carriage_return_;
        for (std::size_t from = at_; from < end;) {
            const void* found = std::memchr(text_.data() + from, '\n', end - from);
            if (found == nullptr) break;
            const auto line_feed =
                static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
            if (ends_segment(text_, line_feed, separator_)) {
                end = line_feed;
            } else {
                from = line_feed + 1;
            }
        }
        segment = text_.substr(at_, end - at_);
        at_ = std::min(end + 1, text_.size());
        if (!segment.empty()) return true;
    }
    return false;
}

Result<void> Message::parse(std::string_view text, Charset charset) {
    segments_.clear();
    text_ = without_leading_blanks(text);
    if (text_.size() >= std::numeric_limits<std::uint32_t>::max() - kBlock)
        return fail(Errc::TooLarge, "the message is 4 GiB or more");
    VITALOG_TRY(encoding_.delimiters, read_delimiters(text_));
    encoding_.charset = charset;
    index_text();
    return {};
}

void Message::reserve_starts(std::size_t count) {
    if (starts_.size() < count) starts_.resize(std::max(count, starts_.size() * 2));
}

/// Closes the open segment at `at` and opens the next at `next_start`. `used` counts the entries of
/// starts_.
void Message::end_segment(std::size_t at, std::size_t next_start, std::size_t& used) {
    const auto count = static_cast<std::uint32_t>(used - open_first_);
    if (count == 1 && starts_[open_first_] == at) {
        used = open_first_;  // a blank line
    } else {
        segments_.push_back({open_first_, count});
        starts_[used++] = static_cast<std::uint32_t>(at + 1);
    }
    open_first_ = static_cast<std::uint32_t>(used);
    starts_[used++] = static_cast<std::uint32_t>(next_start);
}

void Message::index_text() {
    const char* const data = text_.data();
    const char separator = encoding_.delimiters.field;
    const __m128i separators = _mm_set1_epi8(separator);
    const __m128i returns = _mm_set1_epi8('\r');
    const __m128i feeds = _mm_set1_epi8('\n');
    reserve_starts(4 * kBlock);
    std::size_t used = 0;
    open_first_ = 0;
    starts_[used++] = 0;

    const auto visit = [&](std::size_t at) {
        if (data[at] == separator) {
            starts_[used++] = static_cast<std::uint32_t>(at + 1);
        } else if (ends_segment(text_, at, separator)) {
            end_segment(at, at + 1, used);
        }
    };
    std::size_t at = 0;
    for (; at + kBlock <= text_.size(); at += kBlock) {
        reserve_starts(used + 2 * kBlock + 2);
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
        const __m128i hits = _mm_or_si128(
            _mm_cmpeq_epi8(block, separators),
            _mm_or_si128(_mm_cmpeq_epi8(block, returns), _mm_cmpeq_epi8(block, feeds)));
        for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(hits)); mask != 0;
             mask &= mask - 1)
            visit(at + static_cast<std::size_t>(std::countr_zero(mask)));
    }
    reserve_starts(used + 2 * kBlock + 2);
    for (; at < text_.size(); ++at)
        if (data[at] == separator || is_line_end(data[at])) visit(at);
    end_segment(text_.size(), text_.size(), used);
}

Segment Message::segment(std::string_view id, std::size_t n) const {
    for (std::size_t i = 0; i < segments_.size(); ++i)
        if (piece(segments_[i], 0) == id && n-- == 0) return {*this, i};
    return {};
}

std::size_t Message::count(std::string_view id) const {
    return static_cast<std::size_t>(
        std::count_if(segments_.begin(), segments_.end(),
                      [&](const Entry& entry) { return piece(entry, 0) == id; }));
}

std::string_view Segment::id() const {
    return exists() ? message_->piece(message_->segments_[index_], 0) : std::string_view();
}

std::string_view Segment::raw() const {
    if (!exists()) return {};
    const auto& entry = message_->segments_[index_];
    const std::uint32_t from = message_->starts_[entry.first];
    return message_->text_.substr(from, message_->starts_[entry.first + entry.count] - 1 - from);
}

std::size_t Segment::field_count() const {
    if (!exists()) return 0;
    const std::size_t fields = message_->segments_[index_].count - 1;
    return index_ == 0 ? fields + 1 : fields;
}

Field Segment::field(std::size_t n) const {
    if (!exists()) return {{}, Message::kNothing};
    const auto& entry = message_->segments_[index_];
    if (index_ == 0) {  // MSH: the separator itself is field 1
        if (n == 1) return {message_->text_.substr(kIdLength, 1), Message::kNothing};
        --n;
    }
    if (n >= entry.count || n == 0) return {{}, message_->encoding_};
    return {message_->piece(entry, n), message_->encoding_};
}

}  // namespace vitalog::ingest::hl7
