#include <gtest/gtest.h>

#include "ingest/http/url.h"

namespace vitalog::ingest {
namespace {

TEST(PercentDecode, ResolvesEscapesAndKeepsPlusUnlessInAQuery) {
    EXPECT_EQ(*percent_decode("a%20b+c", false), "a b+c");
    EXPECT_EQ(*percent_decode("a%20b+c", true), "a b c");
    EXPECT_EQ(*percent_decode("%E5%81%a5", false), "\xE5\x81\xA5");
}

TEST(PercentDecode, RefusesBrokenEscapesAndNul) {
    for (const char* text : {"%", "%4", "%4g", "%zz", "a%00b"})
        EXPECT_EQ(percent_decode(text, true).error().code(), Errc::Malformed) << text;
}

TEST(ParseQuery, KeepsOrderRepeatsAndEmptyValues) {
    const auto items = *parse_query("b=2&a=&a=1&&flag&x=a%3Db%26c");
    const QueryItems expected{{"b", "2"}, {"a", ""}, {"a", "1"}, {"flag", ""}, {"x", "a=b&c"}};
    EXPECT_EQ(items, expected);
}

TEST(ParseQuery, LimitsTheNumberOfParameters) {
    std::string query;
    for (std::size_t i = 0; i < kMaxQueryItems; ++i) query += "a&";
    EXPECT_EQ(parse_query(query)->size(), kMaxQueryItems);
    EXPECT_EQ(parse_query(query + "a").error().code(), Errc::TooLarge);
}

TEST(ParseTarget, KeepsAnEscapedSlashInsideItsSegment) {
    const auto target = *parse_target("/fhir/Task/a%2Fb/$accept?x=1#top");
    EXPECT_EQ(target.segments, (std::vector<std::string>{"fhir", "Task", "a/b", "$accept"}));
    EXPECT_EQ(target.query, (QueryItems{{"x", "1"}}));
}

TEST(ParseTarget, TakesAbsoluteFormAndRefusesOthers) {
    EXPECT_EQ(parse_target("http://host:80/a?b=1")->path, "/a");
    EXPECT_EQ(parse_target("http://host")->path, "/");
    EXPECT_EQ(parse_target("http://host?b=1")->path, "/");
    EXPECT_EQ(parse_target("/")->segments, std::vector<std::string>{""});
    EXPECT_FALSE(parse_target("*"));
    EXPECT_FALSE(parse_target(""));
    EXPECT_FALSE(parse_target("a/b"));
}

}  // namespace
}  // namespace vitalog::ingest
