#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "processors/desk/task_entity.h"

// Stored tasks: whatever the bytes are, they are refused, or read as a task that is written and
// read again alike.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vitalog::processors::TaskEntity task;
    if (!task.decode({reinterpret_cast<const char*>(data), size})) return 0;
    std::string first;
    task.encode(first);
    vitalog::processors::TaskEntity again;
    VITALOG_ASSERT(again.decode(first).has_value(), "a task can't read what it wrote");
    std::string second;
    again.encode(second);
    VITALOG_ASSERT(first == second, "a task changes by being stored");
    again.next_strike();
    while (again.strike(vitalog::ReceivedTime(INT64_MAX))) continue;
    return again.state().evidence.size() > size ? 1 : 0;
}
