#include <cmath>

#include "processors/care/current_indices.h"
#include "schemas/events/directory.h"
#include "tests/processors/care_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::IndexStatus;
using schemas::ObservationStatus;
using schemas::RiskEvent;
using schemas::Topic;
using std::chrono::minutes;

Lab vital(std::string name, std::string loinc, std::string unit, double value,
          EventTime at = kMorning) {
    return {.name = std::move(name),
            .value = value,
            .at = at,
            .loinc = std::move(loinc),
            .unit = std::move(unit),
            .high = std::nullopt};
}
Lab rate(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "9279-1", "/min", value, at);
}
Lab saturation(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "59408-5", "%", value, at);
}
Lab oxygen(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "3151-8", "L/min", value, at);
}
Lab systolic(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "8480-6", "mm[Hg]", value, at);
}
Lab diastolic(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "8462-4", "mm[Hg]", value, at);
}
Lab pulse(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "8867-4", "/min", value, at);
}
Lab temperature(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "8310-5", "Cel", value, at);
}
Lab weight(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "29463-7", "kg", value, at);
}
Lab height(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "8302-2", "cm", value, at);
}
Lab albumin_ratio(std::string name, double value, EventTime at = kMorning) {
    return vital(std::move(name), "14959-1", "mg/g", value, at);
}
/// A level of consciousness by its number in the code tables: 0 alert to 4 unresponsive.
Lab level(std::string name, double number, EventTime at = kMorning) {
    Lab lab = vital(std::move(name), "67775-7", "{answer}", number, at);
    lab.kind = schemas::ValueKind::Coded;
    return lab;
}

/// A whole set of one moment; names are `name` plus a letter.
std::vector<Lab> whole_set(const std::string& name, EventTime at = kMorning) {
    return {rate(name + "r", 16, at),         saturation(name + "s", 97, at),
            oxygen(name + "o", 0, at),        systolic(name + "b", 120, at),
            pulse(name + "p", 70, at),        level(name + "c", 0, at),
            temperature(name + "t", 36.8, at)};
}

/// A result, beyond the life of what it was decoded from.
struct Said {
    explicit Said(const RiskEvent& event)
        : id(event.id),
          person(event.person),
          merged_into(event.merged_into),
          version(event.version),
          unit(event.unit),
          band(event.band),
          reason(event.reason),
          detail(event.detail),
          missing(event.missing.begin(), event.missing.end()),
          basis(event.basis.begin(), event.basis.end()),
          status(event.status),
          value(event.value),
          occurred(event.occurred),
          composite(event.composite),
          retracted(event.retracted) {}

    std::string id, person, merged_into, version, unit, band, reason, detail;
    std::vector<std::string> missing, basis;
    IndexStatus status;
    std::optional<double> value;
    ZonedTime occurred;
    bool composite;
    bool retracted;
};

class CurrentIndicesOf : public CareTest {
  protected:
    CurrentIndicesOf() {
        std::ifstream file(VITALOG_SOURCE_DIR "/schemas/rules/acute-ward.yaml");
        const std::string pack{std::istreambuf_iterator<char>(file), {}};
        EXPECT_TRUE(driver.control("rules", "acute-ward.yaml", "1", pack));
    }

    /// Results of an index in the order written.
    std::vector<Said> of(std::string_view method) {
        std::vector<Said> found;
        for (const auto& output : driver.of<RiskEvent>(Topic::Risk))
            if (const auto event = driver.as<RiskEvent>(output); event.method == method)
                found.emplace_back(event);
        return found;
    }
    Said newest(std::string_view method) {
        const auto found = of(method);
        VITALOG_ASSERT(!found.empty(), "no result of that index was written");
        return found.back();
    }
    void prescribe(int scale) {
        schemas::PersonBinding binding;
        binding.person = person;
        binding.entry.patient = "MRN|1";
        binding.entry.spo2_scale = scale;
        ASSERT_TRUE(driver.event(person, binding));
    }
};

TEST_F(CurrentIndicesOf, AWholeSetOfOneMomentIsOneCompleteScore) {
    ASSERT_TRUE(results(whole_set("a")));
    ASSERT_EQ(of("news2").size(), 1U);
    const auto news2 = newest("news2");
    EXPECT_EQ(news2.version, "news2/rcp-2017");
    EXPECT_EQ(news2.status, IndexStatus::Complete);
    EXPECT_EQ(news2.value, 0);
    EXPECT_EQ(news2.unit, "{score}");
    EXPECT_EQ(news2.band, "low");
    EXPECT_TRUE(news2.missing.empty());
    EXPECT_FALSE(news2.composite);
    EXPECT_EQ(news2.basis.size(), 7U);
    EXPECT_EQ(news2.occurred.at, kMorning);
    EXPECT_EQ(newest("mews").value, 1) << "a rate of 16 is one point there";
    EXPECT_NEAR(newest("shock-index").value.value(), 70.0 / 120, 1e-12);
    EXPECT_EQ(of("mews").size(), 1U);
    EXPECT_EQ(of("shock-index").size(), 1U);
    EXPECT_EQ(alerts(schemas::AlertState::Raised), 0U);
}

TEST_F(CurrentIndicesOf, OneSetInSevenMessagesReplacesItsOwnResult) {
    for (const auto& lab : whole_set("a")) ASSERT_TRUE(results({lab}));
    const auto found = of("news2");
    ASSERT_EQ(found.size(), 7U);
    for (const auto& result : found) EXPECT_EQ(result.id, found.front().id);
    EXPECT_EQ(found.front().status, IndexStatus::Incomplete);
    EXPECT_EQ(found.back().status, IndexStatus::Complete);
}

TEST_F(CurrentIndicesOf, ARepeatSaysNothing) {
    ASSERT_TRUE(results(whole_set("a")));
    driver.take();
    ASSERT_TRUE(results(whole_set("a")));
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(CurrentIndicesOf, AnIncompleteScoreSaysWhatIsMissingAndMayAlert) {
    ASSERT_TRUE(results({rate("r", 30), pulse("p", 140), systolic("b", 95)}));
    const auto news2 = newest("news2");
    EXPECT_EQ(news2.status, IndexStatus::Incomplete);
    EXPECT_EQ(news2.value, 8);
    EXPECT_EQ(news2.band, "high");
    EXPECT_EQ(news2.missing, (std::vector<std::string>{"oxygen saturation", "air or oxygen",
                                                       "level of consciousness", "temperature"}));
    EXPECT_EQ(news2.detail, "respiratory rate 3, systolic pressure 2, pulse 3");
    EXPECT_EQ(last_alert().rule, "news2");
    EXPECT_EQ(last_alert().priority, schemas::Priority::High);
    EXPECT_EQ(last_alert().coefficients, "news2/rcp-2017");
}

TEST_F(CurrentIndicesOf, ASingleRedScoreIsMedium) {
    auto set = whole_set("a");
    set[1].value = 91;
    ASSERT_TRUE(results(set));
    EXPECT_EQ(newest("news2").value, 3);
    EXPECT_EQ(newest("news2").band, "low-medium");
    EXPECT_EQ(last_alert().priority, schemas::Priority::Medium);
    ASSERT_EQ(last_alert().evidence.size(), 1U);
    EXPECT_EQ(last_alert().evidence.front().observation, id_of("as"));
}

TEST_F(CurrentIndicesOf, EarlierInputsCountWhileTheyAreFresh) {
    ASSERT_TRUE(results({temperature("t", 39.5)}));
    ASSERT_TRUE(results({pulse("p", 70, kMorning + hours(4))}));
    auto news2 = newest("news2");
    EXPECT_TRUE(news2.composite);
    EXPECT_EQ(news2.value, 2);
    EXPECT_EQ(news2.basis.size(), 2U);
    ASSERT_TRUE(results({pulse("q", 70, kMorning + hours(4) + minutes(1))}));
    news2 = newest("news2");
    EXPECT_EQ(news2.value, 0);
    EXPECT_EQ(news2.missing.back(), "temperature");
    EXPECT_EQ(news2.reason, "too old: temperature");
}

TEST_F(CurrentIndicesOf, TheFreshnessIsTheHospitals) {
    const auto fresh = [&](std::string_view vitals, std::string_view chronic) {
        return driver
            .control("settings", "site", "1",
                     R"({"settings":[{"key":"care.vitals_fresh","value":")" + std::string(vitals) +
                         R"("},{"key":"care.chronic_fresh","value":")" + std::string(chronic) +
                         R"("}]})")
            .has_value();
    };
    ASSERT_TRUE(fresh("1h", "30d"));
    ASSERT_TRUE(results({temperature("t", 39.5)}));
    ASSERT_TRUE(results({pulse("p", 70, kMorning + hours(1))}));
    EXPECT_EQ(newest("news2").value, 2);
    ASSERT_TRUE(results({pulse("q", 70, kMorning + minutes(61))}));
    EXPECT_EQ(newest("news2").value, 0);
    EXPECT_FALSE(fresh("0s", "30d"));
    EXPECT_FALSE(fresh("4h", "1h"));
}

TEST_F(CurrentIndicesOf, ALateInputReachesTheScoresAfterIt) {
    ASSERT_TRUE(results({rate("r", 25), pulse("p", 70)}));
    EXPECT_EQ(newest("news2").value, 3);
    ASSERT_TRUE(results({systolic("b", 85, kMorning - hours(1))}));
    const auto found = of("news2");
    ASSERT_EQ(found.size(), 3U) << "one of its own moment, one again of the later";
    EXPECT_EQ(found[1].occurred.at, kMorning - hours(1));
    EXPECT_EQ(found[1].value, 3);
    EXPECT_EQ(found[2].id, found[0].id);
    EXPECT_EQ(found[2].value, 6);
    EXPECT_EQ(last_alert().band, "medium");
}

TEST_F(CurrentIndicesOf, ACorrectionReplacesTheResultAndRaises) {
    auto set = whole_set("a");
    ASSERT_TRUE(results(set));
    set[0].value = 26;
    set[0].status = ObservationStatus::Corrected;
    ASSERT_TRUE(results({set[0]}));
    const auto found = of("news2");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[1].id, found[0].id);
    EXPECT_EQ(found[1].band, "low-medium");
    EXPECT_EQ(alerts(schemas::AlertState::Raised), 1U);
}

TEST_F(CurrentIndicesOf, ACorrectionThatLowersClosesWhatRestedOnIt) {
    auto set = whole_set("a");
    set[0].value = 26;
    ASSERT_TRUE(results(set));
    ASSERT_EQ(alerts(schemas::AlertState::Raised), 1U);
    set[0].value = 16;
    set[0].status = ObservationStatus::Corrected;
    ASSERT_TRUE(results({set[0]}));
    EXPECT_EQ(newest("news2").band, "low");
    EXPECT_EQ(last_alert().state, schemas::AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "a result it rests on was corrected");
}

TEST_F(CurrentIndicesOf, AResultWhoseInputsAreAllWithdrawnIsTakenBack) {
    Lab lab = pulse("p", 140);
    ASSERT_TRUE(results({lab}));
    lab.status = ObservationStatus::Deleted;
    ASSERT_TRUE(results({lab}));
    EXPECT_TRUE(newest("news2").retracted);
    EXPECT_EQ(newest("news2").status, IndexStatus::NotApplicable);
    EXPECT_TRUE(newest("mews").retracted);
    EXPECT_EQ(last_alert().state, schemas::AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "a result it rests on was withdrawn");
}

TEST_F(CurrentIndicesOf, OneOfSeveralInputsWithdrawnLeavesTheRest) {
    ASSERT_TRUE(results({pulse("p", 140), rate("r", 16)}));
    Lab gone = pulse("p", 140);
    gone.status = ObservationStatus::Deleted;
    ASSERT_TRUE(results({gone}));
    EXPECT_FALSE(newest("news2").retracted);
    EXPECT_EQ(newest("news2").value, 0);
}

TEST_F(CurrentIndicesOf, AnEpisodeEndsWithASetThatKnowsAsMuch) {
    ASSERT_TRUE(results({rate("r", 30), pulse("p", 140), systolic("b", 95)}));
    ASSERT_EQ(alerts(schemas::AlertState::Raised), 1U);
    // Less is known than when it was raised: nothing says that the pressure is well again.
    ASSERT_TRUE(
        results({rate("r2", 16, kMorning + hours(5)), pulse("p2", 70, kMorning + hours(5))}));
    EXPECT_EQ(alerts(schemas::AlertState::Closed), 0U);
    ASSERT_TRUE(results({systolic("b3", 120, kMorning + hours(6))}));
    EXPECT_EQ(last_alert().state, schemas::AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "within its limits again");
}

TEST_F(CurrentIndicesOf, APrescribedScaleHoldsFromItsReceiptOn) {
    auto set = whole_set("a", driver.now().as<EventTime>());
    set[1].value = 90;
    ASSERT_TRUE(results(set));
    EXPECT_EQ(newest("news2").value, 3);
    driver.set_now(driver.now() + hours(1));
    prescribe(2);
    // What was measured before keeps scale 1, also where it is corrected now.
    set[6].value = 38.5;
    set[6].status = ObservationStatus::Corrected;
    ASSERT_TRUE(results({set[6]}));
    EXPECT_EQ(newest("news2").value, 4);
    auto after = whole_set("b", driver.now().as<EventTime>());
    after[1].value = 90;
    ASSERT_TRUE(results(after));
    EXPECT_EQ(newest("news2").value, 0);
    EXPECT_EQ(newest("news2").detail.substr(newest("news2").detail.find(';')), "; SpO2 scale 2");
    driver.set_now(driver.now() + hours(1));
    prescribe(1);
    auto last_set = whole_set("d", driver.now().as<EventTime>());
    last_set[1].value = 90;
    ASSERT_TRUE(results(last_set));
    EXPECT_EQ(newest("news2").value, 3);
}

TEST_F(CurrentIndicesOf, AnUnknownScaleIsADeadLetter) {
    schemas::PersonBinding binding;
    binding.person = person;
    binding.entry.patient = "MRN|1";
    binding.entry.spo2_scale = 3;
    EXPECT_FALSE(driver.event(person, binding));
}

TEST_F(CurrentIndicesOf, OxygenIsGivenWhenTheNewerOfFlowAndConcentrationSaysSo) {
    auto set = whole_set("a");
    set[2].value = 2;
    ASSERT_TRUE(results(set));
    EXPECT_EQ(newest("news2").value, 2);
    const auto later = kMorning + minutes(30);
    ASSERT_TRUE(results({vital("f", "3150-6", "%", 21, later)}));
    EXPECT_EQ(newest("news2").value, 0);
    const auto last = kMorning + minutes(60);
    ASSERT_TRUE(results({vital("g", "3150-6", "%", 28, last), oxygen("h", 0, last)}));
    EXPECT_EQ(newest("news2").value, 2);
}

TEST_F(CurrentIndicesOf, NewConfusionIsARedScore) {
    auto set = whole_set("a");
    set[5].value = 1;
    ASSERT_TRUE(results(set));
    EXPECT_EQ(newest("news2").value, 3);
    EXPECT_EQ(newest("mews").value, 1);
    EXPECT_EQ(last_alert().evidence.front().text, "new confusion");
    EXPECT_FALSE(last_alert().evidence.front().value);
}

TEST_F(CurrentIndicesOf, DoNotApplyToChildren) {
    ASSERT_TRUE(results(whole_set("a"), "2010-01-01"));
    for (const auto* method : {"news2", "mews", "shock-index"}) {
        EXPECT_EQ(newest(method).status, IndexStatus::NotApplicable) << method;
        EXPECT_EQ(newest(method).reason, "below 16 years");
        EXPECT_FALSE(newest(method).value);
        EXPECT_TRUE(newest(method).band.empty());
    }
}

TEST_F(CurrentIndicesOf, WithoutBirthDateTheScoreStandsAndSaysSo) {
    auto set = whole_set("a");
    set[0].value = 30;
    ASSERT_TRUE(results(set, ""));
    EXPECT_EQ(newest("news2").status, IndexStatus::Incomplete);
    EXPECT_EQ(newest("news2").missing, (std::vector<std::string>{"birth date"}));
    EXPECT_EQ(newest("news2").value, 3);
    EXPECT_EQ(alerts(schemas::AlertState::Raised), 1U);
    ASSERT_TRUE(results({}));
    EXPECT_EQ(newest("news2").status, IndexStatus::Complete);
}

TEST_F(CurrentIndicesOf, TheDayOfThe16thBirthdayCounts) {
    ASSERT_TRUE(results(whole_set("a"), "2004-09-13"));  // kMorning is 2020-09-13T12:26:40Z
    EXPECT_EQ(newest("news2").status, IndexStatus::Complete);
    person = "22222222222222222222222222222222";
    ASSERT_TRUE(results(whole_set("a"), "2004-09-14"));
    EXPECT_EQ(newest("news2").status, IndexStatus::NotApplicable);
}

TEST_F(CurrentIndicesOf, BodyMassIndexNeedsAHeightSomeTime) {
    ASSERT_TRUE(results({weight("w", 80)}));
    EXPECT_TRUE(of("bmi-cn").empty());
    ASSERT_TRUE(results({height("h", 170, kMorning + hours(1))}));
    EXPECT_NEAR(newest("bmi-cn").value.value(), 27.68, 0.005);
    EXPECT_EQ(newest("bmi-cn").band, "overweight");
    EXPECT_EQ(newest("bmi-cn").unit, "kg/m2");
    // A year on the height is too old.
    const auto year_on = kMorning + hours(24 * 366);
    driver.set_now(year_on.as<ReceivedTime>());
    ASSERT_TRUE(results({weight("w2", 90, year_on)}));
    EXPECT_EQ(newest("bmi-cn").status, IndexStatus::Stale);
    EXPECT_EQ(newest("bmi-cn").reason, "too old: body height");
    EXPECT_FALSE(newest("bmi-cn").value);
}

TEST_F(CurrentIndicesOf, APressureIsGradedWithItsOwnDiastolic) {
    ASSERT_TRUE(results({systolic("s", 165), diastolic("d", 85)}));
    EXPECT_EQ(newest("bp-cn").band, "grade-2");
    EXPECT_EQ(newest("bp-cn").detail, "isolated systolic");
    EXPECT_EQ(newest("bp-cn").status, IndexStatus::Complete);
    ASSERT_TRUE(results({systolic("s2", 130, kMorning + minutes(1))}));
    EXPECT_EQ(newest("bp-cn").band, "high-normal");
    EXPECT_EQ(newest("bp-cn").status, IndexStatus::Incomplete);
    EXPECT_EQ(newest("bp-cn").missing, (std::vector<std::string>{"diastolic pressure"}));
}

TEST_F(CurrentIndicesOf, KidneyRiskSpeaksOnceAlbuminWasMeasured) {
    ASSERT_TRUE(results({{"c", 130}}));
    EXPECT_TRUE(of("kdigo").empty());
    ASSERT_TRUE(results({albumin_ratio("u", 100, kMorning + hours(24))}));
    const auto kdigo = newest("kdigo");
    // Creatinine 130 umol/L, man of 50: 57, G3a; with A2 that is high.
    EXPECT_EQ(kdigo.band, "high");
    EXPECT_EQ(kdigo.detail, "G3a A2");
    EXPECT_EQ(kdigo.status, IndexStatus::Complete);
    EXPECT_TRUE(kdigo.composite);
    // Without sex there is no filtration rate: the least that albumin alone makes certain.
    person = "33333333333333333333333333333333";
    ASSERT_TRUE(results({{"c", 130}, albumin_ratio("u", 400)}, "1970-05-01", ""));
    EXPECT_EQ(newest("kdigo").band, "high");
    EXPECT_EQ(newest("kdigo").missing, (std::vector<std::string>{"sex"}));
}

TEST_F(CurrentIndicesOf, AMergeTakesTheLosersResultsBackAndCountsBothPersonsInputs) {
    const std::string survivor(32, 'b');
    const std::string loser(32, 'a');
    person = survivor;
    ASSERT_TRUE(results({systolic("b", 95)}));
    person = loser;
    ASSERT_TRUE(results({rate("r", 30, kMorning + hours(1))}));
    ASSERT_EQ(alerts(schemas::AlertState::Raised), 1U);
    driver.take();
    ASSERT_TRUE(driver.event(
        loser, schemas::PersonMerged{.survivor = survivor, .loser = loser, .reason = {}}));
    for (const auto& output : driver.take())
        if (output.topic == Topic::Person) {
            ASSERT_TRUE(driver.record(output.key, output.type, output.json));
        }
    std::size_t taken_back = 0;
    for (const auto& result : of("news2"))
        if (result.retracted) {
            ++taken_back;
            EXPECT_EQ(result.person, loser);
            EXPECT_EQ(result.merged_into, survivor);
        }
    EXPECT_EQ(taken_back, 1U);
    EXPECT_EQ(newest("news2").person, survivor);
    EXPECT_EQ(newest("news2").value, 5) << "rate of one, pressure of the other";
    EXPECT_EQ(alerts(schemas::AlertState::Raised), 0U) << "the episode goes on";
    EXPECT_EQ(last_alert().band, "medium");
    // What the loser's results said is not said again.
    driver.take();
    person = survivor;
    ASSERT_TRUE(results({rate("r", 30, kMorning + hours(1))}));
    EXPECT_TRUE(of("news2").empty());
}

TEST_F(CurrentIndicesOf, ABoundedValueLeavesPointsOpen) {
    auto set = whole_set("a");
    set[1].comparator = "<";
    set[1].value = 96;
    ASSERT_TRUE(results(set));
    EXPECT_EQ(newest("news2").status, IndexStatus::Incomplete);
    EXPECT_EQ(newest("news2").missing, (std::vector<std::string>{"exact oxygen saturation"}));
    set = whole_set("b", kMorning + minutes(10));
    set[1].comparator = "<";
    set[1].value = 90;
    ASSERT_TRUE(results(set));
    EXPECT_EQ(newest("news2").status, IndexStatus::Complete) << "three points whatever it is";
    EXPECT_EQ(newest("news2").value, 3);
}

TEST_F(CurrentIndicesOf, ATextWithoutNumberIsNoInput) {
    Lab lab = level("c", 0);
    lab.unit.clear();
    ASSERT_TRUE(results({lab}));
    EXPECT_TRUE(of("news2").empty());
}

}  // namespace
}  // namespace vitalog::tests
