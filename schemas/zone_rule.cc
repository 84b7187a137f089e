#include "schemas/zone_rule.h"

#include <algorithm>

namespace vitalog::schemas {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDaySeconds = 24 * 60 * 60;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int year_of(std::int64_t utc_seconds) {
    return civil_from_days(floor_div(utc_seconds, kDaySeconds)).year;
}

}  // namespace

/// Takes the text apart from the left. After anything unexpected `ok` is false, for good.
struct ZoneRule::Reader {
    std::string_view text;
    bool ok = true;

    bool take(char c) {
        if (!text.starts_with(c)) return false;
        text.remove_prefix(1);
        return true;
    }
    int number(int most) {
        int value = 0;
        std::size_t digits = 0;
        for (; digits < text.size() && digits < 4 && is_digit(text[digits]); ++digits)
            value = value * 10 + (text[digits] - '0');
        text.remove_prefix(digits);
        ok = ok && digits > 0 && value <= most;
        return value;
    }
    void name() {
        std::size_t length = 0;
        if (take('<')) {
            length = text.find('>');
            ok = ok && length != std::string_view::npos && length > 0;
            if (ok) text.remove_prefix(length + 1);
            return;
        }
        const auto is_letter = [](char c) {
            return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        };
        while (length < text.size() && is_letter(text[length])) ++length;
        ok = ok && length >= 3;
        text.remove_prefix(length);
    }
    /// Seconds; hours of a change may reach a week each way (RFC 9636).
    int clock(int most_hours) {
        const bool negative = take('-');
        if (!negative) take('+');
        int seconds = number(most_hours) * 60 * 60;
        if (take(':')) seconds += number(59) * 60;
        if (take(':')) seconds += number(59);
        return negative ? -seconds : seconds;
    }
    Change change() {
        Change out;
        if (take('M')) {
            out.month = number(12);
            ok = ok && take('.');
            out.week = number(5);
            ok = ok && take('.') && out.month > 0 && out.week > 0;
            out.weekday = number(6);
        } else if (take('J')) {
            out.kind = Change::Kind::Julian;
            out.day = number(365);
            ok = ok && out.day > 0;
        } else {
            out.kind = Change::Kind::DayOfYear;
            out.day = number(365);
        }
        if (take('/')) out.seconds = clock(167);
        return out;
    }
};

Result<ZoneRule> ZoneRule::parse(std::string_view text) {
    ZoneRule rule;
    Reader in{text};
    const auto broken = [&] {
        return fail(Errc::Malformed, "'" + std::string(text) +
                                         "' is no rule of a zone: POSIX TZ such as CST-8, or an "
                                         "offset such as +08:00");
    };
    if (text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':') {
        rule.standard_ = rule.summer_ = in.clock(15);
        return in.ok && in.text.empty() ? Result<ZoneRule>(rule) : broken();
    }
    in.name();
    rule.standard_ = rule.summer_ = -in.clock(24);
    if (in.ok && !in.text.empty()) {
        in.name();
        rule.summer_ = in.text.starts_with(',') ? rule.standard_ + 60 * 60 : -in.clock(24);
        in.ok = in.ok && in.take(',');
        rule.begin_ = in.change();
        in.ok = in.ok && in.take(',');
        rule.end_ = in.change();
        rule.changes_ = true;
    }
    if (!in.ok || !in.text.empty()) return broken();
    return rule;
}

std::int64_t ZoneRule::wall_of(const Change& change, int year) {
    const std::int64_t january = days_from_civil(year, 1, 1);
    std::int64_t day = january + change.day;
    if (change.kind == Change::Kind::Julian) {
        // February 29 has no number of its own.
        day = january + change.day - 1 + (is_leap(year) && change.day >= 60 ? 1 : 0);
    } else if (change.kind == Change::Kind::Weekday) {
        const std::int64_t first = days_from_civil(year, static_cast<unsigned>(change.month), 1);
        const std::int64_t next =
            change.month == 12 ? days_from_civil(year + 1, 1, 1)
                               : days_from_civil(year, static_cast<unsigned>(change.month) + 1, 1);
        const std::int64_t weekday =
            ((first + 4) % 7 + 7) % 7;  // 0 Sunday; 1970-01-01 was a Thursday
        day = first + (change.weekday - weekday + 7) % 7 + (change.week - 1) * 7;
        if (day >= next) day -= 7;  // week 5 is the last one
    }
    return day * kDaySeconds + change.seconds;
}

int ZoneRule::offset_minutes_at(std::int64_t micros_utc) const {
    if (!changes_) return standard_ / 60;
    const std::int64_t at = floor_div(micros_utc, kSecond);
    const int year = year_of(at + standard_);
    const std::int64_t begin = wall_of(begin_, year) - standard_;
    const std::int64_t end = wall_of(end_, year) - summer_;
    const bool summer = begin < end ? at >= begin && at < end : at >= begin || at < end;
    return (summer ? summer_ : standard_) / 60;
}

std::int64_t ZoneRule::day_at(std::int64_t micros_utc) const {
    const std::int64_t local = floor_div(micros_utc, kSecond) + offset_minutes_at(micros_utc) * 60;
    return floor_div(local, kDaySeconds);
}

int ZoneRule::minute_at(std::int64_t micros_utc) const {
    const std::int64_t local = floor_div(micros_utc, kSecond) + offset_minutes_at(micros_utc) * 60;
    return static_cast<int>((local - floor_div(local, kDaySeconds) * kDaySeconds) / 60);
}

std::int64_t ZoneRule::instant_of(std::int64_t day, int minute) const {
    const std::int64_t local = day * kDaySeconds + std::int64_t{minute} * 60;
    const int ahead = std::max(standard_, summer_);
    const int behind = std::min(standard_, summer_);
    const std::int64_t early = (local - ahead) * kSecond;
    if (offset_minutes_at(early) * 60 == ahead) return early;
    const std::int64_t late = (local - behind) * kSecond;
    if (offset_minutes_at(late) * 60 == behind) return late;
    // Skipped: the clocks change at some moment between the two.
    std::int64_t before = early, after = late;
    while (after - before > kSecond) {
        const std::int64_t middle = before + (after - before) / 2;
        (offset_minutes_at(middle) * 60 == behind ? before : after) = middle;
    }
    return floor_div(after, kSecond) * kSecond;
}

Result<Zones> Zones::parse(std::string_view body) {
    Zones zones;
    for (std::size_t line = 1; !body.empty(); ++line) {
        const std::size_t end = std::min(body.find('\n'), body.size());
        const std::string_view text = body.substr(0, end);
        body.remove_prefix(std::min(end + 1, body.size()));
        if (text.empty()) continue;
        const std::size_t blank = text.find(' ');
        if (blank == std::string_view::npos || blank == 0)
            return fail(Errc::Malformed,
                        "zones, line " + std::to_string(line) + ": write NAME RULE");
        auto rule = ZoneRule::parse(text.substr(blank + 1));
        if (!rule)
            return fail(Errc::Malformed,
                        "zones, line " + std::to_string(line) + ": " + rule.error().message());
        zones.zones_.insert_or_assign(std::string(text.substr(0, blank)), *rule);
    }
    return zones;
}

std::optional<ZoneRule> Zones::find(std::string_view name) const {
    if (const auto found = zones_.find(name); found != zones_.end()) return found->second;
    if (name == "Asia/Shanghai") return *ZoneRule::parse("CST-8");
    if (name.starts_with('+') || name.starts_with('-'))
        if (const auto offset = ZoneRule::parse(name)) return *offset;
    return std::nullopt;
}

}  // namespace vitalog::schemas
