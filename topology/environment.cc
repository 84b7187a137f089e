#include "topology/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

#include "schemas/topics.h"
#include "topology/config.h"
#include "topology/nearest.h"

namespace vitalog::topology {
namespace {

std::string variable_of(std::string_view key) {
    std::string name = "VITALOG_";
    for (const char c : key)
        name.push_back(c == '.' || c == '-'
                           ? '_'
                           : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    return name;
}

/// Every key by its variable.
const std::map<std::string, std::string, std::less<>>& keys_by_variable() {
    static const auto keys = [] {
        std::map<std::string, std::string, std::less<>> all;
        for (const auto& key : config_keys()) all.emplace(variable_of(key.name), key.name);
        for (const auto& topic : schemas::kTopics)
            for (const std::string_view what : {"name", "partitions", "retention"}) {
                const std::string key = fmt::format("topics.{}.{}", topic.name, what);
                all.emplace(variable_of(key), key);
            }
        return all;
    }();
    return keys;
}

bool is_secret(std::string_view name) {
    return std::find(kSecretNames.begin(), kSecretNames.end(), name) != kSecretNames.end();
}

}  // namespace

Result<std::string> key_of_variable(std::string_view variable) {
    const auto& keys = keys_by_variable();
    const auto found = keys.find(variable);
    if (found != keys.end()) return found->second;
    if (is_secret(variable) || variable == kTokenVariable) return std::string();
    std::vector<std::string> names(kSecretNames.begin(), kSecretNames.end());
    for (const auto& [name, key] : keys) names.push_back(name);
    return fail(Errc::Configuration,
                fmt::format("{}: nothing reads this environment variable; did you mean {}? "
                            "`vitalog config show` lists all keys; unset what is not for vitalog",
                            variable, nearest(variable, names)));
}

Result<void> check_secret_name(std::string_view name) {
    if (is_secret(name)) return {};
    const std::vector<std::string> names(kSecretNames.begin(), kSecretNames.end());
    return fail(Errc::Configuration,
                fmt::format("'{}' is no secret that is known; did you mean {}?", name,
                            nearest(name, names)));
}

}  // namespace vitalog::topology
