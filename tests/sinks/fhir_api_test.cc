#include "sinks/fhir/fhir_api.h"

#include <gtest/gtest.h>

#include "sinks/fhir/parts.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks::fhir {
namespace {

using namespace vitalog::tests;

const std::string kAnna = hex_id("anna");
const std::string kBeth = hex_id("beth");
const std::string kAlert = hex_id("alert");
const std::string kTask = hex_id("task");
const std::string kRisk = hex_id("risk");
const std::string kPending = hex_id("result without a value");
const std::array<std::string, 3> kResults{hex_id("r1"), hex_id("r2"), hex_id("r3")};

struct Server {
    Archive archive;
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    FhirApi api{archive.reader, log, clock};
    FakeRouter router;

    Server() {
        api.register_routes(router);
        fill();
    }

    void fill() {
        Records person, risk, alert, task, delivery;
        person.add(schemas::PersonIdentified{kAnna, {"SIMULATOR MRN", "259", "MR"}});
        person.add(schemas::PersonIdentified{kBeth, {"SIMULATOR MRN", "260", "MR"}});
        Message message;
        message.person = kAnna;
        message.patient = schemas::Patient{};
        message.patient->family = "Esterkin";
        message.patient->given = "AKI";
        message.patient->sex = "female";
        message.patient->birth_date = Date{1989, 1, 18};
        message.patient->phone = "020 5368 1665";
        message.encounter = schemas::EncounterEvent{};
        message.encounter->visit = "V1";
        message.encounter->trigger = "A01";
        message.encounter->occurred = at("2020-05-01T08:00:00+08:00");
        message.encounter->class_code = "IMP";
        message.encounter->location = "Ward 1";
        message.encounter->attending = {"C006", "Woolfson"};
        message.results = {creatinine(kResults[0], "2020-05-01T14:00:00+08:00", 98),
                           creatinine(kResults[1], "2020-05-02T14:00:00+08:00", 250)};
        message.results[1].comparator = "<";
        auto text = creatinine(kResults[2], "2020-05-03", 0);
        text.loinc = "";
        text.kind = schemas::ValueKind::Text;
        text.value.reset();
        text.text = "clear";
        message.results.push_back(text);
        auto pending = text;
        pending.id = kPending;
        pending.kind = schemas::ValueKind::Missing;
        message.results.push_back(pending);
        person.add(message.event());
        schemas::RiskEvent index;
        index.id = kRisk;
        index.person = kAnna;
        index.method = "aki-nhs";
        index.version = "2014.1";
        index.value = 2.6;
        index.band = "2";
        index.missing = {"baseline"};
        index.status = schemas::IndexStatus::Incomplete;
        index.occurred = at("2020-05-02T14:00:00+08:00");
        index.basis = {kResults[1]};
        risk.add(index);
        schemas::AlertEvent raised;
        raised.id = kAlert;
        raised.person = kAnna;
        raised.rule = "aki-stage";
        raised.rule_version = "3";
        raised.pack_version = "1";
        raised.priority = schemas::Priority::Medium;
        raised.problem = "Acute kidney injury stage 2";
        raised.since = raised.occurred = at("2020-05-02T14:00:00+08:00");
        raised.task = kTask;
        schemas::Evidence evidence;
        evidence.observation = kResults[1];
        evidence.loinc = "14682-9";
        evidence.display = "Creatinine";
        evidence.value = 250;
        evidence.unit = "umol/L";
        evidence.effective = raised.since;
        evidence.low = 49;
        evidence.high = 92;
        evidence.trend = "rising";
        raised.evidence = {evidence};
        alert.add(raised);
        auto state = open_task(kTask, kAlert, kAnna);
        state.evidence = {evidence};
        state.owner = "dr.wu";
        state.status = schemas::TaskStatus::Completed;
        state.outcome = schemas::TaskOutcome{schemas::DecisionAction::Confirm, "dr.wu", "see you",
                                             "", raised.since};
        task.add(state);
        schemas::Delivery told;
        told.intent = hex_id_;
        told.recipient = told.person = kAnna;
        told.purpose = "alert";
        told.channel = "sms";
        told.state = schemas::DeliveryState::Delivered;
        told.attempts = 1;
        told.task = kTask;
        delivery.add(told);
        told.intent = hex_id_2_;
        told.recipient = "user:dr.wu";
        told.person = "";
        told.purpose = "escalation";
        delivery.add(told);
        archive.apply({person.batch("person"), risk.batch("risk"), alert.batch("alert"),
                       task.batch("task-board"), delivery.batch("delivery")});
    }
    void merge() {
        Records records;
        for (int i = 0; i < 4; ++i) records.add(schemas::PersonMerged{kBeth, kAnna, "ADT^A40"});
        archive.apply({records.batch("person", 1)});
    }
    std::string hex_id_ = hex_id("intent");
    std::string hex_id_2_ = hex_id("intent 2");
};

TEST(FhirPatient, IsFoundByIdentifierWithAndWithoutAuthority) {
    Server server;
    for (const std::string identifier :
         {"SIMULATOR MRN|259", "259", "urn:vitalog:authority:SIMULATOR%20MRN|259"}) {
        const auto answer = server.router.get("/fhir/Patient?identifier=" + identifier);
        ASSERT_EQ(answer.status, 200) << answer.body;
        EXPECT_EQ(answer.content_type, "application/fhir+json");
        EXPECT_EQ(member(answer.body, "/total"), "1") << identifier;
        EXPECT_EQ(member(answer.body, "/entry/0/resource/id"), kAnna);
        EXPECT_EQ(member(answer.body, "/entry/0/resource/name/0/family"), "Esterkin");
        EXPECT_EQ(member(answer.body, "/entry/0/resource/gender"), "female");
        EXPECT_EQ(member(answer.body, "/entry/0/resource/birthDate"), "1989-01-18");
        EXPECT_EQ(member(answer.body, "/entry/0/resource/identifier/0/value"), "259");
    }
    EXPECT_EQ(member(server.router.get("/fhir/Patient?identifier=NOBODY|259").body, "/total"), "0");
}

TEST(FhirPatient, AfterAMergeTheSurvivorIsFoundAndNamesTheOthers) {
    Server server;
    server.merge();
    const auto answer = server.router.get("/fhir/Patient?identifier=SIMULATOR MRN|259");
    EXPECT_EQ(member(answer.body, "/entry/0/resource/id"), kBeth);
    EXPECT_EQ(member(answer.body, "/entry/0/resource/link/0/other/reference"), "Patient/" + kAnna);
    EXPECT_EQ(member(answer.body, "/entry/0/resource/link/0/type"), "replaces");
    EXPECT_EQ(member(answer.body, "/entry/0/resource/name/0/family"), "Esterkin");
    const auto loser = server.router.get("/fhir/Patient/" + kAnna);
    EXPECT_EQ(member(loser.body, "/active"), "false");
    EXPECT_EQ(member(loser.body, "/link/0/type"), "replaced-by");
    EXPECT_EQ(member(server.router.get("/fhir/Patient").body, "/total"), "1");
    const auto results = server.router.get("/fhir/Observation?patient=" + kBeth);
    EXPECT_EQ(member(results.body, "/total"), "3");
    EXPECT_EQ(member(server.router.get("/fhir/Task?patient=" + kBeth).body, "/total"), "1");
    // A reference by way of the survivor finds the result that lies with the loser.
    EXPECT_EQ(server.router.get("/fhir/Observation/" + located_id(kBeth, kResults[0])).status, 200);
}

TEST(FhirObservation, HasWhatR4Requires) {
    Server server;
    const auto answer = server.router.get("/fhir/Observation/" + located_id(kAnna, kResults[1]));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(member(answer.body, "/resourceType"), "Observation");
    EXPECT_EQ(member(answer.body, "/status"), "final");
    EXPECT_EQ(member(answer.body, "/category/0/coding/0/code"), "laboratory");
    EXPECT_EQ(member(answer.body, "/code/coding/0/system"), "http://loinc.org");
    EXPECT_EQ(member(answer.body, "/code/coding/0/code"), "14682-9");
    EXPECT_EQ(member(answer.body, "/code/coding/1/code"), "tt-0003-01");
    EXPECT_EQ(member(answer.body, "/subject/reference"), "Patient/" + kAnna);
    EXPECT_EQ(member(answer.body, "/effectiveDateTime"), "2020-05-02T14:00:00+08:00");
    EXPECT_EQ(member(answer.body, "/valueQuantity/comparator"), "<");
    EXPECT_EQ(member(answer.body, "/valueQuantity/code"), "umol/L");
    EXPECT_EQ(member(answer.body, "/valueQuantity/system"), "http://unitsofmeasure.org");
    EXPECT_EQ(member(answer.body, "/interpretation/0/coding/0/code"), "H");
    EXPECT_EQ(member(answer.body, "/referenceRange/0/text"), "49 - 92");
    EXPECT_EQ(server.router.get("/fhir/" + member(answer.body, "/encounter/reference")).status,
              200);
    const auto empty = server.router.get("/fhir/Observation/" + located_id(kAnna, kResults[2]));
    EXPECT_EQ(member(empty.body, "/valueString"), "clear");
    EXPECT_EQ(member(empty.body, "/effectiveDateTime"), "2020-05-03")
        << "a bare date is not midnight";
    EXPECT_EQ(server.router.get("/fhir/Observation/" + located_id(kAnna, kPending)).status, 404)
        << "a result that never had a value is none";
}

TEST(FhirObservation, IsSearchedByCodeAndDate) {
    Server server;
    const auto total = [&](const std::string& query) {
        return member(server.router.get("/fhir/Observation?patient=" + kAnna + query).body,
                      "/total");
    };
    EXPECT_EQ(total("&code=14682-9"), "2");
    EXPECT_EQ(total("&code=http://loinc.org|14682-9"), "2");
    EXPECT_EQ(total("&code=WinPath|tt-0003-01"), "3");
    EXPECT_EQ(total("&code=urn:vitalog:codes:WinPath|tt-0003-01"), "3");
    EXPECT_EQ(total("&code=http://loinc.org|tt-0003-01"), "0");
    EXPECT_EQ(total("&date=2020-05-01"), "1");
    EXPECT_EQ(total("&date=ge2020-05-02"), "2");
    EXPECT_EQ(total("&date=gt2020-05-02"), "1");
    EXPECT_EQ(total("&date=le2020-05-01"), "1");
    EXPECT_EQ(total("&date=lt2020-05-01"), "0");
    EXPECT_EQ(total("&date=ge2020-05-01T14:00:00 08:00&date=lt2020-05-02T14:00:00+08:00"), "1");
    EXPECT_EQ(total("&date=2020"), "3");
    EXPECT_EQ(total("&category=vital-signs"), "0");
    EXPECT_EQ(total("&status=final,corrected"), "3");
    EXPECT_EQ(total("&_summary=count"), "3");
    EXPECT_EQ(total("&identifier=" + kResults[0]), "1");
}

TEST(FhirSearch, PagesWithNextAndSortsBothWays) {
    Server server;
    const auto first =
        server.router.get("/fhir/Observation?patient=" + kAnna + "&_sort=date&_count=2");
    EXPECT_EQ(member(first.body, "/total"), "3");
    EXPECT_EQ(member(first.body, "/entry/0/resource/effectiveDateTime"),
              "2020-05-01T14:00:00+08:00");
    EXPECT_EQ(member(first.body, "/link/0/relation"), "self");
    EXPECT_TRUE(member(first.body, "/link/0/url")
                    .starts_with("http://archive.example:8080/fhir/Observation?patient="));
    const std::string next = member(first.body, "/link/1/url");
    ASSERT_FALSE(next.empty());
    const auto second =
        server.router.get(next.substr(std::string("http://archive.example:8080").size()));
    EXPECT_EQ(member(second.body, "/entry/0/resource/effectiveDateTime"), "2020-05-03");
    EXPECT_EQ(member(second.body, "/entry/1"), "");
    EXPECT_EQ(member(second.body, "/link/1"), "");
    EXPECT_EQ(member(second.body, "/total"), "3");
    const auto newest =
        server.router.get("/fhir/Observation?patient=" + kAnna + "&_sort=-date&_count=1");
    EXPECT_EQ(member(newest.body, "/entry/0/resource/effectiveDateTime"), "2020-05-03");
}

TEST(FhirSearch, RefusesWhatItDoesNotKnow) {
    Server server;
    const auto unknown = server.router.get("/fhir/Observation?patient=" + kAnna + "&colour=red");
    EXPECT_EQ(unknown.status, 400);
    EXPECT_EQ(member(unknown.body, "/resourceType"), "OperationOutcome");
    EXPECT_NE(member(unknown.body, "/issue/0/diagnostics").find("colour"), std::string::npos);
    EXPECT_EQ(server.router.get("/fhir/Observation?date=yesterday").status, 400);
    EXPECT_EQ(server.router.get("/fhir/Observation?_sort=colour").status, 400);
    EXPECT_EQ(server.router.get("/fhir/Medication?patient=" + kAnna).status, 404);
    EXPECT_EQ(server.router.get("/fhir/Patient/nobody").status, 404);
    EXPECT_EQ(server.router.get("/fhir/Observation/" + located_id(kAnna, hex_id("none"))).status,
              404);
    EXPECT_EQ(member(server.router.get("/fhir/Observation?patient=nobody").body, "/total"), "0");
}

TEST(FhirRiskAssessment, IsFoundByItsIdentifier) {
    Server server;
    const auto found =
        server.router.get("/fhir/RiskAssessment?identifier=urn:vitalog:risk|" + kRisk).body;
    EXPECT_EQ(member(found, "/total"), "1");
    EXPECT_EQ(member(found, "/entry/0/resource/identifier/0/system"), "urn:vitalog:risk");
    EXPECT_EQ(member(found, "/entry/0/resource/identifier/0/value"), kRisk);
    EXPECT_EQ(member(server.router.get("/fhir/RiskAssessment?identifier=" + hex_id("none")).body,
                     "/total"),
              "0");
}

TEST(FhirRiskAssessment, CarriesTheIndexAsTheContractSays) {
    Server server;
    const auto answer =
        server.router.get("/fhir/RiskAssessment?patient=" + kAnna + "&method=aki-nhs&_sort=-date");
    ASSERT_EQ(member(answer.body, "/total"), "1") << answer.body;
    const std::string risk = member(answer.body, "/entry/0/resource");
    EXPECT_EQ(member(risk, "/status"), "final");
    EXPECT_EQ(member(risk, "/method/coding/0/code"), "aki-nhs");
    EXPECT_EQ(member(risk, "/prediction/0/qualitativeRisk/coding/0/code"), "2");
    EXPECT_EQ(member(extension(risk, "urn:vitalog:value"), "/valueQuantity/value"), "2.6");
    EXPECT_EQ(member(extension(risk, "urn:vitalog:status"), "/valueCode"), "incomplete");
    EXPECT_EQ(member(extension(risk, "urn:vitalog:missing"), "/valueString"), "baseline");
    EXPECT_EQ(member(extension(risk, "urn:vitalog:version"), "/valueString"), "2014.1");
    EXPECT_EQ(member(risk, "/occurrenceDateTime"), "2020-05-02T14:00:00+08:00");
    EXPECT_EQ(server.router.get("/fhir/" + member(risk, "/basis/0/reference")).status, 200);
}

TEST(FhirDetectedIssue, CarriesTheAlertAsTheContractSays) {
    Server server;
    const auto answer =
        server.router.get("/fhir/DetectedIssue?patient=" + kAnna + "&identified=2020-05-02");
    ASSERT_EQ(member(answer.body, "/total"), "1") << answer.body;
    const std::string issue = member(answer.body, "/entry/0/resource");
    EXPECT_EQ(member(issue, "/severity"), "moderate");
    EXPECT_EQ(member(issue, "/identifiedDateTime"), "2020-05-02T14:00:00+08:00");
    EXPECT_EQ(member(extension(issue, "urn:vitalog:rule"), "/valueString"), "aki-stage@3");
    EXPECT_EQ(member(extension(issue, "urn:vitalog:retrospective"), "/valueBoolean"), "false");
    EXPECT_EQ(member(issue, "/patient/reference"), "Patient/" + kAnna);
    EXPECT_EQ(server.router.get("/fhir/" + member(issue, "/evidence/0/detail/0/reference")).status,
              200);
}

TEST(FhirTask, CarriesEvidenceDeadlineAndDecision) {
    Server server;
    for (const std::string& query : std::vector<std::string>{
             "owner=renal", "owner=dr.wu", "owner=Practitioner/dr.wu", "owner=CareTeam/renal",
             "status=completed", "priority=stat", "owner=renal&status=completed&patient=" + kAnna})
        EXPECT_EQ(member(server.router.get("/fhir/Task?" + query).body, "/total"), "1") << query;
    EXPECT_EQ(member(server.router.get("/fhir/Task?owner=other").body, "/total"), "0");
    const auto task = server.router.get("/fhir/Task/" + kTask).body;
    EXPECT_EQ(member(task, "/status"), "completed");
    EXPECT_EQ(member(task, "/intent"), "order");
    EXPECT_EQ(member(task, "/priority"), "stat");
    EXPECT_EQ(member(task, "/owner/reference"), "Practitioner/dr.wu");
    EXPECT_EQ(member(task, "/focus/reference"), "DetectedIssue/" + kAlert);
    EXPECT_EQ(member(task, "/restriction/period/end"), "1970-01-01T01:00:01Z");
    EXPECT_EQ(member(task, "/input/0/valueQuantity/value"), "250");
    EXPECT_EQ(member(extension(task, "urn:vitalog:effective", "/input/0"), "/valueDateTime"),
              "2020-05-02T14:00:00+08:00");
    EXPECT_EQ(member(extension(task, "urn:vitalog:reference-range", "/input/0"),
                     "/valueRange/high/value"),
              "92");
    EXPECT_EQ(member(extension(task, "urn:vitalog:trend", "/input/0"), "/valueCode"), "rising");
    EXPECT_EQ(member(task, "/output/0/valueCode"), "confirm");
    EXPECT_EQ(member(task, "/output/2/valueString"), "see you");
}

TEST(FhirCommunication, PatientsHaveASubjectAndDoctorsNone) {
    Server server;
    const auto answer = server.router.get("/fhir/Communication?patient=" + kAnna);
    ASSERT_EQ(member(answer.body, "/total"), "1") << answer.body;
    const std::string message = member(answer.body, "/entry/0/resource");
    EXPECT_EQ(member(message, "/status"), "completed");
    EXPECT_EQ(member(message, "/subject/reference"), "Patient/" + kAnna);
    EXPECT_EQ(member(message, "/recipient/0/reference"), "Patient/" + kAnna);
    EXPECT_EQ(member(extension(message, "urn:vitalog:state"), "/valueCode"), "delivered");
    const auto notice = server.router.get("/fhir/Communication?recipient=Practitioner/dr.wu");
    ASSERT_EQ(member(notice.body, "/total"), "1");
    EXPECT_EQ(member(notice.body, "/entry/0/resource/subject"), "");
    EXPECT_EQ(member(notice.body, "/entry/0/resource/about/0/reference"), "Task/" + kTask);
    EXPECT_EQ(member(notice.body, "/entry/0/resource/recipient/0/identifier/value"), "dr.wu");
}

TEST(FhirEncounterAndReport, ReferToEachOther) {
    Server server;
    const auto encounter =
        server.router.get("/fhir/Encounter?patient=" + kAnna + "&status=in-progress");
    ASSERT_EQ(member(encounter.body, "/total"), "1") << encounter.body;
    EXPECT_EQ(member(encounter.body, "/entry/0/resource/class/code"), "IMP");
    EXPECT_EQ(member(encounter.body, "/entry/0/resource/period/start"),
              "2020-05-01T08:00:00+08:00");
    EXPECT_EQ(member(encounter.body, "/entry/0/resource/location/0/location/display"), "Ward 1");
    EXPECT_EQ(member(encounter.body, "/entry/0/resource/participant/0/individual/display"),
              "Woolfson");
    const auto report = server.router.get("/fhir/DiagnosticReport?patient=" + kAnna);
    ASSERT_EQ(member(report.body, "/total"), "1");
    EXPECT_EQ(member(report.body, "/entry/0/resource/status"), "final");
    EXPECT_EQ(
        server.router.get("/fhir/" + member(report.body, "/entry/0/resource/result/2/reference"))
            .status,
        200);
}

TEST(FhirEverything, GivesAllOfAPatientInPages) {
    Server server;
    const auto all = server.router.get("/fhir/Patient/" + kAnna + "/$everything");
    ASSERT_EQ(all.status, 200) << all.body;
    // Patient, Encounter, DiagnosticReport, 3 Observations, RiskAssessment, DetectedIssue, Task,
    // Communication
    EXPECT_EQ(member(all.body, "/total"), "10");
    EXPECT_EQ(member(all.body, "/entry/9/resource/resourceType"), "Communication");
    std::string url = "/fhir/Patient/" + kAnna + "/$everything?_count=4";
    std::vector<std::string> seen;
    while (!url.empty()) {
        const auto page = server.router.get(url).body;
        for (int i = 0;; ++i) {
            const std::string id = member(page, "/entry/" + std::to_string(i) + "/resource/id");
            if (id.empty()) break;
            seen.push_back(id);
        }
        const std::string next = member(page, "/link/1/url");
        url = next.empty() ? "" : next.substr(std::string("http://archive.example:8080").size());
    }
    EXPECT_EQ(seen.size(), 10U);
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
    EXPECT_EQ(
        member(server.router.get("/fhir/Patient/" + kAnna + "/$everything?_type=Task,Patient").body,
               "/total"),
        "2");
}

TEST(FhirAudit, IsWrittenBeforeTheAnswer) {
    Server server;
    ASSERT_EQ(
        server.router.get("/fhir/Observation?patient=" + kAnna, {"dr.wu", "doctor", {}}).status,
        200);
    std::vector<std::string> keys;
    const auto lines = values_of(server.log, "audit", &keys);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(keys[0], kAnna);
    EXPECT_EQ(member(lines[0], "/user"), "dr.wu");
    EXPECT_EQ(member(lines[0], "/person"), kAnna);
    EXPECT_EQ(member(lines[0], "/resource"), "Observation");
    EXPECT_EQ(member(lines[0], "/count"), "3");
    server.log.fail_appends(Error(Errc::Busy, "the disk is full"));
    const auto refused = server.router.get("/fhir/Patient/" + kAnna);
    EXPECT_EQ(refused.status, 503) << "no read without its audit record";
    EXPECT_EQ(refused.body.find("Esterkin"), std::string::npos);
    EXPECT_EQ(server.router.get("/fhir/metadata").status, 200);
}

TEST(FhirAudit, RecordsAreCloudEventsWithIdsOfTheirOwn) {
    Server server;
    std::vector<std::string> ids;
    for (int i = 0; i < 2; ++i)
        ASSERT_EQ(server.router.get("/fhir/Observation?patient=" + kAnna).status, 200);
    for (std::uint32_t p = 0; p < server.log.partitions("audit"); ++p) {
        RecordBatch batch;
        ASSERT_TRUE(server.log.read({"audit", Partition(p)}, Offset(0), 1 << 20, batch));
        for (const auto& record : batch.records) {
            EXPECT_EQ(record.headers.find(header::kSpecVersion), "1.0");
            EXPECT_EQ(record.headers.find(header::kType), "vitalog.audit.v1");
            EXPECT_EQ(record.headers.find(header::kSource), "vitalog/http");
            EXPECT_EQ(record.headers.find(header::kTime), to_rfc3339(server.clock.now()));
            ids.emplace_back(record.headers.find(header::kId));
        }
    }
    ASSERT_EQ(ids.size(), 2U);
    EXPECT_EQ(ids[0].size(), 32U);
    EXPECT_NE(ids[0], ids[1]);
}

TEST(FhirAccess, GatewaysMayNotRead) {
    Server server;
    EXPECT_EQ(server.router.get("/fhir/Patient/" + kAnna, {"gw", "gateway", {}}).status, 403);
    EXPECT_EQ(server.router.get("/fhir/Patient/" + kAnna, {"op", "operator", {}}).status, 200);
}

TEST(FhirMetadata, ListsTheResourcesWithTheirParameters) {
    Server server;
    const auto statement = server.router.get("/fhir/metadata").body;
    EXPECT_EQ(member(statement, "/resourceType"), "CapabilityStatement");
    EXPECT_EQ(member(statement, "/fhirVersion"), "4.0.1");
    EXPECT_EQ(member(statement, "/rest/0/mode"), "server");
    EXPECT_EQ(member(statement, "/rest/0/resource/0/type"), "Patient");
    EXPECT_EQ(member(statement, "/rest/0/resource/7/type"), "Communication");
}

}  // namespace
}  // namespace vitalog::sinks::fhir
