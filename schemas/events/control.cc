#include "schemas/events/control.h"

#include <charconv>

#include "schemas/json_decode.h"

namespace vitalog::schemas {
namespace {

struct Setting {
    std::string_view key;
    std::string_view value;
    template <class V>
    void members(V& v) {
        v.required("key", key);
        v.required("value", value);
    }
};

struct SettingsBody {
    std::vector<Setting> settings;
    template <class V>
    void members(V& v) {
        v.required("settings", settings);
    }
};

}  // namespace

Result<Settings> Settings::parse(std::string_view body, Decoder& decoder) {
    VITALOG_TRY(const auto decoded, decode<SettingsBody>(body, decoder));
    Settings settings;
    for (const auto& [key, value] : decoded.settings)
        settings.set(std::string(key), std::string(value));
    return settings;
}

std::string Settings::to_body() const {
    SettingsBody body;
    for (const auto& [key, value] : values_) body.settings.push_back({key, value});
    return encode(body);
}

std::string_view Settings::text(std::string_view key, std::string_view otherwise) const {
    const auto found = values_.find(key);
    return found == values_.end() ? otherwise : std::string_view(found->second);
}

std::vector<std::string> Settings::list(std::string_view key, std::string_view otherwise) const {
    std::vector<std::string> items;
    std::string_view rest = text(key, otherwise);
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        std::string_view item = rest.substr(0, comma);
        while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
        while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
        if (!item.empty()) items.emplace_back(item);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return items;
}

Result<std::chrono::microseconds> Settings::duration(std::string_view key,
                                                     std::string_view otherwise) const {
    auto parsed = parse_duration(text(key, otherwise));
    if (!parsed)
        return fail(Errc::Configuration, "setting " + std::string(key) + ": " + parsed.error().message());
    return parsed;
}

Result<std::int64_t> Settings::number(std::string_view key, std::int64_t otherwise) const {
    const auto found = values_.find(key);
    if (found == values_.end()) return otherwise;
    const std::string& value = found->second;
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || rest != value.data() + value.size())
        return fail(Errc::Configuration, "setting " + std::string(key) + ": '" + value + "' is not a whole number");
    return number;
}

}  // namespace vitalog::schemas
