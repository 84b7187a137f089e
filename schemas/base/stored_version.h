#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog {

/// What a decoder says to a stored form of another version than the one it reads. `what` names the
/// thing, as in "a stored task". Damaged.
inline tl::unexpected<Error> other_version(std::string_view what, std::uint64_t found,
                                           std::uint64_t reads) {
    return fail(Errc::Damaged,
                std::string(what) + " has form " + std::to_string(found) +
                    ", and this version of vitalog reads form " + std::to_string(reads) + ": a" +
                    (found > reads ? " newer" : "n older") + " version wrote it, run that one");
}

}  // namespace vitalog
