#include "schemas/flat_xml.h"

#include <gtest/gtest.h>

namespace vitalog::schemas {
namespace {

// The message that WeChat documents for the result of a template message.
constexpr std::string_view kDocumented = R"(<xml>
  <ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>
  <FromUserName><![CDATA[oia2TjuEGTNoeX76QEjQNrcURxG8]]></FromUserName>
  <CreateTime>1395658920</CreateTime>
  <MsgType><![CDATA[event]]></MsgType>
  <Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>
  <MsgID>200163836</MsgID>
  <Status><![CDATA[failed:user block]]></Status>
</xml>)";

TEST(FlatXml, ReadsAnEventAsDocumented) {
    const auto xml = parse_flat_xml(kDocumented);
    ASSERT_TRUE(xml) << xml.error().message();
    EXPECT_EQ(xml->size(), 7U);
    EXPECT_EQ(find(*xml, "MsgID"), "200163836");
    EXPECT_EQ(find(*xml, "Status"), "failed:user block");
    EXPECT_EQ(find(*xml, "Nothing"), "");
}

TEST(FlatXml, UnescapesTextAndLeavesCdataAlone) {
    const auto xml = parse_flat_xml(
        "<?xml version=\"1.0\"?><a><b>1 &lt; 2 &amp;&#x4e2d;&#25991;</b>"
        "<c><![CDATA[&amp;<x>]]>y</c><d></d></a>");
    ASSERT_TRUE(xml);
    EXPECT_EQ(find(*xml, "b"), "1 < 2 &中文");
    EXPECT_EQ(find(*xml, "c"), "&amp;<x>y");
    EXPECT_EQ(find(*xml, "d"), "");
}

TEST(FlatXml, PassesOverNestedElements) {
    const auto xml = parse_flat_xml("<a><b><c>1</c></b><d>2</d></a>");
    ASSERT_TRUE(xml);
    ASSERT_EQ(xml->size(), 1U);
    EXPECT_EQ(find(*xml, "d"), "2");
}

TEST(FlatXml, RefusesEverythingElse) {
    for (const char* text :
         {"", "text", "<a>", "<a></b>", "<a><b>1</a>", "<a b=\"1\"></a>", "<a><!-- x --></a>",
          "<!DOCTYPE a [<!ENTITY x \"y\">]><a><b>&x;</b></a>", "<a><b>&x;</b></a>",
          "<a><b>&#xD800;</b></a>", "<a><b>&#0;</b></a>", "<a><b><![CDATA[x</b></a>",
          "<a></a><b></b>", "<a>text</a>"})
        EXPECT_FALSE(parse_flat_xml(text)) << text;
    EXPECT_EQ(parse_flat_xml(std::string(kFlatXmlBytesMax + 1, ' ')).error().code(),
              Errc::TooLarge);
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "<a>";
    EXPECT_FALSE(parse_flat_xml(deep));
}

}  // namespace
}  // namespace vitalog::schemas
