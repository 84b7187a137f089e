#include "ingest/hl7/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <simdjson.h>

namespace vitalog::ingest::hl7 {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::size_t kCharsetCount = 18;
constexpr std::size_t kCharsetField = 18;

struct CharsetEntry {
    std::string_view name;  // table 0211
    const char* iconv;      // glibc's name of the set that holds at least all of it
};

constexpr std::array<CharsetEntry, kCharsetCount> kCharsets{{
    {"ASCII", "ASCII"},
    {"UNICODE UTF-8", "UTF-8"},
    {"GB 18030-2000", "GB18030"},
    {"BIG-5", "BIG5-HKSCS"},
    {"CNS 11643-1992", "EUC-TW"},
    {"KS X 1001", "UHC"},
    {"ISO IR87", "ISO-2022-JP-2"},
    {"ISO IR14", "CP932"},  // JIS X 0201 with the delimiters where ASCII has them
    {"8859/1", "ISO-8859-1"},
    {"8859/2", "ISO-8859-2"},
    {"8859/3", "ISO-8859-3"},
    {"8859/4", "ISO-8859-4"},
    {"8859/5", "ISO-8859-5"},
    {"8859/6", "ISO-8859-6"},
    {"8859/7", "ISO-8859-7"},
    {"8859/8", "ISO-8859-8"},
    {"8859/9", "ISO-8859-9"},
    {"8859/15", "ISO-8859-15"},
}};

struct Alias {
    std::string_view name;  // upper case, letters and digits only
    Charset charset;
};

constexpr std::array kAliases = std::to_array<Alias>({
    {"ASCII", Charset::Ascii},         {"USASCII", Charset::Ascii},
    {"ISOIR6", Charset::Ascii},        {"UTF8", Charset::Utf8},
    {"UNICODE", Charset::Utf8},        {"UNICODEUTF8", Charset::Utf8},
    {"GB18030", Charset::Gb18030},     {"GB180302000", Charset::Gb18030},
    {"GB180302005", Charset::Gb18030}, {"GB180302022", Charset::Gb18030},
    {"GBK", Charset::Gb18030},         {"GB2312", Charset::Gb18030},
    {"GB231280", Charset::Gb18030},    {"CP936", Charset::Gb18030},
    {"BIG5", Charset::Big5},           {"CNS116431992", Charset::EucTw},
    {"EUCTW", Charset::EucTw},         {"KSX1001", Charset::Korean},
    {"EUCKR", Charset::Korean},        {"ISOIR87", Charset::Iso2022Jp},
    {"ISOIR159", Charset::Iso2022Jp},  {"JISX0202", Charset::Iso2022Jp},
    {"JAS2020", Charset::Iso2022Jp},   {"ISO2022JP", Charset::Iso2022Jp},
    {"ISOIR14", Charset::JisX0201},    {"SHIFTJIS", Charset::JisX0201},
    {"88591", Charset::Latin1},        {"88592", Charset::Latin2},
    {"88593", Charset::Latin3},        {"88594", Charset::Latin4},
    {"88595", Charset::Cyrillic},      {"88596", Charset::Arabic},
    {"88597", Charset::Greek},         {"88598", Charset::Hebrew},
    {"88599", Charset::Latin5},        {"885915", Charset::Latin9},
    {"ISOIR100", Charset::Latin1},
});

const CharsetEntry& entry(Charset charset) {
    return kCharsets[static_cast<std::size_t>(charset)];
}

std::string squeezed(std::string_view name) {
    std::string key;
    for (const char c : name) {
        if (c >= 'a' && c <= 'z') key.push_back(static_cast<char>(c - 'a' + 'A'));
        if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) key.push_back(c);
    }
    if (key.starts_with("ISO8859")) key.erase(0, 3);
    return key;
}

bool is_ascii(std::string_view bytes) {
    std::uint64_t seen = 0;
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + i, 8);
        seen |= word;
    }
    for (; i < bytes.size(); ++i) seen |= static_cast<std::uint8_t>(bytes[i]);
    return (seen & 0x8080808080808080ULL) == 0;
}

/// ASCII bytes mean themselves in every set, but for the escape sequences of ISO 2022.
bool means_itself(std::string_view bytes, Charset charset) {
    return is_ascii(bytes) &&
           (charset != Charset::Iso2022Jp || bytes.find('\x1b') == std::string_view::npos);
}

bool is_lead_byte(char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte >= 0x81 && byte <= 0xFE;
}

/// Field n of the MSH line, split on bytes; with `wide`, the byte after a lead byte of GBK is never
/// a separator.
std::string_view msh_field(std::string_view line, std::size_t n, bool wide) {
    if (line.size() < 4) return {};
    const char separator = line[3];
    std::size_t field = 1;
    std::size_t begin = 4;
    for (std::size_t i = 4; i <= line.size(); ++i) {
        const bool at_end = i == line.size();
        if (!at_end && wide && is_lead_byte(line[i])) {
            ++i;
            continue;
        }
        if (!at_end && line[i] != separator) continue;
        if (++field == n) return line.substr(begin, i - begin);
        begin = i + 1;
    }
    return {};
}

std::string_view msh_line(std::string_view bytes) {
    const std::size_t start = bytes.find_first_not_of(std::string_view(" \r\n\t\0", 5));
    if (start == std::string_view::npos || bytes.compare(start, 3, "MSH") != 0) return {};
    return bytes.substr(start, bytes.find_first_of("\r\n", start) - start);
}

/// MSH-18 may repeat: the first is the default, the others are switched to by ISO 2022 escapes.
Result<std::optional<Charset>> charset_of_field(std::string_view field, char repetition) {
    std::optional<Charset> charset;
    while (!field.empty()) {
        const std::size_t end = std::min(field.find(repetition), field.size());
        const std::string_view name = field.substr(0, end);
        field.remove_prefix(std::min(end + 1, field.size()));
        if (name.empty() || name == "\"\"") continue;
        VITALOG_TRY(const Charset named, charset_named(name));
        if (!charset || named == Charset::Iso2022Jp) charset = named;
    }
    return charset;
}

Result<std::optional<Charset>> declared_charset(std::string_view bytes) {
    const std::string_view line = msh_line(bytes);
    const char repetition = line.size() > 5 ? line[5] : '~';
    auto declared = charset_of_field(msh_field(line, kCharsetField, false), repetition);
    if (declared || is_ascii(line) || simdjson::validate_utf8(line.data(), line.size()))
        return declared;
    // A trail byte that looks like a separator has shifted the fields.
    return charset_of_field(msh_field(line, kCharsetField, true), repetition);
}

/// One direction of iconv for one set.
class Converter {
  public:
    Converter(const char* to, const char* from) : handle_(iconv_open(to, from)) {}
    ~Converter() {
        if (is_open()) iconv_close(handle_);
    }
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;

    bool is_open() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

    /// Fills `out`; gives the offset of the first byte that could not be converted, or nothing.
    std::optional<std::size_t> convert(std::string_view in, std::string& out) {
        iconv(handle_, nullptr, nullptr, nullptr, nullptr);
        out.resize(in.size() + in.size() / 2 + 16);
        char* from = const_cast<char*>(in.data());  // iconv's signature predates const
        std::size_t from_left = in.size();
        std::size_t written = 0;
        bool flushing = false;
        while (true) {
            char* to = out.data() + written;
            std::size_t to_left = out.size() - written;
            const std::size_t rc = flushing ? iconv(handle_, nullptr, nullptr, &to, &to_left)
                                            : iconv(handle_, &from, &from_left, &to, &to_left);
            written = out.size() - to_left;
            if (rc != static_cast<std::size_t>(-1)) {
                if (flushing) break;
                flushing = true;
            } else if (errno == E2BIG) {
                out.resize(out.size() * 2);
            } else {
                return in.size() - from_left;
            }
        }
        out.resize(written);
        return std::nullopt;
    }

  private:
    iconv_t handle_;
};

tl::unexpected<Error> undecodable(Charset charset, std::size_t at) {
    return fail(Errc::Malformed, "undecodable character set: the byte at offset " +
                                     std::to_string(at) + " is not " +
                                     std::string(to_string(charset)) +
                                     "; correct MSH-18 or set hl7.charset for the endpoint");
}

}  // namespace

Result<Charset> charset_named(std::string_view name) {
    const std::string key = squeezed(name);
    for (const auto& alias : kAliases)
        if (alias.name == key) return alias.charset;
    return fail(Errc::Unsupported, "undecodable character set: '" + std::string(name) +
                                       "' is not one of HL7 table 0211 that can travel over MLLP");
}

std::string_view to_string(Charset charset) {
    return entry(charset).name;
}

Result<std::optional<Charset>> charset_setting(std::string_view value) {
    if (value.empty() || value == "auto") return std::optional<Charset>();
    auto charset = charset_named(value);
    if (!charset)
        return fail(
            Errc::Configuration,
            "hl7.charset is '" + std::string(value) +
                "'; use auto or a name of HL7 table 0211 such as UNICODE UTF-8 or GB 18030-2000");
    return std::optional<Charset>(*charset);
}

class Decoder::Converters {
  public:
    Converter& to_utf8(Charset charset) {
        return open(decoders_, charset, "UTF-8", entry(charset).iconv);
    }
    Converter& from_utf8(Charset charset) {
        return open(encoders_, charset, entry(charset).iconv, "UTF-8");
    }

  private:
    using Slots = std::array<std::unique_ptr<Converter>, kCharsetCount>;
    static Converter& open(Slots& slots, Charset charset, const char* to, const char* from) {
        auto& slot = slots[static_cast<std::size_t>(charset)];
        if (!slot) slot = std::make_unique<Converter>(to, from);
        return *slot;
    }
    Slots decoders_;
    Slots encoders_;
};

Decoder::Decoder(std::optional<Charset> fixed)
    : fixed_(fixed), converters_(std::make_unique<Converters>()) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Result<DecodedText> Decoder::decode(std::string_view bytes) {
    std::optional<Charset> charset = fixed_;
    const bool marked = bytes.starts_with(kUtf8Mark);
    if (marked) {
        bytes.remove_prefix(kUtf8Mark.size());
        if (!charset) charset = Charset::Utf8;
    }
    if (!charset) {
        VITALOG_TRY(charset, declared_charset(bytes));
    }
    if (!charset) {
        charset =
            simdjson::validate_utf8(bytes.data(), bytes.size()) ? Charset::Utf8 : Charset::Gb18030;
        if (*charset == Charset::Utf8) return DecodedText{bytes, *charset};
    }
    if (means_itself(bytes, *charset)) return DecodedText{bytes, *charset};
    if (*charset == Charset::Utf8 && simdjson::validate_utf8(bytes.data(), bytes.size()))
        return DecodedText{bytes, *charset};
    Converter& converter = converters_->to_utf8(*charset);
    if (!converter.is_open())
        return fail(Errc::Unsupported,
                    "undecodable character set: this machine's C library has no converter for " +
                        std::string(to_string(*charset)));
    if (const auto at = converter.convert(bytes, buffer_)) return undecodable(*charset, *at);
    std::string_view text = buffer_;
    if (text.starts_with(kUtf8Mark)) text.remove_prefix(kUtf8Mark.size());
    return DecodedText{text, *charset};
}

std::string Decoder::encode(std::string_view utf8, Charset charset) {
    if (charset == Charset::Utf8 || is_ascii(utf8)) return std::string(utf8);
    std::string out;
    Converter& converter = converters_->from_utf8(charset);
    if (converter.is_open() && !converter.convert(utf8, out)) return out;
    std::string plain;
    for (const char c : utf8) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (byte < 0x80) plain.push_back(c);
        if (byte >= 0xC0) plain.push_back('?');
    }
    return plain;
}

std::optional<std::string> decode_bytes(std::string_view bytes, Charset charset) {
    if (means_itself(bytes, charset)) return std::string(bytes);
    Converter converter("UTF-8", entry(charset).iconv);
    std::string out;
    if (!converter.is_open() || converter.convert(bytes, out)) return std::nullopt;
    return out;
}

}  // namespace vitalog::ingest::hl7
