#include "topology/process_metrics.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace vitalog::topology {

void gauge_process(Metrics& metrics) {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t size = 0, resident = 0;  // pages, proc(5)
    if (statm >> size >> resident)
        metrics.gauge("process_resident_memory_bytes", {},
                      static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)));
    std::error_code error;
    const std::filesystem::directory_iterator open("/proc/self/fd", error);
    if (error) return;
    const auto count = std::distance(begin(open), end(open));
    metrics.gauge("process_open_fds", {}, static_cast<double>(count - 1));  // one is this listing
}

}  // namespace vitalog::topology
