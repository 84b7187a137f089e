#include <cstdio>
#include <mutex>

#include "schemas/base/ports.h"

namespace vitalog {
namespace {

bool needs_quotes(std::string_view value) {
    if (value.empty()) return true;
    for (const char c : value)
        if (c <= ' ' || c == '"' || c == '=' || c == '\\') return true;
    return false;
}

void append_value(std::string& line, std::string_view value) {
    if (!needs_quotes(value)) {
        line.append(value);
        return;
    }
    line.push_back('"');
    for (const char c : value) {
        if (c == '"' || c == '\\') line.push_back('\\');
        if (c == '\n') line.append("\\n");
        else if (static_cast<unsigned char>(c) >= ' ') line.push_back(c);
    }
    line.push_back('"');
}

}  // namespace

void log_line(std::string_view level, std::string_view event,
              const std::vector<std::pair<std::string_view, std::string>>& fields) {
    std::string line = "level=" + std::string(level) + " event=" + std::string(event);
    for (const auto& [name, value] : fields) {
        line.push_back(' ');
        line.append(name);
        line.push_back('=');
        append_value(line, value);
    }
    line.push_back('\n');
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace vitalog
