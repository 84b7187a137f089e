#include "ingest/intake/document.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace vitalog::ingest {
namespace {

constexpr std::size_t kPiece = 48 * 1024;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_mime_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '+';
    });
}

/// What a subtype of table 0291, or a file's usual ending, stands for.
std::string_view mime_of_subtype(std::string_view subtype) {
    static constexpr auto kKnown = std::to_array<std::pair<std::string_view, std::string_view>>(
        {{"pdf", "application/pdf"},
         {"rtf", "application/rtf"},
         {"richtext", "text/richtext"},
         {"html", "text/html"},
         {"sgml", "text/sgml"},
         {"xml", "application/xml"},
         {"x-hl7-cda-level-one", "application/xml"},
         {"json", "application/json"},
         {"dicom", "application/dicom"},
         {"dicm", "application/dicom"},
         {"jpeg", "image/jpeg"},
         {"jpg", "image/jpeg"},
         {"png", "image/png"},
         {"gif", "image/gif"},
         {"tiff", "image/tiff"},
         {"tif", "image/tiff"},
         {"bmp", "image/bmp"},
         {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
         {"doc", "application/msword"},
         {"plain", "text/plain"},
         {"txt", "text/plain"}});
    for (const auto& [known, mime] : kKnown)
        if (known == subtype) return mime;
    return {};
}

/// Digits of Base64 or Hex in groups; what breaks lines is skipped.
class Digits {
  public:
    Digits(std::string_view raw, char escape) : raw_(raw), escape_(escape) {}

    /// The next digit, or '\0' at the end.
    char next() {
        while (at_ < raw_.size()) {
            const char c = raw_[at_++];
            if (c == ' ' || c == '\r' || c == '\n' || c == '\t') continue;
            if (c != escape_ || escape_ == '\0') return c;
            const std::size_t end = raw_.find(escape_, at_);
            if (end == std::string_view::npos) return c;
            at_ = end + 1;
        }
        return '\0';
    }

  private:
    std::string_view raw_;
    char escape_;
    std::size_t at_ = 0;
};

constexpr auto kBase64Values = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (int i = 0; i < 26; ++i) {
        values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(i);
        values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(26 + i);
    }
    for (int i = 0; i < 10; ++i)
        values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(52 + i);
    values['+'] = 62;
    values['/'] = 63;
    return values;
}();

/// Collects decoded bytes into pieces.
class Pieces {
  public:
    explicit Pieces(const TakeBytes& take) : take_(take) { piece_.reserve(kPiece + 4); }
    Result<void> push(char byte) {
        piece_.push_back(byte);
        return piece_.size() < kPiece ? Result<void>() : flush();
    }
    Result<void> flush() {
        if (piece_.empty()) return {};
        auto taken = take_(piece_);
        piece_.clear();
        return taken;
    }

  private:
    const TakeBytes& take_;
    std::string piece_;
};

tl::unexpected<Error> not_encoded(std::string_view encoding) {
    return fail(Errc::Malformed,
                "component 5 is not " + std::string(encoding) + ", as component 4 says it is");
}

Result<void> decode_base64(Digits digits, const TakeBytes& take) {
    Pieces pieces(take);
    std::uint32_t bits = 0;
    int count = 0;
    char c = digits.next();
    for (; c != '\0' && c != '='; c = digits.next()) {
        const int value = kBase64Values[static_cast<std::uint8_t>(c)];
        if (value < 0) return not_encoded("Base64");
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if (++count < 4) continue;
        for (int shift = 16; shift >= 0; shift -= 8)
            VITALOG_CHECK(pieces.push(static_cast<char>(bits >> shift)));
        bits = 0;
        count = 0;
    }
    for (; c == '='; c = digits.next()) {
    }
    if (c != '\0' || count == 1) return not_encoded("Base64");
    if (count >= 2) VITALOG_CHECK(pieces.push(static_cast<char>(bits >> (count == 2 ? 4 : 10))));
    if (count == 3) VITALOG_CHECK(pieces.push(static_cast<char>(bits >> 2)));
    return pieces.flush();
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

Result<void> decode_hex(Digits digits, const TakeBytes& take) {
    Pieces pieces(take);
    for (char high = digits.next(); high != '\0'; high = digits.next()) {
        const int upper = hex_value(high);
        const int low = hex_value(digits.next());
        if (upper < 0 || low < 0) return not_encoded("Hex");
        VITALOG_CHECK(pieces.push(static_cast<char>(upper << 4 | low)));
    }
    return pieces.flush();
}

}  // namespace

std::string content_type(const hl7::Repetition& ed) {
    std::string scratch;
    const std::string kind = lower(ed.component(2).text(scratch));
    const std::string subtype = lower(ed.component(3).text(scratch));
    if (const std::size_t slash = kind.find('/');
        slash != std::string::npos && is_mime_word(std::string_view(kind).substr(0, slash)) &&
        is_mime_word(std::string_view(kind).substr(slash + 1)))
        return kind;
    static constexpr std::array<std::string_view, 6> kMimeKinds{
        "application", "image", "text", "audio", "video", "multipart"};
    const bool mime = std::find(kMimeKinds.begin(), kMimeKinds.end(), kind) != kMimeKinds.end();
    if (const auto known = mime_of_subtype(subtype); !known.empty()) return std::string(known);
    if (mime && is_mime_word(subtype)) return kind + "/" + subtype;
    if (kind == "text" || kind == "tx" || kind == "ft") return "text/plain";
    return "application/octet-stream";
}

Result<void> decode_document(const hl7::Repetition& ed, const TakeBytes& take) {
    std::string scratch;
    const std::string encoding = lower(ed.component(4).text(scratch));
    const hl7::Component data = ed.component(5);
    const Digits digits(data.raw(), ed.escape_character());
    if (encoding == "base64") return decode_base64(digits, take);
    if (encoding == "hex") return decode_hex(digits, take);
    if (encoding.empty() || encoding == "a") return take(data.text(scratch));
    return fail(Errc::Unsupported,
                "component 4 '" + encoding + "' is no encoding that is read; use Base64, Hex or A");
}

Result<DocumentDigest> digest_document(const hl7::Repetition& ed) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    DocumentDigest digest;
    bool hashing = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
    VITALOG_CHECK(decode_document(ed, [&](std::string_view bytes) -> Result<void> {
        hashing = hashing && EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1;
        digest.size += static_cast<std::int64_t>(bytes.size());
        return {};
    }));
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned length = 0;
    hashing = hashing && EVP_DigestFinal_ex(context.get(), hash.data(), &length) == 1;
    VITALOG_ASSERT(hashing, "SHA-256 is not available");
    static constexpr char kHex[] = "0123456789abcdef";
    for (unsigned i = 0; i < length; ++i) {
        digest.sha256.push_back(kHex[hash[i] >> 4]);
        digest.sha256.push_back(kHex[hash[i] & 15]);
    }
    return digest;
}

void for_each_document(const hl7::Message& message,
                       const std::function<void(const hl7::Repetition&)>& visit) {
    for (const hl7::Segment segment : message) {
        if (segment.id() != "OBX" || segment.field(2).raw() != "ED") continue;
        const hl7::Repetition ed = segment.field(5).repetition(0);
        if (ed.component(5).has_value()) visit(ed);
    }
}

}  // namespace vitalog::ingest
