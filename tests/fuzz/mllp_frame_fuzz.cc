#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "ingest/mllp/frame.h"

// However a stream is cut into reads, the same frames come out.

using namespace vitalog::ingest::mllp;

namespace {

constexpr std::size_t kLimit = 200;

std::vector<std::string> cut(std::string_view bytes, std::size_t chunk) {
    FrameDecoder decoder(kLimit);
    std::vector<std::string> out;
    const auto keep = [&](const Frame& frame) {
        if (frame.kind == Frame::Kind::Message && frame.content.size() > kLimit) std::abort();
        if (frame.content.size() > frame.size) std::abort();
        out.push_back(std::to_string(static_cast<int>(frame.kind)) + ":" +
                      std::string(frame.content));
    };
    for (std::size_t at = 0; at < bytes.size(); at += chunk) {
        const std::string_view read = bytes.substr(at, chunk);
        std::memcpy(decoder.prepare(read.size()), read.data(), read.size());
        decoder.commit(read.size());
        while (const auto frame = decoder.next()) keep(*frame);
    }
    while (const auto frame = decoder.flush(true)) keep(*frame);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = cut(bytes, size + 1);
    // Beyond the limit the cuts decide how much of a frame is kept before it is skipped.
    if (size > kLimit) {
        (void)cut(bytes, 7);
        return 0;
    }
    for (const std::size_t chunk : {1, 2, 3, 7})
        if (cut(bytes, chunk) != whole) std::abort();
    return 0;
}
