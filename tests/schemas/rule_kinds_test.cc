// Every kind of rule: what its text may say, what is refused with which words, and that the JSON
// Schema of packs says the same as the parser.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "schemas/rules.h"

namespace vitalog::schemas {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHead =
    "format: 1\npack: p\nversion: 1\nrules:\n  - id: r\n    version: 1\n    problem: P\n"
    "    max_age: 24h\n    source: s\n";

/// A pack of one rule; `body` begins at line 10.
std::string pack(std::string_view body, bool priority = true) {
    return std::string(kHead) + std::string(body) + (priority ? "    priority: low\n" : "");
}

constexpr std::string_view kHeld =
    "    kind: threshold\n    loinc: 59408-5\n    unit: \"%\"\n    below: 88\n    for: 60s\n"
    "    max_gap: 30s\n    clear: {above: 90, for: 120s}\n";
constexpr std::string_view kTrend =
    "    kind: trend\n    loinc: 59408-5\n    unit: \"%\"\n    window: 24h\n    points: 6\n    "
    "covers: 23h\n"
    "    direction: fall\n    by: 2\n    per: 1h\n    clear: {by: 1}\n";
constexpr std::string_view kWindow =
    "    kind: window\n    loinc: 59408-5\n    unit: \"%\"\n    window: 7d\n"
    "    statistic: variation\n    high: 0.3\n    clear: {high: 0.2}\n";
constexpr std::string_view kSilence =
    "    kind: silence\n    loinc: [8867-4, 59408-5]\n    after: 30m\n    while: either\n";
constexpr std::string_view kAll =
    "    kind: all-of\n    within: 15m\n    conditions:\n"
    "      - {kind: threshold, loinc: a, unit: u, high: 3, clear: {high: 2}}\n"
    "      - {kind: index-band, index: news2, bands: [high, medium], clear: [low]}\n";

constexpr std::string_view kSequence =
    "    kind: sequence\n    within: 2h\n    conditions:\n"
    "      - {kind: threshold, loinc: a, unit: u, low: 3, clear: {low: 4}}\n"
    "      - {kind: change, loinc: b, unit: u, direction: rise, by: 2, within: 1h}\n";

constexpr std::string_view kControl =
    "    kind: silence\n    loinc: 2823-3\n    of: results\n    after: 6h\n"
    "    following: {kind: threshold, loinc: 2823-3, unit: mmol/L, high: 6, clear: {high: 5.5}}\n";

struct Case {
    std::string yaml;
    std::string refused;  ///< part of the message; empty: valid
};

std::vector<Case> cases() {
    const std::string with_company = "    cool_down: 30m\n    inhibits: [milder]\n    group: g\n";
    return {
        {pack(std::string(kHeld) + with_company), ""},
        {pack(kTrend), ""},
        {pack(kWindow), ""},
        {pack(kSilence), ""},
        {pack(kAll), ""},
        {pack(kSequence), ""},
        {pack(kControl), ""},
        {pack("    kind: silence\n    loinc: a\n    of: results\n    after: 1d\n"
              "    while: inpatient\n"),
         ""},
        {pack("    kind: silence\n    loinc: a\n    after: 1d\n    while: inpatient\n"),
         "t.yaml:13: while: inpatient waits for results from the admission on; add of: results"},
        {pack("    kind: silence\n    loinc: a\n    of: laboratory\n    after: 1d\n"
              "    while: either\n"),
         "t.yaml:12: of 'laboratory' is unknown; write one of samples, results, both"},
        {pack("    kind: silence\n    loinc: a\n    of: results\n    after: 1d\n"),
         "t.yaml:5: a silence rule needs either 'while', for what is to be heard"},
        {pack(std::string(kControl) + "    while: either\n"),
         "t.yaml:14: a silence rule needs either 'while', for what is to be heard"},
        {pack("    kind: silence\n    loinc: a\n    of: results\n    after: 1d\n"
              "    following: {kind: silence, loinc: a, after: 1h, while: either}\n"),
         "t.yaml:14: a condition can't be silence; write one of threshold, index-band"},
        {"open_episodes: follow\n" + pack(kAll), ""},
        {"open_episodes: close\n" + pack(kAll),
         "t.yaml:1: open_episodes 'close' is unknown; write one of stay, follow"},
        {pack("    kind: sequence\n    conditions:\n"
              "      - {kind: threshold, loinc: a, unit: u, high: 3, clear: {high: 2}}\n"
              "      - {kind: threshold, loinc: b, unit: u, high: 3, clear: {high: 2}}\n"),
         "t.yaml:5: 'within' is missing; write for example within: 48h"},
        {pack("    kind: sequence\n    within: 2h\n    conditions:\n"
              "      - {kind: sequence, within: 1h, conditions: []}\n"
              "      - {kind: threshold, loinc: b, unit: u, high: 3, clear: {high: 2}}\n"),
         "t.yaml:13: a condition can't be sequence; write one of threshold, index-band"},
        {pack("    kind: any-of\n    within: 15m\n    conditions: [{kind: threshold}]\n"),
         "t.yaml:12: conditions must list 2 to 8"},
        {pack("    kind: threshold\n    loinc: a\n    unit: u\n    low: 1\n    below: 2\n"
              "    clear: {low: 3}\n"),
         "t.yaml:14: low and below are two words for one limit; keep one"},
        {pack("    kind: threshold\n    loinc: a\n    unit: u\n    low: 1\n    max_gap: 30s\n"
              "    clear: {low: 3}\n"),
         "t.yaml:14: max_gap says how far apart"},
        {pack("    kind: threshold\n    loinc: a\n    unit: u\n    low: 1\n    clear: {low: 1}\n"),
         "clear limits must lie inside the limits that raise"},
        {pack("    kind: trend\n    loinc: a\n    unit: u\n    window: 12h\n    points: 6\n"
              "    direction: fall\n    by: 2\n    per: 1h\n"),
         "t.yaml:13: window '12h' is unknown; write one of 1h, 24h, 7d, 90d"},
        {pack("    kind: trend\n    loinc: a\n    unit: u\n    window: 1h\n    points: 2\n"
              "    direction: fall\n    by: 2\n    per: 1h\n"),
         "a trend needs 'points' of at least 3"},
        {pack("    kind: trend\n    loinc: a\n    unit: u\n    window: 1h\n    points: 6\n"
              "    direction: fall\n    by: -2\n    per: 1h\n"),
         "a trend needs 'by' above zero"},
        {pack("    kind: window\n    loinc: a\n    unit: u\n    window: 1h\n    statistic: median\n"
              "    high: 1\n    clear: {high: 0}\n"),
         "t.yaml:14: statistic 'median' is unknown; write one of count, min, max, mean"},
        {pack("    kind: window\n    loinc: a\n    unit: u\n    window: 1h\n    covers: 56m\n"
              "    statistic: mean\n    high: 1\n    clear: {high: 0}\n"),
         "t.yaml:14: covers must not be longer than 55m, which a window of 1h holds for certain"},
        {pack("    kind: window\n    loinc: a\n    unit: u\n    window: 1h\n    statistic: mean\n"),
         "a window rule needs 'low', 'high' or both"},
        {pack("    kind: silence\n    loinc: a\n    after: 30m\n    while: always\n"),
         "t.yaml:13: while 'always' is unknown; write one of binding, encounter, either"},
        {pack("    kind: silence\n    loinc: a\n    unit: u\n    after: 30m\n    while: either\n"),
         "t.yaml:12: unknown key 'unit' in a silence rule"},
        {pack("    kind: all-of\n    within: 1h\n    conditions:\n      - {kind: silence, loinc: "
              "a, after: 1h, while: either}\n      - {kind: silence, loinc: a, after: 1h, while: "
              "either}\n"),
         "t.yaml:13: a condition can't be silence"},
        {pack("    kind: all-of\n    within: 1h\n    conditions:\n      - {kind: threshold, loinc: "
              "a, unit: u, high: 3, for: 60s, clear: {high: 2}}\n      - {kind: threshold, loinc: "
              "a, unit: u, high: 3, clear: {high: 2}}\n"),
         "leave 'for' to a rule of its own"},
        {pack(std::string(kSilence) + "    inhibits: []\n"), "inhibits must list 1 to 16"},
        {pack(std::string(kSilence) + "    cool_down: soon\n"), "cool_down must be a duration"},
        {pack(std::string(kSilence) + "    group: two words\n"), "group 'two words' must be"},
    };
}

std::string refusal_of(const std::string& yaml) {
    const auto parsed = parse_rule_pack("t.yaml", yaml);
    return parsed ? "" : parsed.error().message();
}

std::string file_text(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(RuleKinds, AreReadOrRefusedWithFileLineAndWhatToWrite) {
    for (const auto& [yaml, refused] : cases()) {
        const std::string message = refusal_of(yaml);
        if (refused.empty())
            EXPECT_EQ(message, "") << yaml;
        else
            EXPECT_NE(message.find(refused), std::string::npos) << message << "\n" << yaml;
    }
}

TEST(RuleKinds, SlipsOfTheHandAreNamedWhereTheyAre) {
    const std::string good = pack(kHeld);
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string yaml = good;
        return yaml.replace(yaml.find(from), from.size(), to);
    };
    ASSERT_EQ(refusal_of(good), "");
    EXPECT_EQ(refusal_of(with("    unit:", "\tunit:")),
              "t.yaml:12: the line begins with a tab; write spaces instead");
    EXPECT_EQ(refusal_of(with("kind: ", "kind：")),
              "t.yaml:10: 'kind' stands before a colon of full width; write kind: and a space");
    EXPECT_EQ(refusal_of(good + "---\n" + good),
              "t.yaml:19: a second document begins above; write each pack into its own file");
    // Where yaml-cpp finds one document after another without end.
    EXPECT_NE(refusal_of(with("    below", "30d    below")), "");
    for (const auto& [from, to, line] :
         {std::tuple("\"%\"", "%", 12), std::tuple("problem: P", "problem: P: Q", 7),
          std::tuple("    below", "   below", 13)})
        EXPECT_TRUE(refusal_of(with(from, to))
                        .starts_with("t.yaml:" + std::to_string(line) +
                                     ": not YAML here, or just before: "))
            << refusal_of(with(from, to));
    EXPECT_EQ(refusal_of(with("    kind", "    text: a\tb：c\n    kind")),
              "t.yaml:10: unknown key 'text' in a threshold rule; write one of id, version, kind, "
              "problem, priority, task, max_age, source, patient, cool_down, inhibits, group, loinc, "
              "unit, low, below, high, above, for, max_gap, clear");
}

TEST(RuleKinds, ARuleMayNotHideItself) {
    EXPECT_NE(refusal_of(pack(std::string(kSilence) + "    inhibits: [r]\n"))
                  .find("can't inhibit itself"),
              std::string::npos);
    std::string ring = pack(std::string(kSilence) + "    inhibits: [q]\n");
    ring += "  - id: q\n    version: 1\n    problem: P\n    max_age: 24h\n    source: s\n" +
            std::string(kSilence) + "    priority: low\n    inhibits: [r]\n";
    EXPECT_NE(refusal_of(ring).find("is hidden by a rule that it inhibits"), std::string::npos);
}

TEST(RuleKinds, AMeasureOfDurationIsReadAsItStands) {
    const auto parsed = parse_rule_pack("t.yaml", pack(kHeld));
    ASSERT_TRUE(parsed);
    const Rule& rule = parsed->rules.front();
    EXPECT_EQ(rule.low, (Limit{88, true}));
    EXPECT_EQ(rule.clear_low, (Limit{90, true}));
    EXPECT_EQ(rule.hold, std::chrono::seconds(60));
    EXPECT_EQ(rule.clear_hold, std::chrono::seconds(120));
    EXPECT_EQ(rule.max_gap, std::chrono::seconds(30));
    EXPECT_FALSE(rule.low->reached_from_above(88));
    EXPECT_TRUE(rule.low->reached_from_above(87.9));
    EXPECT_FALSE(rule.clear_low->reached_from_below(90));
    EXPECT_TRUE(rule.clear_low->reached_from_below(90.1));
}

TEST(RuleKinds, SurviveTheirStoredForm) {
    for (const auto& [yaml, refused] : cases()) {
        const auto parsed = parse_rule_pack("t.yaml", yaml);
        if (!parsed) continue;
        std::string bytes;
        BinaryWriter out(bytes);
        encode_rule(out, parsed->rules.front());
        BinaryReader in(bytes);
        EXPECT_EQ(decode_rule(in), parsed->rules.front());
        EXPECT_TRUE(in.ok() && in.at_end());
    }
}

TEST(RuleKinds, EveryRuleOfTheBuiltInPacksNamesASourceThatItsReaderCanJudge) {
    for (const auto& entry : fs::directory_iterator(VITALOG_SOURCE_DIR "/schemas/rules")) {
        if (entry.path().extension() != ".yaml") continue;
        const auto parsed =
            parse_rule_pack(entry.path().filename().string(), file_text(entry.path()));
        ASSERT_TRUE(parsed) << parsed.error().message();
        for (const auto& rule : parsed->rules) EXPECT_GE(rule.source.size(), 20U) << rule.id;
    }
}

TEST(RuleKinds, TheJsonSchemaSaysTheSameAsTheParser) {
    const fs::path folder = fs::temp_directory_path() / ("rule-packs-" + std::to_string(getpid()));
    fs::create_directories(folder);
    std::string command =
        "python3 " VITALOG_SOURCE_DIR "/tests/schemas/rule_pack_schema.py " VITALOG_SOURCE_DIR
        "/schemas/rules/rule-pack.schema.json";
    std::string expected;
    const auto add = [&](const fs::path& path, bool valid) {
        command += " " + path.string();
        expected += valid ? "ok\n" : "bad\n";
    };
    std::size_t n = 0;
    for (const auto& [yaml, refused] : cases()) {
        // What JSON Schema can't say: how two numbers lie to each other.
        if (refused.find("lie inside") != std::string::npos) continue;
        if (refused.find("max_gap") != std::string::npos) continue;
        if (refused.find("covers") != std::string::npos) continue;
        if (refused.find("two words") != std::string::npos && refused.find("limit") < 99) continue;
        const fs::path path = folder / (std::to_string(n++) + ".yaml");
        std::ofstream(path) << yaml;
        add(path, refused.empty());
    }
    for (const auto& entry : fs::directory_iterator(VITALOG_SOURCE_DIR "/schemas/rules"))
        if (entry.path().extension() == ".yaml") add(entry.path(), true);
    std::string said;
    std::FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::array<char, 256> buffer;
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) said += buffer.data();
    const int status = pclose(pipe);
    fs::remove_all(folder);
    if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "python3-jsonschema or python3-yaml is missing";
    EXPECT_EQ(said, expected);
}

}  // namespace
}  // namespace vitalog::schemas
