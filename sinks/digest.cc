#include "sinks/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace vitalog::sinks {
namespace {

std::string digest_hex(std::string_view bytes, const EVP_MD* kind) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, kind, nullptr);
    return hex({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace

std::string hex(std::string_view bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

std::string sha256_hex(std::string_view bytes) {
    return digest_hex(bytes, EVP_sha256());
}

std::string sha1_hex(std::string_view bytes) {
    return digest_hex(bytes, EVP_sha1());
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    std::array<unsigned char, 32> digest{};
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(),
         nullptr);
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

bool same_secret(std::string_view one, std::string_view other) {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace vitalog::sinks
