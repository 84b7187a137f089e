#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ingest/hl7/message.h"
#include "ingest/mllp/message_file.h"
#include "tests/ingest/mllp_fixture.h"

namespace vitalog::ingest::mllp {
namespace {

using Messages = std::vector<std::string>;

hl7::SiteZone shanghai() {
    return *hl7::SiteZone::named("Asia/Shanghai");
}

EventTime at(std::string_view text) {
    return hl7::parse_time(text, shanghai())->at;
}

std::string field(const std::string& message, std::string_view segment, std::size_t n,
                  std::size_t nth = 0) {
    hl7::Message parsed;
    EXPECT_TRUE(parsed.parse(message));
    return std::string(parsed.segment(segment, nth).field(n).raw());
}

TEST(SplitMessages, TakesEverySeparator) {
    const Messages two{"MSH|^~\\&|a\rPID|1\r", "MSH|^~\\&|b\rPID|2\r"};
    for (const char* bytes :
         {"MSH|^~\\&|a\rPID|1\r\n\nMSH|^~\\&|b\rPID|2\r\n\n",
          "MSH|^~\\&|a\nPID|1\nMSH|^~\\&|b\nPID|2",
          "MSH|^~\\&|a\r\nPID|1\r\n\r\nMSH|^~\\&|b\r\nPID|2\r\n",
          "\x0bMSH|^~\\&|a\rPID|1\r\x1c\r\x0bMSH|^~\\&|b\rPID|2\x1c\r",
          "FHS|^~\\&|x\rBHS|^~\\&|x\rMSH|^~\\&|a\rPID|1\rMSH|^~\\&|b\rPID|2\rBTS|2\rFTS|1\r",
          "\xEF\xBB\xBFMSH|^~\\&|a\r\rPID|1\r\r\rMSH|^~\\&|b\r\rPID|2\r"})
        EXPECT_EQ(*split_messages(bytes), two) << bytes;
}

TEST(SplitMessages, RefusesWhatIsNoHl7) {
    EXPECT_FALSE(split_messages(""));
    EXPECT_FALSE(split_messages("hello\rMSH|^~\\&|a\r"));
    EXPECT_FALSE(split_messages("FHS|^~\\&|x\r"));
}

TEST(LoadMessages, ReadsTheSimulatedHospital) {
    const auto messages = load_messages(VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7");
    ASSERT_TRUE(messages) << messages.error().message();
    EXPECT_EQ(messages->size(), 1013U);
}

TEST(LoadMessages, ReadsAFolderInTheOrderOfNames) {
    const auto folder = std::filesystem::path(::testing::TempDir()) /
                        ("vitalog_load_messages." + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "b.hl7") << "MSH|^~\\&|b\r";
    std::ofstream(folder / "a.hl7") << "MSH|^~\\&|a\r";
    EXPECT_EQ(*load_messages(folder.string()), (Messages{"MSH|^~\\&|a\r", "MSH|^~\\&|b\r"}));
    std::ofstream(folder / "c.txt") << "notes";
    const auto refused = load_messages(folder.string());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("c.txt"), std::string::npos)
        << "the error names the file";
    std::filesystem::remove_all(folder);
    EXPECT_EQ(load_messages(folder.string()).error().code(), Errc::NotFound);
}

TEST(ShiftToNow, MovesEveryTimeByTheSameAmount) {
    Messages messages{
        "MSH|^~\\&|A|B|C|D|20200501140643||ORU^R01|1|T|2.3\rPID|1||5||||19890118000000\r"
        "OBR|1||||||20200501120000\rOBX|1|NM|a||1|||||||||20200430\r",
        "MSH|^~\\&|A|B|C|D|20200503140643.25+0800||ORU^R01|2|T|2.3\rPID|1||5||||19890118\r"
        "OBX|1|TS|a||202005031206\r"};
    const auto moved = shift_to_now(messages, at("20260103140643"), shanghai());
    ASSERT_TRUE(moved);
    EXPECT_EQ(*moved, 2071 * 86'400);
    EXPECT_EQ(field(messages[1], "MSH", 7), "20260103140643.25+0800")
        << "the newest is now; fraction and offset stay";
    EXPECT_EQ(field(messages[0], "MSH", 7), "20260101140643");
    EXPECT_EQ(field(messages[0], "OBR", 7), "20260101120000");
    EXPECT_EQ(field(messages[0], "OBX", 14), "20251231") << "each keeps its length";
    EXPECT_EQ(field(messages[1], "OBX", 5), "202601031206");
    EXPECT_EQ(field(messages[0], "PID", 7), "19940920000000");
    EXPECT_EQ(field(messages[1], "PID", 7), "19940920");
}

TEST(ShiftToNow, BirthDatesStayAtMidnight) {
    Messages messages{
        "MSH|^~\\&|A|B|C|D|20200501140643||ADT^A01|1|T|2.3\rPID|1||5||||19890118000000\r"};
    ASSERT_TRUE(shift_to_now(messages, at("20200502150000"), shanghai()));
    EXPECT_EQ(field(messages[0], "MSH", 7), "20200502150000");
    EXPECT_EQ(field(messages[0], "PID", 7), "19890119000000");
}

TEST(ShiftToNow, LeavesWhatIsNoTime) {
    const Messages before{
        "MSH|^~\\&|A|B|C|D|||ADT^A01|1|T|2.3\rPID|1||20200501||||\"\"\rPV1|1|||||||||||||||||||"
        "20200501\r"
        "EVN|A01|soon\r"};
    Messages messages = before;
    EXPECT_EQ(*shift_to_now(messages, at("20260101"), shanghai()), 0);
    EXPECT_EQ(messages, before);
}

TEST(ShiftToNow, KeepsAgesAndDistancesOfTheSimulatedHospital) {
    auto messages = *load_messages(VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7");
    const auto before = messages;
    const auto now = at("20261121080000");
    const auto moved = shift_to_now(messages, now, shanghai());
    ASSERT_TRUE(moved);
    EventTime newest;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        ASSERT_EQ(messages[i].size(), before[i].size());
        const auto was = *hl7::parse_time(field(before[i], "MSH", 7), shanghai());
        const auto is = *hl7::parse_time(field(messages[i], "MSH", 7), shanghai());
        EXPECT_EQ((is.at - was.at).count(), *moved * 1'000'000);
        newest = std::max(newest, is.at);
        const auto born_was = hl7::parse_date(field(before[i], "PID", 7));
        const auto born_is = hl7::parse_date(field(messages[i], "PID", 7));
        ASSERT_EQ(born_was.has_value(), born_is.has_value());
        if (!born_is) continue;
        const auto days = [](const Date& date) {
            return days_from_civil(date.year, date.month, date.day);
        };
        EXPECT_EQ(days(*born_is) - days(*born_was), *moved / 86'400);
    }
    EXPECT_LE(newest, now);
}

}  // namespace
}  // namespace vitalog::ingest::mllp
