#include "topology/zone_files.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "schemas/zone_rule.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "/usr/share/zoneinfo";
constexpr std::string_view kMagic = "TZif";

/// The last line of a TZif file of version 2 or later; empty: it has none.
std::string footer_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!bytes.starts_with(kMagic) || bytes.size() < 8 || bytes[4] < '2' || bytes.back() != '\n')
        return {};
    const std::size_t begin = bytes.rfind('\n', bytes.size() - 2);
    if (begin == std::string::npos) return {};
    return bytes.substr(begin + 1, bytes.size() - begin - 2);
}

}  // namespace

Result<std::string> zones_body() {
    std::map<std::string, std::string> zones;
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(kFolder, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().lexically_relative(kFolder).string();
        if (name == "posix" || name == "right") entry.disable_recursion_pending();
        if (!entry->is_regular_file() || name.find(' ') != std::string::npos) continue;
        std::string rule = footer_of(entry->path());
        if (schemas::ZoneRule::parse(rule)) zones.emplace(name, std::move(rule));
    }
    if (error || zones.empty())
        return fail(Errc::Configuration,
                    std::string(kFolder) + ": no zones can be read; install tzdata");
    std::string body;
    for (const auto& [name, rule] : zones) body.append(name).append(" ").append(rule).append("\n");
    return body;
}

}  // namespace vitalog::topology
