#include <gtest/gtest.h>

#include "sinks/explain/explanation.h"
#include "sinks/explain/record_finder.h"
#include "sinks/explain/rule_text.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::tests {
namespace {

using namespace std::chrono_literals;
using schemas::Topic;
using sinks::explain::RecordFinder;
using sinks::explain::rule_text;

constexpr std::string_view kPack = R"(pack: site
version: 1

rules:
  - id: aki
    version: "1"
    bands:
      - {band: "3", priority: high}
    source: somewhere   # a remark

  - id: "potassium-critical"
    high: 6.2
  - version: "2"
    id: potassium   # not the first key
    high: 6
)";

TEST(RuleText, GivesARuleAsItWasWritten) {
    EXPECT_EQ(rule_text(kPack, "aki"),
              "- id: aki\n  version: \"1\"\n  bands:\n    - {band: \"3\", priority: high}\n"
              "  source: somewhere   # a remark\n");
    EXPECT_EQ(rule_text(kPack, "potassium-critical"),
              "- id: \"potassium-critical\"\n  high: 6.2\n");
    EXPECT_EQ(rule_text(kPack, "potassium"),
              "- version: \"2\"\n  id: potassium   # not the first key\n  high: 6\n");
}

TEST(RuleText, KnowsNoRuleThatIsNotThere) {
    EXPECT_EQ(rule_text(kPack, "aki-3"), std::nullopt);
    EXPECT_EQ(rule_text(kPack, "ak"), std::nullopt);
    EXPECT_EQ(rule_text("", "aki"), std::nullopt);
}

class RecordFinderTest : public testing::Test {
  protected:
    RecordId append(Topic topic, const std::string& key, LogTime at, const std::string& id = "") {
        FeedRecord record;
        record.topic = schemas::name_of(topic);
        record.key = key;
        record.value = key;
        record.received = at;
        if (!id.empty()) Headers::append(record.headers, header::kId, id);
        Headers::append(record.headers, header::kRoot, "root of " + id);
        RecordId given;
        log.append(std::move(record), [&](const Result<AppendReceipt>& done) { given = done->id; });
        return given;
    }
    std::vector<std::int64_t> offsets(sinks::explain::Window window) {
        std::vector<std::int64_t> list;
        const auto whole = finder.search(Topic::Alert, "anna", window,
                                         [&](const TopicPartition&, const RecordView& record) {
                                             list.push_back(record.offset.value());
                                             return true;
                                         });
        EXPECT_TRUE(whole && *whole);
        return list;
    }

    static constexpr LogTime kStart{1'600'000'000'000'000};
    topology::MemoryLog log{all_topics(1)};
    schemas::TopicNames topics;
    RecordFinder finder{log, topics};
};

TEST_F(RecordFinderTest, ReadsWhatLiesInTheWindow) {
    for (int i = 0; i < 100; ++i) append(Topic::Alert, "anna", kStart + i * 1h);
    EXPECT_EQ(offsets({kStart + 40h, kStart + 42h}), (std::vector<std::int64_t>{40, 41, 42}));
    EXPECT_EQ(offsets({kStart - 10h, kStart}), std::vector<std::int64_t>{0});
    EXPECT_EQ(offsets({kStart + 99h, kStart + 200h}), std::vector<std::int64_t>{99});
    EXPECT_TRUE(offsets({kStart + 200h, kStart + 300h}).empty());
    EXPECT_EQ(offsets({LogTime(0), kStart + 200h}).size(), 100U);
}

TEST_F(RecordFinderTest, FindsARecordByItsId) {
    for (int i = 0; i < 10; ++i)
        append(Topic::Person, "anna", kStart + i * 1h, "id" + std::to_string(i));
    const auto found = finder.with_id(Topic::Person, "anna", {kStart + 7h, kStart + 7h}, "id7");
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->place, "person/0/7");
    EXPECT_EQ((*found)->root, "root of id7");
    EXPECT_FALSE(*finder.with_id(Topic::Person, "anna", {kStart, kStart + 1h}, "id7"));
}

TEST(Explainer, KnowsNoAlertThatIsNotThere) {
    Archive archive;
    topology::MemoryLog log(all_topics());
    const schemas::TopicNames topics;
    const sinks::explain::Explainer explainer({archive.reader, log, topics, Generation(1)});
    const auto refused = explainer.explain(hex_id("nothing"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::NotFound);
}

}  // namespace
}  // namespace vitalog::tests
