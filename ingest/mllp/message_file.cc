#include "ingest/mllp/message_file.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "ingest/hl7/batch.h"
#include "ingest/hl7/message.h"
#include "ingest/mllp/frame.h"

namespace vitalog::ingest::mllp {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::size_t kSecondsDigits = 14;  // YYYYMMDDHHMMSS

enum class TimeKind : std::uint8_t { Event, Birth };

/// A field that holds a TS or DTM (HL7 2.3 to 2.8); `component` is 0 where the field itself does,
/// else the component of a TQ, DR, XON or the like that does.
struct TimeField {
    std::string_view segment;
    std::size_t field;
    std::size_t component = 0;
    TimeKind kind = TimeKind::Event;
};

constexpr std::array kTimeFields = std::to_array<TimeField>({
    {"MSH", 7},
    {"EVN", 2},
    {"EVN", 3},
    {"EVN", 6},
    {"PID", 7, 0, TimeKind::Birth},
    {"PID", 29},
    {"PID", 33},
    {"NK1", 8},
    {"NK1", 9},
    {"NK1", 16, 0, TimeKind::Birth},
    {"PV1", 44},
    {"PV1", 45},
    {"PV2", 8},
    {"PV2", 9},
    {"PV2", 14},
    {"PV2", 17},
    {"PV2", 26},
    {"PV2", 29},
    {"ORC", 7, 4},
    {"ORC", 7, 5},
    {"ORC", 9},
    {"ORC", 15},
    {"ORC", 27},
    {"OBR", 6},
    {"OBR", 7},
    {"OBR", 8},
    {"OBR", 14},
    {"OBR", 22},
    {"OBR", 27, 4},
    {"OBR", 27, 5},
    {"OBR", 36},
    {"OBX", 12},
    {"OBX", 14},
    {"OBX", 19},
    {"NTE", 6},
    {"NTE", 7},
    {"SPM", 17, 1},
    {"SPM", 17, 2},
    {"SPM", 18},
    {"SPM", 19},
    {"TQ1", 7},
    {"TQ1", 8},
    {"TXA", 4},
    {"TXA", 6},
    {"TXA", 7},
    {"TXA", 8},
    {"AL1", 6},
    {"IAM", 11},
    {"IAM", 13},
    {"DG1", 5},
    {"DG1", 19},
    {"PR1", 5},
    {"PRB", 7},
    {"PRB", 8},
    {"ACC", 1},
    {"FT1", 4},
    {"FT1", 5},
    {"IN1", 12},
    {"IN1", 13},
    {"IN1", 18, 0, TimeKind::Birth},
    {"IN1", 24},
    {"IN1", 29},
    {"GT1", 8, 0, TimeKind::Birth},
    {"GT1", 13},
    {"GT1", 14},
    {"RXA", 3},
    {"RXA", 4},
    {"RXA", 16},
    {"RXA", 22},
    {"RXE", 32},
    {"RXD", 3},
    {"RXG", 5},
    {"SCH", 11, 4},
    {"SCH", 11, 5},
    {"AIS", 4},
    {"AIG", 8},
    {"AIL", 6},
    {"AIP", 6},
    {"PDA", 2},
    {"MRG", 8},
});

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a / b - ((a % b != 0) && (a < 0) ? 1 : 0);
}

/// The clock part of a TS: the digits in front of fraction and offset.
std::string_view clock_digits(std::string_view text) {
    return text.substr(0, text.find_first_of(".+-"));
}

/// Wall clock seconds of the digits, whatever their length.
std::int64_t wall_seconds(std::string_view digits) {
    static constexpr std::string_view kLeast = "00000101000000";
    std::string full(digits);
    full.append(kLeast.substr(digits.size()));
    const auto number = [&](std::size_t at, std::size_t count) {
        return std::stoi(full.substr(at, count));
    };
    return days_from_civil(number(0, 4), static_cast<unsigned>(number(4, 2)),
                           static_cast<unsigned>(number(6, 2))) *
               kSecondsPerDay +
           number(8, 2) * 3600 + number(10, 2) * 60 + number(12, 2);
}

std::string write_digits(std::int64_t seconds, std::size_t length) {
    const std::int64_t days = floor_div(seconds, kSecondsPerDay);
    const auto rest = static_cast<int>(seconds - days * kSecondsPerDay);
    const Date date = civil_from_days(days);
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%04d%02d%02d%02d%02d%02d", date.year, date.month,
                  date.day, rest / 3600, rest / 60 % 60, rest % 60);
    return std::string(text.data(), std::min(length, kSecondsDigits));
}

/// Where a time stands in a message's text.
struct Place {
    std::size_t at;
    std::size_t length;  // of the digits
    TimeKind kind;
    ZonedTime time;
};

class Finder {
  public:
    explicit Finder(const hl7::SiteZone& zone) : zone_(zone) {}

    Result<void> read(std::string_view text, std::vector<Place>& places) {
        VITALOG_CHECK(message_.parse(text));
        text_ = text;
        for (const hl7::Segment segment : message_) {
            const std::string_view id = segment.id();
            for (const TimeField& known : kTimeFields)
                if (known.segment == id) add_field(segment.field(known.field), known, places);
            if (id == "OBX" && is_time_type(segment.field(2).raw()))
                add_field(segment.field(5), {"OBX", 5}, places);
        }
        return {};
    }

  private:
    static bool is_time_type(std::string_view type) {
        return type == "TS" || type == "DTM" || type == "DT";
    }

    void add_field(const hl7::Field& field, const TimeField& known, std::vector<Place>& places) {
        const std::size_t repetitions = field.repetition_count();
        for (std::size_t i = 0; i < repetitions; ++i) {
            const auto part =
                field.repetition(i).component(std::max<std::size_t>(known.component, 1));
            add(part.subcomponent(1).raw(), known.kind, places);
        }
    }

    void add(std::string_view value, TimeKind kind, std::vector<Place>& places) {
        const auto time = hl7::parse_time(value, zone_);
        if (!time) return;  // empty, null, or no time: stays as it is
        places.push_back({static_cast<std::size_t>(value.data() - text_.data()),
                          clock_digits(value).size(), kind, *time});
    }

    const hl7::SiteZone& zone_;
    hl7::Message message_;
    std::string_view text_;
};

void move(std::string& message, const Place& place, std::int64_t seconds) {
    // A birth date moves by whole days, so that midnight stays midnight.
    const std::int64_t by = place.kind == TimeKind::Birth
                                ? floor_div(seconds, kSecondsPerDay) * kSecondsPerDay
                                : seconds;
    const std::string moved =
        write_digits(wall_seconds(message.substr(place.at, place.length)) + by, place.length);
    message.replace(place.at, place.length, moved);
}

Result<std::string> read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open() || file.bad()) return fail(Errc::Io, "cannot read " + path.string());
    return bytes;
}

}  // namespace

Result<std::vector<std::string>> split_messages(std::string_view bytes) {
    std::vector<std::string> messages;
    const std::size_t first = bytes.find("MSH");
    const char separator =
        first == std::string_view::npos || first + 3 >= bytes.size() ? '|' : bytes[first + 3];
    std::string text(bytes);
    std::replace(text.begin(), text.end(), kStartOfBlock, '\r');
    std::replace(text.begin(), text.end(), kEndOfBlock, '\r');
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    hl7::SegmentWalk walk(text, separator);
    std::string_view line;
    while (walk.next(line)) {
        if (line.find_first_not_of(std::string_view(" \t\0", 3)) == std::string_view::npos ||
            hl7::is_batch_segment(line))
            continue;
        if (line.starts_with("MSH")) {
            messages.emplace_back();
        } else if (messages.empty()) {
            return fail(Errc::Malformed, "does not begin with an MSH segment");
        }
        messages.back().append(line).push_back('\r');
    }
    if (messages.empty()) return fail(Errc::Malformed, "holds no HL7 message");
    return messages;
}

Result<std::vector<std::string>> load_messages(const std::string& path) {
    std::error_code error;
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(path, error)) {
        for (const auto& entry : std::filesystem::directory_iterator(path, error))
            if (entry.is_regular_file(error)) files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        if (files.empty()) return fail(Errc::NotFound, path + " holds no file");
    } else if (std::filesystem::exists(path, error)) {
        files.emplace_back(path);
    } else {
        return fail(Errc::NotFound, path + " does not exist");
    }
    std::vector<std::string> messages;
    for (const auto& file : files) {
        VITALOG_TRY(const std::string bytes, read_file(file));
        auto split = split_messages(bytes);
        if (!split)
            return fail(split.error().code(), file.string() + " " + split.error().message());
        std::move(split->begin(), split->end(), std::back_inserter(messages));
    }
    return messages;
}

Result<std::int64_t> shift_to_now(std::vector<std::string>& messages, EventTime now,
                                  const hl7::SiteZone& zone) {
    Finder finder(zone);
    std::vector<std::vector<Place>> places(messages.size());
    std::optional<EventTime> newest;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        VITALOG_CHECK(finder.read(messages[i], places[i]));
        for (const Place& place : places[i])
            if (place.kind == TimeKind::Event)
                newest = std::max(newest.value_or(place.time.at), place.time.at);
    }
    if (!newest) return 0;
    constexpr std::int64_t kMicros = 1'000'000;
    // On the wall clock: summer time between then and now must not move a result by an hour.
    const std::int64_t seconds =
        floor_div(now.micros(), kMicros) + zone.offset_at(now) * 60 -
        (floor_div(newest->micros(), kMicros) + zone.offset_at(*newest) * 60);
    for (std::size_t i = 0; i < messages.size(); ++i)
        for (const Place& place : places[i]) move(messages[i], place, seconds);
    return seconds;
}

}  // namespace vitalog::ingest::mllp
