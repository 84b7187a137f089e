// Batches of samples: whose they are, and how they wait.
#include <gtest/gtest.h>

#include "processors/identity/identity_processor.h"
#include "schemas/events/directory.h"
#include "schemas/events/wearable.h"
#include "tests/support/stage_driver.h"

namespace vitalog::processors::identity {
namespace {

using schemas::Identifier;
using schemas::Topic;

/// The stage, with every record that it sends itself delivered at once.
class Identity {
  public:
    Result<void> samples(const Identifier& account, std::int64_t value = 1) {
        schemas::SamplesEvent event;
        event.identifiers = {account};
        auto& series = event.series.emplace_back();
        series.loinc = "8867-4";
        series.unit = "/min";
        series.steps = {0};
        series.values = {value};
        return settle(driver.event(account.key(), event));
    }
    Result<void> clinical(const Identifier& patient) {
        schemas::ClinicalEvent event;
        event.identifiers = {patient};
        return settle(driver.event(patient.key(), event));
    }
    Result<void> bind(std::string_view patient, std::string_view account) {
        schemas::PatientEntry entry;
        entry.patient = patient;
        entry.accounts = {account};
        return settle(driver.event(patient, entry));
    }
    /// What went to `person` of a type: (key, json).
    template <class E>
    std::vector<std::pair<std::string, std::string>> on_person() const {
        std::vector<std::pair<std::string, std::string>> found;
        for (const auto& output : all_)
            if (output.topic == Topic::Person && output.type == E::kType)
                found.emplace_back(output.key, output.json);
        return found;
    }

    IdentityProcessor processor;
    tests::StageDriver driver{processor};

  private:
    Result<void> settle(Result<void> result) {
        for (auto outputs = driver.take(); !outputs.empty(); outputs = driver.take())
            for (auto& output : outputs) {
                if (output.topic == Topic::Subject)
                    (void)driver.record(output.key, output.type, output.json);
                all_.push_back(std::move(output));
            }
        return result;
    }
    std::vector<tests::StageDriver::Output> all_;
};

const Identifier kWatch{"HUAWEI", "w1", {}};
const Identifier kPatient{"HOSP", "100", "MR"};

TEST(IdentitySamples, OfABoundAccountGoToItsPersonAsTheyCame) {
    Identity identity;
    ASSERT_TRUE(identity.bind("HOSP|100", "HUAWEI|w1").has_value());
    ASSERT_TRUE(identity.samples(kWatch, 700).has_value());
    const auto events = identity.on_person<schemas::PersonSamples>();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].first, person_founded_by("HOSP|100"));
    EXPECT_EQ(
        events[0].second,
        R"({"person":")" + events[0].first +
            R"(","event":{"identifiers":[{"authority":"HUAWEI","value":"w1"}],"series":[{"loinc":"8867-4",)"
            R"("unit":"/min","rank":0,"decimals":0,"start":0,"steps":[0],"values":[700],"offset_minutes":0,)"
            R"("clock_shift":0}]}})");
}

TEST(IdentitySamples, OfAnUnboundAccountWaitAndFlowInOrderOnceItIsBound) {
    Identity identity;
    for (const std::int64_t value : {1, 2, 3})
        ASSERT_TRUE(identity.samples(kWatch, value).has_value());
    EXPECT_TRUE(identity.on_person<schemas::PersonSamples>().empty());
    EXPECT_EQ(identity.driver.counts["vitalog_identity_waiting_total/waiting"], 3);
    ASSERT_TRUE(identity.bind("HOSP|100", "HUAWEI|w1").has_value());
    ASSERT_TRUE(identity.samples(kWatch, 4).has_value());
    const auto events = identity.on_person<schemas::PersonSamples>();
    ASSERT_EQ(events.size(), 4u);
    for (std::size_t i = 0; i < events.size(); ++i) {
        EXPECT_EQ(events[i].first, person_founded_by("HOSP|100"));
        EXPECT_NE(events[i].second.find("\"values\":[" + std::to_string(i + 1) + "]"),
                  std::string::npos);
        EXPECT_EQ(events[i].second.find("\"waited\":\"") != std::string::npos, i < 3);
    }
    EXPECT_EQ(identity.driver.counts["vitalog_identity_waiting_total/released"], 3);
}

TEST(IdentitySamples, NeverFoundAPersonNorMakeAnAccountOfAHospitalsNumber) {
    Identity identity;
    ASSERT_TRUE(identity.samples(kPatient).has_value());
    EXPECT_TRUE(identity.on_person<schemas::PersonIdentified>().empty());
    ASSERT_TRUE(identity.clinical(kPatient).has_value());
    ASSERT_EQ(identity.on_person<schemas::PersonIdentified>().size(), 1u);
    const auto events = identity.on_person<schemas::PersonSamples>();
    ASSERT_EQ(events.size(), 1u) << "what waited flows at the hospital's first word";
    EXPECT_EQ(events[0].first, person_founded_by("HOSP|100"));
}

TEST(IdentitySamples, WaitAtADirectorysPatientToo) {
    Identity identity;
    ASSERT_TRUE(identity.samples(kPatient).has_value());
    ASSERT_TRUE(identity.bind("HOSP|100", "HUAWEI|w1").has_value());
    EXPECT_EQ(identity.on_person<schemas::PersonSamples>().size(), 1u);
}

TEST(IdentitySamples, BeyondWhatMayWaitAreRefusedWithWhatToDo) {
    Identity identity;
    for (std::size_t i = 0; i < kWaitingRecordsMax; ++i)
        ASSERT_TRUE(identity.samples(kWatch).has_value());
    const auto refused = identity.samples(kWatch);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(
        refused.error().to_string(),
        "too-large: account HUAWEI|w1 belongs to nobody and 256 records wait already; bind it "
        "to a patient in the directory");
}

TEST(IdentitySamples, AreKeyedByTheirAccount) {
    Identity identity;
    schemas::SamplesEvent event;
    event.identifiers = {kWatch};
    EXPECT_EQ(identity.driver.event("HUAWEI|w2", event).error().code(), Errc::Malformed);
    event.identifiers.clear();
    EXPECT_EQ(identity.driver.event("HUAWEI|w2", event).error().code(), Errc::Malformed);
}

}  // namespace
}  // namespace vitalog::processors::identity
