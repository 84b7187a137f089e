#include "mutate.h"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
    vitalog::fuzz::Chance chance(seed);
    const std::string text =
        vitalog::fuzz::mutate({reinterpret_cast<const char*>(data), size}, chance);
    const std::size_t given = std::min(text.size(), max_size);
    std::copy_n(text.begin(), given, reinterpret_cast<char*>(data));
    return given;
}
