#include "ingest/http/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace vitalog::ingest {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: largest window, gzip header required
constexpr std::size_t kFirstChunk = 64 << 10;

struct EndInflate {
    void operator()(z_stream* stream) const { inflateEnd(stream); }
};

}  // namespace

Result<std::string> gunzip(std::string_view packed, std::size_t limit) {
    z_stream stream{};
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) return fail(Errc::Io, "zlib could not start");
    const std::unique_ptr<z_stream, EndInflate> guard(&stream);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    std::string out;
    std::size_t used = 0;
    while (true) {
        if (used == out.size())
            out.resize(std::min(limit + 1, std::max(kFirstChunk, out.size() * 2)));
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
        stream.avail_out = static_cast<uInt>(out.size() - used);
        const int code = inflate(&stream, Z_NO_FLUSH);
        used = out.size() - stream.avail_out;
        if (used > limit)
            return fail(Errc::TooLarge,
                        "the body unpacks to more than " + std::to_string(limit) + " bytes");
        if (code == Z_STREAM_END) {
            if (stream.avail_in == 0) break;
            if (inflateReset(&stream) != Z_OK) return fail(Errc::Io, "zlib could not go on");
        } else if (code != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
            return fail(Errc::Malformed,
                        "the body is not whole gzip, although Content-Encoding says so");
        }
    }
    out.resize(used);
    return out;
}

}  // namespace vitalog::ingest
