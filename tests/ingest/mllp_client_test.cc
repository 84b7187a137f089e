#include <set>

#include "ingest/mllp/client.h"
#include "ingest/mllp/message_file.h"
#include "tests/ingest/mllp_fixture.h"

namespace vitalog::ingest::mllp {
namespace {

using namespace std::chrono_literals;

std::string adt(const std::string& id, const std::string& patient, const std::string& tail = "") {
    return "MSH|^~\\&|HIS|HOSP|V|W|20240101||ADT^A08|" + id + "|P|2.5" + tail + "\rPID|1||" +
           patient + "^^^MRN\r";
}

ClientConfig to(const Site& site, unsigned connections = 1) {
    ClientConfig config;
    config.port = site.listener->port();
    config.connections = connections;
    return config;
}

TEST(MllpClient, SendsTheSimulatedHospital) {
    Site site;
    const auto messages = *load_messages(VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7");
    std::uint64_t last_sent = 0;
    std::uint64_t last_total = 0;
    const auto summary = send_messages(messages, to(site, 8), [&](const SendProgress& progress) {
        EXPECT_GE(progress.sent, last_sent);
        last_sent = progress.sent;
        last_total = progress.total;
    });
    ASSERT_TRUE(summary) << summary.error().message();
    EXPECT_EQ(summary->sent, 1013U);
    EXPECT_EQ(summary->accepted, 1013U);
    EXPECT_TRUE(summary->refused.empty());
    EXPECT_EQ(last_sent, 1013U);
    EXPECT_EQ(last_total, 1013U);
    EXPECT_GT(summary->latency_p50.count(), 0);
    EXPECT_GE(summary->latency_p99, summary->latency_p50);
    EXPECT_GT(summary->messages_per_second(), 0);
    EXPECT_EQ(site.appender.records("feed.his").size(), 1013U);
}

TEST(MllpClient, KeepsTheOrderOfEachPatientOverManyConnections) {
    Site site;
    std::vector<std::string> messages;
    for (int i = 0; i < 500; ++i)
        messages.push_back(adt(std::to_string(i), std::to_string(i % 20)));
    ASSERT_TRUE(send_messages(messages, to(site, 16)));
    std::map<std::string, int> last;
    for (const auto& record : site.appender.records("feed.his")) {
        const int id = std::stoi(std::string(hl7::salvage_header(record.value).control_id));
        const auto [seen, is_new] = last.try_emplace(record.key, id);
        if (!is_new) {
            EXPECT_LT(seen->second, id);
            seen->second = id;
        }
    }
    EXPECT_EQ(last.size(), 20U);
}

TEST(MllpClient, KeepsMergedPatientsOnOneConnection) {
    Site site;
    std::vector<std::string> messages;
    for (int i = 0; i < 200; ++i)
        messages.push_back(adt(std::to_string(i), i % 2 == 0 ? "A" : "B"));
    messages.push_back(
        "MSH|^~\\&|HIS|HOSP|V|W|20240101||ADT^A40|200|P|2.5\rPID|1||A^^^MRN\rMRG|B^^^MRN\r");
    ASSERT_TRUE(send_messages(messages, to(site, 16)));
    const auto records = site.appender.records("feed.his");
    ASSERT_EQ(records.size(), 201U);
    for (std::size_t i = 0; i < records.size(); ++i)
        EXPECT_EQ(hl7::salvage_header(records[i].value).control_id, std::to_string(i));
}

TEST(MllpClient, ListsWhatWasRefused) {
    Site site;
    const auto summary =
        send_messages({adt("1", "5"), "MSH|^~\\&|HIS|H|V|W|2024||ADT^A08|2|P|2.5\r",
                       "MSH|^~\\&|HIS|H|V|W|2024||ADT^A08|3|X|2.3|||AL\r"},
                      to(site));
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->sent, 3U);
    EXPECT_EQ(summary->accepted, 1U);
    ASSERT_EQ(summary->refused.size(), 2U);
    EXPECT_EQ(summary->refused[0].control_id, "2");
    EXPECT_EQ(summary->refused[0].code, "AE");
    EXPECT_NE(summary->refused[0].text.find("PID"), std::string::npos);
    EXPECT_EQ(summary->refused[1].code, "CR");
}

TEST(MllpClient, DoesNotWaitForAnswersThatWereNotAskedFor) {
    Site site;
    const auto summary = send_messages(
        {adt("1", "5", "|||NE"), adt("2", "5", "|||ER"), adt("3", "5", "|||AL")}, to(site));
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->sent, 3U);
    EXPECT_EQ(summary->unanswered, 2U);
    EXPECT_EQ(summary->accepted, 1U);
    EXPECT_EQ(site.appender.records("feed.his").size(), 3U);
}

TEST(MllpClient, SendsAgainAfterALostConnectionAndTheLedgerTakesItOnce) {
    ListenerConfig listening;
    listening.drain_timeout = 50ms;
    auto site = std::make_unique<Site>(listening);
    site->appender.hold();
    std::thread disturber([&] {
        while (site->appender.waiting() == 0) std::this_thread::yield();
        ListenerConfig again = listening;
        again.port = site->listener->port();
        again.endpoint.name = "his";
        site->listener->stop();
        site->appender.release();
        std::this_thread::sleep_for(300ms);  // connections that are refused send nothing again
        auto started = Listener::start(again, *hl7::SiteZone::named("UTC"),
                                       {site->appender, site->metrics, site->clock});
        ASSERT_TRUE(started) << started.error().message();
        site->listener = *std::move(started);
    });
    const auto summary = send_messages({adt("1", "5"), adt("2", "5")}, to(*site));
    disturber.join();
    ASSERT_TRUE(summary) << summary.error().message();
    EXPECT_EQ(summary->accepted, 2U);
    EXPECT_EQ(summary->resent, 1U);
    EXPECT_EQ(site->appender.records("feed.his").size(), 2U);
}

TEST(MllpClient, GivesUpWhenNobodyListens) {
    ClientConfig config;
    {
        Site site;
        config = to(site);
    }
    config.retry_for = 200ms;
    const auto summary = send_messages({adt("1", "5")}, config);
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code(), Errc::Io);
    config.host = "no.such.host.invalid";
    EXPECT_FALSE(send_messages({adt("1", "5")}, config));
}

TEST(MllpClient, KeepsToTheRate) {
    Site site;
    std::vector<std::string> messages;
    for (int i = 0; i < 31; ++i) messages.push_back(adt(std::to_string(i), std::to_string(i)));
    auto config = to(site, 4);
    config.rate = 100;
    const auto summary = send_messages(messages, config);
    ASSERT_TRUE(summary);
    EXPECT_GE(summary->elapsed, 290ms);
    EXPECT_EQ(summary->accepted, 31U);
}

TEST(MllpClient, HasNothingToDoWithoutMessages) {
    ClientConfig config;
    config.port = 1;
    const auto summary = send_messages({}, config);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->sent, 0U);
}

}  // namespace
}  // namespace vitalog::ingest::mllp
