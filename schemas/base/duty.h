#pragma once

#include <cstdint>

namespace vitalog {

/// What one of a site's processes does for all of them: it sends, and raises alarms.
struct Duty {
    /// 0: another process's. Another number each time that others may have had it in between: what
    /// began under one number is not to be gone on with under another.
    std::uint64_t turn = 0;
    /// Nobody else has it now. What is not sure may be sure again a moment later, in the same turn.
    bool sure = false;
};

}  // namespace vitalog
