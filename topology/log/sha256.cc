#include "topology/log/sha256.h"

#include <openssl/evp.h>

#include <algorithm>

namespace vitalog::topology {
namespace {

/// Fetched once: looking an algorithm up costs OpenSSL 3 more than hashing a small block.
const EVP_MD* algorithm() {
    static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    VITALOG_ASSERT(fetched != nullptr, "OpenSSL has no SHA-256");
    return fetched;
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

}  // namespace

std::string Digest::hex() const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text.push_back(kDigits[static_cast<std::uint8_t>(byte) >> 4]);
        text.push_back(kDigits[static_cast<std::uint8_t>(byte) & 15]);
    }
    return text;
}

Result<Digest> Digest::from_hex(std::string_view digits) {
    Digest digest;
    bool good = digits.size() == 2 * kBytes;
    for (std::size_t i = 0; good && i < kBytes; ++i) {
        const int high = digit_of(digits[2 * i]);
        const int low = digit_of(digits[2 * i + 1]);
        good = high >= 0 && low >= 0;
        digest.bytes[i] = static_cast<char>(high * 16 + low);
    }
    if (!good)
        return fail(Errc::Configuration,
                    "'" + std::string(digits) + "' is no SHA-256: 64 digits 0-9, a-f");
    return digest;
}

Digest Digest::from_bytes(std::string_view bytes) {
    VITALOG_ASSERT(bytes.size() >= kBytes, "a digest has 32 bytes");
    Digest digest;
    std::copy_n(bytes.begin(), kBytes, digest.bytes.begin());
    return digest;
}

struct Sha256::Context {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> md{EVP_MD_CTX_new(), &EVP_MD_CTX_free};

    void begin() {
        VITALOG_ASSERT(md && EVP_DigestInit_ex2(md.get(), algorithm(), nullptr) == 1,
                       "OpenSSL can't begin a SHA-256");
    }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
    context_->begin();
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
    VITALOG_ASSERT(EVP_DigestUpdate(context_->md.get(), bytes.data(), bytes.size()) == 1,
                   "OpenSSL refuses bytes for a SHA-256");
}

void Sha256::add_number(std::uint64_t number) {
    std::array<char, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(number >> (8 * i));
    add({bytes.data(), bytes.size()});
}

Digest Sha256::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    VITALOG_ASSERT(
        EVP_DigestFinal_ex(context_->md.get(), out.data(), &size) == 1 && size == Digest::kBytes,
        "OpenSSL can't end a SHA-256");
    Digest digest;
    std::copy_n(out.begin(), Digest::kBytes, digest.bytes.begin());
    context_->begin();
    return digest;
}

}  // namespace vitalog::topology
