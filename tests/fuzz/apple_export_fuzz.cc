#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/wearable/apple_export.h"
#include "schemas/embed.h"
#include "schemas/tables/tables.h"

// Any bytes as Apple Health's export.xml: in one piece and in two the same points, or refused.

namespace {

using namespace vitalog;

const schemas::Tables& tables() {
    static const schemas::Tables built = [] {
        schemas::Tables fresh;
        for (const auto& file : schemas::builtin_files())
            if (file.kind == "units" || file.kind == "codes" || file.kind == "measures")
                (void)fresh.load(file.kind, file.name, file.text);
        return fresh;
    }();
    return built;
}

std::vector<std::string> points(std::string_view first, std::string_view second, bool& whole) {
    std::vector<std::string> found;
    ingest::wearable::AppleExport reader(tables().measures(),
                                         [&](std::string_view point) -> Result<void> {
                                             found.emplace_back(point);
                                             return {};
                                         });
    whole = reader.read(first) && reader.read(second) && reader.finish();
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    bool one = false;
    bool two = false;
    const auto in_one = points(text, {}, one);
    const auto in_two = points(text.substr(0, size / 2), text.substr(size / 2), two);
    VITALOG_ASSERT(one == two && (!one || in_one == in_two), "pieces make no difference");
    (void)ingest::wearable::apple_time(text);
    return 0;
}
