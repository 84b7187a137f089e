#include "topology/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::topology {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);  // distances of the letters of `a` so far
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t corner = row[0]++;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t exchanged = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
            corner = row[j];
            row[j] = std::min({exchanged, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

std::string nearest(std::string_view wrong, std::span<const std::string> names) {
    VITALOG_ASSERT(!names.empty(), "the nearest of no names");
    return *std::min_element(names.begin(), names.end(),
                             [&](const std::string& a, const std::string& b) {
                                 return edit_distance(wrong, a) < edit_distance(wrong, b);
                             });
}

}  // namespace vitalog::topology
