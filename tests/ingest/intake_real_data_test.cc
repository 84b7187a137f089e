// Every message of the simulated hospital's file goes through intake; nothing is lost.
#include <set>

#include "schemas/events/identity.h"
#include "tests/ingest/intake_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::ClinicalEvent;
using schemas::ValueKind;

class RealData : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        intake_ = new Intake();
        for (const auto& message : simhospital_messages()) {
            ++messages_;
            for (std::size_t at = 0; (at = message.find("\rOBX|", at)) != std::string::npos; ++at)
                ++obx_;
            const auto done = intake_->feed("feed.his", message, "hl7v2");
            EXPECT_TRUE(done.has_value()) << done.error().to_string();
        }
    }
    static void TearDownTestSuite() {
        delete intake_;
        intake_ = nullptr;
    }
    template <class Visit>
    void each_observation(Visit visit) {
        for (std::size_t i = 0; i < intake_->outputs.size(); ++i) {
            if (intake_->outputs[i].type != ClinicalEvent::kType) continue;
            const auto event = intake_->as<ClinicalEvent>(i);
            for (const auto& report : event.reports)
                for (const auto& seen : report.observations) visit(seen);
        }
    }

    static inline Intake* intake_ = nullptr;
    static inline int messages_ = 0;
    static inline int obx_ = 0;
};

TEST_F(RealData, IsTheFileThatTheCountsAreFor) {
    EXPECT_EQ(messages_, 1013);
    EXPECT_EQ(obx_, 3413);
}

TEST_F(RealData, ComesOutWholeAndNothingIsRefused) {
    std::map<std::string, int> tally;
    each_observation([&](const schemas::Observation& seen) {
        ++tally[std::string(schemas::name_of_enum(seen.kind)) +
                (seen.loinc.empty() ? ", unmapped" : "")];
    });
    for (const auto& letter : intake_->dead) ++tally["dead letter: " + letter.reason];
    // 2,824 numbers, 73 of them with a comparator; 61 respiratory rates and 3 creatinines were sent
    // empty; 61 AVPU words have a LOINC code, the other texts have none: 90 lines of documents, 130
    // imaging reports, 244 remarks.
    const std::map<std::string, int> expected{
        {"quantity", 2824}, {"missing", 64}, {"text", 61}, {"text, unmapped", 464}};
    EXPECT_EQ(tally, expected);
    int sum = 0;
    for (const auto& [what, count] : tally) sum += count;
    EXPECT_EQ(sum, obx_);
}

TEST_F(RealData, GivesEveryResultAnIdentityOfItsOwn) {
    std::set<std::string> ids;
    each_observation([&](const schemas::Observation& seen) { ids.emplace(seen.id); });
    EXPECT_EQ(ids.size(), 3413u);
}

TEST_F(RealData, GivesEveryNumberAUnitAndAMeaning) {
    int comparators = 0;
    each_observation([&](const schemas::Observation& seen) {
        if (seen.kind != ValueKind::Quantity) return;
        EXPECT_NE(seen.loinc, "") << seen.code.code;
        EXPECT_NE(seen.unit, "") << seen.code.code;
        EXPECT_TRUE(seen.value.has_value()) << seen.code.code;
        comparators += seen.comparator.empty() ? 0 : 1;
    });
    EXPECT_EQ(comparators, 73);
}

TEST_F(RealData, ReadsEveryReferenceRangeThatSaysSomething) {
    each_observation([&](const schemas::Observation& seen) {
        if (seen.kind != ValueKind::Quantity || seen.range.empty() || seen.range == "[ ]") return;
        EXPECT_TRUE(seen.low || seen.high) << seen.range;
    });
}

TEST_F(RealData, AsksForItsOneMergeAndUnderstandsEveryMessage) {
    std::map<std::string, int> types;
    for (const auto& output : intake_->outputs) ++types[output.type];
    EXPECT_EQ(types[std::string(ClinicalEvent::kType)], 1013);
    EXPECT_EQ(types[std::string(schemas::MergeRequest::kType)], 1);
    EXPECT_TRUE(intake_->counts.empty());
    int documents = 0;
    int notes = 0;
    for (std::size_t i = 0; i < intake_->outputs.size(); ++i) {
        if (intake_->outputs[i].type != ClinicalEvent::kType) continue;
        const auto event = intake_->as<ClinicalEvent>(i);
        for (const auto& report : event.reports) {
            documents += report.document ? 1 : 0;
            notes += static_cast<int>(report.notes.size());
            for (const auto& seen : report.observations)
                notes += static_cast<int>(seen.notes.size());
        }
    }
    EXPECT_EQ(documents, 2);
    EXPECT_EQ(notes, 2311);
}

}  // namespace
}  // namespace vitalog::tests
