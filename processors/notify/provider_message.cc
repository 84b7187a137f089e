#include "processors/notify/provider_message.h"

#include <algorithm>

#include "processors/stored_form.h"
#include "schemas/base/stored_version.h"

namespace vitalog::processors {
namespace {

constexpr std::string_view kMagic = "VP";
constexpr std::uint8_t kVersion = 1;

}  // namespace

void ProviderMessage::hold(HeldReceipt receipt) {
    const bool same = std::any_of(held.begin(), held.end(), [&](const HeldReceipt& other) {
        return other.state == receipt.state && other.code == receipt.code;
    });
    if (same) return;
    if (held.size() == kHeldMax) held.erase(held.begin());
    held.push_back(std::move(receipt));
}

void ProviderMessage::encode(std::string& out) const {
    out.append(kMagic);
    out.push_back(static_cast<char>(kVersion));
    StoredWriter writer(out);
    writer(*this);
}

Result<void> ProviderMessage::decode(std::string_view bytes) {
    if (!bytes.starts_with(kMagic) || bytes.size() < 3)
        return fail(Errc::Damaged, "a stored provider message does not begin with its magic");
    if (const auto version = static_cast<std::uint8_t>(bytes[2]); version != kVersion)
        return other_version("a stored provider message", version, kVersion);
    StoredReader reader(bytes.substr(3), kVersion);
    reader(*this);
    return reader.finish("a stored provider message");
}

std::size_t ProviderMessage::memory_bytes() const {
    return sizeof *this + recipient.capacity() + intent.capacity() + attempt.capacity() +
           held.capacity() * sizeof(HeldReceipt);
}

}  // namespace vitalog::processors
