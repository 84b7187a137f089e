#include "processors/risk/aki.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

namespace vitalog::processors::aki {
namespace {

using std::chrono::hours;

constexpr auto kWeek = hours(24 * 8);  // day 7 ends where day 8 begins
constexpr auto kYear = hours(24 * 366);
constexpr auto kTwoDays = hours(48);

constexpr double kStage1Ratio = 1.5;
constexpr double kStage2Ratio = 2.0;
constexpr double kStage3Ratio = 3.0;
constexpr double kStage3Value = 354;       // umol/L
constexpr double kStage1Rise = 26;         // umol/L within 48 h
constexpr double kChildLimitMultiple = 3;  // times the upper reference limit
constexpr int kAdultAge = 18;

/// One corner of what the known and missing inputs leave open.
struct Corner {
    double value;
    std::optional<double> week_lowest;
    std::optional<double> year_median;
    std::optional<double> two_days_lowest;
    bool any_earlier;
    double upper_limit;
    bool child;
};

Band stage(const Corner& c) {
    if (c.child && c.value > kChildLimitMultiple * c.upper_limit) return Band::Stage3;
    if (!c.any_earlier) return c.value > c.upper_limit ? Band::Suspected : Band::None;
    // value >= ratio * baseline, not value / baseline >= ratio: the edges stay exact, and a zero
    // needs no care
    const auto reaches = [&](double ratio) {
        return (c.week_lowest && c.value > 0 && c.value >= ratio * *c.week_lowest) ||
               (c.year_median && c.value > 0 && c.value >= ratio * *c.year_median);
    };
    if (reaches(kStage1Ratio)) {
        if (reaches(kStage3Ratio) || (!c.child && c.value > kStage3Value)) return Band::Stage3;
        return reaches(kStage2Ratio) ? Band::Stage2 : Band::Stage1;
    }
    if (c.two_days_lowest && c.value - *c.two_days_lowest > kStage1Rise) return Band::Stage1;
    return Band::None;
}

/// Median of one bound over the chosen results.
template <class Get>
std::optional<double> median(std::span<const Creatinine> earlier,
                             const std::vector<std::size_t>& chosen, Get get) {
    if (chosen.empty()) return std::nullopt;
    std::vector<double> values;
    values.reserve(chosen.size());
    for (const auto i : chosen) values.push_back(get(earlier[i].value));
    const std::size_t upper = values.size() / 2;
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(upper),
                     values.end());
    if (values.size() % 2 == 1) return values[upper];
    return (*std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(upper)) +
            values[upper]) /
           2;
}

template <class Get>
std::optional<double> lowest(std::span<const Creatinine> earlier,
                             const std::vector<std::size_t>& chosen, Get get) {
    std::optional<double> found;
    for (const auto i : chosen)
        if (const double value = get(earlier[i].value); !found || value < *found) found = value;
    return found;
}

std::optional<std::size_t> index_of_lowest(std::span<const Creatinine> earlier,
                                           const std::vector<std::size_t>& chosen) {
    std::optional<std::size_t> found;
    for (const auto i : chosen)
        if (!found || earlier[i].value.stated < earlier[*found].value.stated) found = i;
    return found;
}

struct Windows {
    std::vector<std::size_t> two_days;
};

/// Sorts the earlier results into the windows and names those that decide.
Windows choose(const Input& input, Result& result) {
    Windows windows;
    for (std::size_t i = 0; i < input.earlier.size(); ++i) {
        const auto before = input.current.at - input.earlier[i].at;
        if (before.count() <= 0 || before >= kYear) continue;
        (before < kWeek ? result.week : result.year).push_back(i);
        if (before <= kTwoDays) windows.two_days.push_back(i);
    }
    result.lowest_week = index_of_lowest(input.earlier, result.week);
    result.lowest_two_days = index_of_lowest(input.earlier, windows.two_days);
    std::vector<std::size_t> sorted = result.year;
    std::sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
        return input.earlier[a].value.stated < input.earlier[b].value.stated;
    });
    if (!sorted.empty()) {
        if (sorted.size() % 2 == 0) result.medians.push_back(sorted[sorted.size() / 2 - 1]);
        result.medians.push_back(sorted[sorted.size() / 2]);
    }
    return windows;
}

/// The larger of the two ratios at the values as stated.
std::optional<double> stated_ratio(const Input& input, const Result& result) {
    const auto stated = [](const Bounds& b) { return b.stated; };
    std::optional<double> ratio;
    for (const auto& baseline :
         {lowest(input.earlier, result.week, stated), median(input.earlier, result.year, stated)})
        if (baseline && *baseline > 0)
            ratio = std::max(ratio.value_or(0), input.current.value.stated / *baseline);
    return ratio;
}

/// The corners of what is open: for each gap the choice that gives the mildest or the worst band.
class Corners {
  public:
    Corners(const Input& input, const Result& result, const Windows& windows)
        : input_(input), result_(result), windows_(windows) {}

    /// `worst` holds the Gap bits to be taken at their worst; the rest at their mildest. Whether
    /// the person is a child works both ways (354 umol/L against the limit), so both are tried.
    Band band(std::uint8_t worst) const {
        const auto is_worst = [&](Gap gap) {
            return (worst & static_cast<std::uint8_t>(gap)) != 0;
        };
        Corner c = values(is_worst(Gap::ExactValue));
        c.upper_limit = input_.upper_limit.value_or(
            is_worst(Gap::UpperLimit) ? 0 : std::numeric_limits<double>::infinity());
        if (input_.age) {
            c.child = *input_.age < kAdultAge;
            return stage(c);
        }
        c.child = false;
        const Band adult = stage(c);
        c.child = true;
        const Band child = stage(c);
        return is_worst(Gap::BirthDate) ? std::max(adult, child) : std::min(adult, child);
    }

  private:
    Corner values(bool worst) const {
        const auto baseline = [worst](const Bounds& b) { return worst ? b.least : b.most; };
        Corner c{};
        c.value = worst ? input_.current.value.most : input_.current.value.least;
        c.week_lowest = lowest(input_.earlier, result_.week, baseline);
        c.year_median = median(input_.earlier, result_.year, baseline);
        c.two_days_lowest = lowest(input_.earlier, windows_.two_days, baseline);
        c.any_earlier = !result_.week.empty() || !result_.year.empty();
        return c;
    }

    const Input& input_;
    const Result& result_;
    const Windows& windows_;
};

bool nothing_open(const Input& input) {
    return input.age && input.upper_limit && input.current.value.exact() &&
           std::all_of(input.earlier.begin(), input.earlier.end(),
                       [](const Creatinine& c) { return c.value.exact(); });
}

}  // namespace

std::string_view name_of(Band band) {
    return kBandNames[static_cast<std::size_t>(band)];
}

Result evaluate(const Input& input) {
    constexpr std::uint8_t kAll = 7;
    Result result;
    const Windows windows = choose(input, result);
    result.ratio = stated_ratio(input, result);
    const Corners corners(input, result, windows);
    result.band = corners.band(0);
    result.possible = nothing_open(input) ? result.band : corners.band(kAll);
    if (result.band == result.possible) return result;
    for (const Gap gap : {Gap::BirthDate, Gap::UpperLimit, Gap::ExactValue}) {
        const auto bit = static_cast<std::uint8_t>(gap);
        if (corners.band(bit) != result.band || corners.band(kAll & ~bit) != result.possible)
            result.gaps |= bit;
    }
    return result;
}

}  // namespace vitalog::processors::aki
