// One OBX at a time: what becomes of it, and what is said when nothing can.
#include "tests/ingest/intake_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::ObservationStatus;
using schemas::ValueKind;

constexpr std::string_view kCreatinine = "tt-0003-01^Creatinine^WinPath";

std::string obx(std::string_view type, std::string_view code, std::string_view value,
                std::string_view unit, std::string_view range = "", std::string_view status = "F",
                std::string_view time = "") {
    std::string text(type);
    text.append("|")
        .append(code)
        .append("||")
        .append(value)
        .append("|")
        .append(unit)
        .append("|")
        .append(range);
    return text.append("||||").append(status).append("|||").append(time);
}
std::string creatinine(std::string_view value, std::string_view unit = "umol/L") {
    return obx("NM", kCreatinine, value, unit);
}

TEST(IntakeObservation, KeepsWhatWasSentBesideWhatItMeans) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(
        "NM|tt-0003-01^Creatinine^WinPath^^||98.00|UMOLL|49 - 92|H|||F|||20200501140643||")));
    const auto seen = intake.observation();
    EXPECT_EQ(seen.loinc, "14682-9");
    EXPECT_EQ(seen.code.code, "tt-0003-01");
    EXPECT_EQ(seen.code.system, "WinPath");
    EXPECT_EQ(seen.code.display, "Creatinine");
    EXPECT_EQ(seen.kind, ValueKind::Quantity);
    EXPECT_EQ(seen.value, 98.0);
    EXPECT_EQ(seen.unit, "umol/L");
    EXPECT_EQ(seen.raw_value, "98.00");
    EXPECT_EQ(seen.raw_unit, "UMOLL");
    EXPECT_EQ(seen.low, 49.0);
    EXPECT_EQ(seen.high, 92.0);
    EXPECT_EQ(seen.range, "49 - 92");
    EXPECT_EQ(seen.flags, "H");
    EXPECT_EQ(seen.status, ObservationStatus::Final);
    EXPECT_EQ(to_string(seen.effective), "2020-05-01T14:06:43+08:00");
    EXPECT_TRUE(intake.dead.empty());
}

TEST(IntakeObservation, ConvertsByTheUnitThatCame) {
    struct Case {
        std::string sent;
        double value;
        std::string_view unit;
    };
    for (const auto& [sent, value, unit] : std::vector<Case>{
             {creatinine("1.2", "mg/dl"), 106.08, "umol/L"},
             {creatinine("0.106", "mmol/L"), 106, "umol/L"},
             {creatinine("106", "μmol/L"), 106, "umol/L"},
             {creatinine("106", "µmol/L"), 106, "umol/L"},
             {obx("NM", "14682-9^Creatinine^LN", "1.0", "mg/dL"), 88.4, "umol/L"},
             {obx("NM", "2160-0^Creatinine^LN", "88.4", "umol/L"), 88.4, "umol/L"},
             {obx("NM", "14771-0^Glucose^http://loinc.org", "142", "mg/dL"), 7.8809204027,
              "mmol/L"},
             {obx("NM", "14647-2^Total cholesterol^LN", "162", "mg/dl"), 4.18929402638, "mmol/L"},
             {obx("NM", "3094-0^BUN^LN", "14", "mg/dL"), 4.99750124938, "mmol/L"},
             {obx("NM", "718-7^Hb^LN", "13.5", "g/dL"), 135, "g/L"},
             {obx("NM", "777-3^PLT^LN", "250", "10^9/L"), 250, "10*9/L"},
             {obx("NM", "777-3^PLT^LN", "250", "*10^9/L"), 250, "10*9/L"},
             {obx("NM", "8310-5^Temp^LN", "98.6", "℉"), 37, "Cel"},
             {obx("NM", "8310-5^Temp^LN", "37.2", "℃"), 37.2, "Cel"},
             {obx("NM", "8480-6^SBP^LN", "16", "kPa"), 120.010200867, "mm[Hg]"},
             {obx("NM", "8867-4^HR^LN", "72", "次/分"), 72, "/min"},
             {obx("NM", "20570-8^HCT^LN", "45", "%"), 0.45, "L/L"},
             {obx("NM", "59408-5^SpO2^LN", "0.97", "L/L"), 97, "%"}}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7(result(sent)));
        ASSERT_TRUE(intake.dead.empty()) << sent << ": " << intake.dead[0].reason;
        const auto seen = intake.observation();
        EXPECT_EQ(seen.value, value) << sent;
        EXPECT_EQ(seen.unit, unit) << sent;
    }
}

TEST(IntakeObservation, ConvertsTheReferenceRangeWithTheValue) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(obx("NM", kCreatinine, "1.2", "mg/dL", "0.5 - 1.0"))));
    EXPECT_EQ(intake.observation().low, 44.2);
    EXPECT_EQ(intake.observation().high, 88.4);
    EXPECT_EQ(intake.observation().range, "0.5 - 1.0");
}

TEST(IntakeObservation, TakesOtherLanguagesOfUnitsFromTheirSecondComponent) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(creatinine("98", "77^umol/L^LOCAL"))));
    EXPECT_EQ(intake.observation().value, 98.0);
}

TEST(IntakeObservation, KeepsComparatorsApartFromTheValue) {
    for (const auto& sent : {creatinine("<15"), obx("SN", kCreatinine, "<^15", "umol/L")}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7(result(sent)));
        EXPECT_EQ(intake.observation().comparator, "<") << sent;
        EXPECT_EQ(intake.observation().value, 15.0) << sent;
    }
}

TEST(IntakeObservation, TakesARatioAsText) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(obx("SN", "TITRE^Titre^L", "^1^:^128", ""))));
    EXPECT_EQ(intake.observation().kind, ValueKind::Text);
    EXPECT_EQ(intake.observation().text, "1:128");
    EXPECT_EQ(intake.observation().raw_value, "^1^:^128");
}

TEST(IntakeObservation, TakesADeclaredPureNumberWithoutUnit) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(
        result(obx("NM", "tt-0002-03^Haematocrit^WinPath", "0.55", "", "[ 0.38 - 0.52 ]"))));
    EXPECT_EQ(intake.observation().value, 0.55);
    EXPECT_EQ(intake.observation().unit, "L/L");
    EXPECT_EQ(intake.observation().high, 0.52);
}

TEST(IntakeObservation, IsMissingWhereNothingWasSent) {
    for (const auto& sent :
         {creatinine(""), creatinine("\"\""), creatinine("", ""),
          obx("", "tt-0005-08^MDC_RESP_RATE^MDC", "", ""), obx("TX", "X^Text^L", " ", "")}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7(result(sent)));
        EXPECT_EQ(intake.observation().kind, ValueKind::Missing) << sent;
        EXPECT_FALSE(intake.observation().value.has_value()) << sent;
        EXPECT_TRUE(intake.dead.empty()) << sent;
    }
}

TEST(IntakeObservation, ReadsAnUntypedNumberOfANumericCode) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7(result(obx("", "tt-0005-03^InsOxy^WelchAllyn", "28", "MDC_DIM_PERCENT"))));
    EXPECT_EQ(intake.observation().value, 28.0);
    EXPECT_EQ(intake.observation().loinc, "3150-6");
}

TEST(IntakeObservation, ReadsUntypedWordsAsText) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(obx("", "tt-0005-08^MDC_RESP_RATE^MDC", "None", ""))));
    EXPECT_EQ(intake.observation().kind, ValueKind::Text);
    EXPECT_EQ(intake.observation().text, "None");
}

TEST(IntakeObservation, FindsDeviceCodesByName) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7(result(obx("NM", "150456^MDC_PULS_OXIM_SAT_O2^MDC", "97", "MDC_DIM_PERCENT"))));
    EXPECT_EQ(intake.observation().loinc, "59408-5");
}

TEST(IntakeObservation, FindsTheAlternateCode) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(obx("NM", "K01^钾^LOCAL^2823-3^Potassium^LN", "4.1", "mmol/L"))));
    EXPECT_EQ(intake.observation().loinc, "2823-3");
    EXPECT_EQ(intake.observation().code.code, "K01");
}

TEST(IntakeObservation, PassesUnmappedCodesOnAsTheyCame) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(obx("NM", "ZZ9^Something^LOCAL", "7", "UMOLL", "1-5"))));
    auto seen = intake.observation();
    EXPECT_EQ(seen.loinc, "");
    EXPECT_EQ(seen.value, 7.0);
    EXPECT_EQ(seen.unit, "umol/L");
    EXPECT_EQ(seen.high, 5.0);
    ASSERT_TRUE(intake.hl7(result(obx("NM", "ZZ9^Something^LOCAL", "7", "furlong"))));
    EXPECT_EQ(intake.observation(1).unit, "furlong");
    ASSERT_TRUE(intake.hl7(result(obx("NM", "tt-0005-01^AVPU^NOBODY", "7", ""))));
    EXPECT_EQ(intake.observation(2).unit, "");
    EXPECT_TRUE(intake.dead.empty());
}

TEST(IntakeObservation, NumbersTheAnswersThatTheTablesKnow) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(obx("TX", "tt-0005-01^AVPU^LOINC", "Alert", ""))));
    EXPECT_EQ(intake.observation(0).loinc, "67775-7");
    EXPECT_EQ(intake.observation(0).kind, ValueKind::Text);
    EXPECT_EQ(intake.observation(0).text, "Alert");
    EXPECT_EQ(intake.observation(0).value, 0.0);
    EXPECT_EQ(intake.observation(0).unit, "{answer}");
    ASSERT_TRUE(intake.hl7(
        result(obx("CWE", "67775-7^Level of responsiveness^LN", "LA6560-2^Verwirrt^LN", ""))));
    EXPECT_EQ(intake.observation(1).kind, ValueKind::Coded);
    EXPECT_EQ(intake.observation(1).text, "Verwirrt");
    EXPECT_EQ(intake.observation(1).value, 1.0);
    // What the tables do not know stays words.
    ASSERT_TRUE(intake.hl7(result(obx("ST", "11454-5^AVPU^LN", "drowsy", ""))));
    EXPECT_EQ(intake.observation(2).text, "drowsy");
    EXPECT_FALSE(intake.observation(2).value);
    EXPECT_TRUE(intake.observation(2).unit.empty());
    EXPECT_TRUE(intake.dead.empty());
}

TEST(IntakeObservation, ReadsTextAndCodes) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(obx("TX", "R^Report^L", "first line~second \\T\\ last", ""))));
    EXPECT_EQ(intake.observation(0).kind, ValueKind::Text);
    EXPECT_EQ(intake.observation(0).text, "first line\nsecond & last");
    ASSERT_TRUE(intake.hl7(result(obx("CWE", "BG^Blood group^L", "A^Group A^L", ""))));
    EXPECT_EQ(intake.observation(1).kind, ValueKind::Coded);
    EXPECT_EQ(intake.observation(1).text, "Group A");
    EXPECT_EQ(intake.observation(1).raw_value, "A");
    ASSERT_TRUE(intake.hl7(
        result(obx("FT", "tt-0004-02^MRI Ankle Lt^WinPath", "MRI Ankle Lt value", "\"\""))));
    EXPECT_EQ(intake.observation(2).text, "MRI Ankle Lt value");
}

TEST(IntakeObservation, TakesANumberInAStringWhereItIsCertain) {
    const auto seen = [](const std::string& sent) {
        Intake intake;
        EXPECT_TRUE(intake.hl7(result(sent)));
        EXPECT_TRUE(intake.dead.empty()) << sent;
        return schemas::encode(intake.observation());
    };
    const auto number = [&](const std::string& sent, const std::string& value) {
        EXPECT_NE(seen(sent).find(value), std::string::npos) << sent << " " << seen(sent);
        EXPECT_NE(seen(sent).find("\"kind\":\"quantity\""), std::string::npos) << sent;
    };
    const auto text = [&](const std::string& sent) {
        EXPECT_NE(seen(sent).find("\"kind\":\"text\""), std::string::npos) << seen(sent);
    };
    number(obx("ST", kCreatinine, "120", "umol/L"), "\"value\":120");
    number(obx("ST", kCreatinine, " <0.5 ", "mg/dL"), "\"comparator\":\"<\"");
    number(obx("ST", kCreatinine, "120 H", "umol/L"), "\"flags\":\"H\"");
    number(obx("ST", "ZZ^Unmapped^L", "5.2", "mmol/L"), "\"unit\":\"mmol/L\"");
    text(obx("ST", "ZZ^Room^L", "5", ""));         // nobody says that it is measured
    text(obx("ST", kCreatinine, "120", ""));       // in what?
    text(obx("ST", kCreatinine, "120", "mmHg"));   // no amount of substance
    text(obx("ST", kCreatinine, "-1", "umol/L"));  // impossible
    text(obx("ST", kCreatinine, "about 120", "umol/L"));
    text(obx("ST", kCreatinine, "120~130", "umol/L"));
    text(obx("TX", kCreatinine, "120", "umol/L"));
}

TEST(IntakeObservation, TakesTitresGradesAndRangesAsText) {
    for (const auto sent : {"1:128", "1/64", "3+", "+++", "+/-", "±", "2-5", "0~3"}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7(result(obx("NM", "ZZ^Titre^L", sent, ""))));
        EXPECT_TRUE(intake.dead.empty()) << sent;
        EXPECT_EQ(intake.observation().kind, ValueKind::Text) << sent;
        EXPECT_EQ(intake.observation().text, sent);
    }
    for (const auto& [sent, text] : std::vector<std::pair<std::string, std::string>>{
             {"^2^-^5", "2-5"}, {">^1^:^640", ">1:640"}, {"^3^+", "3+"}, {"^1^/^16", "1/16"}}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7(result(obx("SN", "ZZ^Titre^L", sent, ""))));
        EXPECT_EQ(intake.observation().kind, ValueKind::Text) << sent;
        EXPECT_EQ(intake.observation().text, text);
    }
}

TEST(IntakeObservation, KeepsTheMarkBehindANumberAsItsFlag) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(creatinine("150 H"))));
    EXPECT_EQ(intake.observation().value, 150.0);
    EXPECT_EQ(intake.observation().flags, "H");
    EXPECT_EQ(intake.observation().raw_value, "150 H");
    ASSERT_TRUE(intake.hl7(result(creatinine("30↓"))));
    EXPECT_EQ(intake.observation(1).flags, "L");
    ASSERT_TRUE(intake.hl7(result(obx("SN", kCreatinine, ">^300", "umol/L"))));
    EXPECT_EQ(intake.observation(2).comparator, ">");
    EXPECT_EQ(intake.observation(2).value, 300.0);
}

TEST(IntakeObservation, NotesDocumentsWithoutTheirBytes) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(
        result(obx("ED", "PDF^Report^L", "LAB^application^pdf^Base64^JVBERi0xLjQ=", ""))));
    EXPECT_EQ(intake.observation().text, "document, application/pdf, 12 bytes as sent");
    EXPECT_EQ(intake.outputs[0].json.find("JVBERi0"), std::string::npos);
    const auto attachment = intake.observation().attachment;
    ASSERT_TRUE(attachment);
    EXPECT_EQ(attachment->content_type, "application/pdf");
    EXPECT_EQ(attachment->size, 8);
    EXPECT_EQ(attachment->source, "feed.lis/0/0");
    EXPECT_EQ(attachment->segment, 3);
    ASSERT_TRUE(intake.hl7(result(obx("RP", "IMG^Image^L", "http://pacs/1^PACS^image^dicom", ""))));
    EXPECT_EQ(intake.observation(1).text, "reference to a document, image/dicom");
}

TEST(IntakeObservation, TakesItsTimeFromTheFirstThatIsThere) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7(result(obx("NM", kCreatinine, "98", "umol/L", "", "F", "202005011200"))));
    EXPECT_EQ(to_string(intake.observation(0).effective), "2020-05-01T12:00:00+08:00");
    ASSERT_TRUE(intake.hl7(result(creatinine("98"))));
    EXPECT_EQ(to_string(intake.observation(1).effective), "2020-05-01T13:00:00+08:00");  // OBR-7
    ASSERT_TRUE(intake.hl7({kMsh, kPid, "OBR|1|P1|F1|UE", "OBX|1|" + creatinine("98")}));
    EXPECT_EQ(to_string(intake.observation(2).effective), "2020-05-01T14:06:43+08:00");  // MSH-7
}

TEST(IntakeObservation, ReadsTimesInTheSiteZone) {
    Intake intake;
    intake.settings({{"site.zone", "Europe/London"}});
    ASSERT_TRUE(
        intake.hl7(result(obx("NM", kCreatinine, "98", "umol/L", "", "F", "20200501120000"))));
    EXPECT_EQ(to_string(intake.observation().effective), "2020-05-01T12:00:00+01:00");
    ASSERT_TRUE(
        intake.hl7(result(obx("NM", kCreatinine, "98", "umol/L", "", "F", "20200501120000+0900"))));
    EXPECT_EQ(to_string(intake.observation(1).effective), "2020-05-01T12:00:00+09:00");
}

TEST(IntakeObservation, KnowsTheStatesOfAResult) {
    for (const auto& [code, status] : std::vector<std::pair<std::string, ObservationStatus>>{
             {"F", ObservationStatus::Final},
             {"C", ObservationStatus::Corrected},
             {"D", ObservationStatus::Deleted},
             {"W", ObservationStatus::WrongPatient},
             {"P", ObservationStatus::Preliminary},
             {"X", ObservationStatus::Cancelled},
             {"I", ObservationStatus::Registered},
             {"U", ObservationStatus::Final},
             {"?", ObservationStatus::Unknown},
             {"", ObservationStatus::Final}}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7(result(obx("NM", kCreatinine, "98", "umol/L", "", code))));
        EXPECT_EQ(intake.observation().status, status) << code;
    }
}

TEST(IntakeObservation, DeletesWithoutAReadableValue) {
    for (const auto status : {"D", "W", "X"}) {
        for (const auto& [value, unit] : std::vector<std::pair<std::string, std::string>>{
                 {"", ""}, {"98", ""}, {"haemolysed", "umol/L"}}) {
            Intake intake;
            ASSERT_TRUE(intake.hl7(result(obx("NM", kCreatinine, value, unit, "", status))));
            EXPECT_TRUE(intake.dead.empty());
            EXPECT_FALSE(intake.observation().value.has_value());
        }
    }
}

// Identity

std::string id_of(const std::vector<std::string>& segments) {
    Intake intake;
    EXPECT_TRUE(intake.hl7(segments));
    return std::string(intake.observation().id);
}

TEST(IntakeObservation, IsTheSameResultWhenItIsCorrected) {
    const std::string first = id_of(result(obx("NM", kCreatinine, "98", "umol/L", "", "P")));
    EXPECT_EQ(first, id_of(result(obx("NM", kCreatinine, "99", "umol/L", "", "C"))));
    EXPECT_EQ(first,
              id_of({kMsh, kPid, kObr, "OBX|7|" + creatinine("98")}));  // OBX-1 is not stable
    EXPECT_EQ(first.size(), 32u);
}

TEST(IntakeObservation, IsAnotherResultWithAnotherOrderCodeSubIdOrTime) {
    const std::string first = id_of(result(creatinine("98")));
    EXPECT_NE(first, id_of({kMsh, kPid, "OBR|1|P1|F2|UE^Urea and electrolytes^L|||20200501130000",
                            "OBX|1|" + creatinine("98")}));
    EXPECT_NE(first, id_of(result(obx("NM", "tt-0003-02^Potassium^WinPath", "4", "mmol/L"))));
    EXPECT_NE(first, id_of(result("NM|tt-0003-01^Creatinine^WinPath|2|98|umol/L|||||F")));
    EXPECT_NE(first,
              id_of(result(obx("NM", kCreatinine, "98", "umol/L", "", "F", "20200501130001"))));
}

TEST(IntakeObservation, SharesItsSeriesWithACorrectionOfTheTime) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7(result(obx("NM", kCreatinine, "98", "umol/L", "", "F", "20200501130000"))));
    ASSERT_TRUE(
        intake.hl7(result(obx("NM", kCreatinine, "98", "umol/L", "", "C", "20200501133000"))));
    const std::string series(intake.observation(0).series);
    const std::string id(intake.observation(0).id);
    EXPECT_EQ(series, intake.observation(1).series);
    EXPECT_NE(id, intake.observation(1).id);
}

TEST(IntakeObservation, GoesByTheFillersNumberBeforeThePlacers) {
    const auto with = [](const std::string& placer, const std::string& filler) {
        return id_of({kMsh, kPid, "OBR|1|" + placer + "|" + filler + "|UE|||20200501130000",
                      "OBX|1|" + creatinine("98")});
    };
    EXPECT_EQ(with("P1", "F1"), with("P2", "F1"));
    EXPECT_NE(with("P1", ""), with("P2", ""));
    EXPECT_EQ(with("P1", ""), with("P1", ""));
}

TEST(IntakeObservation, GoesByItsPlaceInTheFeedWithoutOrderNumber) {
    Intake intake;
    const std::vector<std::string> message{kMsh, kPid, "OBR|1|||UE|||20200501130000",
                                           "OBX|1|" + creatinine("98"),
                                           "OBX|2|" + creatinine("98")};
    ASSERT_TRUE(intake.hl7(message));
    ASSERT_TRUE(intake.hl7(message));
    std::vector<std::string> ids;
    for (const std::size_t output : {0, 1}) {
        const auto event = intake.as<schemas::ClinicalEvent>(output);
        for (const auto& seen : event.reports.at(0).observations) ids.emplace_back(seen.id);
    }
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(ids.size(), 4u);
    EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

TEST(IntakeObservation, KeepsTheLinesOfATextApart) {
    for (const int lines : {3, 200}) {
        std::vector<std::string> message{kMsh, kPid, kObr};
        for (int i = 0; i < lines; ++i)
            message.push_back("OBX|1|TX|R^Report^L|1|line " + std::to_string(i) + "||||||F");
        Intake intake;
        ASSERT_TRUE(intake.hl7(message));
        ASSERT_TRUE(intake.hl7(message));
        std::vector<std::string> ids;
        const auto read = [&](std::size_t n) {
            ids.clear();
            const auto event = intake.as<schemas::ClinicalEvent>(n);
            for (const auto& seen : event.reports.at(0).observations) ids.emplace_back(seen.id);
            return ids;
        };
        const auto first = read(0);
        EXPECT_EQ(first, read(1));
        std::sort(ids.begin(), ids.end());
        EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
        EXPECT_EQ(ids.size(), static_cast<std::size_t>(lines));
    }
}

// What is refused, and what is said about it. Siblings go on.

void expect_refused(const std::string& sent, const std::string& reason, const std::string& at) {
    Intake intake;
    ASSERT_TRUE(intake.hl7({kMsh, kPid, kObr, "OBX|1|" + creatinine("98"), "OBX|2|" + sent,
                            "OBX|3|" + obx("NM", "2823-3^K^LN", "4", "mmol/L")}));
    ASSERT_EQ(intake.dead.size(), 1u) << sent;
    EXPECT_EQ(intake.dead[0], (Intake::DeadLetter{reason, at})) << sent;
    EXPECT_EQ(intake.as<schemas::ClinicalEvent>(0).reports.at(0).observations.size(), 2u) << sent;
}

TEST(IntakeObservation, RefusesAMissingUnit) {
    for (const auto unit : {"", "\"\"", " "})
        expect_refused(creatinine("98", unit),
                       "missing: OBX-6 is empty: 'Creatinine' needs a unit that converts to "
                       "'umol/L', or 'dimensionless: true' in "
                       "the code table",
                       "OBX-6 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, RefusesAnUnknownUnit) {
    expect_refused(
        creatinine("98", "furlong"),
        "unsupported: OBX-6 'furlong' is no known unit; add the spelling to the unit table",
        "OBX-6 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, RefusesAnotherDimension) {
    expect_refused(
        creatinine("98", "mmHg"),
        "out-of-range: wrong dimension: OBX-6 'mmHg' does not convert to 'umol/L' of 'Creatinine'",
        "OBX-6 of OBX 2 (set id 2)");
    expect_refused(
        obx("NM", "4548-4^HbA1c^LN", "42", "mmol/mol"),
        "out-of-range: wrong dimension: OBX-6 'mmol/mol' does not convert to '%' of 'HbA1c'",
        "OBX-6 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, RefusesWordsForANumber) {
    expect_refused(creatinine("None"), "malformed: OBX-5 'None' is not a number such as 4.5 or <15",
                   "OBX-5 of OBX 2 (set id 2)");
    expect_refused(obx("NM", "ZZ^Unmapped^L", "high", ""),
                   "malformed: OBX-5 'high' is not a number such as 4.5 or <15",
                   "OBX-5 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, RefusesWhatIsNotFinite) {
    expect_refused(creatinine("NaN"), "out-of-range: OBX-5 'NaN' is not a finite number",
                   "OBX-5 of OBX 2 (set id 2)");
    expect_refused(creatinine("1e999"), "out-of-range: OBX-5 '1e999' is not a finite number",
                   "OBX-5 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, RefusesWhatIsBelowTheMinimum) {
    expect_refused(creatinine("-5"),
                   "out-of-range: OBX-5 '-5' of 'Creatinine' is below the minimum 1 umol/L",
                   "OBX-5 of OBX 2 (set id 2)");
    expect_refused(creatinine("0"),
                   "out-of-range: OBX-5 '0' of 'Creatinine' is below the minimum 1 umol/L",
                   "OBX-5 of OBX 2 (set id 2)");
    expect_refused(creatinine("0.01", "mg/dL"),
                   "out-of-range: OBX-5 '0.01' of 'Creatinine' is below the minimum 1 umol/L",
                   "OBX-5 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, RefusesWhatIsAboveTheMaximum) {
    expect_refused(obx("NM", "59408-5^SpO2^LN", "970", "%"),
                   "out-of-range: OBX-5 '970' of 'SpO2' is above the maximum 100 %",
                   "OBX-5 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, TakesTheLimitsThemselves) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(result(creatinine("1"))));
    ASSERT_TRUE(intake.hl7(result(obx("NM", "59408-5^SpO2^LN", "100", "%"))));
    EXPECT_EQ(intake.observation(0).value, 1.0);
    EXPECT_EQ(intake.observation(1).value, 100.0);
}

TEST(IntakeObservation, RefusesAnUnreadableTime) {
    for (const auto time : {"yesterday", "20201301120000", "2020050114064", "20200230"})
        expect_refused(obx("NM", kCreatinine, "98", "umol/L", "", "F", time),
                       "malformed: OBX-14 '" + std::string(time) +
                           "' is not a time such as 20200501140643+0800",
                       "OBX-14 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, RefusesWhatRestsOnAnUnreadableTimeOfTheOrder) {
    Intake intake;
    ASSERT_TRUE(
        intake.hl7({kMsh, kPid, "OBR|1|P1|F1|UE|||soon", "OBX|1|" + creatinine("98"),
                    "OBX|2|" + obx("NM", kCreatinine, "98", "umol/L", "", "F", "20200501120000")}));
    ASSERT_EQ(intake.dead.size(), 1u);
    EXPECT_EQ(intake.dead[0].reason,
              "malformed: OBR-7 'soon' is not a time such as 20200501140643+0800");
    EXPECT_EQ(intake.dead[0].at, "OBR-7 of OBX 1 (set id 1)");
    EXPECT_EQ(intake.as<schemas::ClinicalEvent>(0).reports.at(0).observations.size(), 1u);
}

TEST(IntakeObservation, RefusesWhatRestsOnAnUnreadableOrMissingTimeOfTheMessage) {
    for (const auto& [time, reason] : std::vector<std::pair<std::string, std::string>>{
             {"now", "malformed: MSH-7 'now' is not a time such as 20200501140643+0800"},
             {"", "missing: OBX-14, OBR-7 and MSH-7 are empty: the observation has no time"}}) {
        Intake intake;
        ASSERT_TRUE(intake.hl7({"MSH|^~\\&|LAB|HOSP|||" + time + "||ORU^R01|1|P|2.5", kPid,
                                "OBR|1|P1|F1|UE", "OBX|1|" + creatinine("98")}));
        ASSERT_EQ(intake.dead.size(), 1u);
        EXPECT_EQ(intake.dead[0].reason, reason);
        EXPECT_TRUE(intake.as<schemas::ClinicalEvent>(0).reports.at(0).observations.empty());
    }
}

TEST(IntakeObservation, RefusesWhatHasNoCode) {
    expect_refused(obx("NM", "", "98", "umol/L"),
                   "missing: OBX-3 is empty: nobody knows what was observed",
                   "OBX-3 of OBX 2 (set id 2)");
}

TEST(IntakeObservation, CountsItsPlaceWhereTheSetIdDoesNot) {
    Intake intake;
    ASSERT_TRUE(intake.hl7(
        {kMsh, kPid, kObr, "OBX||" + creatinine("98"), kObr, "OBX||" + creatinine("x")}));
    ASSERT_EQ(intake.dead.size(), 1u);
    EXPECT_EQ(intake.dead[0].at, "OBX-5 of OBX 2");
}

}  // namespace
}  // namespace vitalog::tests
