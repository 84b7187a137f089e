#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// How reports of a back-test write numbers.

namespace vitalog::topology::backtest {

/// "1,234,567".
std::string grouped(std::int64_t number);
/// Microseconds as "0.4 s", "45 s", "12 min", "5.3 h", "3.1 d"; "-" before what is negative.
std::string span_text(std::int64_t micros);
/// "57.4 %" of a share in 0..1.
std::string percent(double share);
/// Text as it may stand in HTML.
std::string escaped(std::string_view text);

}  // namespace vitalog::topology::backtest
