#include "tests/ingest/mllp_fixture.h"

// One frame that holds a batch.

namespace vitalog::ingest::mllp {
namespace {

std::string message(const std::string& id, const std::string& tail = "") {
    return "MSH|^~\\&|LAB|HOSP|V|W|20240101||ORU^R01|" + id + "|P|2.5" + tail + "\rPID|1||" + id +
           "^^^MRN\rOBR|1\rOBX|1|NM|a||1\r";
}
std::string batch(const std::string& messages) {
    return "BHS|^~\\&|LAB|HOSP|V|W|20240101||||B7\r" + messages + "BTS|\r";
}
/// "AA 1, AE 2" of an answer that is a batch.
std::string verdicts(const std::string& answer) {
    std::string text;
    for (std::size_t at = 0; (at = answer.find("MSA|", at)) != std::string::npos; ++at) {
        std::string verdict = answer.substr(at + 4, answer.find('\r', at) - at - 4);
        verdict = verdict.substr(0, verdict.find('|', 3));
        text += (text.empty() ? "" : ", ") + verdict;
    }
    return text;
}

TEST(MllpBatch, AppendsEachMessageByItselfAndAnswersOnce) {
    Site site;
    RawClient client(site);
    const std::string answer = client.ask(batch(message("1") + message("2") + message("3")));
    EXPECT_TRUE(answer.starts_with("BHS|^~\\&|V|W|LAB|HOSP|")) << answer;
    EXPECT_NE(answer.find("|B7\r"), std::string::npos);
    EXPECT_EQ(verdicts(answer), "AA|1, AA|2, AA|3");
    const auto records = site.appender.records("feed.his");
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[1].value, message("2"));
    EXPECT_EQ(records[1].key, "MRN|2");
    EXPECT_EQ(client.ask(message("4")).find("BHS"), std::string::npos);
}

TEST(MllpBatch, AnswersNothingBeforeAllOfItIsOnDisk) {
    Site site;
    site.appender.hold();
    RawClient client(site);
    client.send(framed(batch(message("1") + message("2"))));
    while (site.appender.waiting() < 2) std::this_thread::yield();
    EXPECT_TRUE(site.appender.records("feed.his").empty());
    site.appender.release();
    EXPECT_EQ(verdicts(client.receive()), "AA|1, AA|2");
}

TEST(MllpBatch, LetsAMessageAtFaultStandByItself) {
    Site site;
    RawClient client(site);
    const std::string faulty = "MSH|^~\\&|LAB|HOSP|V|W|20240101||ORU^R01|2|P|2.5\rOBR|1\r";
    EXPECT_EQ(verdicts(client.ask(batch(message("1") + faulty + message("3")))),
              "AA|1, AE|2, AA|3");
    EXPECT_EQ(site.appender.records("feed.his").size(), 2U);
    const auto dead = site.appender.records("dead-letter");
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead[0].value, faulty);
}

TEST(MllpBatch, AnswersARepeatAsBefore) {
    Site site;
    RawClient client(site);
    EXPECT_EQ(verdicts(client.ask(message("1"))), "AA|1");
    EXPECT_EQ(verdicts(client.ask(batch(message("1") + message("2")))), "AA|1, AA|2");
    EXPECT_EQ(verdicts(client.ask(batch(message("1") + message("2")))), "AA|1, AA|2");
    EXPECT_EQ(site.appender.records("feed.his").size(), 2U);
}

TEST(MllpBatch, AnswersAnEmptyBatch) {
    Site site;
    RawClient client(site);
    EXPECT_TRUE(client.ask(batch("")).ends_with("|B7\rBTS|0\r"));
}

TEST(MllpBatch, HeedsThoseWhoWantSilence) {
    Site site;
    RawClient client(site);
    const std::string never = "|||NE|AL";
    EXPECT_EQ(verdicts(client.ask(batch(message("1", never) + message("2", "|||AL|NE")))), "CA|2");
    client.send(framed(batch(message("3", never) + message("4", never))));
    EXPECT_EQ(verdicts(client.ask(message("5"))), "AA|5");  // the batch before it had no answer
    EXPECT_EQ(site.appender.records("feed.his").size(), 5U);
}

TEST(MllpBatch, RefusesWhatIsNone) {
    Site site;
    RawClient client(site);
    const std::string answer = client.ask("BHS|^~\\&|LAB\rPID|1\r" + message("9"));
    EXPECT_EQ(verdicts(answer), "AR|9") << answer;
    EXPECT_TRUE(site.appender.records("feed.his").empty());
    EXPECT_EQ(site.appender.records("dead-letter").size(), 1U);
}

TEST(MllpDeadLetter, SaysThatItWasCut) {
    ListenerConfig config;
    config.max_message = 100'000;
    Site site(config);
    RawClient client(site);
    const std::string large = message("1") + "NTE|1||" + std::string(200'000, 'x') + "\r";
    client.ask(large);
    client.ask("PID|1\r");
    const auto dead = site.appender.records("dead-letter");
    ASSERT_EQ(dead.size(), 2U);
    const Headers headers(dead[0].headers);
    EXPECT_EQ(headers.find(header::kSize), std::to_string(large.size()));
    EXPECT_EQ(headers.find(header::kCut), std::to_string(dead[0].value.size()));
    EXPECT_LT(dead[0].value.size(), large.size());
    EXPECT_EQ(Headers(dead[1].headers).find(header::kSize), "");  // whole
}

}  // namespace
}  // namespace vitalog::ingest::mllp
