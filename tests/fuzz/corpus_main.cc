#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// An ordinary main for fuzz targets: runs every file of the corpus folders given, every prefix and
// single-byte change of the small ones, and what the target's mutator makes of each, so that the
// targets never rot and always test something.
//   NAME_fuzz [--mutations=N] FOLDER...

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                                                     std::size_t size,
                                                                     std::size_t max_size,
                                                                     unsigned seed);

namespace {

constexpr std::size_t kMutateLimit = 512;
unsigned mutations = 300;  // of each input, chains of up to kChain
constexpr unsigned kChain = 5;
constexpr std::size_t kMutantBytesMax = 1 << 16;

const std::string* running = nullptr;

/// Keeps the input that a check failed on.
void keep_input(int) {
    std::ofstream("failed-input", std::ios::binary) << *running;
    std::fprintf(stderr, "the input is in ./failed-input\n");
    std::signal(SIGABRT, SIG_DFL);
}

void run(const std::string& bytes) {
    running = &bytes;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::size_t run_mutations(const std::string& bytes) {
    if (LLVMFuzzerCustomMutator == nullptr || bytes.size() > kMutantBytesMax / 2) return 0;
    std::string mutant;
    for (unsigned i = 0; i < mutations; ++i) {
        if (i % kChain == 0) mutant = bytes;
        const std::size_t size = mutant.size();
        mutant.resize(kMutantBytesMax);
        mutant.resize(LLVMFuzzerCustomMutator(reinterpret_cast<std::uint8_t*>(mutant.data()), size,
                                              mutant.size(), i));
        run(mutant);
    }
    return mutations;
}

std::size_t run_with_neighbours(const std::string& bytes) {
    run(bytes);
    const std::size_t mutants = run_mutations(bytes);
    if (bytes.size() > kMutateLimit) return 1 + mutants;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        run(bytes.substr(0, i));
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
        run(changed);
    }
    return 1 + mutants + 2 * bytes.size();
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGABRT, keep_input);
    std::size_t inputs = 0;
    for (int i = 1; i < argc; ++i) {
        if (const std::string word = argv[i]; word.starts_with("--mutations=")) {
            mutations = static_cast<unsigned>(std::stoul(word.substr(word.find('=') + 1)));
            continue;
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path(), std::ios::binary);
            inputs += run_with_neighbours({std::istreambuf_iterator<char>(file), {}});
        }
    }
    std::printf("%zu inputs\n", inputs);
    return inputs == 0 ? 1 : 0;
}
