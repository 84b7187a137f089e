#include "tests/support/scenario_script.h"

#include <fmt/format.h>

#include <charconv>

namespace vitalog::tests {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

/// Midnight of day 1, in micros since the epoch.
std::int64_t first_midnight() {
    return days_from_civil(2026, 3, 2) * kDay - site_time::kOffsetMinutes * kMinute;
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// "HH:MM[:SS]" as micros since midnight.
std::optional<std::int64_t> clock_time(std::string_view text) {
    if (text.size() != 5 && text.size() != 8) return std::nullopt;
    const auto hours = number(text.substr(0, 2));
    const auto minutes = number(text.substr(3, 2));
    const auto seconds =
        text.size() == 8 ? number(text.substr(6, 2)) : std::optional(std::int64_t{0});
    if (!hours || !minutes || !seconds || text[2] != ':' || (text.size() == 8 && text[5] != ':') ||
        *hours > 23 || *minutes > 59 || *seconds > 59)
        return std::nullopt;
    return *hours * 60 * kMinute + *minutes * kMinute + *seconds * kSecond;
}

bool is_name(std::string_view text) {
    if (text.empty()) return false;
    for (const char c : text)
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    return text.front() >= 'a' && text.front() <= 'z';
}

/// Cuts a line into words; quotes hold blanks together and are dropped.
Result<std::vector<std::string>> cut(std::string_view line) {
    std::vector<std::string> pieces;
    bool quoted = false;
    bool open = false;
    for (const char c : line) {
        if (c == '"') {
            quoted = !quoted;
            if (!open) pieces.emplace_back();
            open = true;
        } else if (c == ' ' && !quoted) {
            open = false;
        } else {
            if (!open) pieces.emplace_back();
            open = true;
            pieces.back().push_back(c);
        }
    }
    if (quoted) return fail(Errc::Malformed, "a quote is not closed");
    return pieces;
}

Word word_of(std::string_view piece) {
    const std::size_t sign = piece.find_first_of("=~");
    if (sign == std::string_view::npos || !is_name(piece.substr(0, sign)))
        return {{}, std::string(piece), false};
    return {std::string(piece.substr(0, sign)), std::string(piece.substr(sign + 1)),
            piece[sign] == '~'};
}

/// Builds a Script line by line.
class Parser {
  public:
    Result<void> line(std::string_view text) {
        ++number_;
        if (in_block_) return block_line(text);
        while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
        if (text.empty()) return {};
        if (text.front() == '#') {
            if (script.promise.empty())
                script.promise = text.substr(std::min<std::size_t>(2, text.size()));
            return {};
        }
        auto done = statement(text);
        if (!done)
            return fail(done.error().code(),
                        fmt::format("line {}: {}", number_, done.error().message()));
        return {};
    }

    Result<void> finish() const {
        if (in_block_) return fail(Errc::Malformed, "the last block has no EOF");
        if (script.promise.empty())
            return fail(Errc::Malformed,
                        "the first line must be a comment that says what is promised");
        for (const auto& line : script.lines)
            if (line.verb == Verb::Expect || line.verb == Verb::Nothing) return {};
        return fail(Errc::Malformed, "nothing is expected");
    }

    Script script;

  private:
    Result<void> block_line(std::string_view text) {
        if (text == "EOF") {
            in_block_ = false;
            return {};
        }
        script.lines.back().block.append(text).push_back('\n');
        return {};
    }

    Result<void> statement(std::string_view text) {
        VITALOG_TRY(auto pieces, cut(text));
        Line line;
        line.number = number_;
        line.text = text;
        std::size_t next = 0;
        VITALOG_CHECK(take_time(pieces, next));
        line.at = at_;
        if (next == pieces.size())
            return fail(Errc::Malformed, "a time alone says nothing; write 'wait' behind it");
        const bool timed = next > 0;
        const std::string verb = pieces[next++];
        const bool has_kind = verb == "in" || verb == "and" || verb == "expect";
        if (has_kind && next == pieces.size()) return fail(Errc::Malformed, "'" + verb + "' what?");
        if (timed && verb != "in" && verb != "wait")
            return fail(Errc::Malformed, "after a time comes 'in' or 'wait', not '" + verb + "'");
        if (!timed && (verb == "in" || verb == "wait"))
            return fail(Errc::Malformed, "'" + verb + "' needs a time before it");
        if (has_kind) line.kind = pieces[next++];
        if (verb == "in")
            line.verb = Verb::Input;
        else if (verb == "and")
            line.verb = Verb::More;
        else if (verb == "wait")
            line.verb = Verb::Wait;
        else if (verb == "crash")
            line.verb = Verb::Crash;
        else if (verb == "setting")
            line.verb = Verb::Setting;
        else if (verb == "expect")
            line.verb = line.kind == "nothing" ? Verb::Nothing : Verb::Expect;
        else
            return fail(Errc::Malformed, "no line begins with '" + verb + "'");
        if (next < pieces.size() && pieces.back() == "<<EOF") {
            pieces.pop_back();
            in_block_ = true;
        }
        for (; next < pieces.size(); ++next)
            line.words.push_back(line.verb == Verb::Setting ? Word{{}, pieces[next], false}
                                                            : word_of(pieces[next]));
        script.lines.push_back(std::move(line));
        return {};
    }

    Result<void> take_time(const std::vector<std::string>& pieces, std::size_t& next) {
        std::string time;
        if (pieces.size() > 2 && pieces[0] == "day")
            time = "day " + pieces[1] + " " + pieces[2];
        else if (clock_time(pieces[0]))
            time = pieces[0];
        if (time.empty()) return {};
        VITALOG_TRY(const ReceivedTime at, site_time::parse(time, at_));
        if (at < at_ && timed_) return fail(Errc::Malformed, "time runs forward only: " + time);
        at_ = at;
        timed_ = true;
        next = pieces[0] == "day" ? 3 : 1;
        return {};
    }

    ReceivedTime at_ = site_time::start();
    bool timed_ = false;
    bool in_block_ = false;
    int number_ = 0;
};

}  // namespace

const Word* Line::find(std::string_view name) const {
    for (const auto& word : words)
        if (word.name == name) return &word;
    return nullptr;
}

std::string Line::value(std::string_view name, std::string_view otherwise) const {
    const Word* word = find(name);
    return word == nullptr ? std::string(otherwise) : word->value;
}

std::string Line::bare(std::size_t n) const {
    for (const auto& word : words)
        if (word.name.empty() && n-- == 0) return word.value;
    return {};
}

Result<Script> Script::parse(std::string_view text) {
    Parser parser;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        VITALOG_CHECK(parser.line(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    VITALOG_CHECK(parser.finish());
    return std::move(parser.script);
}

namespace site_time {

ReceivedTime start() {
    return ReceivedTime(first_midnight() + 8 * 60 * kMinute);
}

Result<ReceivedTime> parse(std::string_view text, ReceivedTime from) {
    const std::string whole(text);
    if (text.starts_with('-') || text.starts_with('+')) {
        VITALOG_TRY(const auto by, parse_duration(text.substr(1)));
        return text.front() == '-' ? from - by : from + by;
    }
    std::int64_t day = (from.micros() - first_midnight()) / kDay;
    if (text.starts_with("day ")) {
        const std::size_t blank = text.find(' ', 4);
        const auto said = number(text.substr(4, std::min(blank, text.size()) - 4));
        if (!said || blank == std::string_view::npos)
            return fail(Errc::Malformed, "'" + whole + "' must look like 'day 3 08:00'");
        day = *said - 1;
        text.remove_prefix(blank + 1);
    }
    const auto time = clock_time(text);
    if (!time)
        return fail(Errc::Malformed,
                    "'" + whole + "' must look like 08:00, 'day 3 08:00', -80h or +5m");
    return ReceivedTime(first_midnight() + day * kDay + *time);
}

std::string text(std::int64_t micros) {
    const std::int64_t since = micros - first_midnight();
    const std::int64_t day = since >= 0 ? since / kDay : -((-since + kDay - 1) / kDay);
    const std::int64_t rest = since - day * kDay;
    std::string out =
        fmt::format("day {} {:02}:{:02}", day + 1, rest / (60 * kMinute), rest / kMinute % 60);
    if (rest % kMinute != 0) out += fmt::format(":{:02}", rest / kSecond % 60);
    if (rest % kSecond != 0) out += fmt::format(".{:06}", rest % kSecond);
    return out;
}

std::string hl7(ReceivedTime at) {
    const std::int64_t local = at.micros() + kOffsetMinutes * kMinute;
    const Date date = civil_from_days(local / kDay);
    const std::int64_t second = local % kDay / kSecond;
    return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", static_cast<int>(date.year),
                       static_cast<unsigned>(date.month), static_cast<unsigned>(date.day),
                       second / 3600, second / 60 % 60, second % 60);
}

}  // namespace site_time
}  // namespace vitalog::tests
