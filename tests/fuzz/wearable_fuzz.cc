#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ingest/wearable/wearable_decoder.h"
#include "schemas/embed.h"

// Both forms of wearable data. Whatever comes is read item by item or refused; every series of what
// was taken is whole and in order; and reading it again gives the same.

namespace {

using namespace vitalog;
using ingest::wearable::WearableDecoder;

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

std::size_t samples_of(const std::vector<schemas::SampleSeries>& list) {
    std::size_t samples = 0;
    for (const auto& series : list) {
        VITALOG_ASSERT(series.steps.size() == series.values.size() && series.steps.front() == 0 &&
                           (series.spans.empty() || series.spans.size() == series.values.size()),
                       "a series is whole");
        for (const auto step : series.steps) VITALOG_ASSERT(step >= 0, "samples are in order");
        samples += series.values.size();
    }
    return samples;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static WearableDecoder decoder;
    const WearableDecoder::Options options{ReceivedTime(1'780'000'000'000'000), "A|1",
                                           WearableDecoder::Accounts::Many};
    if (!decoder.decode(text, tables(), options)) return 0;
    const std::string once = schemas::encode(decoder.event("A|1"));
    const auto& event = decoder.event("A|1");
    VITALOG_ASSERT(samples_of(event.series) + samples_of(event.statistics) == decoder.samples(),
                   "every sample is in a series");
    VITALOG_ASSERT(decoder.faults().size() <= decoder.items(), "an item is at fault once");
    WearableDecoder another;
    VITALOG_ASSERT(another.decode(text, tables(), options).has_value(), "the same is read again");
    VITALOG_ASSERT(schemas::encode(another.event("A|1")) == once, "the same gives the same");
    return 0;
}
