#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "ingest/intake/document.h"
#include "ingest/intake/number.h"

// Free-text numbers, and the documents of ED values.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::ingest;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    std::string_view flag;
    if (const auto number = parse_marked_number(bytes, flag))
        VITALOG_ASSERT(std::isfinite(number->value), "a number is finite");
    (void)is_graded(bytes);
    const std::string message = "MSH|^~\\&|A\rOBX|1|ED|X||" + std::string(bytes) + "\r";
    hl7::Message parsed;
    if (!parsed.parse(message)) return 0;
    for_each_document(parsed, [](const hl7::Repetition& ed) {
        std::int64_t total = 0;
        const auto decoded = decode_document(ed, [&](std::string_view piece) -> Result<void> {
            total += static_cast<std::int64_t>(piece.size());
            return {};
        });
        const auto digest = digest_document(ed);
        VITALOG_ASSERT(decoded.has_value() == digest.has_value(), "one reading of a document");
        if (digest) VITALOG_ASSERT(digest->size == total, "its size is that of its pieces");
        VITALOG_ASSERT(!content_type(ed).empty(), "every document has a type");
    });
    return 0;
}
