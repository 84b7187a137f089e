#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sinks/fhir/includes.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/search.h"
#include "sinks/http_client.h"
#include "sinks/views/telemetry_id.h"

// Values of search parameters, ids of resources, URLs of providers.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog::sinks;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto range = fhir::parse_time_range(text, "Asia/Shanghai"))
        VITALOG_ASSERT(range->from_us < range->to_us, "a range holds something");
    constexpr std::int64_t kMost = 1'000;
    if (const auto number = fhir::parse_number("_count", text, kMost))
        VITALOG_ASSERT(*number >= 0 && *number <= kMost, "a number is in its range");
    (void)fhir::parse_include("_include", text);
    (void)fhir::reference_id(text);
    if (const auto located = fhir::parse_located(text))
        VITALOG_ASSERT(located->id.size() < size, "an id is a part of the text");
    if (const auto hour = views::TelemetryId::parse(text)) {
        const auto again = views::TelemetryId::parse(hour->hex());
        VITALOG_ASSERT(again && again->n == hour->n && again->hour == hour->hour,
                       "an id reads back");
    }
    if (const auto url = parse_url(text)) {
        VITALOG_ASSERT(!url->host.empty() && url->port != 0, "a URL names a place");
        VITALOG_ASSERT(url->target.starts_with('/'), "and something there");
    }
    return 0;
}
