#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// An ordinary main for fuzz targets: runs every file of the corpus folders given, and every prefix and
// single-byte change of the small ones, so that the targets never rot and always test something.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kMutateLimit = 512;

void run(const std::string& bytes) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::size_t run_with_neighbours(const std::string& bytes) {
    run(bytes);
    if (bytes.size() > kMutateLimit) return 1;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        run(bytes.substr(0, i));
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
        run(changed);
    }
    return 1 + 2 * bytes.size();
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t inputs = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path(), std::ios::binary);
            inputs += run_with_neighbours({std::istreambuf_iterator<char>(file), {}});
        }
    }
    std::printf("%zu inputs\n", inputs);
    return inputs == 0 ? 1 : 0;
}
