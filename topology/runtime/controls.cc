#include "topology/runtime/controls.h"

#include <algorithm>

#include "schemas/base/planted.h"
#include "schemas/json_decode.h"

namespace vitalog::topology {
namespace {

std::string stored_key(std::string_view kind, std::string_view name, Offset offset) {
    std::string key("C");
    key.append(kind).push_back('\0');
    key.append(name).push_back('\0');
    const auto value = static_cast<std::uint64_t>(offset.value());
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(value >> shift));
    return key;
}

}  // namespace

Result<void> Controls::load(const state::Backend& backend) {
    VITALOG_CHECK(backend.scan("C", [this](std::string_view key, std::string_view value) -> Result<void> {
        const std::size_t first = key.find('\0');
        const std::size_t second = first == std::string_view::npos ? first : key.find('\0', first + 1);
        if (second == std::string_view::npos || key.size() != second + 9)
            return fail(Errc::Damaged, "a stored control record has a broken key");
        std::uint64_t offset = 0;
        for (const char c : key.substr(second + 1)) offset = offset << 8 | static_cast<unsigned char>(c);
        stored_.push_back({std::string(key.substr(1, first - 1)),
                           std::string(key.substr(first + 1, second - first - 1)),
                           Offset(static_cast<std::int64_t>(offset)), std::string(value), true});
        return {};
    }));
    std::sort(stored_.begin(), stored_.end(),
              [](const Stored& a, const Stored& b) { return a.offset < b.offset; });
    return {};
}

Result<void> Controls::restore(Offset checkpoint, processors::Processor& processor,
                               schemas::Decoder& decoder) const {
    for (const Stored& stored : stored_) {
        if (stored.offset >= checkpoint && !planted("restore-newest-controls")) break;
        VITALOG_TRY(const auto control, schemas::decode<schemas::Control>(stored.json, decoder));
        VITALOG_CHECK(processor.on_control(control, processors::Input{}));
    }
    return {};
}

void Controls::add(const schemas::Control& control, Offset offset) {
    const bool known = std::any_of(stored_.begin(), stored_.end(),
                                   [&](const Stored& s) { return s.offset == offset; });
    if (known) return;  // recovery reads it again
    stored_.push_back({std::string(control.kind), std::string(control.name), offset,
                       schemas::encode(control), false});
}

void Controls::take_writes(Offset checkpoint, std::vector<state::Write>& writes) {
    for (Stored& stored : stored_) {
        if (stored.written) continue;
        writes.push_back({stored_key(stored.kind, stored.name, stored.offset), stored.json});
        stored.written = true;
    }
    for (std::size_t i = 0; i < stored_.size();) {
        const auto superseded = [&] {
            for (std::size_t j = i + 1; j < stored_.size(); ++j)
                if (stored_[j].kind == stored_[i].kind && stored_[j].name == stored_[i].name)
                    return stored_[j].offset < checkpoint || planted("forget-superseded-control");
            return false;
        }();
        if (!superseded) {
            ++i;
            continue;
        }
        writes.push_back({stored_key(stored_[i].kind, stored_[i].name, stored_[i].offset), std::nullopt});
        stored_.erase(stored_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

}  // namespace vitalog::topology
