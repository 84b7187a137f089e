#pragma once

#include <string>
#include <string_view>

namespace vitalog::sinks {

/// Digests that providers' signatures are made of; hexadecimal in lower case.
std::string sha256_hex(std::string_view bytes);
std::string sha1_hex(std::string_view bytes);
/// Raw: 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string hex(std::string_view bytes);
/// Takes the same time wherever two texts of one length differ.
bool same_secret(std::string_view one, std::string_view other);

}  // namespace vitalog::sinks
