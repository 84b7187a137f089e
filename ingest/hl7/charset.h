#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog::ingest::hl7 {

/// The character sets of HL7 table 0211 that can travel over MLLP.
enum class Charset : std::uint8_t {
    Ascii,
    Utf8,
    Gb18030,
    Big5,
    EucTw,
    Korean,
    Iso2022Jp,
    JisX0201,
    Latin1,
    Latin2,
    Latin3,
    Latin4,
    Cyrillic,
    Arabic,
    Greek,
    Hebrew,
    Latin5,
    Latin9,
};

/// Reads a name of table 0211 ("GB 18030-2000", "UNICODE UTF-8", "8859/1") or its usual IANA
/// spelling ("GBK", "utf-8"). UNICODE, which the standard deprecates, is taken as UTF-8.
/// Unsupported for UTF-16 and UTF-32, whose bytes collide with MLLP's, and for names that nobody
/// registered.
Result<Charset> charset_named(std::string_view name);
/// The name in table 0211.
std::string_view to_string(Charset charset);

/// Text and the character set it came in.
struct DecodedText {
    std::string_view text;  ///< UTF-8
    Charset charset = Charset::Utf8;
};

/// Turns a message's bytes into UTF-8 before anything is split: the trail bytes of GB 18030 and
/// Big5 collide with | \ ^ and ~. One thread; the text lives until the next decode, or as long as
/// `bytes` where nothing had to change.
class Decoder {
  public:
    /// `fixed`: the endpoint's character set, used whatever MSH-18 says. Without it: MSH-18, else
    /// UTF-8 if valid, else GB 18030.
    explicit Decoder(std::optional<Charset> fixed = std::nullopt);
    ~Decoder();
    Decoder(Decoder&&) noexcept;
    Decoder& operator=(Decoder&&) noexcept;

    /// Strips a byte order mark. Errors: Malformed where the bytes are not of the character set,
    /// Unsupported where MSH-18 names none that we know.
    Result<DecodedText> decode(std::string_view bytes);
    /// The other way, for answers. Characters that the set lacks become '?'.
    std::string encode(std::string_view utf8, Charset charset);

  private:
    class Converters;
    std::optional<Charset> fixed_;
    std::unique_ptr<Converters> converters_;
    std::string buffer_;
};

/// Reads the setting hl7.charset: "auto" gives nothing, else charset_named().
Result<std::optional<Charset>> charset_setting(std::string_view value);

/// Decodes a few bytes that were given as \Xhh..\. Nothing when they are not of the character set.
std::optional<std::string> decode_bytes(std::string_view bytes, Charset charset);

}  // namespace vitalog::ingest::hl7
