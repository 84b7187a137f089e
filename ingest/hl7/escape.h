#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "ingest/hl7/charset.h"

namespace vitalog::ingest::hl7 {

/// The characters that structure a message, from MSH-1 and MSH-2.
struct Delimiters {
    char field = '|';
    char component = '^';
    char repetition = '~';
    char escape = '\\';       ///< '\0': the message has none
    char subcomponent = '&';  ///< '\0': the message has none
    char truncation = '\0';   ///< '#' from version 2.7 on

    friend bool operator==(const Delimiters&, const Delimiters&) = default;
};

/// How a message's text is to be read.
struct Encoding {
    Delimiters delimiters;
    Charset charset = Charset::Utf8;  ///< of the bytes in \Xhh..\ escapes
};

/// Undoes the escape sequences of HL7 2.7: \F\ \S\ \T\ \R\ \E\ \P\ and \Xhh..\ give characters,
/// \.br\ \.sp\ \.ce\ line ends, \.sk n\ spaces; indentation, fill and highlighting vanish;
/// \C..\ \M..\ \Z..\ and what is unknown or broken stay as they are. Gives `raw` itself when
/// nothing is escaped, else a view of `scratch`.
std::string_view unescape(std::string_view raw, const Encoding& encoding, std::string& scratch);

/// Writes `text` so that unescape() gives it back: delimiters, CR and LF are escaped.
std::string escape(std::string_view text, const Delimiters& delimiters);

/// Keeps unescaped texts alive until clear(). One thread.
class TextArena {
  public:
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
    std::string_view unescape(std::string_view raw, const Encoding& encoding);
    void clear() { texts_.clear(); }

  private:
    std::deque<std::string> texts_;
};

}  // namespace vitalog::ingest::hl7
