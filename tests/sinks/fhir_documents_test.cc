#include <gtest/gtest.h>

#include "schemas/base/base64.h"
#include "sinks/fhir/binary_api.h"
#include "sinks/fhir/fhir_api.h"
#include "tests/ingest/intake_fixture.h"
#include "tests/sinks/fhir_fixture.h"

// From an HL7 message to FHIR: who ordered, observed and interpreted, where, what was remarked, and
// documents.

namespace vitalog::sinks::fhir {
namespace {

using namespace vitalog::tests;

const std::string kAnna = hex_id("anna");

/// A site's way from a message to the archive, without the stages between.
struct Server {
    Archive archive;
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    FhirApi api{archive.reader, log, clock};
    std::map<std::string, std::string> blobs;
    schemas::TopicNames topics;
    BinaryApi binary{archive.reader,
                     [this](std::string_view sha256) -> Result<std::optional<std::string>> {
                         const auto found = blobs.find(std::string(sha256));
                         if (found == blobs.end()) return std::optional<std::string>();
                         return std::optional(found->second);
                     },
                     log, clock, topics};
    FakeRouter router;
    Intake intake;
    Records records;

    Server() {
        api.register_routes(router);
        binary.register_routes(router);
        records.add(schemas::PersonIdentified{kAnna, {"HOSP MRN", "7001", "MR"}});
    }
    void take(const std::vector<std::string>& segments) {
        ASSERT_TRUE(intake.hl7(segments));
        ASSERT_TRUE(intake.dead.empty()) << intake.dead.at(0).reason;
        records.add(schemas::PersonClinicalForward{kAnna, {intake.outputs.back().json}, {}});
        archive.apply({records.batch("person")});
    }
    std::string get(const std::string& url) {
        const auto response = router.get(url);
        EXPECT_EQ(response.status, 200) << url << " " << response.body;
        return response.body;
    }
};

/// What stands behind the first `before` up to the next quote.
std::string after(const std::string& text, const std::string& before) {
    const std::size_t at = text.find(before);
    if (at == std::string::npos) return "";
    const std::size_t start = at + before.size();
    return text.substr(start, text.find('"', start) - start);
}

void expect_in(const std::string& text, const std::vector<std::string>& pieces) {
    for (const auto& piece : pieces)
        EXPECT_NE(text.find(piece), std::string::npos) << piece << " is not in " << text;
}

TEST(FhirOfHl7, NamesWhoOrderedObservedAndInterpreted) {
    Server server;
    server.take({kMsh, kPid, "ORC|RE|P1|F1||IP|||||||77^Zhang^Wei|||||NEPH^Nephrology^L",
                 "OBR|1|P1|F1|UE^Urea^L|||20200501130000|||||||||||||||||LAB|P|||||||9&Zhao&Liu",
                 "NTE|1||haemolysed",
                 "OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||P|||20200501130000|LAB1^Central "
                 "laboratory|31^Sun^Quan",
                 "NTE|1||repeated"});
    expect_in(
        server.get("/fhir/DiagnosticReport?patient=" + kAnna),
        {R"("contained":[{"resourceType":"ServiceRequest","id":"order")",
         R"({"url":"urn:vitalog:ordering-department","valueString":"Nephrology"})",
         R"({"url":"urn:vitalog:order-control","valueCode":"RE"})",
         R"("status":"active","intent":"order")",
         R"("requester":{"type":"Practitioner","identifier":{"value":"77"},"display":"Wei Zhang"})",
         R"("note":[{"text":"haemolysed"}])", R"("basedOn":[{"reference":"#order")",
         R"("performer":[{"type":"Organization","display":"Central laboratory"}])",
         R"("resultsInterpreter":[{"type":"Practitioner","identifier":{"value":"9"},"display":"Liu Zhao"}])"});
    expect_in(
        server.get("/fhir/Observation?patient=" + kAnna),
        {R"("performer":[{"type":"Practitioner","identifier":{"value":"31"},"display":"Quan Sun"},)"
         R"({"type":"Organization","display":"Central laboratory"}])",
         R"("note":[{"text":"repeated"}])"});
}

TEST(FhirOfHl7, NamesThePlaceAndTheDoctorsOfAnEncounter) {
    Server server;
    server.take({"MSH|^~\\&|HIS|HOSP|V|X|20200501140643||ADT^A01|1|P|2.5",
                 "EVN|A01|20200501140643||||20200501120000", kPid,
                 "PV1|1|I|W2^R1^B3^West "
                 "wing||||7^Li^Na|8^Wang^Wu|9^Zhao^Liu~10^Qian^Qi|NEPH|||||||11^Sun^Ba||V1"});
    expect_in(
        server.get("/fhir/Encounter?patient=" + kAnna),
        {R"("code":"ATND","display":"attender"}]}],"individual":{"type":"Practitioner",)"
         R"("identifier":{"value":"7"},"display":"Na Li"})",
         R"("code":"ADM")", R"("display":"Ba Sun")", R"("code":"REF")", R"("display":"Wu Wang")",
         R"("code":"CON")", R"("display":"Liu Zhao")", R"("display":"Qi Qian")",
         R"("location":[{"location":{"display":"W2, R1, B3, West wing"})",
         R"("serviceProvider":{"type":"Organization","display":"West wing"})",
         R"("serviceType":{"text":"NEPH"})"});
}

TEST(FhirOfHl7, ShowsADeletedPersonAsInactiveUntilToldOtherwise) {
    Server server;
    const auto adt = [&](const std::string& event, const std::string& when) {
        server.take({"MSH|^~\\&|HIS|HOSP|V|X|" + when + "||ADT^" + event + "|1|P|2.5", kPid});
    };
    adt("A28", "20200501120000");
    expect_in(server.get("/fhir/Patient/" + kAnna), {R"("active":true)", "Zhang"});
    adt("A29", "20200501130000");
    const std::string gone = server.get("/fhir/Patient/" + kAnna);
    expect_in(gone, {R"("active":false)"});
    EXPECT_EQ(gone.find("Zhang"), std::string::npos);
    adt("A28", "20200501110000");  // late, and older than the deletion
    expect_in(server.get("/fhir/Patient/" + kAnna), {R"("active":false)"});
    adt("A28", "20200501140000");
    expect_in(server.get("/fhir/Patient/" + kAnna), {R"("active":true)", "Zhang"});
}

/// "abc" as PDF, and its SHA-256 (FIPS 180-4).
const std::string kObxWithDocument = "OBX|2|ED|P^Letter^L||EMR^application^pdf^Base64^YWJj|||||F";
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

const std::vector<std::string> kLetter{
    "MSH|^~\\&|EMR|HOSP|V|X|20200501140643||MDM^T02|1|P|2.5",
    "EVN|T02|20200501140643",
    kPid,
    "TXA|1|DS||20200501130000|||||5^Wu^Yi|||D77|||||LA|||||8^Qin^San",
    "OBX|1|TX|B^Body^L||No effusion.",
    kObxWithDocument};

TEST(FhirOfHl7, ShowsADocumentWithItsTextItsAuthorsAndItsFile) {
    Server server;
    server.blobs[kAbc] = "abc";
    server.take(kLetter);
    const std::string report = server.get("/fhir/DiagnosticReport?patient=" + kAnna);
    expect_in(
        report,
        {R"("status":"final")", R"("code":"DS","display":"Discharge summary")",
         R"("performer":[{"type":"Practitioner","identifier":{"value":"5"},"display":"Yi Wu"}])",
         R"("resultsInterpreter":[{"type":"Practitioner","identifier":{"value":"8"},"display":"San Qin"}])",
         R"({"contentType":"text/plain;charset=utf-8","data":")" + base64_encode("No effusion.\n") +
             "\"}",
         R"({"contentType":"application/pdf","url":"Binary/)", R"("size":3,"title":"Letter"})"});
    const std::string id = after(report, R"("url":"Binary/)");
    expect_in(
        server.get("/fhir/Observation/" + id),
        {R"("url":"urn:vitalog:document","valueAttachment":{"contentType":"application/pdf")"});
    const auto document = server.router.get("/fhir/Binary/" + id);
    EXPECT_EQ(document.status, 200);
    EXPECT_EQ(document.body, "abc");
    EXPECT_EQ(document.content_type, "application/pdf");
    EXPECT_NE(values_of(server.log, "audit").back().find("Binary"), std::string::npos);
}

TEST(FhirOfHl7, AsksToComeBackForADocumentThatIsNotStoredYet) {
    Server server;
    server.take(kLetter);
    const std::string id =
        after(server.get("/fhir/DiagnosticReport?patient=" + kAnna), R"("url":"Binary/)");
    EXPECT_EQ(server.router.get("/fhir/Binary/" + id).status, 503);
}

TEST(FhirOfHl7, ShowsNoDocumentToThoseWhoMayNotRead) {
    Server server;
    server.blobs[kAbc] = "abc";
    server.take(kLetter);
    const std::string id =
        after(server.get("/fhir/DiagnosticReport?patient=" + kAnna), R"("url":"Binary/)");
    Caller gateway;
    gateway.role = "gateway";
    EXPECT_EQ(server.router.get("/fhir/Binary/" + id, gateway).status, 403);
    const std::string text = after(server.get("/fhir/DiagnosticReport?patient=" + kAnna),
                                   R"("reference":"Observation/)");
    EXPECT_EQ(server.router.get("/fhir/Binary/" + text).status, 404);  // an observation without one
    EXPECT_EQ(server.router.get(std::string("/fhir/Binary/") + kAbc).status, 404);
}

}  // namespace
}  // namespace vitalog::sinks::fhir
