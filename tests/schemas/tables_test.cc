#include "schemas/tables/tables.h"

#include <gtest/gtest.h>

#include "schemas/embed.h"

namespace vitalog::schemas {
namespace {

const std::string kUnits = R"(format: vitalog.units.v1
units:
  - {ucum: mmol/L, dimension: amount, factor: "1", spellings: [MMOLL]}
  - {ucum: umol/L, dimension: amount, factor: "1/1000", spellings: [UMOLL]}
  - {ucum: mg/dL, dimension: mass, factor: "1/100"}
  - {ucum: g/L, dimension: mass, factor: 1}
  - {ucum: Cel, dimension: temperature, factor: 1}
  - {ucum: "[degF]", dimension: temperature, factor: 5/9, offset: -32}
substances:
  - {name: creatinine, from: mg/dL, to: umol/L, factor: "884/10"}
)";
const std::string kCodes = R"(format: vitalog.codes.v1
observables:
  - {loinc: 14682-9, display: Creatinine, unit: umol/L, minimum: 1, maximum: 5000, substance: creatinine}
  - {loinc: 67775-7, display: Responsiveness}
systems:
  - system: [LN, LOINC]
    own: true
  - system: L
    codes:
      - {code: C1, loinc: 14682-9, display: Crea}
      - {name: MDC_X, loinc: 14682-9, dimensionless: true}
      - {code: T1, display: Remark}
)";

Tables loaded() {
    Tables tables;
    EXPECT_TRUE(tables.load("units", "units.yaml", kUnits).has_value());
    EXPECT_TRUE(tables.load("codes", "codes.yaml", kCodes).has_value());
    return tables;
}

TEST(Tables, FindCodesBySystemAndCodeElseName) {
    const Tables tables = loaded();
    const MappedCode* crea = tables.find_code("L", "C1", "anything");
    ASSERT_NE(crea, nullptr);
    EXPECT_EQ(crea->observable->loinc, "14682-9");
    EXPECT_EQ(crea->display, "Crea");
    EXPECT_EQ(crea->substance->name, "creatinine");
    EXPECT_FALSE(crea->dimensionless);
    EXPECT_TRUE(tables.find_code("L", "12345", "MDC_X")->dimensionless);
    EXPECT_EQ(tables.find_code("L", "MDC_X", ""), tables.find_code("L", "", "MDC_X"));
    EXPECT_EQ(tables.find_code("L", "T1", "")->observable, nullptr);
    EXPECT_EQ(tables.find_code("LN", "14682-9", "")->observable,
              tables.find_code("LOINC", "14682-9", "")->observable);
    EXPECT_EQ(tables.find_code("LN", "C1", ""), nullptr);
    EXPECT_EQ(tables.find_code("", "C1", ""), nullptr);
    EXPECT_EQ(tables.find_observable("67775-7")->unit, nullptr);
}

TEST(Tables, FindUnitsByEverySpelling) {
    const Tables tables = loaded();
    EXPECT_EQ(tables.find_unit("UMOLL")->ucum, "umol/L");
    EXPECT_EQ(tables.find_unit(" umol/L ")->ucum, "umol/L");
    EXPECT_EQ(tables.find_unit("umoll"), nullptr);
    EXPECT_EQ(tables.find_unit(""), nullptr);
}

TEST(Convert, GoesByDimensionAndSubstance) {
    const Tables tables = loaded();
    const Unit& mmol = *tables.find_unit("mmol/L");
    const Unit& umol = *tables.find_unit("umol/L");
    const Unit& mass = *tables.find_unit("mg/dL");
    const Unit& grams = *tables.find_unit("g/L");
    const Substance* creatinine = tables.find_observable("14682-9")->substance;
    EXPECT_EQ(convert(98.1, umol, umol, nullptr), 98.1);
    EXPECT_EQ(convert(0.1061, mmol, umol, nullptr), 106.1);
    EXPECT_EQ(convert(106.1, umol, mmol, nullptr), 0.1061);
    EXPECT_EQ(convert(1.2, mass, umol, creatinine), 106.08);
    EXPECT_EQ(convert(106.08, umol, mass, creatinine), 1.2);
    EXPECT_EQ(convert(0.012, grams, umol, creatinine), 106.08);
    EXPECT_EQ(convert(0.10608, mmol, grams, creatinine), 0.012);
    EXPECT_EQ(convert(1.2, mass, umol, nullptr), std::nullopt);
    EXPECT_EQ(convert(37, *tables.find_unit("Cel"), umol, creatinine), std::nullopt);
    EXPECT_EQ(convert(98.6, *tables.find_unit("[degF]"), *tables.find_unit("Cel"), nullptr), 37);
    EXPECT_EQ(convert(37, *tables.find_unit("Cel"), *tables.find_unit("[degF]"), nullptr), 98.6);
    EXPECT_EQ(convert(-40, *tables.find_unit("[degF]"), *tables.find_unit("Cel"), nullptr), -40);
}

TEST(Tables, AreStampedByTheirFiles) {
    const Tables one = loaded();
    Tables two = loaded();
    EXPECT_EQ(one.version(), two.version());
    EXPECT_EQ(one.version().size(), 16u);
    ASSERT_TRUE(two.load("codes", "more.yaml", "format: vitalog.codes.v1\n"));
    EXPECT_NE(one.version(), two.version());
    ASSERT_TRUE(two.load("codes", "more.yaml", ""));
    EXPECT_EQ(one.version(), two.version());
    EXPECT_EQ(Tables().version(), "none");
}

TEST(Tables, StayAsTheyWereWhenAFileIsRefused) {
    Tables tables = loaded();
    const std::string before(tables.version());
    EXPECT_FALSE(tables.load("codes", "codes.yaml", "format: vitalog.codes.v1\nobservables: 3\n"));
    EXPECT_FALSE(tables.load("units", "units.yaml", ""));  // the codes need them
    EXPECT_EQ(tables.version(), before);
    EXPECT_NE(tables.find_code("L", "C1", ""), nullptr);
    EXPECT_TRUE(tables.check("codes", "codes.yaml", ""));
    EXPECT_NE(tables.find_code("L", "C1", ""), nullptr);
}

/// What is said about a codes file with this line at the end of its observables (line 5).
std::string codes_error(const std::string& line, const std::string& section = "") {
    Tables tables;
    EXPECT_TRUE(tables.load("units", "units.yaml", kUnits));
    const auto done = tables.load(
        "codes", "c.yaml",
        "format: vitalog.codes.v1\n" + (section.empty() ? "observables:\n" : section) +
            (section.empty() ? "  - {loinc: 1-8, display: A, unit: umol/L, minimum: 0}\n" : "") +
            line + "\n");
    EXPECT_FALSE(done.has_value()) << line;
    return done ? "" : done.error().message();
}

TEST(Tables, SayWhereAFileIsWrongAndWhatToWrite) {
    EXPECT_EQ(codes_error("  - {loinc: 2-6, display: B, unit: furlong, minimum: 0}"),
              "c.yaml:4: unit 'furlong' is in no unit table; add it to units.yaml and publish that "
              "first");
    EXPECT_EQ(codes_error("  - {loinc: 2-6, display: B, unit: UMOLL, minimum: 0}"),
              "c.yaml:4: write the UCUM unit 'umol/L' instead of 'UMOLL'");
    EXPECT_EQ(codes_error("  - {loinc: 2-6, display: B, unit: umol/L}"),
              "c.yaml:4: '2-6' has a unit and no minimum; write 'minimum: 0' or what is the least "
              "that can be measured");
    EXPECT_EQ(codes_error("  - {loinc: 2-6, display: B, unit: umol/L, minimum: low}"),
              "c.yaml:4: minimum 'low' must be a number such as 0.5");
    EXPECT_EQ(codes_error("  - {loinc: 2-6, display: B, unit: umol/L, minimum: 5, maximum: 5}"),
              "c.yaml:4: '2-6': maximum must be above minimum");
    EXPECT_EQ(codes_error("  - {loinc: 2-6}"), "c.yaml:4: write 'display: ...': it is required");
    EXPECT_EQ(codes_error("  - {loinc: 1-8, display: again}"),
              "c.yaml:4: '1-8' is defined already (c.yaml:3); remove one");
    EXPECT_EQ(
        codes_error("  - {loinc: 2-6, display: B, substance: gold, unit: umol/L, minimum: 0}"),
        "c.yaml:4: substance 'gold' is in no unit table; add it under 'substances' in units.yaml");
    EXPECT_EQ(codes_error("  - {loinc: 2-6, display: B, unt: umol/L}"),
              "c.yaml:4: 'unt' is not known here; write one of: answers, display, loinc, maximum, minimum, "
              "substance, unit");
    EXPECT_EQ(codes_error("  - just words"), "c.yaml:4: write a mapping such as {name: value}");
    EXPECT_EQ(codes_error("  - {system: L, codes: [{code: X, loinc: 9-9}]}", "systems:\n"),
              "c.yaml:3: LOINC code '9-9' is no observable of any table in force; define it under "
              "'observables'");
    EXPECT_EQ(codes_error("  - {system: L, codes: [{code: X, name: Y}]}", "systems:\n"),
              "c.yaml:3: write either 'code: ...' (OBX-3.1) or 'name: ...' (OBX-3.2)");
    EXPECT_EQ(codes_error("  - {system: L, codes: [{code: X}, {code: X}]}", "systems:\n"),
              "c.yaml:3: 'X' of system 'L' is mapped already (c.yaml:3); remove one");
    EXPECT_EQ(codes_error("  - {system: L, codes: [{code: X, dimensionless: true}]}", "systems:\n"),
              "c.yaml:3: 'dimensionless' needs an observable that has a unit");
    EXPECT_NE(codes_error("  - {a: [}").find("c.yaml:4: not YAML"), std::string::npos);
}

TEST(Tables, RefuseASpellingThatMeansTwoUnits) {
    Tables tables;
    const auto done = tables.load("units", "u.yaml",
                                  "format: vitalog.units.v1\nunits:\n  - {ucum: g/L, dimension: "
                                  "mass, factor: 1, spellings: [G]}\n"
                                  "  - {ucum: g, dimension: weight, factor: 1, spellings: [G]}\n");
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().message(),
              "u.yaml:4: 'G' already means 'g/L' (u.yaml:3); remove it from one of them");
}

TEST(Tables, RefuseAFactorThatIsNone) {
    for (const auto factor : {"0", "-1", "1/0", "a", "1/", "nan", "\"\""}) {
        Tables tables;
        EXPECT_FALSE(tables.load(
            "units", "u.yaml",
            std::string(
                "format: vitalog.units.v1\nunits:\n  - {ucum: g/L, dimension: mass, factor: ") +
                factor + "}\n"))
            << factor;
    }
}

TEST(Tables, KnowAnAnswerByItsCodeAndItsWordsWhateverTheirCase) {
    Tables tables;
    for (const auto& file : builtin_files())
        if (file.kind == "units" || file.kind == "codes") {
            ASSERT_TRUE(tables.load(file.kind, file.name, file.text));
        }
    const auto* level = tables.find_observable("67775-7");
    ASSERT_NE(level, nullptr);
    for (const auto& [spelling, number] : std::vector<std::pair<std::string_view, double>>{
             {"A", 0}, {"alert", 0}, {" Alert ", 0}, {"ALERT", 0}, {"LA9340-6", 0}, {"清醒", 0},
             {"C", 1}, {"New confusion", 1}, {"v", 2}, {"LA17107-6", 3}, {"昏迷", 4}}) {
        const auto* answer = level->find_answer(spelling);
        ASSERT_NE(answer, nullptr) << spelling;
        EXPECT_EQ(answer->number, number) << spelling;
    }
    EXPECT_EQ(level->find_answer("drowsy"), nullptr);
    EXPECT_EQ(level->find_answer(""), nullptr);
    EXPECT_EQ(tables.find_observable("8867-4")->find_answer("A"), nullptr);
}

TEST(Tables, ConvertAnAlbuminRatioByItsUnit) {
    Tables tables;
    for (const auto& file : builtin_files())
        if (file.kind == "units" || file.kind == "codes") {
            ASSERT_TRUE(tables.load(file.kind, file.name, file.text));
        }
    const auto* code = tables.find_code("LN", "32294-1", "");
    ASSERT_NE(code, nullptr);
    EXPECT_EQ(code->observable->loinc, "14959-1");
    // 3 mg/mmol is some 30 mg/g, as KDIGO has it: 1 mg/mmol is 8.84 mg/g.
    EXPECT_NEAR(convert(3, *tables.find_unit("mg/mmol"), *code->observable->unit, code->substance)
                    .value(),
                26.52, 1e-9);
}

TEST(BuiltinFiles, ComeInAnOrderThatCanBePublished) {
    Tables tables;
    std::vector<std::string_view> kinds;
    for (const auto& file : builtin_files()) {
        if (kinds.empty() || kinds.back() != file.kind) kinds.push_back(file.kind);
        if (file.kind != "units" && file.kind != "codes") continue;
        const auto done = tables.load(file.kind, file.name, file.text);
        EXPECT_TRUE(done.has_value()) << done.error().message();
    }
    EXPECT_EQ(kinds.front(), "units");
    EXPECT_EQ(kinds.at(1), "codes");
    EXPECT_GT(tables.code_count(), 100u);
}

TEST(BuiltinFiles, KnowTheUsualSpellings) {
    Tables tables;
    for (const auto& file : builtin_files())
        if (file.kind == "units") {
            ASSERT_TRUE(tables.load(file.kind, file.name, file.text));
        }
    for (const auto& [spelling, ucum] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"UMOLL", "umol/L"},
             {"μmol/L", "umol/L"},
             {"µmol/L", "umol/L"},
             {"MMOLL", "mmol/L"},
             {"mmol/l", "mmol/L"},
             {"mg/dl", "mg/dL"},
             {"x10*9/L", "10*9/L"},
             {"10^9/L", "10*9/L"},
             {"*10^9/L", "10*9/L"},
             {"x10*12/L", "10*12/L"},
             {"PERCENT", "%"},
             {"/10", "{score}"},
             {"MLMIN", "mL/min"},
             {"次/分", "/min"},
             {"mmHg", "mm[Hg]"},
             {"℃", "Cel"},
             {"kPa", "kPa"},
             {"MDC_DIM_BEAT_PER_MIN", "/min"},
             {"MDC_DIM_MMHG", "mm[Hg]"},
             {"MDC_DIM_DEGC", "Cel"},
             {"MDC_DIM_PERCENT", "%"},
             {"MDC_DIM_X_L_PER_MIN", "L/min"}}) {
        ASSERT_NE(tables.find_unit(spelling), nullptr) << spelling;
        EXPECT_EQ(tables.find_unit(spelling)->ucum, ucum) << spelling;
    }
    EXPECT_EQ(tables.find_unit("G/L"), nullptr) << "grams to some, 10*9 to others: never a guess";
}

}  // namespace
}  // namespace vitalog::schemas
