#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog::sinks {

/// Documents by the SHA-256 of their bytes, one file each: DIR/ab/abcd... (64 hexadecimal digits).
/// What is there never changes. Thread-safe for one writer and any number of readers.
class BlobStore {
  public:
    using TakeBytes = std::function<Result<void>(std::string_view)>;
    /// Gives a document's bytes piece by piece, in order, to whom it is told.
    using Document = std::function<Result<void>(const TakeBytes&)>;

    /// Creates the folder, and removes what a writer that died left. Io.
    static Result<BlobStore> open(const std::filesystem::path& folder);

    /// Stores the bytes, in memory a piece at a time, and gives their SHA-256. On disk when it
    /// returns. Io, and what `document` fails with.
    Result<std::string> put(const Document& document);

    /// Nothing where the store has no such document. Malformed for what is no SHA-256, Damaged where
    /// the bytes are others than were stored, Io.
    Result<std::optional<std::string>> read(std::string_view sha256) const;
    Result<bool> has(std::string_view sha256) const;

  private:
    explicit BlobStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
    Result<std::filesystem::path> place(std::string_view sha256) const;

    std::filesystem::path folder_;
};

}  // namespace vitalog::sinks
