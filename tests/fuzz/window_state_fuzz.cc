#include <cstddef>
#include <cstdint>
#include <string>

#include "processors/care/windows.h"

// Any bytes are either refused or a window that reads back as itself, whatever is then done with
// it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::processors::care;
    Window window;
    BinaryReader in({reinterpret_cast<const char*>(data), size});
    if (!window.decode(in) || !in.at_end()) return 0;
    std::string once;
    BinaryWriter out(once);
    window.encode(out);
    Window again;
    BinaryReader reread(once);
    VITALOG_ASSERT(again.decode(reread) && reread.at_end(), "what encode() wrote can be read");
    std::string twice;
    BinaryWriter rewrite(twice);
    again.encode(rewrite);
    VITALOG_ASSERT(once == twice, "a stored form is stable");

    const std::int64_t newest = window.newest().last_at;
    for (const auto length : {schemas::WindowLength::Hour, schemas::WindowLength::Day,
                              schemas::WindowLength::Week, schemas::WindowLength::Quarter})
        if (const auto statistics = window.statistics(length, EventTime::from_millis(newest)))
            VITALOG_ASSERT(statistics->min <= statistics->max && statistics->count > 0,
                           "statistics hold together");
    constexpr std::int64_t kTimeMax = std::int64_t{1} << 48;  // of samples that intake passes on
    if (newest > kTimeMax || newest < -kTimeMax) return 0;
    again.absorb(window);
    again.use_decimals(kSampleDecimalsMax);
    for (const std::int64_t ahead : {0, 1, 1000, 300'000, 86'400'000})
        again.fold(newest + ahead, sample_value_max(kSampleDecimalsMax), source_word(0, "fuzz"));
    const Folded repeat = again.fold(newest + 1, 0, source_word(0, "fuzz"));
    VITALOG_ASSERT(repeat == Folded::Repeat || repeat == Folded::TooOld,
                   "the same sample again has no effect");
    Windows windows;
    VITALOG_ASSERT(windows.store("8867-4", "/min", again), "there is room for one");
    VITALOG_ASSERT(windows.latest("8867-4", "/min")->at >= EventTime::from_millis(newest),
                   "the newest sample is kept");
    Window loaded;
    windows.load("8867-4", "/min", loaded);
    return 0;
}
