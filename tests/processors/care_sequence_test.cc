// Rules over time: one thing after another, and what should have come and did not.
#include "tests/processors/care_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::AlertState;
using schemas::ObservationStatus;
using schemas::Topic;
using std::chrono::seconds;

class OverTime : public CareTest {
  protected:
    void rules(const std::string& body, const std::string& head = "version: 1\n") {
        ASSERT_TRUE(driver.control("rules", "over-time.yaml", "1",
                                   "format: 1\npack: over-time\n" + head + "rules:\n" + body));
    }
    static Lab lab(const char* loinc, const char* unit, double value, seconds at) {
        return {.name = loinc + std::to_string(at.count()),
                .value = value,
                .at = kMorning + at,
                .loinc = loinc,
                .unit = unit,
                .high = {}};
    }
    static Lab hb(double value, seconds at) { return lab("718-7", "g/L", value, at); }
    static Lab lactate(double value, seconds at) { return lab("2524-7", "mmol/L", value, at); }
    static Lab pulse(double value, seconds at) { return lab("8867-4", "/min", value, at); }
    void a_new_person() {
        person = id_of("person" + std::to_string(++persons_));
        driver.take();
    }

  private:
    int persons_ = 0;
};

class Sequences : public OverTime {
  protected:
    Sequences() {
        rules(
            "  - {id: bleeds, version: 1, kind: sequence, problem: Bleeds, within: 2h, priority: "
            "high, max_age: 48h, source: test, conditions: [\n"
            "     {kind: threshold, loinc: 718-7, unit: g/L, low: 90, clear: {low: 95}},\n"
            "     {kind: threshold, loinc: 2524-7, unit: mmol/L, high: 3, clear: {high: 2}},\n"
            "     {kind: threshold, loinc: 8867-4, unit: /min, high: 120, clear: {high: 100}}]}\n");
    }
};

TEST_F(Sequences, RaiseByTheLastConditionInItsOrderAlone) {
    course({hb(90, hours(0)), lactate(3, hours(1)), pulse(120, hours(2))});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().since.at, kMorning + hours(2));
    ASSERT_EQ(last_alert().evidence.size(), 3U);
    EXPECT_EQ(last_alert().evidence[0].value, 90);
    EXPECT_EQ(last_alert().evidence[2].value, 120);
    a_new_person();
    course({lactate(3, hours(0)), hb(90, hours(1)), pulse(120, hours(2))});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
}

TEST_F(Sequences, EveryConditionHasItsOwnLimit) {
    course({hb(90.1, hours(0)), lactate(3, hours(1)), pulse(120, hours(2))});
    a_new_person();
    course({hb(90, hours(0)), lactate(2.9, hours(1)), pulse(120, hours(2))});
    a_new_person();
    course({hb(90, hours(0)), lactate(3, hours(1)), pulse(119, hours(2))});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
}

TEST_F(Sequences, FirstAndLastLieNoFurtherApartThanWithin) {
    course({hb(80, seconds(0)), lactate(4, hours(1)), pulse(130, hours(2) + seconds(1))});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    a_new_person();
    course({hb(80, seconds(0)), lactate(4, hours(1)), pulse(130, hours(2))});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Sequences, WhatIsMetAtOneMomentIsNotMetOneAfterTheOther) {
    course({hb(80, hours(1)), lactate(4, hours(1)), pulse(130, hours(1) + seconds(1))});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    a_new_person();
    course(
        {hb(80, hours(1)), lactate(4, hours(1) + seconds(1)), pulse(130, hours(1) + seconds(2))});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Sequences, OfSeveralMomentsOneThatFitsIsEnough) {
    // The haemoglobin of 01:30 comes after the lactate; that of 00:10 does not.
    course({hb(80, seconds(600)), lactate(4, hours(1)), hb(85, seconds(5400)),
            lactate(1, seconds(5500)), pulse(130, hours(2))});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Sequences, APartThatComesLateCompletesThem) {
    course({hb(80, seconds(0)), pulse(130, hours(2))});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    course({lactate(4, hours(1))});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().since.at, kMorning + hours(2));
}

TEST_F(Sequences, EndWhenTheLastConditionIsClear) {
    course({hb(80, hours(0)), lactate(4, hours(1)), pulse(130, hours(2)), hb(140, hours(3)),
            lactate(1, hours(3)), pulse(101, hours(4))});
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
    course({pulse(100, hours(5))});
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
}

TEST_F(Sequences, APartThatIsWithdrawnEndsThem) {
    course({hb(80, hours(0)), lactate(4, hours(1)), pulse(130, hours(2))});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    Lab gone = lactate(4, hours(1));
    gone.status = ObservationStatus::WrongPatient;
    course({gone});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "a result it rests on was withdrawn");
}

class Absence : public OverTime {
  protected:
    Absence() {
        driver.set_now(kMorning.as<ReceivedTime>());
        rules(
            "  - {id: no-control, version: 1, kind: silence, problem: No control, of: results, "
            "loinc: 2823-3, after: 6h,\n     following: {kind: threshold, loinc: 2823-3, unit: "
            "mmol/L, high: 6, clear: {high: 5.5}}, priority: low, max_age: 24h, source: test}\n"
            "  - {id: no-lactate, version: 1, kind: silence, problem: No lactate, of: results, "
            "loinc: 2524-7, after: 1h,\n     following: {kind: threshold, loinc: 8867-4, unit: "
            "/min, high: 130, clear: {high: 100}}, priority: low, max_age: 24h, source: test}\n");
    }
    void until(seconds length) { driver.advance_to(kMorning.as<ReceivedTime>() + length); }
};

TEST_F(Absence, IsFoundAtItsTimeAndShowsTheFinding) {
    course({potassium("a", 6.0)});
    until(hours(6) - seconds(1));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    until(hours(6));
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().since.at, kMorning + hours(6));
    ASSERT_EQ(last_alert().evidence.size(), 2U);
    EXPECT_EQ(last_alert().evidence[0].observation, id_of("a"));
    EXPECT_EQ(last_alert().evidence[1].text, "nothing for 6h");
    EXPECT_EQ(tasks(), 1U);
}

TEST_F(Absence, IsNotOfWhatIsNoFinding) {
    course({potassium("a", 5.99)});
    until(hours(7));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
}

TEST_F(Absence, AFindingOfAnotherCodeWantsOneResultAfterIt) {
    course({lactate(1, seconds(0)), pulse(130, seconds(0))});
    until(hours(1) - seconds(1));
    course({lactate(1, seconds(1))});
    until(hours(9));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    a_new_person();
    course({lactate(1, hours(9)), pulse(130, hours(9))});  // of one moment: not after it
    until(hours(10));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    course({lactate(1, hours(10))});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "what was missed came");
    until(hours(20));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Absence, EndsWithAFindingThatIsTakenBack) {
    course({pulse(130, seconds(0))});
    until(hours(1));
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    Lab gone = pulse(130, seconds(0));
    gone.status = ObservationStatus::WrongPatient;
    course({gone});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    until(hours(3));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Absence, GoesOnWithAFindingThatIsCorrectedToAnother) {
    course({pulse(130, seconds(0))});
    until(hours(1));
    Lab more = pulse(140, seconds(0));
    more.status = ObservationStatus::Corrected;
    course({more});
    EXPECT_EQ(last_alert().state, AlertState::Updated);
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
}

TEST_F(Absence, OfAFindingOlderThanMaxAgeIsHistory) {
    driver.set_now((kMorning + hours(24) + seconds(1)).as<ReceivedTime>());
    course({potassium("a", 6.1)});
    until(hours(40));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    a_new_person();
    course({potassium("b", 6.1, kMorning + hours(16))});  // to the second
    until(hours(41));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Absence, EndsForThoseWhoDied) {
    course({potassium("a", 6.1)});
    deceased = true;
    course({hb(140, hours(1))});
    until(hours(7));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
}

class Follow : public OverTime {
  protected:
    static std::string limit(const char* version, const char* high, const char* clear) {
        return std::string("  - {id: acid, version: ") + version +
               ", kind: threshold, problem: Acid " + version +
               ", loinc: 2524-7, unit: mmol/L, high: " + high + ", clear: {high: " + clear +
               "}, priority: " + (version[0] == '1' ? "low" : "high") +
               ", max_age: 48h, source: test}\n";
    }
};

TEST_F(Follow, OpenEpisodesStayUnlessThePackSaysOtherwise) {
    rules(limit("1", "3", "2"));
    course({lactate(3, hours(0))});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    rules(limit("2", "5", "4"), "version: 2\n");
    course({hb(140, hours(1)), lactate(4.5, hours(1))});
    EXPECT_EQ(last_alert().rule_version, "1");
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
    rules(limit("2", "5", "4"), "version: 3\nopen_episodes: follow\n");
    course({hb(141, hours(2))});
    EXPECT_EQ(last_alert().rule_version, "2");
    EXPECT_EQ(last_alert().pack_version, "3");
    EXPECT_EQ(last_alert().state, AlertState::Updated);
    EXPECT_EQ(last_alert().problem, "Acid 2");
    EXPECT_EQ(last_alert().priority, schemas::Priority::High);
    const auto told = driver.of<schemas::AlertEvent>(Topic::Alert).size();
    course({hb(142, hours(3))});  // told once
    EXPECT_EQ(driver.of<schemas::AlertEvent>(Topic::Alert).size(), told);
    course({lactate(4, hours(3))});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Follow, RulesThatThePackNoLongerHasEnd) {
    rules(limit("1", "3", "2"));
    course({lactate(3, hours(0))});
    rules(
        "  - {id: other, version: 1, kind: threshold, problem: O, loinc: 718-7, unit: g/L, low: "
        "60, clear: {low: 70}, priority: low, max_age: 48h, source: test}\n",
        "version: 2\nopen_episodes: follow\n");
    course({hb(140, hours(1))});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "its rule was taken out of the pack");
}

}  // namespace
}  // namespace vitalog::tests
