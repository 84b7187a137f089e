#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "schemas/base/result.h"

namespace vitalog::sinks {

/// SHA-256 of a file as 64 hexadecimal digits. Io.
Result<std::string> sha256_of(const std::filesystem::path& path);
/// Copies a file, on disk when it returns; gives the SHA-256 of what was copied. `copied` is told
/// the bytes of each piece.
Result<std::string> copy_file_durably(const std::filesystem::path& from,
                                      const std::filesystem::path& to,
                                      const std::function<void(std::size_t)>& copied);
/// The names in a folder are on disk when it returns. Io.
Result<void> sync_folder(const std::filesystem::path& folder);
/// Writes a small file whole, then renames it into place; on disk when it returns. Io.
Result<void> write_file_durably(const std::filesystem::path& path, std::string_view text);

}  // namespace vitalog::sinks
