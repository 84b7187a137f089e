#include "sinks/blobs/blob_store.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

namespace vitalog::sinks {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigits = 64;
constexpr const char* kUnfinished = "unfinished";

Error io_error(const std::string& what, const fs::path& path) {
    return {Errc::Io, what + " " + path.string() + ": " + std::strerror(errno)};
}

/// A file open for writing; closes itself.
class OutputFile {
  public:
    explicit OutputFile(const fs::path& path)
        : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)) {}
    ~OutputFile() {
        if (file_ >= 0) ::close(file_);
    }
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    bool write(std::string_view bytes) {
        while (file_ >= 0 && !bytes.empty()) {
            const ssize_t written = ::write(file_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return file_ >= 0;
    }
    bool sync() { return file_ >= 0 && ::fsync(file_) == 0; }

  private:
    int file_;
};

/// A new name in a folder is on disk once the folder is.
Result<void> sync_folder(const fs::path& folder) {
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = file >= 0 && ::fsync(file) == 0;
    const Error failed = done ? Error(Errc::Io, "") : io_error("cannot sync", folder);
    if (file >= 0) ::close(file);
    if (!done) return tl::unexpected(failed);
    return {};
}

class Sha256 {
  public:
    Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        good_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
    }
    void update(std::string_view bytes) {
        good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
    }
    std::string finish() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
        unsigned length = 0;
        good_ = good_ && EVP_DigestFinal_ex(context_.get(), hash.data(), &length) == 1;
        VITALOG_ASSERT(good_, "SHA-256 is not available");
        static constexpr char kHex[] = "0123456789abcdef";
        std::string text;
        for (unsigned i = 0; i < length; ++i) {
            text.push_back(kHex[hash[i] >> 4]);
            text.push_back(kHex[hash[i] & 15]);
        }
        return text;
    }

  private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
    bool good_ = false;
};

}  // namespace

Result<BlobStore> BlobStore::open(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fail(Errc::Io, "cannot create " + folder.string() + ": " + error.message());
    fs::remove(folder / kUnfinished, error);
    return BlobStore(folder);
}

Result<fs::path> BlobStore::place(std::string_view sha256) const {
    const bool valid =
        sha256.size() == kDigits && std::all_of(sha256.begin(), sha256.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        });
    if (!valid) return fail(Errc::Malformed, "a document is named by 64 hexadecimal digits");
    return folder_ / sha256.substr(0, 2) / sha256;
}

Result<std::string> BlobStore::put(const Document& document) {
    const fs::path unfinished = folder_ / kUnfinished;
    Sha256 hash;
    {
        OutputFile file(unfinished);
        const auto written = document([&](std::string_view bytes) -> Result<void> {
            hash.update(bytes);
            if (!file.write(bytes)) return tl::unexpected(io_error("cannot write", unfinished));
            return {};
        });
        if (!written) {
            std::error_code ignored;
            fs::remove(unfinished, ignored);
            return tl::unexpected(written.error());
        }
        if (!file.sync()) return tl::unexpected(io_error("cannot write", unfinished));
    }
    std::string sha256 = hash.finish();
    VITALOG_TRY(const fs::path target, place(sha256));
    std::error_code error;
    const bool new_folder = fs::create_directory(target.parent_path(), error);
    if (!error) fs::rename(unfinished, target, error);
    if (error) return fail(Errc::Io, "cannot create " + target.string() + ": " + error.message());
    VITALOG_CHECK(sync_folder(target.parent_path()));
    if (new_folder) VITALOG_CHECK(sync_folder(folder_));
    return sha256;
}

Result<bool> BlobStore::has(std::string_view sha256) const {
    VITALOG_TRY(const fs::path path, place(sha256));
    std::error_code error;
    return fs::exists(path, error);
}

Result<std::optional<std::string>> BlobStore::read(std::string_view sha256) const {
    VITALOG_TRY(const fs::path path, place(sha256));
    std::error_code error;
    if (!fs::exists(path, error)) return std::optional<std::string>();
    std::ifstream file(path, std::ios::binary);
    std::string bytes(fs::file_size(path, error), '\0');
    if (error || !file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
        return fail(Errc::Io, "cannot read " + path.string());
    Sha256 hash;
    hash.update(bytes);
    if (hash.finish() != sha256)
        return fail(Errc::Damaged, path.string() +
                                       " is damaged: its bytes are not those it is named by; "
                                       "restore this file from a backup");
    return std::optional<std::string>(std::move(bytes));
}

}  // namespace vitalog::sinks
