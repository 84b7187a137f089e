#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "processors/care/window.h"
#include "processors/care/windows.h"

namespace vitalog::processors::care {
namespace {

using schemas::WindowLength;

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kStart = 1'600'000'000'000 / kDay * kDay;
constexpr std::array<WindowLength, 4> kLengths{WindowLength::Hour, WindowLength::Day,
                                               WindowLength::Week, WindowLength::Quarter};

struct One {
    std::int64_t at;
    std::int64_t value;
    SourceWord word = 7;
};

EventTime at(std::int64_t millis) {
    return EventTime::from_millis(millis);
}

std::string bytes_of(const Window& window) {
    std::string bytes;
    BinaryWriter out(bytes);
    window.encode(out);
    return bytes;
}

/// What the windows mean, by a list of all samples: each once, of each bucket the smallest word.
class Model {
  public:
    void fold(const One& one) {
        if (seen_.insert({one.word, one.at}).second) samples_.push_back(one);
        newest_ = std::max(newest_, one.at);
    }
    std::vector<One> in(std::size_t level, std::int64_t as_of) const {
        const auto& shape = Window::kLevels[level];
        const auto slot = [&](std::int64_t t) { return t / shape.width; };
        std::map<std::int64_t, SourceWord> words;
        for (const auto& one : samples_) {
            const auto [place, added] = words.try_emplace(slot(one.at), one.word);
            if (!added) place->second = std::min(place->second, one.word);
        }
        std::vector<One> counted;
        for (const auto& one : samples_)
            if (slot(one.at) <= slot(as_of) && slot(one.at) > slot(as_of) - shape.buckets &&
                slot(one.at) > slot(newest_) - shape.buckets && words[slot(one.at)] == one.word)
                counted.push_back(one);
        std::sort(counted.begin(), counted.end(),
                  [](const One& a, const One& b) { return a.at < b.at; });
        return counted;
    }

  private:
    std::vector<One> samples_;
    std::set<std::pair<SourceWord, std::int64_t>> seen_;
    std::int64_t newest_ = 0;
};

void expect_same(const Window& window, const Model& model, std::int64_t as_of) {
    for (std::size_t level = 0; level < 4; ++level) {
        const auto counted = model.in(level, as_of);
        const auto statistics = window.statistics(kLengths[level], at(as_of));
        ASSERT_EQ(statistics.has_value(), !counted.empty()) << level;
        if (counted.empty()) continue;
        long double sum = 0, squares = 0;
        for (const auto& one : counted) sum += one.value;
        const long double mean = sum / counted.size();
        for (const auto& one : counted) squares += (one.value - mean) * (one.value - mean);
        const auto by_value = [](const One& a, const One& b) { return a.value < b.value; };
        EXPECT_EQ(statistics->count, static_cast<std::int64_t>(counted.size()));
        EXPECT_EQ(statistics->min,
                  std::min_element(counted.begin(), counted.end(), by_value)->value);
        EXPECT_EQ(statistics->max,
                  std::max_element(counted.begin(), counted.end(), by_value)->value);
        EXPECT_NEAR(statistics->mean, static_cast<double>(mean), 1e-9);
        EXPECT_EQ(statistics->first, at(counted.front().at));
        EXPECT_EQ(statistics->last, at(counted.back().at));
        ASSERT_EQ(statistics->deviation.has_value(), counted.size() > 1);
        if (counted.size() > 1) {
            EXPECT_NEAR(*statistics->deviation,
                        static_cast<double>(std::sqrt(squares / (counted.size() - 1))), 1e-9);
        }
    }
}

std::vector<One> days_of_samples(std::mt19937_64& random) {
    std::vector<One> samples;
    std::int64_t t = kStart;
    const std::array<std::int64_t, 6> steps{kMinute, kMinute,   10 * kMinute,
                                            kHour,   5 * kHour, 4 * kDay};
    while (samples.size() < 45) {  // so many moments the filter knows one by one
        t += steps[random() % steps.size()];
        samples.push_back({t, 40 + static_cast<std::int64_t>(random() % 120), 7});
        if (random() % 5 == 0) samples.push_back({t + 1000, 300, 9});  // another device, outranked
    }
    return samples;
}

TEST(Window, SaysTheSameAsAListOfAllSamplesInWhateverOrder) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        std::mt19937_64 random(seed);
        auto samples = days_of_samples(random);
        const std::int64_t newest =
            std::max_element(samples.begin(), samples.end(), [](const One& a, const One& b) {
                return a.at < b.at;
            })->at;
        Window in_order;
        Model model;
        for (const auto& one : samples) {
            model.fold(one);
            in_order.fold(one.at, one.value, one.word);
        }
        for (const std::int64_t back : {std::int64_t{0}, 20 * kMinute, 5 * kHour, 3 * kDay})
            expect_same(in_order, model, newest - back);

        auto shuffled = samples;
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        shuffled.insert(shuffled.end(), samples.begin(), samples.end());  // all of them again
        Window other;
        for (const auto& one : shuffled) other.fold(one.at, one.value, one.word);
        for (std::size_t level = 0; level < 4; ++level)
            EXPECT_TRUE(std::ranges::equal(in_order.level(level), other.level(level)))
                << "seed " << seed << " level " << level;
    }
}

TEST(Window, TheSameSampleAgainHasNoEffectHoweverIrregularTheTimes) {
    std::mt19937_64 random(5);
    Window window;
    std::vector<One> samples;
    std::int64_t t = kStart;
    for (int i = 0; i < 3000; ++i)
        samples.push_back({t += 700 + static_cast<std::int64_t>(random() % 20'000), 80});
    for (const auto& one : samples)
        EXPECT_EQ(window.fold(one.at, one.value, one.word), Folded::Counted);
    const std::string once = bytes_of(window);
    std::shuffle(samples.begin(), samples.end(), random);
    for (const auto& one : samples) EXPECT_EQ(window.fold(one.at, one.value, 7), Folded::Repeat);
    EXPECT_EQ(bytes_of(window), once);
}

TEST(Window, AHoleThatIsFilledLateCountsThoughTimesAreIrregular) {
    const std::int64_t kEnd = kStart + 20 * kDay + 12 * kHour;
    std::mt19937_64 random(6);
    Window window;
    std::vector<One> hole;
    std::int64_t t = kStart;
    while (t < kEnd) {
        t += 4000 + static_cast<std::int64_t>(random() % 3000);
        if (t % kDay > 23 * kHour) t += 8 * kHour;  // off at night
        const bool late = t >= kEnd - 40 * kMinute && t < kEnd - 30 * kMinute;
        if (late)
            hole.push_back({t, 70});
        else
            window.fold(t, 80, 7);
    }
    ASSERT_GT(hole.size(), 80U);
    for (const auto& one : hole) EXPECT_EQ(window.fold(one.at, one.value, 7), Folded::Counted);
    for (const auto& one : hole) EXPECT_EQ(window.fold(one.at, one.value, 7), Folded::Repeat);
}

TEST(Window, TheSourceOfLowerRankHasTheWordWhereTheyOverlap) {
    const SourceWord watch = source_word(0, "watch");
    const SourceWord phone = source_word(1, "phone");
    Window window;
    EXPECT_EQ(window.fold(kStart, 100, phone), Folded::Counted);
    EXPECT_EQ(window.fold(kStart + kMinute, 40, watch), Folded::Counted);
    EXPECT_EQ(window.fold(kStart + 2 * kMinute, 100, phone), Folded::Outranked);
    EXPECT_EQ(window.newest().count, 1U);
    EXPECT_EQ(window.newest().last, 40);
    EXPECT_EQ(window.fold(kStart + 5 * kMinute, 100, phone), Folded::Counted);  // it is alone there
    EXPECT_EQ(window.statistics(WindowLength::Hour, at(kStart + 5 * kMinute))->count, 2);
    EXPECT_EQ(window.statistics(WindowLength::Day, at(kStart + 5 * kMinute))->count, 1);
}

TEST(Window, WhatIsOlderThanTheBucketsChangesNothing) {
    Window window;
    window.fold(kStart + 100 * 7 * kDay, 1, 7);
    const std::string before = bytes_of(window);
    EXPECT_EQ(window.fold(kStart + 87 * 7 * kDay - kDay, 1, 7), Folded::TooOld);
    EXPECT_EQ(bytes_of(window), before);
    EXPECT_EQ(window.fold(kStart + 89 * 7 * kDay, 1, 7), Folded::Counted);
}

TEST(Window, KeepsEveryDecimalThatCame) {
    Window window;
    window.fold(kStart, 37, 7);
    window.use_decimals(2);
    window.fold(kStart + kMinute, 3850, 7);
    const auto hour = window.statistics(WindowLength::Hour, at(kStart + kMinute));
    EXPECT_EQ(hour->min, 37);
    EXPECT_EQ(hour->max, 38.5);
    EXPECT_EQ(hour->mean, 37.75);
    EXPECT_NEAR(*hour->deviation, 1.5 / std::sqrt(2.0), 1e-12);
}

TEST(Window, TheSlopeIsThatOfTheLineThroughTheSamples) {
    Window window;
    for (int minute = 0; minute < 60; minute += 5)
        window.fold(kStart + minute * kMinute, 60 + minute, 7);
    const auto hour = window.statistics(WindowLength::Hour, at(kStart + 55 * kMinute));
    EXPECT_NEAR(*hour->slope, 60, 1e-9);
    Window alone;
    alone.fold(kStart, 60, 7);
    EXPECT_FALSE(alone.statistics(WindowLength::Hour, at(kStart))->slope);
    EXPECT_FALSE(alone.statistics(WindowLength::Hour, at(kStart))->deviation);
}

TEST(Window, SumsThatDoNotFitSayNoDeviation) {
    Window window;
    window.use_decimals(6);
    const std::int64_t most = sample_value_max(6);
    for (int i = 0; i < 100; ++i) window.fold(kStart + i * 1000, i % 2 == 0 ? most : -most, 7);
    const auto hour = window.statistics(WindowLength::Hour, at(kStart + kMinute));
    EXPECT_EQ(hour->count, 100);
    EXPECT_EQ(hour->max, 1e6);
    EXPECT_FALSE(hour->deviation);

    Window alone;
    alone.use_decimals(6);
    alone.fold(kStart, most, 7);
    for (const Window* each : {&window, &alone}) {
        const std::string bytes = bytes_of(*each);
        Window again;
        BinaryReader in(bytes);
        EXPECT_TRUE(again.decode(in));
        EXPECT_EQ(bytes_of(again), bytes);
    }
}

TEST(Window, ReadsBackAsItWasWritten) {
    std::mt19937_64 random(3);
    Window window;
    window.use_decimals(1);
    for (const auto& one : days_of_samples(random)) window.fold(one.at + 1, -one.value, one.word);
    window.event = RecordId::parse("0123456789abcdef0123456789abcdef");
    const std::string bytes = bytes_of(window);
    Window again;
    BinaryReader in(bytes);
    ASSERT_TRUE(again.decode(in));
    EXPECT_TRUE(in.at_end());
    for (std::size_t level = 0; level < 4; ++level)
        EXPECT_TRUE(std::ranges::equal(window.level(level), again.level(level)));
    EXPECT_EQ(bytes_of(again), bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BinaryReader part(std::string_view(bytes).substr(0, size));
        Window broken;
        EXPECT_FALSE(broken.decode(part) && part.at_end()) << size;
    }
}

TEST(Window, TwoPersonsThatAreOneHaveTheSamplesOfBoth) {
    Window one, other, both;
    for (int i = 0; i < 40; ++i) {
        const One sample{kStart + i * 3 * kMinute, 60 + i};
        (i % 2 == 0 ? one : other).fold(sample.at, sample.value, 7);
        both.fold(sample.at, sample.value, 7);
    }
    one.absorb(other);
    for (std::size_t level = 0; level < 4; ++level)
        EXPECT_TRUE(std::ranges::equal(one.level(level), both.level(level))) << level;
    EXPECT_EQ(one.fold(kStart + 3 * kMinute, 61, 7), Folded::Repeat);
}

/// Six measures as wearables send them.
struct Measure {
    std::string_view loinc, unit;
    int decimals;
    std::int64_t base, spread;
};
constexpr std::array<Measure, 6> kMeasures{{{"8867-4", "/min", 0, 72, 30},
                                            {"59408-5", "%", 0, 94, 6},
                                            {"8310-5", "Cel", 1, 365, 12},
                                            {"9279-1", "/min", 0, 14, 6},
                                            {"8480-6", "mm[Hg]", 0, 120, 30},
                                            {"8462-4", "mm[Hg]", 0, 75, 20}}};

std::size_t bytes_of_person(std::int64_t step, std::int64_t length) {
    std::mt19937_64 random(9);
    Windows windows;
    Window window;
    for (const auto& measure : kMeasures) {
        windows.load(measure.loinc, measure.unit, window);
        window.use_decimals(measure.decimals);
        for (std::int64_t t = 0; t < length; t += step)
            window.fold(kStart + t,
                        measure.base + static_cast<std::int64_t>(
                                           random() % static_cast<std::uint64_t>(measure.spread)),
                        source_word(0, "watch"));
        EXPECT_TRUE(windows.store(measure.loinc, measure.unit, window));
    }
    return windows.heap_bytes();
}

TEST(Windows, APersonWithSixCodesIsSmall) {
    const auto hour = bytes_of_person(kMinute, kHour);
    const auto dense = bytes_of_person(2 * kMinute, 91 * kDay);
    std::printf("six codes: an hour %zu bytes, dense %zu bytes\n", hour, dense);
    EXPECT_LE(hour, 1'700U);
    EXPECT_LE(dense, 6'000U);
}

TEST(Windows, GiveTheNewestValueWithoutUnpacking) {
    Windows windows;
    Window window;
    window.clear();
    window.use_decimals(1);
    window.fold(kStart, 365, 7);
    window.fold(kStart + kHour, 391, 7);
    window.event = RecordId::parse("0123456789abcdef0123456789abcdef");
    ASSERT_TRUE(windows.store("8310-5", "Cel", window));
    const auto latest = windows.latest("8310-5", "Cel");
    ASSERT_TRUE(latest);
    EXPECT_EQ(latest->value, 39.1);
    EXPECT_EQ(latest->at, at(kStart + kHour));
    EXPECT_EQ(latest->event, window.event);
    EXPECT_EQ(windows.latest("8310-5", "Cel", at(kStart + kMinute))->value, 36.5);
    EXPECT_FALSE(windows.latest("8310-5", "Cel", at(kStart - 1)));
    EXPECT_FALSE(windows.latest("8310-5", "[degF]"));
    EXPECT_EQ(windows.last_of("8310-5"), at(kStart + kHour));

    std::string bytes;
    BinaryWriter out(bytes);
    windows.encode(out);
    Windows again;
    BinaryReader in(bytes);
    ASSERT_TRUE(again.decode(in));
    EXPECT_EQ(again.latest("8310-5", "Cel")->value, 39.1);
    again.load("8310-5", "Cel", window);
    EXPECT_EQ(window.newest().last, 391);
}

TEST(Windows, HoldNoMoreMeasuresThanTheyMay) {
    Windows windows;
    Window window;
    window.fold(kStart, 1, 7);
    for (std::size_t i = 0; i < kWindowsPerPersonMax; ++i)
        EXPECT_TRUE(windows.store("code-" + std::to_string(i), "1", window));
    EXPECT_FALSE(windows.store("one-more", "1", window));
    EXPECT_TRUE(windows.store("code-3", "1", window));
}

}  // namespace
}  // namespace vitalog::processors::care
