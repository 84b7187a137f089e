// Every limit of the built-in packs from both sides, as the packs themselves say it.
#include <cmath>
#include <filesystem>

#include "processors/care/index_results.h"
#include "schemas/rules.h"
#include "tests/processors/care_fixture.h"

namespace vitalog::tests {
namespace {

namespace fs = std::filesystem;
using schemas::AlertState;
using schemas::Limit;
using schemas::Rule;
using schemas::RuleKind;
using schemas::Topic;
using std::chrono::microseconds;

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> built_in_packs() {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(VITALOG_SOURCE_DIR "/schemas/rules"))
        if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
    return paths;
}

/// The number that only just reaches a limit, and the one beside it that does not.
struct Edge {
    double reaches, misses;
};
Edge edge_of(const Limit& limit, double outward) {
    if (limit.strict) return {std::nextafter(limit.value, outward), limit.value};
    return {limit.value, std::nextafter(limit.value, -outward)};
}

class Packs : public CareTest {
  protected:
    Packs() {
        driver.set_now((kMorning + hours(6)).as<ReceivedTime>());
        for (const auto& path : built_in_packs())
            EXPECT_TRUE(driver.control("rules", path.filename().string(), "1", text_of(path)));
    }

    /// Values of one measure from `from` on, for as long as the rule wants to see them.
    void show(const Rule& rule, const std::string& loinc, double value, microseconds length,
              EventTime& at) {
        std::vector<Lab> labs;
        const EventTime end = at + length;
        const microseconds minute = std::chrono::minutes(1);
        const auto step = rule.max_gap.count() > 0 ? rule.max_gap : minute;
        for (;; at = std::min(at + step, end)) {
            labs.push_back({.name = person + loinc + std::to_string(at.micros()),
                            .value = value,
                            .at = at,
                            .loinc = loinc,
                            .unit = rule.unit,
                            .high = {}});
            if (at == end) break;
        }
        EXPECT_TRUE(results(labs));
        at = at + step;
    }
    std::size_t written(const Rule& rule, AlertState state) {
        std::size_t n = 0;
        for (const auto& output : driver.of<schemas::AlertEvent>(Topic::Alert)) {
            const auto alert = driver.as<schemas::AlertEvent>(output);
            n += alert.rule == rule.id && alert.state == state;
        }
        return n;
    }
    void new_person() {
        driver.take();
        person = IdHash().part("person").part(std::int64_t{++persons_}).finish().to_string();
    }

    void check(const Rule& rule, const std::string& loinc, const Limit& raise, const Limit& clear,
               double outward) {
        const Edge limit = edge_of(raise, outward);
        const Edge end = edge_of(clear, -outward);
        new_person();
        EventTime at = kMorning;
        show(rule, loinc, limit.misses, rule.hold, at);
        EXPECT_EQ(written(rule, AlertState::Raised), 0U) << rule.id << ": " << limit.misses;
        new_person();
        at = kMorning;
        show(rule, loinc, limit.reaches, rule.hold, at);
        EXPECT_EQ(written(rule, AlertState::Raised), 1U) << rule.id << ": " << limit.reaches;
        show(rule, loinc, end.misses, rule.clear_hold, at);
        EXPECT_EQ(written(rule, AlertState::Closed), 0U) << rule.id << ": " << end.misses;
        show(rule, loinc, end.reaches, rule.clear_hold, at);
        EXPECT_EQ(written(rule, AlertState::Closed), 1U) << rule.id << ": " << end.reaches;
    }

    int persons_ = 0;
};

TEST_F(Packs, EveryThresholdRaisesAndClearsAtItsLimitsAndNotBesideThem) {
    std::size_t checked = 0;
    for (const auto& path : built_in_packs()) {
        const auto pack = schemas::parse_rule_pack(path.filename().string(), text_of(path));
        ASSERT_TRUE(pack) << pack.error().message();
        for (const auto& rule : pack->rules) {
            if (rule.kind != RuleKind::Threshold) continue;
            for (const auto& loinc : rule.loinc) {
                if (rule.low) check(rule, loinc, *rule.low, *rule.clear_low, -INFINITY);
                if (rule.high) check(rule, loinc, *rule.high, *rule.clear_high, INFINITY);
                ++checked;
            }
        }
    }
    EXPECT_GE(checked, 20U);
}

TEST_F(Packs, EveryRuleNamesAPublicationOrAsksForSignOff) {
    for (const auto& path : built_in_packs()) {
        const auto pack = schemas::parse_rule_pack(path.filename().string(), text_of(path));
        ASSERT_TRUE(pack) << pack.error().message();
        for (const auto& rule : pack->rules)
            EXPECT_TRUE(rule.source.ends_with("need clinical sign-off") ||
                        rule.source.find("needs clinical sign-off") != std::string::npos)
                << path << ": what of " << rule.id << " is in no publication?";
    }
}

TEST(CarePacks, EveryBandOfAnIndexHasANumberInTheStoredForm) {
    using namespace processors::care;
    for (const auto& kind : index_kinds()) {
        EXPECT_FALSE(kind.bands.empty()) << kind.method;
        for (const auto band : kind.bands)
            EXPECT_NE(band_number(band), kNoBand) << kind.method << " " << band;
    }
}

}  // namespace
}  // namespace vitalog::tests
