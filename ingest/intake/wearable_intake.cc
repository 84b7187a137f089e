#include "ingest/intake/wearable_intake.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "schemas/events/wearable.h"

namespace vitalog::ingest {
namespace {

constexpr std::size_t kItemsNamedMax = 16;  ///< of those at fault, in the place of a dead letter

/// How many items the door refused already.
std::size_t refused_before(const Headers& headers) {
    const std::string_view text = headers.find(wearable::kRefusedHeader);
    std::size_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

}  // namespace

Result<void> WearableIntake::handle(const processors::Input& input, processors::Context& out) {
    VITALOG_TRY(const std::string account, wearable::account_key(input.key));
    if (account != input.key)
        return fail(Errc::Malformed, "the record's key '" + std::string(input.key) +
                                         "' must be the account, AUTHORITY|ID");
    VITALOG_CHECK(decoder_.decode(
        input.value, tables_, {input.received, account, wearable::WearableDecoder::Accounts::One}));
    const auto& faults = decoder_.faults();
    if (decoder_.taken() == 0 && !faults.empty()) return tl::unexpected(faults_error());
    if (faults.size() != refused_before(input.headers))
        out.dead_letter(faults_error(), faults_place());
    if (decoder_.taken() == 0) return {};
    const auto& event = decoder_.event(account);
    out.emit_event(schemas::Topic::Subject, account, event, {.event_time = decoder_.newest()});
    return {};
}

Error WearableIntake::faults_error() const {
    const auto& first = decoder_.faults().front();
    std::string message = first.error.message();
    if (const std::size_t more = decoder_.faults().size() - 1; more > 0)
        message += " (and " + std::to_string(more) + " more at fault)";
    return {first.error.code(), std::move(message)};
}

std::string WearableIntake::faults_place() const {
    const auto& faults = decoder_.faults();
    std::string place = faults.size() == 1 ? "item " : "items ";
    for (std::size_t i = 0; i < std::min(faults.size(), kItemsNamedMax); ++i)
        place += (i == 0 ? "" : ",") + std::to_string(faults[i].item + 1);
    if (faults.size() > kItemsNamedMax) place += ",...";
    return place;
}

}  // namespace vitalog::ingest
