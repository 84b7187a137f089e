#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sinks/fhir/directory_api.h"
#include "sinks/fhir/task_operations.h"

// What hospitals and doctors post: lines of the directory, decisions.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog::sinks::fhir;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto lines = parse_directory(text))
        for (const auto& line : *lines) {
            VITALOG_ASSERT(!line.key.empty(), "a line belongs somewhere");
            const auto again = parse_directory(line.json);
            VITALOG_ASSERT(again && again->size() == 1 && again->front().key == line.key,
                           "what is kept of a line is that line");
        }
    (void)parse_decision_body(text);
    return 0;
}
