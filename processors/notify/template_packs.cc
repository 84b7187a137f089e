#include "processors/notify/template_packs.h"

#include <algorithm>
#include <utility>

namespace vitalog::processors {

Result<void> TemplatePacks::apply(std::string_view name, std::string_view body) {
    Published published{std::string(name), {}};
    if (!body.empty()) {
        VITALOG_TRY(published.pack, schemas::TemplatePack::parse(body));
    }
    std::erase_if(packs_, [&](const Published& other) { return other.name == name; });
    if (!body.empty()) packs_.push_back(std::move(published));
    return {};
}

const schemas::MessageTemplate* TemplatePacks::find(std::string_view name,
                                                    std::string_view purpose) const {
    for (auto published = packs_.rbegin(); published != packs_.rend(); ++published) {
        const auto* message = published->pack.named(name);
        if (message != nullptr && message->purpose == purpose) return message;
        if (const auto* other = published->pack.for_purpose(purpose)) return other;
    }
    return nullptr;
}

}  // namespace vitalog::processors
