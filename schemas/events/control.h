#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/json.h"

// Control records: everything that steers processors and is not an event (law 2).

namespace vitalog::schemas {

/// `feed.control`, and a copy in every partition of `subject`, `person`, `task` and `notification`. The last one of
/// a (kind, name) before a record in the same partition is the one in force (law 8). An empty body retires the name.
struct Control {
    static constexpr std::string_view kType = "vitalog.control.v1";
    std::string_view kind;     ///< "settings", "codes", "units", "rules", "templates", "team", "clock"
    std::string_view name;     ///< file or entry within the kind
    std::string_view version;  ///< as the body names it, else the hash of the body
    std::string_view body;     ///< the file's text

    template <class V>
    void members(V& v) {
        v.required("kind", kind);
        v.required("name", name);
        v.required("version", version);
        v("body", body);
    }
};

/// A tick: the owner of a partition says what time it is because something is due (law 9). Value of a record
/// without key; every shard understands it.
struct Tick {
    static constexpr std::string_view kType = "vitalog.tick.v1";
    ReceivedTime now;

    template <class V>
    void members(V& v) {
        v.required("now", now);
    }
};

/// The settings that processors use, in force by position: kind "settings", name "site", body a JSON object
/// {"settings":[{"key","value"}]}. Lists are joined by commas.
class Settings {
  public:
    /// Malformed when the body is not such an object.
    static Result<Settings> parse(std::string_view body, Decoder& decoder);
    std::string to_body() const;

    void set(std::string key, std::string value) { values_[std::move(key)] = std::move(value); }
    std::string_view text(std::string_view key, std::string_view otherwise) const;
    std::vector<std::string> list(std::string_view key, std::string_view otherwise) const;
    /// Configuration when the value is not a duration (see parse_duration).
    Result<std::chrono::microseconds> duration(std::string_view key, std::string_view otherwise) const;
    Result<std::int64_t> number(std::string_view key, std::int64_t otherwise) const;

  private:
    std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace vitalog::schemas
