#include <gtest/gtest.h>

#include "schemas/embed.h"
#include "schemas/tables/tables.h"

namespace vitalog::schemas {
namespace {

Tables builtin() {
    Tables tables;
    for (const auto& file : builtin_files()) {
        if (file.kind != "units" && file.kind != "codes" && file.kind != "measures") continue;
        const auto done = tables.load(file.kind, file.name, file.text);
        EXPECT_TRUE(done.has_value()) << done.error().message();
    }
    return tables;
}

TEST(Measures, OfTheBuiltInTableAreFoundByProviderTypeAndField) {
    const Tables tables = builtin();
    const auto& measures = tables.measures();
    const Measure* bpm = measures.find("huawei", "com.huawei.instantaneous.heart_rate", "bpm");
    ASSERT_NE(bpm, nullptr);
    EXPECT_EQ(bpm->observable, tables.find_observable("8867-4"));
    EXPECT_EQ(bpm->unit, tables.find_unit("/min"));
    EXPECT_EQ(bpm->decimals, 1);
    EXPECT_FALSE(bpm->total);
    EXPECT_NE(measures.find("huawei", "", "bpm"), nullptr);
    EXPECT_EQ(measures.find("open-mhealth", "com.huawei.instantaneous.heart_rate", "bpm"), nullptr);
    EXPECT_EQ(measures.find("huawei", "com.huawei.instantaneous.heart_rate", "beats"), nullptr);
    const Measure* steps = measures.find("open-mhealth", "step-count", "step_count");
    ASSERT_NE(steps, nullptr);
    EXPECT_TRUE(steps->total);
    EXPECT_TRUE(measures.knows_type("open-mhealth", "sleep-episode"));
    EXPECT_FALSE(measures.knows_type("open-mhealth", "physical-activity"));
}

TEST(Measures, OfOneFieldMayDependOnATextBesideIt) {
    const Tables tables = builtin();
    const Measure* glucose =
        tables.measures().find("open-mhealth", "blood-glucose", "blood_glucose");
    ASSERT_NE(glucose, nullptr);
    EXPECT_EQ(glucose->where_member, "specimen_source");
    EXPECT_EQ(glucose->where_text, "interstitial fluid");
    EXPECT_EQ(glucose->observable->loinc, "105272-9");
    while (glucose->otherwise != nullptr) glucose = glucose->otherwise;
    EXPECT_EQ(glucose->where_member, "");
    EXPECT_EQ(glucose->observable->loinc, "15074-8");
}

TEST(Measures, RankTheirSources) {
    const Tables tables = builtin();
    const auto& measures = tables.measures();
    const Observable& steps = *tables.find_observable("55423-8");
    EXPECT_EQ(measures.rank("Li's Apple Watch", steps), 10);
    EXPECT_EQ(measures.rank("HUAWEI 手环 9", steps), 20);
    EXPECT_EQ(measures.rank("iPhone", steps), 30);
    EXPECT_EQ(measures.rank("RunKeeper", steps), 1001);
    EXPECT_EQ(measures.rank("", steps), 1001);
}

TEST(Measures, ASourceMayRankForSomeCodesOnly) {
    Tables tables = builtin();
    ASSERT_TRUE(tables.load("measures", "a-site.yaml",
                            "format: vitalog.measures.v1\nsources:\n"
                            "  - {rank: 1, named: [phone], loinc: [55423-8]}\n"));
    EXPECT_EQ(tables.measures().rank("iPhone", *tables.find_observable("55423-8")), 1);
    EXPECT_EQ(tables.measures().rank("iPhone", *tables.find_observable("8867-4")), 30);
}

std::string measures_error(const std::string& text) {
    Tables tables = builtin();
    const std::string before(tables.version());
    const auto done = tables.load("measures", "m.yaml", "format: vitalog.measures.v1\n" + text);
    EXPECT_FALSE(done.has_value()) << text;
    EXPECT_EQ(tables.version(), before);
    return done ? "" : done.error().message();
}

std::string field_error(const std::string& row) {
    return measures_error("providers:\n  - provider: p\n    fields:\n      - " + row + "\n");
}

TEST(Measures, AreRefusedWithFileAndLineAndWhatToWrite) {
    EXPECT_EQ(measures_error("measures: [{loinc: 9-9}]"),
              "m.yaml:2: LOINC code '9-9' is no observable of any code table in force; define it "
              "under 'observables' and publish that first");
    EXPECT_EQ(measures_error("measures: [{loinc: 67775-7}]"),
              "m.yaml:2: '67775-7' has no unit and so is no measure");
    EXPECT_EQ(measures_error("measures: [{loinc: 2823-3, decimals: 7}]"),
              "m.yaml:2: decimals must be a whole number from 0 to 6");
    EXPECT_EQ(measures_error("measures: [{loinc: 8867-4}]"),
              "measures.yaml:20: '8867-4' is a measure already (m.yaml:2); remove one");
    EXPECT_EQ(field_error("{type: t, field: f, loinc: 2823-3}"),
              "m.yaml:5: '2823-3' is not listed under 'measures'; add it");
    EXPECT_EQ(field_error("{field: f, loinc: 8867-4}"),
              "m.yaml:5: write 'type: ...'; [\"\"] for points that come without type");
    EXPECT_EQ(field_error("{type: t, field: f, loinc: 8867-4, unit: furlong}"),
              "m.yaml:5: unit 'furlong' is in no unit table; add it to units.yaml and publish that "
              "first");
    EXPECT_EQ(field_error("{type: t, field: f, loinc: 8867-4, unit: kg}"),
              "m.yaml:5: unit 'kg' does not convert to '/min'");
    EXPECT_EQ(field_error("{type: t, field: f, loinc: 8867-4, factor: 0}"),
              "m.yaml:5: factor must be above 0");
    EXPECT_EQ(field_error("{type: [t, t], field: f, loinc: 8867-4}"),
              "m.yaml:5: field 'f' of type 't' means something already; remove one, or write the "
              "row with 'where' first");
    EXPECT_EQ(measures_error("sources: [{named: [x]}]"),
              "m.yaml:2: write 'rank: N', a whole number from 0 to 1000");
    EXPECT_EQ(measures_error("clock: {tolerance: 1m}"),
              "measures.yaml:18: 'clock' is given by another file too; remove one");
    EXPECT_EQ(measures_error("clocks: {}"),
              "m.yaml:2: 'clocks' is not known here; write one of: clock, format, measures, "
              "providers, sources");
}

TEST(Measures, CantLoseTheCodesTheyNeed) {
    Tables tables = builtin();
    EXPECT_FALSE(tables.load("codes", "loinc.yaml", "").has_value());
    ASSERT_TRUE(tables.load("measures", "measures.yaml", ""));
    EXPECT_EQ(tables.measures().size(), 0u);
}

}  // namespace
}  // namespace vitalog::schemas
