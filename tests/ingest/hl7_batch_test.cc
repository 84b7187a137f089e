#include <gtest/gtest.h>

#include "ingest/hl7/batch.h"

namespace vitalog::ingest::hl7 {
namespace {

const std::string kOne = "MSH|^~\\&|LAB|HOSP|V|W|20240101||ADT^A01|1|P|2.5\rPID|1||5^^^MRN\r";
const std::string kTwo = "MSH|^~\\&|LAB|HOSP|V|W|20240101||ADT^A01|2|P|2.5\rPID|1||6^^^MRN\r";
const std::string kBhs = "BHS|^~\\&|LAB|HOSP|V|W|20240101||||B7\r";

std::vector<std::string> split(const std::string& bytes) {
    const auto batch = Batch::split(bytes, 10);
    EXPECT_TRUE(batch) << (batch ? "" : batch.error().message());
    if (!batch) return {};
    return {batch->messages().begin(), batch->messages().end()};
}

std::string answer(const std::string& bytes, const std::vector<std::string>& answers) {
    const auto batch = Batch::split(bytes, 10);
    EXPECT_TRUE(batch);
    ControlIds ids(100);
    return batch->answer(answers, ids, "T");
}

TEST(Batch, IsRecognisedByItsEnvelope) {
    EXPECT_TRUE(is_batch(kBhs + kOne));
    EXPECT_TRUE(is_batch("\xEF\xBB\xBF\r\nFHS|^~\\&\r" + kOne));
    EXPECT_FALSE(is_batch(kOne));
    EXPECT_FALSE(is_batch(""));
}

TEST(Batch, HoldsItsMessagesAsTheyCame) {
    const std::vector<std::string> both{kOne, kTwo};
    EXPECT_EQ(split(kBhs + kOne + kTwo + "BTS|2\r"), both);
    EXPECT_EQ(split("FHS|^~\\&|A\r" + kBhs + kOne + "BTS|1\r" + kBhs + kTwo + "BTS|1\rFTS|2\r"),
              both);
    EXPECT_EQ(split(kBhs + kOne + kTwo), both);  // no trailer
    EXPECT_TRUE(split(kBhs + "BTS|0\r").empty());
}

TEST(Batch, TakesOtherLineEnds) {
    std::string unix_ends = kBhs + kOne + kTwo + "BTS|2\r";
    for (char& c : unix_ends)
        if (c == '\r') c = '\n';
    const auto messages = split(unix_ends);
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[1].substr(0, 4), "MSH|");
    EXPECT_NE(messages[0].find("5^^^MRN"), std::string::npos);
}

TEST(Batch, IsRefusedWhereSegmentsBelongToNoMessage) {
    EXPECT_EQ(Batch::split(kBhs + "PID|1\r" + kOne, 10).error().code(), Errc::Malformed);
    EXPECT_EQ(Batch::split(kBhs + kOne + "BTS|1\rNTE|1\r", 10).error().code(), Errc::Malformed);
    EXPECT_EQ(Batch::split(kBhs + kOne + kTwo, 1).error().code(), Errc::TooLarge);
    EXPECT_TRUE(Batch::split(kBhs + kOne + kTwo, 2));
}

TEST(Batch, IsAnsweredByABatchThatNamesIt) {
    EXPECT_EQ(answer(kBhs + kOne + kTwo + "BTS|2\r", {"MSH|a\rMSA|AA|1\r", "MSH|b\rMSA|AE|2\r"}),
              "BHS|^~\\&|V|W|LAB|HOSP|T||||100|B7\rMSH|a\rMSA|AA|1\rMSH|b\rMSA|AE|2\rBTS|2\r");
}

TEST(Batch, IsAnsweredByAFileWhereItCameInOne) {
    EXPECT_EQ(answer("FHS|^~\\&|LAB|HOSP|V|W|20240101||||F1\r" + kBhs + kOne + "BTS|1\r" + kBhs +
                         kTwo + "BTS|1\rFTS|2\r",
                     {"a\r", "b\r"}),
              "FHS|^~\\&|V|W|LAB|HOSP|T||||100|F1\r"
              "BHS|^~\\&|V|W|LAB|HOSP|T||||101|B7\ra\rBTS|1\r"
              "BHS|^~\\&|V|W|LAB|HOSP|T||||102|B7\rb\rBTS|1\rFTS|2\r");
}

TEST(Batch, SaysWhenMessagesAreMissing) {
    EXPECT_NE(answer(kBhs + kOne + "BTS|3\r", {"a\r"}).find("BTS|1|BTS-1 said 3 messages, 1 came"),
              std::string::npos);
}

TEST(Batch, AnswersAsFarAsAnswersAreWanted) {
    EXPECT_EQ(answer(kBhs + kOne + kTwo + "BTS|2\r", {"", "b\r"}),
              "BHS|^~\\&|V|W|LAB|HOSP|T||||100|B7\rb\rBTS|1\r");
    EXPECT_EQ(answer(kBhs + kOne + kTwo + "BTS|2\r", {"", ""}), "");
    EXPECT_EQ(answer(kBhs + "BTS|0\r", {}), "BHS|^~\\&|V|W|LAB|HOSP|T||||100|B7\rBTS|0\r");
}

TEST(Batch, IsAnsweredInItsOwnDelimiters) {
    EXPECT_EQ(answer("BHS#*~\\&#LAB#HOSP#V#W#20240101####B7\r", {}),
              "BHS#*~\\&#V#W#LAB#HOSP#T####100#B7\rBTS#0\r");
}

}  // namespace
}  // namespace vitalog::ingest::hl7
