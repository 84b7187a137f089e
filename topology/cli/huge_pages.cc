#include "topology/cli/huge_pages.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

extern char** environ;

namespace vitalog::topology::cli {

void restart_with_huge_pages(char** argv) {
    // glibc reads its tunables before main, and from the environment only. 1: by madvise, where the kernel allows it.
    constexpr std::string_view kTunables = "GLIBC_TUNABLES";
    for (char** entry = environ; *entry != nullptr; ++entry)
        if (std::string_view(*entry).starts_with(kTunables)) return;
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error || setenv(kTunables.data(), "glibc.malloc.hugetlb=1", 0) != 0) return;
    execv(program.c_str(), argv);
}

}  // namespace vitalog::topology::cli
