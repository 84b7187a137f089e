#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/hl7/charset.h"
#include "ingest/hl7/message.h"

// MB/s from the bytes of a real ORU to its struct, one core: character set checked, every segment
// and field indexed. hl7_parse_bench [FILE [SECONDS]]

namespace {

using namespace vitalog::ingest::hl7;
using SteadyClock = std::chrono::steady_clock;

std::vector<std::string> load_orus(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<std::string> orus;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t end = std::min(bytes.find("\n\n", at), bytes.size());
        std::string message = bytes.substr(at, end - at);
        if (message.find("|ORU^R01|") != std::string::npos) orus.push_back(std::move(message));
        at = end + 2;
    }
    return orus;
}

struct Counts {
    std::uint64_t segments = 0;
    std::uint64_t fields = 0;
    std::uint64_t observations = 0;

    friend bool operator==(const Counts&, const Counts&) = default;
};

/// The same numbers by splitting naively.
Counts count_naively(const std::vector<std::string>& orus) {
    Counts counts;
    for (const std::string& oru : orus) {
        for (std::size_t at = 0; at < oru.size();) {
            const std::size_t end = std::min(oru.find('\r', at), oru.size());
            const std::string_view line = std::string_view(oru).substr(at, end - at);
            at = end + 1;
            if (line.empty()) continue;
            ++counts.segments;
            counts.fields += static_cast<std::uint64_t>(std::count(line.begin(), line.end(), '|'));
            if (line.starts_with("MSH|")) ++counts.fields;  // MSH-1
            if (line.starts_with("OBX|")) ++counts.observations;
        }
    }
    return counts;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string path =
        argc > 1 ? argv[1] : VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7";
    const double seconds = argc > 2 ? std::stod(argv[2]) : 2.0;
    const auto orus = load_orus(path);
    std::uint64_t bytes = 0;
    for (const auto& oru : orus) bytes += oru.size();
    if (orus.empty()) {
        std::fprintf(stderr, "no ORU^R01 in %s\n", path.c_str());
        return 1;
    }
    std::printf("input %s: %zu ORU^R01, %llu bytes; no seed; one thread; %.1f s\n", path.c_str(),
                orus.size(), static_cast<unsigned long long>(bytes), seconds);

    Decoder decoder;
    Message message;
    const Counts expected = count_naively(orus);
    std::uint64_t rounds = 0;
    const auto start = SteadyClock::now();
    double elapsed = 0;
    for (; elapsed < seconds; ++rounds) {
        Counts counts;
        for (const auto& oru : orus) {
            const auto decoded = decoder.decode(oru);
            if (!decoded || !message.parse(*decoded)) {
                std::fprintf(stderr, "a message was refused\n");
                return 1;
            }
            for (const Segment segment : message) {
                ++counts.segments;
                counts.fields += segment.field_count();
                if (segment.id() == "OBX") ++counts.observations;
            }
        }
        if (counts != expected) {
            std::fprintf(stderr, "the parser sees other segments or fields than a naive split\n");
            return 1;
        }
        elapsed = std::chrono::duration<double>(SteadyClock::now() - start).count();
    }
    const double messages = static_cast<double>(rounds * orus.size());
    std::printf(
        "to structs: %.0f MB/s, %.2f M messages/s, %.1f M fields/s (%llu fields a round agree with "
        "a naive split)\n",
        static_cast<double>(bytes * rounds) / elapsed / 1e6, messages / elapsed / 1e6,
        static_cast<double>(expected.fields * rounds) / elapsed / 1e6,
        static_cast<unsigned long long>(expected.fields));
    return 0;
}
