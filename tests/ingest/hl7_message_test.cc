#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "ingest/hl7/message.h"

namespace vitalog::ingest::hl7 {
namespace {

constexpr std::string_view kHead =
    "MSH|^~\\&|APP|FAC|RAPP|RFAC|20200501140643||ORU^R01^ORU_R01|77|P|2.5";

Message parsed(std::string_view text) {
    Message message;
    const auto result = message.parse(text);
    EXPECT_TRUE(result) << (result ? "" : result.error().message());
    return message;
}

std::vector<std::string> ids(const Message& message) {
    std::vector<std::string> out;
    for (const Segment segment : message) out.emplace_back(segment.id());
    return out;
}

TEST(Hl7Message, CountsMsh1AsAField) {
    const std::string text = std::string(kHead) + "\r";
    const Message message = parsed(text);
    EXPECT_EQ(message.msh().field(1).raw(), "|");
    EXPECT_EQ(message.msh().field(2).raw(), "^~\\&");
    EXPECT_EQ(message.msh().field(3).raw(), "APP");
    EXPECT_EQ(message.msh().field(9).component(2).raw(), "R01");
    EXPECT_EQ(message.msh().field(12).raw(), "2.5");
    EXPECT_EQ(message.msh().field_count(), 12U);
    EXPECT_TRUE(message.msh().field(13).empty());
}

TEST(Hl7Message, AddressesRepetitionsComponentsAndSubcomponents) {
    const std::string text = std::string(kHead) + "\rPID|1||A^^^X&1.2&ISO^MR~B^^^Y^NI||Wang^Xiao";
    const Message message = parsed(text);
    const Segment pid = message.segment("PID");
    ASSERT_TRUE(pid);
    EXPECT_EQ(pid.field(3).repetition_count(), 2U);
    EXPECT_EQ(pid.field(3).repetition(0).component(4).subcomponent(2).raw(), "1.2");
    EXPECT_EQ(pid.field(3).repetition(1).component(1).raw(), "B");
    EXPECT_EQ(pid.field(3).repetition(1).component(4).subcomponent(1).raw(), "Y");
    EXPECT_EQ(pid.field(3).component(5).raw(), "MR");
    EXPECT_TRUE(pid.field(3).repetition(2).empty());
    EXPECT_TRUE(pid.field(5).component(9).empty());
    EXPECT_EQ(pid.field(5).repetition(0).component_count(), 2U);
    EXPECT_TRUE(pid.field(99).empty());
}

TEST(Hl7Message, TellsNullFromEmpty) {
    const std::string text = std::string(kHead) + "\rPID|1||5||\"\"||\"\"^x";
    const Message message = parsed(text);
    const Segment pid = message.segment("PID");
    EXPECT_TRUE(pid.field(5).is_null());
    EXPECT_FALSE(pid.field(5).empty());
    EXPECT_FALSE(pid.field(5).has_value());
    EXPECT_TRUE(pid.field(4).empty());
    EXPECT_FALSE(pid.field(4).is_null());
    EXPECT_TRUE(pid.field(7).component(1).is_null());
    std::string scratch;
    EXPECT_EQ(pid.field(5).text(scratch), "");
}

TEST(Hl7Message, ReadsItsDelimitersFromMsh) {
    const Message message = parsed("MSH!@%/*#!APP!FAC\rPID!1!!A@@@X*1!a/S/b");
    EXPECT_EQ(message.encoding().delimiters.truncation, '#');
    const Segment pid = message.segment("PID");
    EXPECT_EQ(pid.field(3).component(4).subcomponent(2).raw(), "1");
    std::string scratch;
    EXPECT_EQ(pid.field(4).text(scratch), "a@b");
}

TEST(Hl7Message, ManagesWithoutEscapeAndSubcomponentCharacters) {
    const Message message = parsed("MSH|^~|APP\rPID|a\\F\\b&c");
    std::string scratch;
    EXPECT_EQ(message.segment("PID").field(1).text(scratch), "a\\F\\b&c");
    EXPECT_EQ(message.segment("PID").field(1).component(1).subcomponent(1).raw(), "a\\F\\b&c");
}

TEST(Hl7Message, TakesEveryLineEnd) {
    for (const std::string end : {"\r", "\n", "\r\n", "\r\r", "\n\n"}) {
        const std::string text = std::string(kHead) + end + "PID|1||5" + end + "ZXX|own" + end;
        const Message message = parsed(text);
        EXPECT_EQ(ids(message), (std::vector<std::string>{"MSH", "PID", "ZXX"}));
        EXPECT_EQ(message.segment("PID").field(3).raw(), "5");
        EXPECT_EQ(message.segment("ZXX").raw(), "ZXX|own");
    }
}

TEST(Hl7Message, KeepsALineFeedInsideText) {
    const std::string text = std::string(kHead) + "\rOBX|1|TX|a||line one\nline two\n|last\nNTE|1";
    const Message message = parsed(text);
    EXPECT_EQ(ids(message), (std::vector<std::string>{"MSH", "OBX", "NTE"}));
    EXPECT_EQ(message.segment("OBX").field(5).raw(), "line one\nline two\n");
}

TEST(Hl7Message, SkipsBlanksBeforeMsh) {
    const std::string text = std::string("\r\n \0", 4) + std::string(kHead);
    EXPECT_EQ(parsed(text).msh().field(10).raw(), "77");
}

TEST(Hl7Message, CountsAndNumbersSegments) {
    const std::string text = std::string(kHead) + "\rOBX|1\rNTE|x\rOBX|2\rOBX|3";
    const Message message = parsed(text);
    EXPECT_EQ(message.count("OBX"), 3U);
    EXPECT_EQ(message.segment("OBX", 1).field(1).raw(), "2");
    EXPECT_FALSE(message.segment("OBX", 3));
    EXPECT_TRUE(message.segment("PV1").field(3).component(2).empty())
        << "absent is empty all the way down";
}

TEST(Hl7Message, RefusesWhatHasNoUsableMsh) {
    Message message;
    struct Case {
        const char* text;
        const char* says;
    };
    for (const auto& [text, says] :
         std::initializer_list<Case>{{"", "does not begin with MSH"},
                                     {"PID|1", "does not begin with MSH"},
                                     {"MSH", "MSH-1"},
                                     {"MSHA^~\\&A", "MSH-1"},
                                     {"MSH|", "MSH-2"},
                                     {"MSH|^|A", "MSH-2"},
                                     {"MSH|^^\\&|A", "MSH-2"},
                                     {"MSH|^~\\&#!|A", "MSH-2"},
                                     {"MSH|ab\\&|A", "MSH-2"}}) {
        const auto result = message.parse(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code(), Errc::Malformed);
        EXPECT_NE(result.error().message().find(says), std::string::npos)
            << result.error().message();
    }
}

TEST(Hl7Message, WalkSeesTheSegmentsThatTheIndexSees) {
    for (const std::string_view text : {"MSH|^~\\&|a\rPID|1\rOBX|x\ny\nNTE|1\r\nZZZ",
                                        "MSH|^~\\&|a\nPID|1\n\nOBX|2", "MSH|^~\\&|a\r\r\r"}) {
        const Message message = parsed(text);
        SegmentWalk walk(text, '|');
        std::string_view line;
        std::size_t n = 0;
        for (; walk.next(line); ++n) {
            ASSERT_LT(n, message.size());
            EXPECT_EQ(line, message.at(n).raw());
        }
        EXPECT_EQ(n, message.size());
        EXPECT_EQ(walk.position(), text.size());
    }
}

TEST(Hl7Message, ReadsTheSimulatedHospitalWhole) {
    std::ifstream file(VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::map<std::string, int> types;
    std::map<std::string, int> segments;
    int comparators = 0;
    Message message;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t end = std::min(bytes.find("\n\n", at), bytes.size());
        ASSERT_TRUE(message.parse(std::string_view(bytes).substr(at, end - at)));
        at = end + 2;
        const Field type = message.msh().field(9);
        ++types[std::string(type.raw())];
        for (const Segment segment : message) {
            ++segments[std::string(segment.id())];
            if (segment.id() == "OBX" && segment.field(2).raw() == "NM" &&
                std::string_view("<>").find(segment.field(5).raw().substr(0, 1)) !=
                    std::string_view::npos &&
                !segment.field(5).empty())
                ++comparators;
        }
    }
    EXPECT_EQ(types, (std::map<std::string, int>{
                         {"ADT^A01", 400}, {"ORU^R01", 610}, {"MDM^T02", 2}, {"ADT^A34", 1}}));
    EXPECT_EQ(segments["PID"], 1013);
    EXPECT_EQ(segments["OBX"], 3413);
    EXPECT_EQ(segments["NTE"], 2311);
    EXPECT_EQ(comparators, 73);
}

}  // namespace
}  // namespace vitalog::ingest::hl7
