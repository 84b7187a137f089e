#include "schemas/clinical/encounter_state.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace vitalog::schemas {
namespace {

EncounterEvent adt(std::string_view trigger, std::string_view when,
                   std::string_view location = {}) {
    EncounterEvent event;
    event.visit = "HOSP|V1";
    event.trigger = trigger;
    event.occurred = *parse_zoned_time(when);
    event.location = location;
    return event;
}

constexpr const char* kEight = "2020-05-01T08:00:00+08:00";
constexpr const char* kNine = "2020-05-01T09:00:00+08:00";
constexpr const char* kTen = "2020-05-01T10:00:00+08:00";
constexpr const char* kEleven = "2020-05-01T11:00:00+08:00";

EncounterState fold(const std::vector<EncounterEvent>& events) {
    EncounterHistory history;
    for (const auto& event : events) history.add(event);
    return history.state();
}

TEST(EncounterState, DischargeEndsIt) {
    const auto state =
        fold({adt("A01", kEight, "Ward 1"), adt("A02", kNine, "Ward 2"), adt("A03", kTen)});
    EXPECT_EQ(state.status, "finished");
    EXPECT_EQ(to_string(*state.start), kEight);
    EXPECT_EQ(to_string(*state.end), kTen);
    ASSERT_EQ(state.locations.size(), 2U);
    EXPECT_EQ(to_string(*state.locations[0].to), kNine);
    EXPECT_EQ(to_string(*state.locations[1].to), kTen);
}

TEST(EncounterState, IsTheSameInEveryOrder) {
    std::vector<EncounterEvent> events{adt("A01", kEight, "Ward 1"),
                                       adt("A02", kNine, "Ward 2"),
                                       adt("A08", kNine, "Ward 2"),
                                       adt("A03", kTen),
                                       adt("A13", kTen),
                                       adt("A03", kEleven),
                                       adt("R01", kNine, "Ward 9")};
    std::vector<int> order{0, 1, 2, 3, 4, 5, 6};
    std::string expected;
    do {
        EncounterHistory history;
        for (const int i : order) history.add(events[static_cast<std::size_t>(i)]);
        const auto state = history.state();
        if (expected.empty()) expected = history.encode();
        ASSERT_EQ(history.encode(), expected);
        ASSERT_EQ(state.status, "finished");
        ASSERT_EQ(to_string(*state.end), kEleven);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(EncounterState, CancelsCountAfterWhatTheyCancelAtTheSameTime) {
    EXPECT_EQ(fold({adt("A11", kEight), adt("A01", kEight)}).status, "cancelled");
    const auto reopened = fold({adt("A13", kTen), adt("A03", kTen), adt("A01", kEight)});
    EXPECT_EQ(reopened.status, "in-progress");
    EXPECT_FALSE(reopened.end);
}

TEST(EncounterState, CancelledAdmissionIsNotRevivedByALateTransfer) {
    EXPECT_EQ(fold({adt("A01", kEight), adt("A11", kEight), adt("A02", kNine)}).status,
              "cancelled");
    EXPECT_EQ(fold({adt("A01", kEight), adt("A11", kEight), adt("A01", kNine)}).status,
              "in-progress");
}

TEST(EncounterState, CancelledTransferGoesBack) {
    const auto state =
        fold({adt("A01", kEight, "Ward 1"), adt("A02", kNine, "Ward 2"), adt("A12", kNine)});
    ASSERT_EQ(state.locations.size(), 1U);
    EXPECT_EQ(state.locations[0].location, "Ward 1");
    EXPECT_FALSE(state.locations[0].to);
}

TEST(EncounterState, CancelledTransferGoesBackToWhereItSays) {
    // A transfer that never came: the patient is still in Ward 2, since nine.
    const auto still = fold(
        {adt("A01", kEight, "Ward 1"), adt("A02", kNine, "Ward 2"), adt("A12", kTen, "Ward 2")});
    ASSERT_EQ(still.locations.size(), 2U);
    EXPECT_EQ(to_string(still.locations[1].from), kNine);
    EXPECT_FALSE(still.locations[1].to);
    // Two transfers taken back at once.
    const auto both = fold({adt("A01", kEight, "Ward 1"), adt("A02", kNine, "Ward 2"),
                            adt("A02", kTen, "Ward 3"), adt("A12", kTen, "Ward 1")});
    ASSERT_EQ(both.locations.size(), 1U);
    EXPECT_FALSE(both.locations[0].to);
}

TEST(EncounterState, ChangesOfClassAndDeletionEndTheSameInEveryOrder) {
    auto outpatient = adt("A07", kTen, "Clinic");
    outpatient.class_code = "AMB";
    auto inpatient = adt("A06", kNine, "Ward 2");
    inpatient.class_code = "IMP";
    const std::vector<EncounterEvent> events{
        adt("A05", kEight), adt("A04", kEight, "Clinic"), inpatient,
        outpatient,         adt("A02", kTen, "Ward 9"),   adt("A12", kTen, "Clinic")};
    std::vector<std::size_t> order{0, 1, 2, 3, 4, 5};
    std::string expected;
    do {
        EncounterHistory history;
        for (const std::size_t i : order) history.add(events[i]);
        if (expected.empty()) expected = history.encode();
        ASSERT_EQ(history.encode(), expected);
        const auto state = history.state();
        ASSERT_EQ(state.status, "in-progress");
        ASSERT_EQ(state.class_code, "AMB");
        ASSERT_EQ(state.locations.back().location, "Clinic");
        ASSERT_FALSE(state.locations.back().to);
        history.add(adt("A23", kEleven));
        ASSERT_EQ(history.state().status, "entered-in-error");
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(EncounterState, KeepsEveryDoctorAndTheHouse) {
    auto admission = adt("A01", kEight, "Ward 1");
    admission.attending = {"7", "Li Na"};
    admission.admitting = {"8", "Wang Wu"};
    admission.consulting = {{"9", ""}, {"10", "Zhao"}};
    admission.organisation = "People's Hospital";
    auto change = adt("A08", kNine);
    change.attending = {"11", "Qian"};
    auto mention = adt("R01", kTen);
    mention.referring = {"12", "Sun"};
    const auto state = fold({mention, change, admission});
    EXPECT_EQ(state.attending.id, "11");
    EXPECT_EQ(state.admitting.name, "Wang Wu");
    ASSERT_EQ(state.consulting.size(), 2U);
    EXPECT_EQ(state.consulting[1].name, "Zhao");
    EXPECT_EQ(state.organisation, "People's Hospital");
    EXPECT_EQ(state.referring.name, "Sun");
}

TEST(EncounterState, ResultsMentionItWithoutDecidingIt) {
    auto mention = adt("R01", kTen, "ED");
    EXPECT_EQ(fold({mention}).status, "unknown");
    EXPECT_EQ(fold({mention}).locations[0].location, "ED");
    EXPECT_EQ(fold({mention, adt("A05", kNine)}).status, "planned");
}

TEST(EncounterState, KeepsTheLatestOfEqualMentions) {
    EncounterHistory history;
    EXPECT_TRUE(history.add(adt("R01", kNine, "ED")));
    EXPECT_FALSE(history.add(adt("R01", kEight, "ED")));
    EXPECT_TRUE(history.add(adt("R01", kTen, "ED")));
    EXPECT_EQ(history.size(), 1U);
}

TEST(EncounterState, SurvivesItsStoredForm) {
    EncounterHistory history;
    history.add(adt("A01", kEight, "Ward 1"));
    history.add(adt("A03", kTen));
    Decoder decoder;
    const auto back = EncounterHistory::decode(history.encode(), decoder);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->encode(), history.encode());
    EXPECT_FALSE(EncounterHistory::decode("{\"version\":9,\"events\":[]}", decoder));
}

TEST(EncounterKey, FallsBackToWhenItBegan) {
    EncounterEvent event;
    EXPECT_EQ(encounter_key(event), "");
    event.admitted = *parse_zoned_time(kEight);
    EXPECT_EQ(encounter_key(event), "from 2020-05-01T00:00:00Z");
    event.visit = "V7";
    EXPECT_EQ(encounter_key(event), "V7");
}

}  // namespace
}  // namespace vitalog::schemas
