#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/hl7/escape.h"
#include "schemas/base/result.h"

// A message as views over its decoded text. Grammar (HL7 2.3 to 2.8, chapter 2; what is tolerated
// in brackets):
//
//     message    = segment *( CR segment ) [CR]
//     segment    = id *( F field )             id of three characters, Z segments included
//     field      = repetition *( R repetition )
//     repetition = component *( C component )
//     component  = subcomponent *( S subcomponent )
//
// F C R S and the escape character are read from MSH. [CR LF ends a segment too; LF does where an
// id and a field separator, another line end or the end of the text follow, else it belongs to the
// text; blank lines are skipped.]
//
// Everything counts from 1 as in the standard, repetitions from 0. What is not there is empty.

namespace vitalog::ingest::hl7 {

/// A piece of a message. Lives as long as the message's text; borrows the Message's encoding.
class Value {
  public:
    Value(std::string_view raw, const Encoding& encoding) : raw_(raw), encoding_(&encoding) {}

    std::string_view raw() const { return raw_; }
    /// Says nothing: whatever is known stays.
    bool empty() const { return raw_.empty(); }
    /// `""`: what is known is to be forgotten.
    bool is_null() const { return raw_ == "\"\""; }
    bool has_value() const { return !empty() && !is_null(); }
    /// Unescaped; empty for null.
    std::string_view text(std::string& scratch) const {
        return is_null() ? std::string_view() : unescape(raw_, *encoding_, scratch);
    }
    /// The same, kept by the arena where it had to be changed.
    std::string_view text(TextArena& arena) const {
        return is_null() ? std::string_view() : arena.unescape(raw_, *encoding_);
    }

  protected:
    std::string_view part(char separator, std::size_t n) const;
    std::size_t count(char separator) const;
    const Encoding& encoding() const { return *encoding_; }

  private:
    std::string_view raw_;
    const Encoding* encoding_;
};

class Component : public Value {
  public:
    using Value::Value;
    Value subcomponent(std::size_t n) const {
        return {part(encoding().delimiters.subcomponent, n - 1), encoding()};
    }
    std::size_t subcomponent_count() const { return count(encoding().delimiters.subcomponent); }
};

class Repetition : public Value {
  public:
    using Value::Value;
    Component component(std::size_t n) const {
        return {part(encoding().delimiters.component, n - 1), encoding()};
    }
    std::size_t component_count() const { return count(encoding().delimiters.component); }
    /// '\0': the message has none.
    char escape_character() const { return encoding().delimiters.escape; }
};

class Field : public Value {
  public:
    using Value::Value;
    Repetition repetition(std::size_t n) const {
        return {part(encoding().delimiters.repetition, n), encoding()};
    }
    std::size_t repetition_count() const { return count(encoding().delimiters.repetition); }
    /// Component n of the first repetition.
    Component component(std::size_t n) const { return repetition(0).component(n); }
};

class Message;

/// One line of a message. Borrows the Message.
class Segment {
  public:
    Segment() = default;
    Segment(const Message& message, std::size_t index) : message_(&message), index_(index) {}

    /// False for a segment that was looked for and is not there; its fields are all empty.
    bool exists() const { return message_ != nullptr; }
    explicit operator bool() const { return exists(); }
    std::string_view id() const;
    std::string_view raw() const;
    /// Number of fields after the id; MSH-1 counts.
    std::size_t field_count() const;
    Field field(std::size_t n) const;
    /// Position in the message, from 0.
    std::size_t index() const { return index_; }

  private:
    const Message* message_ = nullptr;
    std::size_t index_ = 0;
};

/// A parsed message: one index over its fields, split further only where somebody looks. Reused for
/// message after message without allocating. One thread. Everything it gives out lives until the
/// next parse() and no longer than the text.
class Message {
  public:
    /// Borrows `text` (UTF-8). Errors: Malformed without a usable MSH-1 and MSH-2, TooLarge from 4
    /// GiB on.
    Result<void> parse(std::string_view text, Charset charset = Charset::Utf8);
    Result<void> parse(const DecodedText& decoded) { return parse(decoded.text, decoded.charset); }

    const Encoding& encoding() const { return encoding_; }
    std::string_view text() const { return text_; }
    std::size_t size() const { return segments_.size(); }
    Segment at(std::size_t index) const { return {*this, index}; }
    Segment msh() const { return {*this, 0}; }
    /// The n-th segment of that id, n from 0; none: a Segment that does not exist.
    Segment segment(std::string_view id, std::size_t n = 0) const;
    std::size_t count(std::string_view id) const;

    class Iterator {
      public:
        Iterator(const Message& message, std::size_t index) : message_(&message), index_(index) {}
        Segment operator*() const { return {*message_, index_}; }
        Iterator& operator++() {
            ++index_;
            return *this;
        }
        friend bool operator!=(Iterator a, Iterator b) { return a.index_ != b.index_; }

      private:
        const Message* message_;
        std::size_t index_;
    };
    Iterator begin() const { return {*this, 0}; }
    Iterator end() const { return {*this, segments_.size()}; }

  private:
    friend class Segment;
    struct Entry {
        std::uint32_t first;  // into starts_; the entry after the last field is where a next field
                              // would start
        std::uint32_t count;  // of fields, the id included
    };
    void index_text();
    void end_segment(std::size_t at, std::size_t next_start, std::size_t& used);
    void reserve_starts(std::size_t count);
    std::string_view piece(const Entry& entry, std::size_t n) const {
        const std::uint32_t from = starts_[entry.first + n];
        return text_.substr(from, starts_[entry.first + n + 1] - 1 - from);
    }

    std::string_view text_;
    Encoding encoding_;
    std::vector<std::uint32_t> starts_;
    std::vector<Entry> segments_;
    std::uint32_t open_first_ = 0;
    static const Encoding kNothing;
};

/// Reads MSH-1 and MSH-2 of a text that begins with MSH. Malformed when they can't structure a
/// message.
Result<Delimiters> read_delimiters(std::string_view text);

/// True when `text` begins with a segment id followed by the separator, a line end or nothing.
bool begins_segment(std::string_view text, char separator);

/// Walks over the segments of a text without indexing it; follows the same rules of line ends as
/// Message. Works on undecoded bytes too: line ends are trail bytes in no character set of table
/// 0211.
class SegmentWalk {
  public:
    SegmentWalk(std::string_view text, char separator) : text_(text), separator_(separator) {}
    /// Gives false at the end. Blank lines are not reported.
    bool next(std::string_view& segment);
    /// Where the next segment begins: everything before it has been walked over.
    std::size_t position() const { return at_; }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t carriage_return_ = 0;  ///< the first at or after at_, once searched for
    bool searched_ = false;
    char separator_;
};

}  // namespace vitalog::ingest::hl7
