#include "schemas/events/identity.h"
#include "tests/ingest/intake_fixture.h"

// Who ordered, who observed, what became of the order, and what was remarked.

namespace vitalog::tests {
namespace {

using schemas::ClinicalEvent;

const std::string kPotassium = "OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F";

/// The report of a message that gave just one.
schemas::Report report(Intake& intake, const std::vector<std::string>& segments) {
    std::vector<std::string> message{kMsh, kPid};
    message.insert(message.end(), segments.begin(), segments.end());
    EXPECT_TRUE(intake.hl7(message));
    const auto event = intake.as<ClinicalEvent>(intake.outputs.size() - 1);
    EXPECT_EQ(event.reports.size(), 1u);
    return event.reports.at(0);
}

std::string order_status(const std::string& orc, const std::string& result_status) {
    Intake intake;
    return std::string(
        report(intake,
               {orc, "OBR|1|P1|F1|UE^Urea^L|||20200501130000|||||||||||||||||LAB|" + result_status,
                kPotassium})
            .order.status);
}

TEST(IntakeOrders, NameTheOrdererTheDepartmentAndTheInterpreter) {
    Intake intake;
    const auto seen = report(
        intake,
        {"ORC|RE|P1|F1||CM|||||||77^Zhang^Wei|||||NEPH^肾内科^L",
         "OBR|1|P1|F1|UE^Urea^L|||20200501130000|||||||||||||||||LAB|F|||||||9&Zhao&Liu^20200501",
         kPotassium + "|||20200501130000|LAB1^Central laboratory|31^Sun^Quan"});
    EXPECT_EQ(seen.orderer.id, "77");  // ORC-12: OBR-16 is empty
    EXPECT_EQ(seen.orderer.name, "Wei Zhang");
    EXPECT_EQ(seen.order.department, "肾内科");
    EXPECT_EQ(seen.order.control, "RE");
    EXPECT_EQ(seen.interpreter.id, "9");
    EXPECT_EQ(seen.interpreter.name, "Liu Zhao");
    const auto& potassium = seen.observations.at(0);
    EXPECT_EQ(potassium.performer.id, "31");
    EXPECT_EQ(potassium.performer.name, "Quan Sun");
    EXPECT_EQ(potassium.producer, "Central laboratory");
}

TEST(IntakeOrders, PreferObrSixteenAndThePerformingOrganisation) {
    Intake intake;
    const auto seen =
        report(intake, {"ORC|RE|P1|F1|||||||||77^Zhang^Wei",
                        "OBR|1|P1|F1|UE^Urea^L|||20200501130000|||||||||12^王^芳||||||||LAB|F",
                        kPotassium + "||||LAB1^Central laboratory||||||||Reference laboratory^L"});
    EXPECT_EQ(seen.orderer.id, "12");
    EXPECT_EQ(seen.orderer.name, "王芳");
    EXPECT_EQ(seen.observations.at(0).producer, "Reference laboratory");
}

TEST(IntakeOrders, TakeTheInterpreterAsAPersonToo) {
    Intake intake;
    const std::string obr = "OBR|1|P1|F1|UE^Urea^L|||20200501130000|||||||||||||||||LAB|F|||||||";
    EXPECT_EQ(report(intake, {obr + "9^Zhao^Liu", kPotassium}).interpreter.name, "Liu Zhao");
    EXPECT_EQ(report(intake, {obr + "9^20200501", kPotassium}).interpreter.id, "9");
    EXPECT_EQ(report(intake, {obr + "9^20200501", kPotassium}).interpreter.name, "");
}

TEST(IntakeOrders, TellTheStatusOfTheOrder) {
    EXPECT_EQ(order_status("ORC|RE|P1|F1||CM", "P"), "completed");
    EXPECT_EQ(order_status("ORC|RE|P1|F1||A", "F"), "active");
    EXPECT_EQ(order_status("ORC|RE|P1|F1||HD", "I"), "on-hold");
    EXPECT_EQ(order_status("ORC|RE|P1|F1||ZZ", "F"), "unknown");
    EXPECT_EQ(order_status("ORC|CA|P1|F1", "X"), "revoked");
    EXPECT_EQ(order_status("ORC|NW|P1|F1", "O"), "active");
    EXPECT_EQ(order_status("ORC|RE|P1|F1", "F"), "completed");  // RE says nothing, the results do
    EXPECT_EQ(order_status("ORC|RE|P1|F1", "P"), "active");
    EXPECT_EQ(order_status("ORC|RE|P1|F1", ""), "");
}

TEST(IntakeOrders, KeepCommentsWithWhatTheyComment) {
    Intake intake;
    const auto seen = report(
        intake, {"NTE|1||about the patient", "ORC|RE|P1|F1", kObr, "NTE|1||haemolysed~a little",
                 kPotassium, "NTE|1||repeated", "NTE|2||and \\T\\ confirmed", "NTE|3",
                 "OBX|2|NM|2823-3^Potassium^LN||none|mmol/L|||||F", "NTE|1||of a refused one",
                 "OBX|3|NM|2951-2^Sodium^LN||140|mmol/L|||||F"});
    using Notes = std::vector<std::string_view>;
    EXPECT_EQ(seen.notes, (Notes{"haemolysed", "a little"}));
    ASSERT_EQ(seen.observations.size(), 2u);
    EXPECT_EQ(seen.observations[0].notes, (Notes{"repeated", "and & confirmed"}));
    EXPECT_TRUE(seen.observations[1].notes.empty());
}

TEST(IntakeOrders, TakeResultsOfThePointOfCare) {
    for (const std::string trigger : {"ORU^R30^ORU_R30", "ORU^R32^ORU_R30"}) {
        Intake intake;
        std::string msh = kMsh;
        msh.replace(msh.find("ORU^R01"), 7, trigger);
        ASSERT_TRUE(intake.hl7(
            {msh, kPid, segment("PV1", {{2, "I"}, {3, "ICU"}, {19, "V1"}}), kObr, kPotassium}));
        const auto event = intake.as<ClinicalEvent>(0);
        EXPECT_EQ(event.reports.at(0).observations.at(0).value, 4.1);
        EXPECT_EQ(event.encounter->visit, "V1");
    }
}

/// An ADT around a PV1 and what follows it.
ClinicalEvent adt(Intake& intake, const std::string& trigger,
                  const std::vector<std::string>& segments) {
    std::vector<std::string> message{
        "MSH|^~\\&|HIS|HOSP|V|X|20200501140643||ADT^" + trigger + "|1|P|2.5.1",
        "EVN|" + trigger + "|20200501140643||||20200501120000", kPid};
    message.insert(message.end(), segments.begin(), segments.end());
    EXPECT_TRUE(intake.hl7(message));
    return intake.as<ClinicalEvent>(0);
}

TEST(IntakeOrders, NameEveryDoctorOfAnEncounterAndTheHouse) {
    Intake intake;
    const auto event =
        adt(intake, "A05",
            {"PV1|1|P|W2^R1^B3^^^^^^|||ED|7^Li^Na|8^Wang^Wu|9^Zhao^Liu~10^Qian^Qi|NEPH"
             "|||||||11^Sun^Ba||V1"});
    const auto& encounter = *event.encounter;
    EXPECT_EQ(encounter.trigger, "A05");
    EXPECT_EQ(encounter.attending.name, "Na Li");
    EXPECT_EQ(encounter.referring.id, "8");
    ASSERT_EQ(encounter.consulting.size(), 2u);
    EXPECT_EQ(encounter.consulting[1].name, "Qi Qian");
    EXPECT_EQ(encounter.admitting.id, "11");
    EXPECT_EQ(encounter.organisation, "HOSP");  // MSH-4: the place names no facility
    Intake named;
    EXPECT_EQ(
        adt(named, "A06", {"PV1|1|I|W2^R1^B3^West wing||||||||||||||||V1"}).encounter->organisation,
        "West wing");
}

TEST(IntakeOrders, UnderstandEveryEncounterEvent) {
    for (const std::string trigger : {"A05", "A06", "A07", "A12", "A23"}) {
        Intake intake;
        const auto event = adt(intake, trigger, {"PV1|1|I|W1||||||||||||||||V1"});
        EXPECT_EQ(event.encounter->trigger, trigger);
        EXPECT_TRUE(intake.counts.empty()) << trigger;
    }
}

TEST(IntakeOrders, ForgetWhatADeletionDeletes) {
    Intake intake;
    const auto event = adt(intake, "A29", {"PV1|1|N"});
    ASSERT_TRUE(event.patient);
    EXPECT_TRUE(event.patient->deleted);
    EXPECT_EQ(event.patient->family, "");
    EXPECT_EQ(event.patient->cleared.size(), 6u);
    EXPECT_FALSE(event.encounter);
}

/// Survivor and loser of the merge request that an A47 gives.
std::string change(const std::string& now, const std::string& before) {
    Intake intake;
    EXPECT_TRUE(
        intake.hl7({"MSH|^~\\&|HIS|HOSP|V|X|20200501140643||ADT^A47^ADT_A30|1|P|2.5.1",
                    "EVN|A47|20200501140643", "PID|1||" + now + "||Zhang^San", "MRG|" + before}));
    if (intake.outputs.size() < 2) return intake.dead.at(0).reason;
    const auto request = intake.as<schemas::MergeRequest>(1);
    EXPECT_EQ(request.trigger, "ADT^A47");
    return request.survivor.key() + " < " + request.loser.key();
}

TEST(IntakeOrders, ReadAChangedIdentifierOutOfTheLists) {
    EXPECT_EQ(change("9^^^MRN", "5^^^MRN"), "MRN|9 < MRN|5");
    EXPECT_EQ(change("1^^^MRN~X9^^^CARD", "1^^^MRN~X5^^^CARD"), "CARD|X9 < CARD|X5");
    EXPECT_EQ(change("X9^^^CARD~1^^^MRN", "1^^^MRN~X5^^^CARD"), "CARD|X9 < CARD|X5");
    EXPECT_EQ(change("9^^^MRN", "5^^^OLD"), "MRN|9 < OLD|5");  // the authority changed with it
    EXPECT_EQ(change("5^^^MRN", "5^^^MRN"), "conflict: MRG-1 and PID-3 name the same identifier");
}

}  // namespace
}  // namespace vitalog::tests
