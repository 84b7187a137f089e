#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vitalog::ingest::mllp {

// MLLP (HL7 Transport Specification: MLLP, release 1):
//
//     stream = *( between frame )
//     frame  = %x0B content %x1C %x0D          [the CR may be missing]
//     between = nothing                        [NUL, CR, LF, blanks are skipped; anything else is
//     reported]

inline constexpr char kStartOfBlock = '\x0b';
inline constexpr char kEndOfBlock = '\x1c';

struct Frame {
    enum class Kind : std::uint8_t {
        Message,    ///< whole
        TooLarge,   ///< beyond the limit: `content` is its head
        Truncated,  ///< a new frame, or the end of the stream, came before its end
        Unframed,   ///< HL7 that came without the start of a block
        Junk,       ///< other bytes between frames
    };
    Kind kind = Kind::Message;
    std::string_view content;  ///< without framing; for what is not whole at most kHeadKept bytes
    std::uint64_t size = 0;    ///< of the whole content, dropped bytes included
};

/// Cuts a stream into frames. Bytes are read straight into its buffer: prepare, commit, then next()
/// until it gives nothing. Frames live until the next prepare(). Memory stays below the limit for
/// messages plus one read. One thread.
class FrameDecoder {
  public:
    static constexpr std::size_t kHeadKept = 64 * 1024;

    explicit FrameDecoder(std::size_t max_message) : max_message_(max_message) {}

    /// Room for `size` bytes to be read into.
    char* prepare(std::size_t size);
    /// That many of them came.
    void commit(std::size_t size) { end_ += size; }
    std::optional<Frame> next();
    /// The stream has ended, or is silent: what is left can't become a frame any more. Call until
    /// it gives nothing. An open frame is given up only at the end of the stream.
    std::optional<Frame> flush(bool end_of_stream);

    /// True while unframed bytes wait for what ends them.
    bool holds_unframed() const { return state_ == State::Between && begin_ < end_; }
    /// True inside a frame.
    bool inside_frame() const { return state_ != State::Between; }
    /// Blank bytes skipped between frames so far.
    std::uint64_t blanks_skipped() const { return blanks_skipped_; }

  private:
    enum class State : std::uint8_t { Between, Body, Skipping };

    std::string_view pending() const { return {buffer_.data() + begin_, end_ - begin_}; }
    std::optional<Frame> next_between();
    std::optional<Frame> next_body();
    std::optional<Frame> next_skipping();
    Frame stray(std::size_t size);
    void skip_blanks();
    void start_skipping();

    std::size_t max_message_;
    std::string buffer_;
    std::size_t begin_ = 0;  // first byte not yet given out
    std::size_t end_ = 0;
    std::size_t scanned_ = 0;  // no end of block before this position
    State state_ = State::Between;
    std::string head_;  // of a frame that is too large
    std::uint64_t skipped_size_ = 0;
    std::uint64_t blanks_skipped_ = 0;
};

/// Wraps a message for sending.
std::string framed(std::string_view content);

}  // namespace vitalog::ingest::mllp
