#include "processors/identity/identity_processor.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "schemas/events/directory.h"
#include "schemas/events/identity.h"
#include "tests/support/stage_driver.h"
#include "tests/support/subject_net.h"

namespace vitalog::processors::identity {
namespace {

using schemas::Identifier;
using schemas::Topic;
using tests::StageDriver;
using tests::SubjectNet;

const Identifier kMrn{"HOSP", "100", "MR"};
const Identifier kInsurance{"INS", "7", "SS"};
/// The example of GB 11643-1999.
const Identifier kNational{"GOV", "11010519491231002X", "NI"};
const Identifier kWatch{"huawei", "w1", "ACCT"};

/// The stage, with every record that it sends itself delivered at once.
class Identity {
  public:
    Identity() { settings("HOSP,CLINIC", ""); }

    void settings(const std::string& authorities, const std::string& linking) {
        schemas::Settings settings;
        settings.set("site.authorities", authorities);
        settings.set("site.linking", linking);
        settings.set("site.accounts", "huawei");
        ASSERT_TRUE(driver.control("settings", "site", "1", settings.to_body()).has_value());
    }

    Result<void> record(std::vector<Identifier> identifiers, std::string_view tag = "ORU^R01") {
        schemas::ClinicalEvent event;
        event.identifiers = std::move(identifiers);
        event.trigger = tag;
        return settle(driver.event(event.identifiers.front().key(), event));
    }
    Result<void> merge(const Identifier& survivor, const Identifier& loser) {
        return settle(driver.event(schemas::kMergesKey,
                                   schemas::MergeRequest{survivor, loser, "ADT^A40", {}}));
    }
    Result<void> bind(std::string_view patient, std::vector<std::string_view> accounts,
                      std::string_view openid = {}) {
        schemas::PatientEntry entry;
        entry.patient = patient;
        entry.accounts = std::move(accounts);
        entry.openid = openid;
        return settle(driver.event(patient, entry));
    }

    /// The person that the last event of an identifier went to.
    std::string person_of(const Identifier& identifier) {
        EXPECT_TRUE(record({identifier}, "probe").has_value());
        const auto events = on_person<schemas::PersonClinical>();
        return events.empty() ? "" : events.back().key;
    }
    template <class E>
    std::vector<StageDriver::Output> on_person() const {
        std::vector<StageDriver::Output> found;
        for (const auto& output : all)
            if (output.topic == Topic::Person && output.type == E::kType) found.push_back(output);
        return found;
    }
    template <class E>
    std::size_t sent() const {
        std::size_t n = 0;
        for (const auto& output : all) n += output.type == E::kType;
        return n;
    }

    IdentityProcessor processor;
    StageDriver driver{processor};
    std::vector<StageDriver::Output> all;

  private:
    Result<void> settle(Result<void> result) {
        for (auto outputs = driver.take(); !outputs.empty(); outputs = driver.take())
            for (auto& output : outputs) {
                if (output.topic == Topic::Subject)
                    (void)driver.record(output.key, output.type, output.json);
                all.push_back(std::move(output));
            }
        return result;
    }
};

TEST(Identity, FoundsAPersonAtFirstSight) {
    Identity identity;
    ASSERT_TRUE(identity.record({kMrn}).has_value());
    const auto said = identity.on_person<schemas::PersonIdentified>();
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0].key, person_founded_by("HOSP|100"));
    EXPECT_EQ(said[0].key, IdHash().part("person").part("HOSP|100").finish().to_string());
    EXPECT_EQ(said[0].json,
              R"({"person":")" + said[0].key +
                  R"(","identifier":{"authority":"HOSP","value":"100","type":"MR"}})");
    ASSERT_TRUE(identity.record({kMrn}).has_value());
    EXPECT_EQ(identity.on_person<schemas::PersonIdentified>().size(), 1u);
    EXPECT_EQ(identity.on_person<schemas::PersonClinical>().size(), 2u);
}

TEST(Identity, PassesTheEventOnAsItCame) {
    Identity identity;
    const std::string event = R"({"identifiers":[{"authority":"HOSP","value":"100"}],)"
                              R"("trigger":"ORU^R01","unknown":[1, 2.50,"\u4e2d"]})";
    ASSERT_TRUE(
        identity.driver.record("HOSP|100", schemas::ClinicalEvent::kType, event).has_value());
    const auto passed = identity.driver.of<schemas::PersonClinicalForward>(Topic::Person);
    ASSERT_EQ(passed.size(), 1u);
    EXPECT_EQ(passed[0].json,
              R"({"person":")" + person_founded_by("HOSP|100") + R"(","event":)" + event + "}");
}

TEST(Identity, RefusesAnEventUnderAnotherKeyThanItsFirstIdentifier) {
    Identity identity;
    const std::string event = R"({"identifiers":[{"authority":"HOSP","value":"100"}]})";
    EXPECT_EQ(
        identity.driver.record("HOSP|101", schemas::ClinicalEvent::kType, event).error().code(),
        Errc::Malformed);
    EXPECT_EQ(
        identity.driver.record("HOSP|101", schemas::ClinicalEvent::kType, "{}").error().code(),
        Errc::Missing);
    EXPECT_EQ(identity.driver.record("HOSP|101", "vitalog.other.v1", "{}").error().code(),
              Errc::Unsupported);
}

TEST(Identity, LinksAFurtherIdentifierOnce) {
    Identity identity;
    ASSERT_TRUE(identity.record({kMrn, kInsurance, kMrn}).has_value());
    ASSERT_TRUE(identity.record({kMrn, kInsurance}).has_value());
    EXPECT_EQ(identity.sent<schemas::IdentityLink>(), 1u);
    EXPECT_EQ(identity.person_of(kInsurance), person_founded_by("HOSP|100"));
    EXPECT_EQ(identity.on_person<schemas::PersonIdentified>().size(), 2u);
}

TEST(Identity, LinksNothingThatHasNoAuthority) {
    Identity identity;
    ASSERT_TRUE(identity.record({kMrn, {"", "7", "SS"}, {"INS", "", "SS"}}).has_value());
    EXPECT_EQ(identity.sent<schemas::IdentityLink>(), 0u);
}

TEST(Identity, MergesByItselfOverACheckedNationalId) {
    Identity identity;
    const Identifier clinic{"CLINIC", "5", "MR"};
    ASSERT_TRUE(identity.record({clinic, kNational}).has_value());
    ASSERT_TRUE(identity.record({kMrn, kNational}).has_value());
    for (const auto& identifier : {kMrn, kNational, clinic})
        EXPECT_EQ(identity.person_of(identifier), person_founded_by("HOSP|100"))
            << "the earlier authority in the order survives";
    const auto merged = identity.on_person<schemas::PersonMerged>();
    ASSERT_EQ(merged.size(), 2u);
    EXPECT_EQ(merged[0].key, person_founded_by("CLINIC|5"));
    EXPECT_EQ(merged[1].key, person_founded_by("HOSP|100"));
    EXPECT_EQ(merged[0].json, merged[1].json);
    EXPECT_EQ(identity.sent<schemas::PersonClash>(), 0u);
}

TEST(Identity, OfOneAuthorityTheSmallerPersonIdSurvives) {
    Identity identity;
    const Identifier other{"HOSP", "101", "MR"};
    ASSERT_TRUE(identity.record({other, kNational}).has_value());
    ASSERT_TRUE(identity.record({kMrn, kNational}).has_value());
    const std::string smaller =
        std::min(person_founded_by("HOSP|100"), person_founded_by("HOSP|101"));
    EXPECT_EQ(identity.person_of(other), smaller);
    EXPECT_EQ(identity.person_of(kMrn), smaller);
}

TEST(Identity, RecordsAClashOverAnythingElseOncePerPair) {
    const Identifier other{"HOSP", "101", "MR"};
    const Identifier second{"INS", "8", "SS"};
    const Identifier unchecked{"GOV", "110105194912310021", "NI"};  // its check character is X
    Identity identity;
    ASSERT_TRUE(identity.record({kMrn, kInsurance, second, unchecked}).has_value());
    ASSERT_TRUE(identity.record({other, kInsurance, second, unchecked}).has_value());
    EXPECT_NE(identity.person_of(kMrn), identity.person_of(other));
    EXPECT_EQ(identity.person_of(kInsurance), person_founded_by("HOSP|100")) << "the first holds";
    EXPECT_EQ(identity.sent<schemas::PersonMerged>(), 0u);
    const auto clashes = identity.on_person<schemas::PersonClash>();
    ASSERT_EQ(clashes.size(), 1u);
    EXPECT_NE(clashes[0].json.find(R"("named_by":{"authority":"HOSP","value":"101","type":"MR"})"),
              std::string::npos);
    EXPECT_EQ(identity.driver.counts["vitalog_identity_clashes_total/INS"], 1);
}

TEST(Identity, MergesByItselfOverAnAuthorityThatTheSiteTrusts) {
    Identity identity;
    identity.settings("HOSP", "INS");
    ASSERT_TRUE(identity.record({{"HOSP", "101", "MR"}, kInsurance}).has_value());
    ASSERT_TRUE(identity.record({kMrn, kInsurance}).has_value());
    EXPECT_EQ(identity.person_of(kMrn), identity.person_of({"HOSP", "101", "MR"}));
}

TEST(Identity, KeepsItsSettingsWhenNewOnesAreUnreadable) {
    Identity identity;
    identity.settings("HOSP", "INS");
    EXPECT_FALSE(identity.driver.control("settings", "site", "2", "{").has_value());
    EXPECT_TRUE(identity.driver.control("rules", "pack", "1", "not ours").has_value());
    ASSERT_TRUE(identity.record({{"HOSP", "101", "MR"}, kInsurance}).has_value());
    ASSERT_TRUE(identity.record({kMrn, kInsurance}).has_value());
    EXPECT_EQ(identity.sent<schemas::MergeOrder>(), 2u);
}

// The merge of the simulated hospital: MRG-1 618454581 into PID-3 2777246431, each with an NHS
// number.
TEST(IdentityMerge, JoinsTheTwoPatientsOfTheSimulatedHospital) {
    const Identifier survivor{"SIMULATOR MRN", "2777246431", "MRN"};
    const Identifier loser{"SIMULATOR MRN", "618454581", "MRN"};
    const Identifier survivor_nhs{"NHSNBR", "5002147747", "NHSNMBR"};
    const Identifier loser_nhs{"NHSNBR", "5053709750", "NHSNMBR"};
    Identity identity;
    ASSERT_TRUE(identity.record({survivor, survivor_nhs}).has_value());
    ASSERT_TRUE(identity.record({loser, loser_nhs}).has_value());
    EXPECT_NE(identity.person_of(loser), identity.person_of(survivor));
    ASSERT_TRUE(identity.record({survivor, survivor_nhs}, "ADT^A34").has_value());
    ASSERT_TRUE(identity.merge(survivor, loser).has_value());
    for (const auto& identifier : {survivor, loser, survivor_nhs, loser_nhs})
        EXPECT_EQ(identity.person_of(identifier), person_founded_by("SIMULATOR MRN|2777246431"));
    EXPECT_TRUE(identity.driver.dead_letters.empty());
}

TEST(IdentityMerge, FoundsIdentifiersThatWereNeverSeen) {
    Identity identity;
    ASSERT_TRUE(identity.merge(kMrn, {"HOSP", "101", "MR"}).has_value());
    EXPECT_EQ(identity.on_person<schemas::PersonMerged>().size(), 2u);
    EXPECT_EQ(identity.person_of({"HOSP", "101", "MR"}), person_founded_by("HOSP|100"));
}

TEST(IdentityMerge, HasNoFurtherEffectWhenRepeated) {
    Identity identity;
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(identity.merge(kMrn, {"HOSP", "101", "MR"}).has_value());
    EXPECT_EQ(identity.on_person<schemas::PersonMerged>().size(), 2u);
    EXPECT_EQ(identity.driver.counts["vitalog_identity_merges_total/repeated"], 2);
    EXPECT_TRUE(identity.driver.dead_letters.empty());
}

TEST(IdentityMerge, RefusesTheOppositeOfAnEarlierMergeAndNamesBoth) {
    Identity identity;
    const Identifier b{"HOSP", "101", "MR"};
    const Identifier c{"HOSP", "102", "MR"};
    ASSERT_TRUE(identity.merge(b, kMrn).has_value());
    ASSERT_TRUE(identity.merge(c, b).has_value());
    (void)identity.merge(kMrn, c);  // closes the ring 100 -> 101 -> 102 -> 100
    ASSERT_EQ(identity.driver.dead_letters.size(), 1u);
    EXPECT_EQ(
        identity.driver.dead_letters[0].reason,
        "conflict: ADT^A40 merges HOSP|102 into HOSP|100, but HOSP|100 was merged into HOSP|102 "
        "before; if that merge was wrong it has to be corrected at the hospital");
    EXPECT_EQ(identity.person_of(kMrn), person_founded_by("HOSP|102"));
    EXPECT_EQ(identity.driver.counts["vitalog_identity_merges_total/refused"], 1);
}

TEST(IdentityMerge, RefusesToMergeAnIdentifierIntoItself) {
    Identity identity;
    const auto result = identity.merge(kMrn, kMrn);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(
        result.error().to_string(),
        "conflict: ADT^A40: MRG-1 and PID-3 are both HOSP|100; a merge needs two identifiers");
    EXPECT_TRUE(identity.all.empty());
    EXPECT_EQ(identity.merge(kMrn, {"HOSP", "", "MR"}).error().code(), Errc::Malformed);
}

TEST(IdentityMerge, OfTwoIdentifiersOfOnePersonChangesNothing) {
    Identity identity;
    ASSERT_TRUE(identity.record({kMrn, kInsurance}).has_value());
    ASSERT_TRUE(identity.merge(kMrn, kInsurance).has_value());
    ASSERT_TRUE(identity.merge(kInsurance, kMrn).has_value());
    EXPECT_EQ(identity.sent<schemas::PersonMerged>(), 0u);
    EXPECT_TRUE(identity.driver.dead_letters.empty());
}

TEST(IdentityMerge, AgainstOneThatCameAboutByItselfIsNoContradiction) {
    Identity identity;
    const Identifier clinic{"CLINIC", "5", "MR"};
    ASSERT_TRUE(identity.record({clinic, kNational}).has_value());
    ASSERT_TRUE(identity.record({kMrn, kNational}).has_value());
    ASSERT_TRUE(identity.merge(clinic, kMrn).has_value());
    EXPECT_TRUE(identity.driver.dead_letters.empty());
    EXPECT_EQ(identity.person_of(clinic), person_founded_by("HOSP|100"));
    EXPECT_EQ(identity.driver.counts["vitalog_identity_merges_total/already_one"], 1);
    (void)identity.merge(kMrn, clinic);
    EXPECT_EQ(identity.driver.dead_letters.size(), 1u) << "now the hospital contradicts itself";
}

TEST(IdentityMerge, RefusesAccounts) {
    Identity identity;
    (void)identity.merge(kMrn, kWatch);
    ASSERT_EQ(identity.driver.dead_letters.size(), 1u);
    EXPECT_NE(identity.driver.dead_letters[0].reason.find("huawei|w1 is an account"),
              std::string::npos);
    EXPECT_EQ(identity.sent<schemas::PersonMerged>(), 0u);
}

TEST(IdentityAccount, WaitsUntilTheDirectoryBindsIt) {
    Identity identity;
    ASSERT_TRUE(identity.record({kWatch}, "first").has_value());
    ASSERT_TRUE(identity.record({kWatch}, "second").has_value());
    EXPECT_TRUE(identity.all.empty());
    EXPECT_EQ(identity.driver.counts["vitalog_identity_waiting_total/waiting"], 2);
    ASSERT_TRUE(identity.bind("HOSP|100", {"huawei|w1"}).has_value());
    const auto events = identity.on_person<schemas::PersonClinical>();
    ASSERT_EQ(events.size(), 2u);
    for (const auto& event : events) EXPECT_EQ(event.key, person_founded_by("HOSP|100"));
    EXPECT_NE(events[0].json.find("first"), std::string::npos);
    EXPECT_NE(events[0].json.find(R"("waited":")"), std::string::npos) << "its own root is kept";
    EXPECT_EQ(identity.driver.counts["vitalog_identity_waiting_total/released"], 2);
    EXPECT_EQ(identity.person_of(kWatch), person_founded_by("HOSP|100"));
}

TEST(IdentityAccount, IsNotBoundByBeingNamedInARecord) {
    Identity identity;
    ASSERT_TRUE(
        identity.record({kMrn, kWatch, {"openid", "o1", ""}, {"huawei", "w2", ""}}).has_value());
    EXPECT_EQ(identity.sent<schemas::IdentityLink>(), 0u);
    ASSERT_TRUE(identity.record({{"huawei", "w2", ""}}).has_value());
    EXPECT_EQ(identity.on_person<schemas::PersonClinical>().size(), 1u);
}

TEST(IdentityAccount, LetsSoManyRecordsWaitAndRefusesTheNext) {
    Identity identity;
    for (std::size_t i = 0; i < kWaitingRecordsMax; ++i)
        ASSERT_TRUE(identity.record({kWatch}).has_value());
    const auto refused = identity.record({kWatch});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(
        refused.error().to_string(),
        "too-large: account huawei|w1 belongs to nobody and 256 records wait already; bind it to "
        "a patient in the directory");
    ASSERT_TRUE(identity.bind("HOSP|100", {"huawei|w1"}).has_value());
    EXPECT_EQ(identity.on_person<schemas::PersonClinical>().size(), kWaitingRecordsMax);
}

TEST(IdentityAccount, LetsOnlySoManyBytesWait) {
    Identity identity;
    const std::string half(kWaitingBytesMax / 2, 'x');
    ASSERT_TRUE(identity.record({kWatch}, half.substr(100)).has_value());
    ASSERT_TRUE(identity.record({kWatch}, half.substr(200)).has_value());
    EXPECT_EQ(identity.record({kWatch}, half).error().code(), Errc::TooLarge);
}

TEST(IdentityAccount, OfTwoPatientsIsAClashThatNeverMerges) {
    Identity identity;
    identity.settings("HOSP", "huawei");
    ASSERT_TRUE(identity.bind("HOSP|100", {"huawei|w1"}).has_value());
    ASSERT_TRUE(identity.bind("HOSP|101", {"huawei|w1"}).has_value());
    EXPECT_EQ(identity.sent<schemas::PersonMerged>(), 0u);
    EXPECT_EQ(identity.sent<schemas::PersonClash>(), 1u);
    EXPECT_EQ(identity.person_of(kWatch), person_founded_by("HOSP|100"));
}

TEST(IdentityDirectory, BindsALineToThePerson) {
    Identity identity;
    ASSERT_TRUE(identity.bind("HOSP|100", {"huawei|w1"}, "oX").has_value());
    const auto bindings = identity.on_person<schemas::PersonBinding>();
    ASSERT_EQ(bindings.size(), 1u);
    EXPECT_EQ(bindings[0].key, person_founded_by("HOSP|100"));
    EXPECT_EQ(bindings[0].json,
              R"({"person":")" + bindings[0].key +
                  R"(","entry":{"patient":"HOSP|100","openid":"oX","accounts":["huawei|w1"]}})");
    EXPECT_EQ(identity.person_of({"openid", "oX", ""}), bindings[0].key);
}

TEST(IdentityDirectory, FollowsAMergeToTheSurvivor) {
    Identity identity;
    ASSERT_TRUE(identity.merge(kMrn, {"HOSP", "101", "MR"}).has_value());
    ASSERT_TRUE(identity.bind("HOSP|101", {"huawei|w1"}).has_value());
    EXPECT_EQ(identity.on_person<schemas::PersonBinding>().back().key,
              person_founded_by("HOSP|100"));
    EXPECT_EQ(identity.person_of(kWatch), person_founded_by("HOSP|100"));
}

TEST(IdentityDirectory, DeadLettersAnAccountThatIsNoIdentifierAndTakesTheRest) {
    Identity identity;
    ASSERT_TRUE(identity.bind("HOSP|100", {"w0", "huawei|w1"}).has_value());
    ASSERT_EQ(identity.driver.dead_letters.size(), 1u);
    EXPECT_EQ(identity.driver.dead_letters[0].at, "accounts[0]");
    EXPECT_EQ(identity.sent<schemas::IdentityLink>(), 1u);
}

TEST(IdentityDirectory, RefusesAnAccountInPlaceOfAPatient) {
    Identity identity;
    EXPECT_EQ(identity.bind("huawei|w1", {}).error().code(), Errc::Unsupported);
    EXPECT_EQ(identity.bind("100", {}).error().code(), Errc::Malformed);
}

// Crossing merges of two hospitals: the log of "merges" decides which is first, and both outcomes
// are whole.
TEST(IdentityMerge, OfTwoThatCrossTheFirstInTheLogHolds) {
    const Identifier b{"CLINIC", "101", "MR"};
    std::size_t won[2] = {0, 0};
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        SubjectNet net(5, seed);
        net.feed(0, schemas::kMergesKey, schemas::MergeRequest{kMrn, b, "ADT^A40", {}});
        net.feed(1, schemas::kMergesKey, schemas::MergeRequest{b, kMrn, "ADT^A40", {}});
        net.run();
        schemas::Decoder decoder;
        std::string survivor;
        for (const auto& output : net.outputs)
            if (output.type == schemas::PersonMerged::kType)
                survivor =
                    schemas::decode<schemas::PersonMerged>(output.json, decoder).value().survivor;
        ASSERT_EQ(net.dead_letters.size(), 1u);
        EXPECT_NE(net.dead_letters[0].reason.find("HOSP|100"), std::string::npos);
        EXPECT_NE(net.dead_letters[0].reason.find("CLINIC|101"), std::string::npos);
        EXPECT_NE(net.dead_letters[0].value.find("ADT^A40"), std::string::npos);
        ++won[survivor == person_founded_by(kMrn.key())];
    }
    EXPECT_GT(won[0], 0u);
    EXPECT_GT(won[1], 0u);
}

}  // namespace
}  // namespace vitalog::processors::identity
