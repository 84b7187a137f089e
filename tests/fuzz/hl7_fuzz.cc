#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "ingest/hl7/ack.h"
#include "ingest/hl7/charset.h"
#include "ingest/hl7/header.h"
#include "ingest/hl7/identifiers.h"
#include "ingest/hl7/time.h"

// Decoding, splitting, escapes, times, identifiers, the checks and the answer, over any bytes.

using namespace vitalog::ingest::hl7;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void visit(const Message& message, const SiteZone& zone) {
    std::string scratch;
    TextArena arena;
    for (const Segment segment : message) {
        for (std::size_t n = 1; n <= segment.field_count() && n < 64; ++n) {
            const Field field = segment.field(n);
            require(field.text(scratch) == field.text(arena));
            (void)parse_time(field.component(1).raw(), zone);
            (void)parse_date(field.component(1).subcomponent(2).raw());
        }
    }
    std::vector<vitalog::schemas::Identifier> identifiers;
    read_identifiers(message.segment("PID"), sending_facility(message.msh(), arena), arena,
                     identifiers);
    require((primary(identifiers, {}) == nullptr) == identifiers.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const SiteZone zone = *SiteZone::named("Asia/Shanghai");
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Decoder decoder;
    Message message;
    Skim skim;
    const auto decoded = decoder.decode(bytes);
    if (decoded && message.parse(*decoded)) {
        visit(message, zone);
        require(skim.read(*decoded).has_value());
        require(skim.pid().exists() == message.segment("PID").exists());
        const auto fault = check(skim);
        const auto ack = read_ack(build_ack(skim.header(), fault, "1", "2024"));
        require(ack.has_value());
    }
    const Header salvaged = salvage_header(bytes);
    require(read_ack(build_ack(salvaged, Fault{}, "1", "2024")).has_value());
    return 0;
}
