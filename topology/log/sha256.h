#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog::topology {

/// A SHA-256 (FIPS 180-4).
struct Digest {
    static constexpr std::size_t kBytes = 32;
    std::array<char, kBytes> bytes{};

    std::string_view view() const { return {bytes.data(), bytes.size()}; }
    /// 64 digits in lower case.
    std::string hex() const;
    /// Configuration when it is not 64 hexadecimal digits.
    static Result<Digest> from_hex(std::string_view digits);
    /// The first 32 bytes, which must be there.
    static Digest from_bytes(std::string_view bytes);
    friend bool operator==(const Digest&, const Digest&) = default;
};

/// Takes bytes piece by piece. One thread.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void add(std::string_view bytes);
    /// A number as 8 bytes, least significant first: lengths, so that no two lists of parts give
    /// the same bytes.
    void add_number(std::uint64_t number);
    /// Gives the digest of what was added and begins anew.
    Digest finish();

  private:
    struct Context;  // hides OpenSSL
    std::unique_ptr<Context> context_;
};

}  // namespace vitalog::topology
