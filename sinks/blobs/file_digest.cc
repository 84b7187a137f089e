#include "sinks/blobs/file_digest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace vitalog::sinks {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr mode_t kMode = 0640;

tl::unexpected<Error> io_error(std::string_view what, const std::filesystem::path& path) {
    return fail(Errc::Io,
                fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

/// Closes what it holds.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    bool open() const { return number_ >= 0; }

  private:
    int number_;
};

class Sha256 {
  public:
    Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        VITALOG_ASSERT(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
                       "OpenSSL has no SHA-256");
    }
    void add(const char* bytes, std::size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
    std::string finish() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned size = 0;
        EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
        std::string hex;
        for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
        return hex;
    }

  private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

Result<void> write_all(int file, std::string_view bytes, const std::filesystem::path& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return io_error("write", path);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

/// Reads a file piece by piece.
template <class Each>
Result<void> read_file(const std::filesystem::path& path, Each each) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) return io_error("open", path);
    std::vector<char> piece(kPiece);
    for (;;) {
        const ssize_t got = ::read(file.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_error("read", path);
        if (got == 0) return {};
        VITALOG_CHECK(each(std::string_view(piece.data(), static_cast<std::size_t>(got))));
    }
}

}  // namespace

Result<std::string> sha256_of(const std::filesystem::path& path) {
    Sha256 digest;
    VITALOG_CHECK(read_file(path, [&](std::string_view piece) -> Result<void> {
        digest.add(piece.data(), piece.size());
        return {};
    }));
    return digest.finish();
}

Result<std::string> copy_file_durably(const std::filesystem::path& from,
                                      const std::filesystem::path& to,
                                      const std::function<void(std::size_t)>& copied) {
    const Descriptor out(::open(to.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode));
    if (!out.open()) return io_error("create", to);
    Sha256 digest;
    VITALOG_CHECK(read_file(from, [&](std::string_view piece) -> Result<void> {
        digest.add(piece.data(), piece.size());
        VITALOG_CHECK(write_all(out.get(), piece, to));
        copied(piece.size());
        return {};
    }));
    if (::fsync(out.get()) != 0) return io_error("sync", to);
    return digest.finish();
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const std::filesystem::path named = folder.empty() ? "." : folder;  // of a file named alone
    const Descriptor file(::open(named.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!file.open()) return io_error("open", named);
    if (::fsync(file.get()) != 0) return io_error("sync", folder);
    return {};
}

Result<void> write_file_durably(const std::filesystem::path& path, std::string_view text) {
    const std::filesystem::path fresh = path.string() + ".new";
    {
        const Descriptor file(
            ::open(fresh.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, kMode));
        if (!file.open()) return io_error("create", fresh);
        VITALOG_CHECK(write_all(file.get(), text, fresh));
        if (::fsync(file.get()) != 0) return io_error("sync", fresh);
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) return io_error("rename", fresh);
    return sync_folder(path.parent_path());
}

}  // namespace vitalog::sinks
