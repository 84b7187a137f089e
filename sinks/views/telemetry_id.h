#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vitalog::sinks::views {

/// An hour of one of a person's series of samples, named as an observation is: 16 bytes, here as 32
/// hexadecimal digits. The bytes are the text "tele", five digits of the series, seven of the hour.
struct TelemetryId {
    std::int64_t n = 0;
    std::int64_t hour = 0;

    std::string hex() const;
    /// Nothing for the id of another observation.
    static std::optional<TelemetryId> parse(std::string_view hex);
};

}  // namespace vitalog::sinks::views
