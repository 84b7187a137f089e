#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace vitalog {

/// What kind of failure an Error is. The code says what a caller can do; the message says what a person changes.
enum class Errc : std::uint8_t {
    Malformed,      ///< the bytes do not follow their grammar
    Missing,        ///< something required is not there
    OutOfRange,     ///< a value is outside what is allowed
    Unsupported,    ///< understood, but not handled here
    Conflict,       ///< contradicts what is already known
    NotFound,       ///< the thing named does not exist
    Forbidden,      ///< the caller may not
    TooLarge,       ///< a named limit is exceeded
    Busy,           ///< try again later: a limit, a reserve or a peer is exhausted
    Io,             ///< the environment failed: disk, network
    Damaged,        ///< stored bytes fail their checksum or their version is unknown
    Configuration,  ///< a setting is wrong
};

/// The lower-case name of a code, as used in dead-letter reasons, metrics and logs.
std::string_view to_string(Errc code);

/// An expected failure. Carries a code and one sentence that names the thing to change.
class [[nodiscard]] Error {
  public:
    Error(Errc code, std::string message) : message_(std::move(message)), code_(code) {}

    Errc code() const { return code_; }
    const std::string& message() const { return message_; }
    /// True when the same call may succeed later without anybody changing anything.
    bool retryable() const { return code_ == Errc::Busy || code_ == Errc::Io; }
    /// "code: message".
    std::string to_string() const;

  private:
    std::string message_;
    Errc code_;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string message) {
    return tl::unexpected<Error>(Error(code, std::move(message)));
}

/// Prints the broken invariant and aborts, in every build.
[[noreturn]] void broken_invariant(const char* file, int line, std::string_view what);

}  // namespace vitalog

/// A promise of this program to itself: never reachable from input.
#define VITALOG_ASSERT(condition, what) \
    ((condition) ? void(0) : ::vitalog::broken_invariant(__FILE__, __LINE__, (what)))

#define VITALOG_CONCAT_INNER(a, b) a##b
#define VITALOG_CONCAT(a, b) VITALOG_CONCAT_INNER(a, b)
/// Declares `target` from a Result, or returns its Error to the caller.
#define VITALOG_TRY(target, expression)                                             \
    auto VITALOG_CONCAT(result_, __LINE__) = (expression);                          \
    if (!VITALOG_CONCAT(result_, __LINE__))                                         \
        return tl::unexpected(std::move(VITALOG_CONCAT(result_, __LINE__)).error()); \
    target = *std::move(VITALOG_CONCAT(result_, __LINE__))
/// Returns the Error of a Result<void> to the caller.
#define VITALOG_CHECK(expression)                                                     \
    if (auto VITALOG_CONCAT(result_, __LINE__) = (expression);                        \
        !VITALOG_CONCAT(result_, __LINE__))                                           \
    return tl::unexpected(std::move(VITALOG_CONCAT(result_, __LINE__)).error())
