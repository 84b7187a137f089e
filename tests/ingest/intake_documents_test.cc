#include "ingest/intake/document.h"
#include "tests/ingest/intake_fixture.h"

namespace vitalog::tests {
namespace {

namespace hl7 = ingest::hl7;
using schemas::ClinicalEvent;
using schemas::ObservationStatus;
using schemas::ValueKind;

// SHA-256 of the ASCII bytes "abc": FIPS 180-4, appendix (NIST example values).
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// The bytes of an ED, or the word of what is wrong with it.
std::string decoded(const std::string& ed) {
    hl7::Message message;
    const std::string text = "MSH|^~\\&|A\rOBX|1|ED|X||" + ed + "\r";
    EXPECT_TRUE(message.parse(text));
    std::string bytes;
    const auto done = ingest::decode_document(message.at(1).field(5).repetition(0),
                                              [&](std::string_view piece) -> Result<void> {
                                                  bytes.append(piece);
                                                  return {};
                                              });
    return done ? bytes : std::string(to_string(done.error().code()));
}

std::string type_of(const std::string& ed) {
    hl7::Message message;
    const std::string text = "MSH|^~\\&|A\rOBX|1|ED|X||" + ed + "\r";
    EXPECT_TRUE(message.parse(text));
    return ingest::content_type(message.at(1).field(5).repetition(0));
}

TEST(Document, IsDecodedByItsEncoding) {
    // RFC 4648, section 10.
    EXPECT_EQ(decoded("^^^Base64^Zg=="), "f");
    EXPECT_EQ(decoded("^^^Base64^Zm8="), "fo");
    EXPECT_EQ(decoded("^^^base64^Zm9v"), "foo");
    EXPECT_EQ(decoded("^^^Base64^Zm9vYmFy"), "foobar");
    EXPECT_EQ(decoded("^^^Base64^Zm9vYg"), "foob");  // without its padding
    EXPECT_EQ(decoded("^^^Base64^Zm9v\\.br\\YmFy"), "foobar");
    EXPECT_EQ(decoded("^^^Base64^Zm9v YmFy"), "foobar");
    EXPECT_EQ(decoded("^^^Hex^666F 6f"), "foo");
    EXPECT_EQ(decoded("^TEXT^^A^a \\T\\ b"), "a & b");
    EXPECT_EQ(decoded("^TEXT^^^plain"), "plain");
    EXPECT_EQ(decoded("^^^Base64^"), "");
}

TEST(Document, IsRefusedWhereItDoesNotFollowItsEncoding) {
    EXPECT_EQ(decoded("^^^Base64^Zm9v!"), "malformed");
    EXPECT_EQ(decoded("^^^Base64^Z"), "malformed");
    EXPECT_EQ(decoded("^^^Base64^Zg==Zg"), "malformed");
    EXPECT_EQ(decoded("^^^Hex^666"), "malformed");
    EXPECT_EQ(decoded("^^^uu^Zg"), "unsupported");
}

TEST(Document, ComesInPiecesOfBoundedSize) {
    hl7::Message message;
    const std::string text =
        "MSH|^~\\&|A\rOBX|1|ED|X||^^^Base64^" + std::string(400'000, 'A') + "\r";
    ASSERT_TRUE(message.parse(text));
    std::size_t total = 0;
    ASSERT_TRUE(ingest::decode_document(message.at(1).field(5).repetition(0),
                                        [&](std::string_view piece) -> Result<void> {
                                            EXPECT_LE(piece.size(), 48u * 1024);
                                            total += piece.size();
                                            return {};
                                        }));
    EXPECT_EQ(total, 300'000u);
}

TEST(Document, HasAMimeType) {
    EXPECT_EQ(type_of("LAB^application^pdf^Base64^Zg"), "application/pdf");
    EXPECT_EQ(type_of("LAB^AP^PDF^Base64^Zg"), "application/pdf");
    EXPECT_EQ(type_of("LAB^IM^JPEG^Base64^Zg"), "image/jpeg");
    EXPECT_EQ(type_of("LAB^image^x-portable^Base64^Zg"), "image/x-portable");
    EXPECT_EQ(type_of("LAB^application/dicom^^Base64^Zg"), "application/dicom");
    EXPECT_EQ(type_of("LAB^TEXT^^A^x"), "text/plain");
    EXPECT_EQ(type_of("LAB^^^Base64^Zg"), "application/octet-stream");
    EXPECT_EQ(type_of("LAB^application^a b\\X0D\\c^Base64^Zg"), "application/octet-stream");
}

/// A TXA of a discharge summary.
std::string txa(const std::string& number, const std::string& completion,
                const std::string& written = "20200501130000",
                const std::string& availability = "") {
    return segment(
        "TXA",
        {{1, "1"}, {2, "DS"}, {4, written}, {12, number}, {17, completion}, {19, availability}});
}

ClinicalEvent document(Intake& intake, const std::vector<std::string>& segments) {
    std::vector<std::string> message{"MSH|^~\\&|EMR|HOSP|V|X|20200501140643||MDM^T02|1|P|2.5",
                                     "EVN|T02|20200501140643", kPid,
                                     "PV1|1|I|W1||||||||||||||||V1"};
    message.insert(message.end(), segments.begin(), segments.end());
    EXPECT_TRUE(intake.hl7(message));
    return intake.as<ClinicalEvent>(intake.outputs.size() - 1);
}

TEST(IntakeDocuments, GiveAReportWithItsAuthorsStatusAndLines) {
    Intake intake;
    const auto event =
        document(intake, {"ORC|RE|P7|F7|||||||||77^Zhang^Wei", "OBR|1|P7|F7|CXR^Chest X-ray^L",
                          segment("TXA", {{2, "DI"},
                                          {4, "20200501130000"},
                                          {5, "5^Wu^Yi"},
                                          {9, "6^Liu^Er"},
                                          {12, "D77^EMR"},
                                          {17, "LA"},
                                          {22, "8^Qin^San"}}),
                          "OBX|1|TX|B^Body^L||No effusion.", "NTE|1||dictated",
                          "OBX|2|ED|P^PDF^L||EMR^application^pdf^Base64^YWJj"});
    EXPECT_EQ(event.encounter->trigger, "T02");
    ASSERT_EQ(event.reports.size(), 1u);
    const auto& report = event.reports[0];
    EXPECT_TRUE(report.document);
    EXPECT_EQ(report.code.code, "DI");
    EXPECT_EQ(report.code.display, "Diagnostic imaging");
    EXPECT_EQ(report.status, "final");
    EXPECT_EQ(report.filler, "D77");
    EXPECT_EQ(report.placer, "P7");
    EXPECT_EQ(report.performer.name, "Er Liu");
    EXPECT_EQ(report.interpreter.name, "San Qin");
    EXPECT_EQ(report.orderer.name, "Wei Zhang");
    EXPECT_EQ(to_string(*report.effective), "2020-05-01T13:00:00+08:00");
    ASSERT_EQ(report.observations.size(), 2u);
    EXPECT_EQ(report.observations[0].text, "No effusion.");
    EXPECT_EQ(report.observations[0].notes.at(0), "dictated");
    EXPECT_EQ(report.observations[0].status, ObservationStatus::Final);
    EXPECT_EQ(to_string(report.observations[0].effective), "2020-05-01T13:00:00+08:00");
    ASSERT_TRUE(report.observations[1].attachment);
    EXPECT_EQ(report.observations[1].attachment->sha256, kAbc);
    EXPECT_EQ(report.observations[1].attachment->size, 3);
}

TEST(IntakeDocuments, KeepOneIdentityFromDraftToSignature) {
    Intake intake;
    const auto id = [&](const std::string& segment) {
        return std::string(document(intake, {segment, "OBX|1|TX|B^Body^L||text"}).reports.at(0).id);
    };
    const std::string draft = id(txa("D1", "DO"));
    EXPECT_EQ(id(txa("D1", "AU", "20200501180000")), draft);
    EXPECT_NE(id(txa("D2", "DO")), draft);
    EXPECT_NE(id(txa("", "DO")), id(txa("", "DO")));  // without a number each is another
}

TEST(IntakeDocuments, TellDraftsFromSignedOnes) {
    Intake intake;
    const auto status = [&](const std::string& completion, const std::string& availability = "") {
        return std::string(document(intake, {txa("D1", completion, "20200501130000", availability),
                                             "OBX|1|TX|B^Body^L||text"})
                               .reports.at(0)
                               .status);
    };
    EXPECT_EQ(status("DO"), "preliminary");
    EXPECT_EQ(status("IP"), "partial");
    EXPECT_EQ(status("AU"), "final");
    EXPECT_EQ(status("LA", "CA"), "entered-in-error");
    EXPECT_EQ(status("??"), "unknown");
}

TEST(IntakeDocuments, AreDeadLettersWhereTheirBytesCantBeRead) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7({kMsh, kPid, kObr, "OBX|1|ED|P^PDF^L||LAB^application^pdf^Base64^@@|||||F",
                    "OBX|2|TX|R^Report^L||kept|||||F"}));
    ASSERT_EQ(intake.dead.size(), 1u);
    EXPECT_EQ(intake.dead[0].reason,
              "malformed: OBX-5 component 5 is not Base64, as component 4 says it is");
    EXPECT_EQ(intake.dead[0].at, "OBX-5 of OBX 1 (set id 1)");
    EXPECT_EQ(intake.observation().text, "kept");
}

TEST(IntakeDocuments, WithoutBytesAreNotesOnly) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7({kMsh, kPid, kObr, "OBX|1|ED|P^PDF^L||LAB^application^pdf^Base64^|||||F"}));
    EXPECT_EQ(intake.observation().kind, ValueKind::Text);
    EXPECT_FALSE(intake.observation().attachment);
}

}  // namespace
}  // namespace vitalog::tests
