#pragma once

#include <optional>
#include <string_view>

#include "schemas/zone_rule.h"

namespace vitalog::processors {

/// When the quiet hours that hold at `now` end; nullopt: none hold. Hours are on the zone's wall,
/// "22:00" to "07:00"; what is not a time of day, and two equal ones, are no quiet hours. Where
/// clocks are set back over the end, the hours end the first time it is reached.
std::optional<ReceivedTime> quiet_until(const schemas::ZoneRule& zone, std::string_view from,
                                        std::string_view to, ReceivedTime now);

}  // namespace vitalog::processors
