#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the mutators of a grammar share. Each defines mutate(); custom_mutator.cc gives it to libFuzzer,
// which it steers, and to an ordinary main that runs the corpus and neighbours of each input.

namespace vitalog::fuzz {

class Chance {
  public:
    explicit Chance(std::uint64_t seed) : bits_(seed) {}
    std::size_t below(std::size_t n) { return n == 0 ? 0 : bits_() % n; }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <class List>
    auto& any(List& list) {
        return list[below(std::size(list))];
    }

  private:
    std::mt19937_64 bits_;
};

inline std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t at = 0;; ++at) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        parts.emplace_back(text.substr(at, end - at));
        if (end == text.size()) return parts;
        at = end;
    }
}

inline std::string join(const std::vector<std::string>& parts, char separator) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) text.push_back(separator);
        text += parts[i];
    }
    return text;
}

/// Doubles, drops, swaps, moves or empties a part of a list.
inline void rearrange(std::vector<std::string>& parts, Chance& chance) {
    if (parts.empty()) return;
    const std::size_t one = chance.below(parts.size());
    const std::size_t other = chance.below(parts.size());
    switch (chance.below(5)) {
        case 0:
            parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(one), parts[other]);
            break;
        case 1:
            parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(one));
            break;
        case 2:
            std::swap(parts[one], parts[other]);
            break;
        case 3:
            parts[one] = parts[other];
            break;
        default:
            parts[one].clear();
    }
}

/// A neighbour of the text by the grammar of the one mutator that a target is linked with.
std::string mutate(std::string text, Chance& chance);

}  // namespace vitalog::fuzz
