#include "ingest/hl7/escape.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace vitalog::ingest::hl7 {
namespace {

constexpr std::size_t kRepeatMax =
    100;  // of \.sp n\ and \.sk n\, so that a small escape stays a small text

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool append_hex(std::string_view digits, std::string& bytes) {
    if (digits.empty() || digits.size() % 2 != 0) return false;
    const std::size_t size_before = bytes.size();
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const int high = hex_digit(digits[i]);
        const int low = hex_digit(digits[i + 1]);
        if (high < 0 || low < 0) {
            bytes.resize(size_before);
            return false;
        }
        bytes.push_back(static_cast<char>(high * 16 + low));
    }
    return true;
}

std::size_t repeat_of(std::string_view number, std::size_t otherwise) {
    while (!number.empty() && (number.front() == ' ' || number.front() == '+'))
        number.remove_prefix(1);
    std::size_t value = otherwise;
    std::from_chars(number.data(), number.data() + number.size(), value);
    return std::min(value, kRepeatMax);
}

/// Formatting commands of FT fields (2.7.6 of the standard's chapter 2).
bool append_formatting(std::string_view body, std::string& out) {
    const std::string_view command = body.substr(0, 3);
    if (command == ".br" || command == ".ce") {
        out.push_back('\n');
    } else if (command == ".sp") {
        out.append(repeat_of(body.substr(3), 1), '\n');
    } else if (command == ".sk") {
        out.append(repeat_of(body.substr(3), 1), ' ');
    } else {
        return command == ".in" || command == ".ti" || command == ".fi" || command == ".nf";
    }
    return true;
}

std::optional<char> delimiter_of(std::string_view body, const Delimiters& delimiters) {
    if (body.size() != 1) return std::nullopt;
    switch (body.front()) {
        case 'F':
            return delimiters.field;
        case 'S':
            return delimiters.component;
        case 'T':
            return delimiters.subcomponent == '\0' ? '&' : delimiters.subcomponent;
        case 'R':
            return delimiters.repetition;
        case 'E':
            return delimiters.escape;
        case 'P':
            return delimiters.truncation == '\0' ? '#' : delimiters.truncation;
        default:
            return std::nullopt;
    }
}

/// Walks over one text; remembers a run of \X..\ escapes, whose bytes may form one character
/// together.
class Unescaper {
  public:
    Unescaper(std::string_view raw, const Encoding& encoding, std::string& out)
        : raw_(raw), encoding_(encoding), out_(out) {}

    void run() {
        const char escape = encoding_.delimiters.escape;
        std::size_t at = 0;
        while (at < raw_.size()) {
            const std::size_t open = raw_.find(escape, at);
            if (open != at) {
                end_hex(at);
                out_.append(raw_.substr(at, open == std::string_view::npos ? open : open - at));
            }
            if (open == std::string_view::npos) break;
            const std::size_t close = raw_.find(escape, open + 1);
            if (close == std::string_view::npos) {
                end_hex(open);
                out_.append(raw_.substr(open));
                return;
            }
            at = sequence(open, close);
        }
        end_hex(raw_.size());
    }

  private:
    /// Handles \body\ and gives where to go on.
    std::size_t sequence(std::size_t open, std::size_t close) {
        const std::string_view body = raw_.substr(open + 1, close - open - 1);
        if (body.starts_with('X') && append_hex(body.substr(1), bytes_)) {
            if (!in_hex_) hex_begin_ = open;
            in_hex_ = true;
            return close + 1;
        }
        end_hex(open);
        if (const auto delimiter = delimiter_of(body, encoding_.delimiters)) {
            out_.push_back(*delimiter);
        } else if (body == "H" || body == "N") {
            return close + 1;
        } else if (body.starts_with('.') && append_formatting(body, out_)) {
            return close + 1;
        } else {
            // Not a sequence: a lone escape character. The next one may begin a real one.
            out_.append(raw_.substr(open, close - open));
            return is_known_verbatim(body) ? keep_close(close) : close;
        }
        return close + 1;
    }

    static bool is_known_verbatim(std::string_view body) {
        return !body.empty() && body.find(' ') == std::string_view::npos &&
               std::string_view("CMZX.").find(body.front()) != std::string_view::npos;
    }
    std::size_t keep_close(std::size_t close) {
        out_.push_back(raw_[close]);
        return close + 1;
    }

    void end_hex(std::size_t end) {
        if (!in_hex_) return;
        if (const auto text = decode_bytes(bytes_, encoding_.charset)) {
            out_.append(*text);
        } else {
            out_.append(raw_.substr(hex_begin_, end - hex_begin_));
        }
        bytes_.clear();
        in_hex_ = false;
    }

    std::string_view raw_;
    const Encoding& encoding_;
    std::string& out_;
    std::string bytes_;
    std::size_t hex_begin_ = 0;
    bool in_hex_ = false;
};

}  // namespace

std::string_view unescape(std::string_view raw, const Encoding& encoding, std::string& scratch) {
    const char escape = encoding.delimiters.escape;
    if (escape == '\0' || raw.find(escape) == std::string_view::npos) return raw;
    scratch.clear();
    Unescaper(raw, encoding, scratch).run();
    return scratch;
}

std::string escape(std::string_view text, const Delimiters& delimiters) {
    if (delimiters.escape == '\0') return std::string(text);
    std::string out;
    for (const char c : text) {
        std::string_view code;
        if (c == delimiters.field) code = "F";
        if (c == delimiters.component) code = "S";
        if (c == delimiters.repetition) code = "R";
        if (c == delimiters.escape) code = "E";
        if (c == delimiters.subcomponent && c != '\0') code = "T";
        if (c == '\r') code = "X0D";
        if (c == '\n') code = "X0A";
        if (code.empty()) {
            out.push_back(c);
        } else {
            out.append(1, delimiters.escape).append(code).append(1, delimiters.escape);
        }
    }
    return out;
}

std::string_view TextArena::unescape(std::string_view raw, const Encoding& encoding) {
    const char escape = encoding.delimiters.escape;
    if (escape == '\0' || raw.find(escape) == std::string_view::npos) return raw;
    std::string text;
    return keep(std::string(hl7::unescape(raw, encoding, text)));
}

}  // namespace vitalog::ingest::hl7
