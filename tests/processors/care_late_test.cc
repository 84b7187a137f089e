// Late, corrected and withdrawn results under rules that look at more than one value: they may
// raise, and take nothing back in silence.
#include "tests/processors/care_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::AlertState;
using schemas::ObservationStatus;
using schemas::Topic;

constexpr std::string_view kRules = R"(format: 1
pack: late
version: 1
rules:
  - {id: mean, version: 1, kind: window, problem: Urea high for a day, loinc: 22664-7, unit: mmol/L, window: 24h,
     statistic: mean, points: 3, above: 10, clear: {high: 8}, priority: medium, max_age: 48h, source: test}
  - {id: falls, version: 1, kind: trend, problem: Sodium falls, loinc: 2951-2, unit: mmol/L, window: 24h, points: 3,
     direction: fall, by: 1, per: 1h, clear: {by: 0.2}, priority: medium, max_age: 48h, source: test}
  - {id: both, version: 1, kind: all-of, problem: Thin and acid, within: 6h, priority: high, max_age: 48h, source: test,
     conditions: [{kind: threshold, loinc: 718-7, unit: g/L, low: 90, clear: {low: 95}},
                  {kind: threshold, loinc: 2524-7, unit: mmol/L, high: 3, clear: {high: 2}}]}
)";

class Late : public CareTest {
  protected:
    Late() { EXPECT_TRUE(driver.control("rules", "late.yaml", "1", std::string(kRules))); }

    static Lab lab(std::string name, std::string loinc, std::string unit, double value, int hour) {
        return {.name = std::move(name),
                .value = value,
                .at = kMorning + hours(hour),
                .loinc = std::move(loinc),
                .unit = std::move(unit),
                .high = {}};
    }
    static Lab urea(std::string name, double value, int hour) {
        return lab(std::move(name), "22664-7", "mmol/L", value, hour);
    }
    static Lab sodium(std::string name, double value, int hour) {
        return lab(std::move(name), "2951-2", "mmol/L", value, hour);
    }
    static Lab with(Lab lab, ObservationStatus status) {
        lab.status = status;
        return lab;
    }
};

TEST_F(Late, AResultIsInTheWindowsAfterIt) {
    course({urea("a", 12, 0), urea("c", 14, 4)});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    course({urea("b", 10, 2)});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().since.at, kMorning + hours(4));
    EXPECT_EQ(last_alert().evidence.back().value, 12);
}

TEST_F(Late, AResultBeforeTheWindowIsNot) {
    course({urea("a", 12, 0), urea("c", 14, 4), urea("b", 10, -20)});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
}

TEST_F(Late, AResultIsInTheTrendsAfterIt) {
    course({sodium("a", 144, 0), sodium("c", 140, 4)});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    course({sodium("b", 142, 2)});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Late, AConditionCompletesTheCombinationOfNewerOnes) {
    course({lab("h", "718-7", "g/L", 85, 4), lab("l", "2524-7", "mmol/L", 3.5, 1)});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().rule, "both");
    EXPECT_EQ(last_alert().since.at, kMorning + hours(4));
}

TEST_F(Late, ManyResultsOfOneRecordAreToldOnce) {
    ASSERT_TRUE(results({urea("c", 14, 4), urea("a", 12, 0), urea("b", 13, 2), urea("d", 15, 6)}));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(tasks(), 1U);
}

TEST_F(Late, ACorrectionRaisesTheWindowsAfterIt) {
    course({urea("a", 12, 0), urea("b", 1, 2), urea("c", 14, 4)});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    course({with(urea("b", 10, 2), ObservationStatus::Corrected)});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Late, AWithdrawnValueRaisesTheWindowsItHeldDown) {
    course({urea("a", 12, 0), urea("b", 1, 1), urea("c", 13, 2), urea("d", 14, 4)});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    course({with(urea("b", 1, 1), ObservationStatus::WrongPatient)});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Late, ACorrectionEndsAWindowThatNothingSupportsAndSaysSo) {
    course({urea("a", 12, 0), urea("b", 11, 2), urea("c", 14, 4)});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    decide(schemas::DecisionAction::Confirm);
    course({with(urea("c", 2, 4), ObservationStatus::Corrected)});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "a result it rests on was corrected");
    EXPECT_TRUE(last<schemas::TaskEvidence>(Topic::Task).correction);
}

TEST_F(Late, WhatEndedAnAlertAndIsWithdrawnRaisesItAgain) {
    course({potassium("a", 6.8, kMorning), potassium("b", 4.5, kMorning + hours(1))});
    ASSERT_EQ(alerts(AlertState::Closed), 1U);
    Lab gone = potassium("b", 4.5, kMorning + hours(1));
    gone.status = ObservationStatus::WrongPatient;
    course({gone});
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
    EXPECT_EQ(tasks(), 2U);
    EXPECT_EQ(last_alert().evidence.front().value, 6.8);
}

TEST_F(Late, ABandThatEndedAnAlertAndIsWithdrawnRaisesItAgain) {
    const auto creatinine = [](std::string name, double value, int hour) {
        return Lab{.name = std::move(name), .value = value, .at = kMorning + hours(hour)};
    };
    course({creatinine("base", 80, -40), creatinine("a", 250, 0), creatinine("b", 82, 6)});
    ASSERT_EQ(alerts(AlertState::Closed), 1U);
    const auto raised = alerts(AlertState::Raised);
    course({with(creatinine("b", 82, 6), ObservationStatus::WrongPatient)});
    EXPECT_EQ(alerts(AlertState::Raised), raised + 1);
    EXPECT_EQ(last_alert().rule, "aki");
}

TEST_F(Late, AScoreThatEndedAnAlertAndIsWithdrawnRaisesItAgain) {
    std::ifstream file(VITALOG_SOURCE_DIR "/schemas/rules/acute-ward.yaml");
    const std::string ward{std::istreambuf_iterator<char>(file), {}};
    ASSERT_TRUE(driver.control("rules", "acute-ward.yaml", "1", ward));
    const auto set = [&](const std::string& name, double rate, double pulse, int hour) {
        return std::vector<Lab>{lab(name + "r", "9279-1", "/min", rate, hour),
                                lab(name + "p", "8867-4", "/min", pulse, hour),
                                lab(name + "s", "8480-6", "mm[Hg]", 120, hour)};
    };
    ASSERT_TRUE(results(set("a", 26, 135, 0)));
    ASSERT_TRUE(results(set("b", 16, 70, 1)));
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    ASSERT_EQ(alerts(AlertState::Closed), 1U);
    auto gone = set("b", 16, 70, 1);
    for (auto& one : gone) one.status = ObservationStatus::WrongPatient;
    ASSERT_TRUE(results(gone));
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
    EXPECT_EQ(last_alert().problem, "NEWS2 of 5 or 6");
}

TEST_F(Late, ANormalValueThatIsWithdrawnRaisesNothing) {
    course({potassium("a", 4.6, kMorning), potassium("b", 4.5, kMorning + hours(1))});
    Lab gone = potassium("b", 4.5, kMorning + hours(1));
    gone.status = ObservationStatus::WrongPatient;
    course({gone});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
}

}  // namespace
}  // namespace vitalog::tests
