#include "schemas/base/result.h"

#include <cstdio>
#include <cstdlib>

namespace vitalog {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::Malformed: return "malformed";
        case Errc::Missing: return "missing";
        case Errc::OutOfRange: return "out-of-range";
        case Errc::Unsupported: return "unsupported";
        case Errc::Conflict: return "conflict";
        case Errc::NotFound: return "not-found";
        case Errc::Forbidden: return "forbidden";
        case Errc::TooLarge: return "too-large";
        case Errc::Busy: return "busy";
        case Errc::Io: return "io";
        case Errc::Damaged: return "damaged";
        case Errc::Configuration: return "configuration";
    }
    return "unknown";
}

std::string Error::to_string() const {
    return std::string(vitalog::to_string(code_)) + ": " + message_;
}

void broken_invariant(const char* file, int line, std::string_view what) {
    std::fprintf(stderr, "level=fatal at=%s:%d broken_invariant=\"%.*s\"\n", file, line,
                 static_cast<int>(what.size()), what.data());
    std::abort();
}

}  // namespace vitalog
