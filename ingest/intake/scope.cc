#include "ingest/intake/scope.h"

#include <string>

namespace vitalog::ingest {

namespace {
constexpr std::size_t kIdTextsKeptMax = 16'384;
}

std::string_view IdTexts::keep(const RecordId& id) {
    static constexpr char kDigits[] = "0123456789abcdef";
    if (used_ == texts_.size()) texts_.emplace_back();
    std::array<char, 32>& text = texts_[used_++];
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        text[2 * i] = kDigits[id.bytes[i] >> 4];
        text[2 * i + 1] = kDigits[id.bytes[i] & 15];
    }
    return {text.data(), text.size()};
}

void IdTexts::clear() {
    used_ = 0;
    if (texts_.size() > kIdTextsKeptMax) texts_.clear();
}

Result<std::optional<ZonedTime>> read_time(const hl7::Field& field, const hl7::SiteZone& zone,
                                           std::string_view name) {
    if (!field.has_value()) return std::optional<ZonedTime>();
    const hl7::Component time = field.component(1);
    if (!time.has_value()) return std::optional<ZonedTime>();
    auto parsed = hl7::parse_time(time.raw(), zone);
    if (!parsed)
        return fail(Errc::Malformed, std::string(name) + " '" + std::string(time.raw()) +
                                         "' is not a time such as 20200501140643+0800");
    return std::optional<ZonedTime>(*parsed);
}

std::optional<ZonedTime> time_or_dead_letter(const Scope& scope, const hl7::Field& field,
                                             std::string_view name) {
    auto time = read_time(field, scope.zone, name);
    if (time) return *time;
    scope.out.dead_letter(time.error(), name);
    return std::nullopt;
}

}  // namespace vitalog::ingest
