#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace vitalog::topology {

/// How many letters must be put in, left out or exchanged to make one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name that a misspelt one is most likely to mean: the first of the nearest. Not for an empty
/// list.
std::string nearest(std::string_view wrong, std::span<const std::string> names);

}  // namespace vitalog::topology
