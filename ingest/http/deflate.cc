#include "ingest/http/deflate.h"

#include <zlib.h>

#include "schemas/base/result.h"

namespace vitalog::ingest {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: largest window, gzip header
constexpr int kMemoryLevel = 8;

}  // namespace

std::string gzip(std::string_view plain) {
    z_stream stream{};
    const int started = deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                                     Z_DEFAULT_STRATEGY);
    VITALOG_ASSERT(started == Z_OK, "zlib starts unless memory is gone");
    std::string copy(plain);  // zlib takes a pointer to what it could change
    std::string out(deflateBound(&stream, plain.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(copy.data());
    stream.avail_in = static_cast<uInt>(copy.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int done = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    VITALOG_ASSERT(done == Z_STREAM_END, "the bound that zlib gives is enough");
    return out;
}

}  // namespace vitalog::ingest
