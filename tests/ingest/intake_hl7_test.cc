// Persons, encounters, merges, and which messages are taken.
#include "schemas/events/identity.h"
#include "tests/ingest/intake_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::ClinicalEvent;
using schemas::MergeRequest;
using schemas::Topic;

std::string msh(const std::string& trigger, const std::string& time = "20200501140643") {
    return "MSH|^~\\&|HIS|HOSP|VITALOG|X|" + time + "||" + trigger + "|1|P|2.5.1";
}

TEST(IntakeHl7, KeysByTheFirstAuthorityOfTheSite) {
    const std::vector<std::string> message{msh("ADT^A08"),
                                           "PID|1||7001^^^CARD^MR~8001^^^MRN^MR||Zhang^San"};
    Intake plain;
    ASSERT_TRUE(plain.hl7(message));
    EXPECT_EQ(plain.outputs[0].key, "CARD|7001");
    Intake ordered;
    ordered.settings({{"site.authorities", "MRN, CARD"}});
    ASSERT_TRUE(ordered.hl7(message));
    EXPECT_EQ(ordered.outputs[0].key, "MRN|8001");
    const auto event = ordered.as<ClinicalEvent>(0);
    ASSERT_EQ(event.identifiers.size(), 2u);
    EXPECT_EQ(event.identifiers[0].key(), "MRN|8001");
    EXPECT_EQ(event.identifiers[1].key(), "CARD|7001");
}

TEST(IntakeHl7, ReadsWhatAPidSaysOfThePerson) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(
        {msh("ADT^A31"),
         "PID|1||7001^^^MRN||Esterkin^Ada^^^Miss||19890118000000|F|||170 Juice Place^^London^^RW21 "
         "6KC^GBR^HOME||020 5368 1665^HOME||||||||||||||||20200430120000|Y"}));
    const auto patient = *intake.as<ClinicalEvent>(0).patient;
    EXPECT_EQ(patient.family, "Esterkin");
    EXPECT_EQ(patient.given, "Ada");
    EXPECT_EQ(to_string(*patient.birth_date), "1989-01-18");
    EXPECT_EQ(patient.sex, "female");
    EXPECT_EQ(patient.address, "170 Juice Place, London, RW21 6KC, GBR");
    EXPECT_EQ(patient.phone, "020 5368 1665");
    EXPECT_TRUE(patient.deceased);
    EXPECT_EQ(to_string(*patient.deceased_at), "2020-04-30T12:00:00+08:00");
    EXPECT_TRUE(patient.cleared.empty());
    EXPECT_FALSE(intake.as<ClinicalEvent>(0).encounter.has_value());
}

TEST(IntakeHl7, KeepsChineseNamesInAnyCharacterSet) {
    const std::string head = "MSH|^~\\&|HIS|HOSP|||20200501140643||ADT^A08|1|P|2.5\r";
    Intake intake;
    ASSERT_TRUE(intake.feed("feed.his", head + "PID|1||7001^^^MRN||张^三||1980|男\r", "hl7v2"));
    // GB 18030: the second byte of 珅 is the field separator.
    ASSERT_TRUE(
        intake.feed("feed.his", head + "PID|1||7001^^^MRN||\xAB\x7C^\xC8\xFD||1980|M\r", "hl7v2"));
    EXPECT_EQ(intake.as<ClinicalEvent>(0).patient->family, "张");
    EXPECT_EQ(intake.as<ClinicalEvent>(0).patient->sex, "male");
    EXPECT_EQ(to_string(*intake.as<ClinicalEvent>(0).patient->birth_date), "1980");
    EXPECT_EQ(intake.as<ClinicalEvent>(1).patient->family, "珅");
    EXPECT_EQ(intake.as<ClinicalEvent>(1).patient->given, "三");
}

TEST(IntakeHl7, ForgetsWhatWasSentAsNullAndKeepsWhatWasNotSent) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7({msh("ADT^A08"),
                    "PID|1||7001^^^MRN||\"\"||\"\"|\"\"|||\"\"||\"\"||||||||||||||||\"\"|\"\""}));
    ASSERT_TRUE(intake.hl7({msh("ADT^A08"), "PID|1||7001^^^MRN"}));
    EXPECT_EQ(intake.as<ClinicalEvent>(0).patient->cleared,
              (std::vector<std::string_view>{"family", "given", "birth_date", "sex", "address",
                                             "phone", "deceased_at", "deceased"}));
    EXPECT_TRUE(intake.as<ClinicalEvent>(1).patient.value_or(schemas::Patient{}).cleared.empty());
    EXPECT_TRUE(intake.dead.empty());
}

TEST(IntakeHl7, GoesOnWithoutABirthDateThatIsUnreadable) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({msh("ADT^A08"), "PID|1||7001^^^MRN||Zhang^San||19801301|M"}));
    ASSERT_EQ(intake.dead.size(), 1u);
    EXPECT_EQ(intake.dead[0].reason, "malformed: PID-7 '19801301' is not a date such as 19800501");
    EXPECT_EQ(intake.dead[0].at, "PID-7");
    EXPECT_EQ(intake.as<ClinicalEvent>(0).patient->family, "Zhang");
    EXPECT_FALSE(intake.as<ClinicalEvent>(0).patient->birth_date.has_value());
}

TEST(IntakeHl7, ReadsAnAdmission) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(
        {msh("ADT^A01"), "EVN|A01|20200501140000||||20200501133000", "PID|1||7001^^^MRN||Zhang^San",
         "PV1|1|I|RenalWard^MainRoom^Bed 1^Simulated Hospital^^BED^Main "
         "Building^5|28b||ED^^^Hospital|C006^Woolfson^Kathleen^^^Dr|||MED||||||||"
         "|6145^^^VISITS^visitid|||||||||||||||||12||||||||20200501133000|20200502"}));
    const auto encounter = *intake.as<ClinicalEvent>(0).encounter;
    EXPECT_EQ(encounter.visit, "VISITS|6145");
    EXPECT_EQ(encounter.trigger, "A01");
    EXPECT_EQ(to_string(encounter.occurred), "2020-05-01T13:30:00+08:00");
    EXPECT_EQ(encounter.class_code, "IMP");
    EXPECT_EQ(encounter.location,
              "RenalWard, MainRoom, Bed 1, Simulated Hospital, Main Building, 5");
    EXPECT_EQ(encounter.prior_location, "ED, Hospital");
    EXPECT_EQ(encounter.attending.id, "C006");
    EXPECT_EQ(encounter.attending.name, "Kathleen Woolfson");
    EXPECT_EQ(encounter.service, "MED");
    EXPECT_EQ(encounter.disposition, "12");
    EXPECT_EQ(to_string(*encounter.admitted), "2020-05-01T13:30:00+08:00");
    EXPECT_EQ(to_string(*encounter.discharged), "2020-05-02");
}

TEST(IntakeHl7, KnowsTheClassesOfAnEncounter) {
    for (const auto& [sent, code] :
         std::vector<std::pair<std::string, std::string>>{{"I", "IMP"},
                                                          {"O", "AMB"},
                                                          {"E", "EMER"},
                                                          {"P", "PRENC"},
                                                          {"INPATIENT", "IMP"},
                                                          {"Outpatient", "AMB"},
                                                          {"emergency", "EMER"},
                                                          {"住院", "IMP"},
                                                          {"OBSERVATION", "OBSENC"},
                                                          {"HOSPICE", "HOSPICE"},
                                                          {"", ""}}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7({msh("ADT^A01"), kPid, "PV1|1|" + sent}));
        EXPECT_EQ(intake.as<ClinicalEvent>(0).encounter->class_code, code) << sent;
    }
}

TEST(IntakeHl7, TimesAnEncounterByTheFirstOfThreeFields) {
    const auto occurred = [](const std::vector<std::string>& head) {
        Intake intake;
        std::vector<std::string> message = head;
        message.push_back(kPid);
        message.push_back("PV1|1|I");
        EXPECT_TRUE(intake.hl7(message));
        return to_string(intake.as<ClinicalEvent>(0).encounter->occurred);
    };
    EXPECT_EQ(occurred({msh("ADT^A01"), "EVN|A01|20200501120000||||20200501110000"}),
              "2020-05-01T11:00:00+08:00");
    EXPECT_EQ(occurred({msh("ADT^A01"), "EVN|A01|20200501120000"}), "2020-05-01T12:00:00+08:00");
    EXPECT_EQ(occurred({msh("ADT^A01")}), "2020-05-01T14:06:43+08:00");
}

TEST(IntakeHl7, DropsTheEncounterAndKeepsThePersonWhereItsTimeIsUnreadable) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({msh("ADT^A01"), "EVN|A01|now", kPid, "PV1|1|I"}));
    ASSERT_EQ(intake.dead.size(), 1u);
    EXPECT_EQ(intake.dead[0].reason,
              "malformed: EVN-2 'now' is not a time such as 20200501140643+0800");
    EXPECT_FALSE(intake.as<ClinicalEvent>(0).encounter.has_value());
    EXPECT_EQ(intake.as<ClinicalEvent>(0).patient->family, "Zhang");
}

TEST(IntakeHl7, MentionsTheEncounterOfAResult) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({msh("ORU^R01"), kPid, "PV1|1|O|||||||||||||||||V77"}));
    EXPECT_EQ(intake.as<ClinicalEvent>(0).encounter->trigger, "R01");
    EXPECT_EQ(intake.as<ClinicalEvent>(0).encounter->visit, "V77");
}

TEST(IntakeHl7, ReadsTheReportAroundResults) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7({msh("ORU^R01"), kPid, "ORC|RE|P9^HIS|F9^LAB",
                    "OBR|1|||us-0003^UREA AND "
                    "ELECTROLYTES^WinPath|||20200501130000|||||||||D7^Li^Wei|||||||20200501|LAB|F",
                    "NTE|1||ok"}));
    const auto report = intake.as<ClinicalEvent>(0).reports.at(0);
    EXPECT_EQ(report.placer, "P9");
    EXPECT_EQ(report.filler, "F9");
    EXPECT_EQ(report.code.display, "UREA AND ELECTROLYTES");
    EXPECT_EQ(report.status, "final");
    EXPECT_EQ(report.orderer.name, "Wei Li");
    EXPECT_EQ(report.id.size(), 32u);
    EXPECT_EQ(to_string(*report.effective), "2020-05-01T13:00:00+08:00");
}

TEST(IntakeHl7, WritesWhichTablesDecodedIt) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result("NM|14682-9^Crea^LN||98|umol/L|||||F")));
    const std::string before(intake.as<ClinicalEvent>(0).tables);
    EXPECT_EQ(before, intake.processor().tables_version());
    intake.control("codes", "site.yaml",
                   "format: vitalog.codes.v1\nsystems:\n  - {system: S, codes: [{code: C, loinc: "
                   "14682-9}]}\n");
    ASSERT_TRUE(intake.hl7(result("NM|C^Crea^S||98|umol/L|||||F")));
    EXPECT_NE(before, intake.as<ClinicalEvent>(1).tables);
    EXPECT_EQ(intake.observation(1).loinc, "14682-9");
}

TEST(IntakeHl7, GivesOneEventPerPersonOfAMessage) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7({msh("ORU^R01"), "PID|1||1^^^MRN", kObr, "OBX|1|NM|2823-3^K^LN||4|mmol/L|||||F",
                    "PID|2||2^^^MRN", kObr, "OBX|1|NM|2823-3^K^LN||5|mmol/L|||||F"}));
    ASSERT_EQ(intake.outputs.size(), 2u);
    EXPECT_EQ(intake.outputs[0].key, "MRN|1");
    EXPECT_EQ(intake.outputs[1].key, "MRN|2");
    EXPECT_EQ(intake.observation(0).value, 4.0);
    EXPECT_EQ(intake.observation(1).value, 5.0);
}

// Merges

TEST(IntakeHl7, AsksForAMergeAndTellsOfTheSurvivor) {
    for (const auto trigger : {"ADT^A34", "ADT^A40"}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7({msh(trigger), "EVN|A40|20200501120000",
                                "PID|1||7001^^^MRN||Zhang^San", "MRG|6001^^^MRN"}));
        ASSERT_EQ(intake.outputs.size(), 2u);
        EXPECT_EQ(intake.outputs[0].key, "MRN|7001");
        EXPECT_EQ(intake.as<ClinicalEvent>(0).patient->family, "Zhang");
        EXPECT_EQ(intake.outputs[1].key, "merges");
        EXPECT_EQ(intake.outputs[1].topic, Topic::Subject);
        const auto request = intake.as<MergeRequest>(1);
        EXPECT_EQ(request.survivor.key(), "MRN|7001");
        EXPECT_EQ(request.loser.key(), "MRN|6001");
        EXPECT_EQ(request.trigger, trigger);
        EXPECT_EQ(to_string(request.occurred), "2020-05-01T12:00:00+08:00");
    }
}

TEST(IntakeHl7, TakesEveryGroupOfAMerge) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({msh("ADT^A40^ADT_A39"), "PID|1||1^^^MRN", "MRG|11^^^MRN",
                            "PID|2||2^^^MRN", "PD1|", "MRG|12^^^MRN", "PV1|1|N"}));
    ASSERT_EQ(intake.outputs.size(), 4u);
    EXPECT_EQ(intake.as<MergeRequest>(1).loser.key(), "MRN|11");
    EXPECT_EQ(intake.as<MergeRequest>(3).loser.key(), "MRN|12");
    EXPECT_EQ(intake.as<MergeRequest>(3).survivor.key(), "MRN|2");
}

TEST(IntakeHl7, RefusesTheGroupThatDoesNotSayWhatIsMerged) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({msh("ADT^A40"), "PID|1||1^^^MRN", "MRG|11^^^MRN", "PID|2||2^^^MRN",
                            "PID|3||3^^^MRN", "MRG|", "PID|4||4^^^MRN", "MRG|4^^^MRN"}));
    ASSERT_EQ(intake.dead.size(), 3u);
    EXPECT_EQ(
        intake.dead[0],
        (Intake::DeadLetter{
            "missing: MRG is missing: ADT^A40 does not say which identifier is merged", "MRG 2"}));
    EXPECT_EQ(
        intake.dead[1],
        (Intake::DeadLetter{"missing: MRG-1 is empty: nobody knows which identifier is merged",
                            "MRG-1 of MRG 3"}));
    EXPECT_EQ(intake.dead[2],
              (Intake::DeadLetter{"conflict: MRG-1 and PID-3 name the same identifier",
                                  "MRG-1 of MRG 4"}));
}

// Refused and unhandled

TEST(IntakeHl7, RefusesAMessageWithoutIdentifier) {
    Intake intake;
    EXPECT_FALSE(intake.hl7({msh("ORU^R01"), "PID|1||^^^MRN||Zhang^San", kObr,
                             "OBX|1|NM|2823-3^K^LN||4|mmol/L|||||F"}));
    ASSERT_EQ(intake.dead.size(), 1u);
    EXPECT_EQ(intake.dead[0].reason,
              "missing: PID-3 is empty: a message needs an identifier of the person");
    EXPECT_TRUE(intake.outputs.empty());
}

TEST(IntakeHl7, RefusesAMessageWithoutPid) {
    Intake intake;
    EXPECT_FALSE(intake.hl7({msh("ORU^R01"), kObr, "OBX|1|NM|2823-3^K^LN||4|mmol/L|||||F"}));
    EXPECT_EQ(intake.dead.at(0).reason,
              "missing: PID is missing: nobody knows who 'ORU^R01' is about");
}

TEST(IntakeHl7, RefusesWhatIsNoMessage) {
    for (const auto text : {"", "hello", "PID|1||7001^^^MRN\r"}) {
        Intake intake;
        EXPECT_FALSE(intake.feed("feed.his", text, "hl7v2").has_value()) << text;
        EXPECT_EQ(intake.dead.at(0).reason.rfind("malformed: ", 0), 0u) << intake.dead.at(0).reason;
    }
}

TEST(IntakeHl7, CountsOtherTriggersAndAppliesNothingOfThem) {
    Intake intake;
    for (const auto trigger : {"ADT^A60", "ADT^A60", "SIU^S12", "ORM^O01^ORM_O01"})
        ASSERT_TRUE(
            intake.hl7({msh(trigger), kPid, "PV1|1|I", "OBX|1|NM|2823-3^K^LN||4|mmol/L|||||F"}));
    EXPECT_TRUE(intake.outputs.empty());
    EXPECT_TRUE(intake.dead.empty());
    EXPECT_EQ(intake.counts["vitalog_messages_unhandled_total{trigger=ADT^A60}"], 2);
    EXPECT_EQ(intake.counts["vitalog_messages_unhandled_total{trigger=SIU^S12}"], 1);
    EXPECT_EQ(intake.counts["vitalog_messages_unhandled_total{trigger=ORM^O01}"], 1);
}

TEST(IntakeHl7, KeepsTheLinesOfADocument) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({msh("MDM^T02"), kPid, "PV1|1|I", "TXA|1|PN||20200501130000",
                            "OBX|1|TX|D^Doc^L|1|one||||||F", "OBX|2|TX|D^Doc^L|1|two||||||F"}));
    const auto event = intake.as<ClinicalEvent>(0);
    EXPECT_EQ(event.patient->family, "Zhang");
    EXPECT_EQ(event.reports.at(0).observations.size(), 2u);
    EXPECT_TRUE(intake.counts.empty());
}

TEST(IntakeHl7, TakesTheEventFromEvnWhereMshLacksIt) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({msh("ADT"), "EVN|A08|20200501120000", kPid}));
    EXPECT_EQ(intake.as<ClinicalEvent>(0).trigger, "ADT^A08");
}

TEST(IntakeHl7, GoesByTheReceivedTimeWhereTheMessageHasNone) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({msh("ADT^A08", ""), kPid}));
    EXPECT_EQ(intake.as<ClinicalEvent>(0).occurred.at.micros(), intake.received.micros());
    EXPECT_EQ(intake.as<ClinicalEvent>(0).occurred.offset_minutes, 480);
}

TEST(IntakeHl7, DecodesAlikeAgain) {
    const auto messages = simhospital_messages();
    Intake once;
    Intake again;
    for (std::size_t i = 0; i < 50; ++i) {
        ASSERT_TRUE(once.feed("feed.his", messages.at(i), "hl7v2"));
        ASSERT_TRUE(again.feed("feed.his", messages.at(i), "hl7v2"));
    }
    ASSERT_EQ(once.outputs.size(), again.outputs.size());
    for (std::size_t i = 0; i < once.outputs.size(); ++i)
        EXPECT_EQ(once.outputs[i].json, again.outputs[i].json);
}

}  // namespace
}  // namespace vitalog::tests
