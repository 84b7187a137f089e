#pragma once

#include "schemas/base/ports.h"

namespace vitalog::topology {

/// What the process takes from the machine, by Prometheus' usual names:
/// process_resident_memory_bytes, process_open_fds. Read from /proc at each call; what can't be
/// read is left out.
void gauge_process(Metrics& metrics);

}  // namespace vitalog::topology
