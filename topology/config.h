#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/base/time.h"
#include "schemas/events/control.h"

namespace vitalog::topology {

enum class KeyKind : std::uint8_t { Text, Choice, Number, Bytes, Duration, Durations, Address, List, Path, Url, Views };

/// One key of the configuration: everything help, checking and the sample file need to know of it.
struct ConfigKey {
    std::string_view name;
    KeyKind kind;
    std::string_view otherwise;  ///< default
    std::string_view allowed;    ///< Choice: words separated by |; Number and Bytes: "min..max"
    std::string_view meaning;    ///< one sentence, for help and the sample file
    bool for_processors;         ///< travels as a control record (law 2)
};

/// Every key there is, in the order of the sample file.
std::span<const ConfigKey> config_keys();

/// The whole configuration, checked before anything opens. Precedence: flag, environment VITALOG_*, file, default.
class Config {
  public:
    struct Sources {
        std::string file;                                          ///< path; empty: none
        std::vector<std::pair<std::string, std::string>> flags;   ///< key, value
        std::map<std::string, std::string> environment;           ///< VITALOG_* only
    };
    /// Configuration: names key, value, what is allowed and what to do.
    static Result<Config> load(const Sources& sources);

    std::string_view text(std::string_view key) const;
    std::int64_t number(std::string_view key) const;
    std::uint64_t bytes(std::string_view key) const;
    std::chrono::microseconds duration(std::string_view key) const;
    std::vector<std::string> list(std::string_view key) const;
    /// host and port of an Address.
    std::pair<std::string, std::uint16_t> address(std::string_view key) const;

    /// "key = value  # source", one line per key; secrets are not among the keys.
    std::string show() const;
    /// The settings that processors use, as they are published.
    schemas::Settings processor_settings() const;
    /// Topics keep their default name and partitions unless "topics.NAME.name|partitions|retention" says otherwise.
    std::optional<std::string> topic_setting(std::string_view topic, std::string_view what) const;

  private:
    struct Value {
        std::string text;
        std::string source;
    };
    Result<void> set(std::string key, std::string value, std::string source);

    std::map<std::string, Value, std::less<>> values_;
};

/// Reads "3GiB", "64MiB", "1000". Malformed otherwise.
Result<std::uint64_t> parse_bytes(std::string_view text);

/// The commented sample file, every key with its meaning and default.
std::string sample_config();

}  // namespace vitalog::topology
