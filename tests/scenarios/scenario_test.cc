// scenario_test [--show] FILE...: runs plain-text scenarios; exit code 0 only when every promise is
// kept.

#include "tests/support/scenario.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace {

bool run(const std::string& path, bool show) {
    using namespace vitalog::tests;
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) {
        std::printf("%s: can't be read\n", path.c_str());
        return false;
    }
    const auto script = Script::parse(text);
    if (!script) {
        std::printf("%s: %s\n", path.c_str(), script.error().message().c_str());
        return false;
    }
    if (show) std::printf("%s\n", show_scenario(*script).c_str());
    const auto failures = run_scenario(*script);
    for (const auto& failure : failures) std::printf("%s: %s\n", path.c_str(), failure.c_str());
    std::printf("%s %s\n", failures.empty() ? "kept:  " : "BROKEN:", script->promise.c_str());
    return failures.empty();
}

}  // namespace

int main(int argc, char** argv) {
    bool show = false;
    bool good = argc > 1;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "--show")
            show = true;
        else
            good = run(argv[i], show) && good;
    }
    return good ? 0 : 1;
}
