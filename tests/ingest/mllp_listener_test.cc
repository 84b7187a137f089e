#include "ingest/mllp/listener.h"
#include "tests/ingest/mllp_fixture.h"

namespace vitalog::ingest::mllp {
namespace {

using namespace std::chrono_literals;

std::string msh(const std::string& id, const std::string& type = "ORU^R01",
                const std::string& tail = "") {
    return "MSH|^~\\&|HIS|HOSP|V|W|20240101||" + type + "|" + id + "|P|2.5" + tail + "\r";
}
std::string oru(const std::string& id, const std::string& patient = "5^^^MRN^MR") {
    return msh(id) + "PID|1||" + patient + "\rOBR|1\rOBX|1|NM|a||1\r";
}
/// "AA 77" of an answer.
std::string verdict(const std::string& answer) {
    const auto ack = hl7::read_ack(answer);
    return ack ? ack->code + " " + ack->control_id : "no answer";
}
std::string header_of(const FeedRecord& record, std::string_view name) {
    return std::string(Headers(record.headers).find(name));
}

TEST(MllpListener, AppendsTheBytesAsReceivedAndAnswersThen) {
    Site site;
    RawClient client(site);
    EXPECT_EQ(client.ask(oru("77")),
              "MSH|^~\\&|V|W|HIS|HOSP|20240102110405+0800||ACK^R01^ACK|1|P|2.5\rMSA|AA|77\r");
    const auto records = site.appender.records("feed.his");
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].value, oru("77"));
    EXPECT_EQ(records[0].key, "MRN|5");
    EXPECT_EQ(records[0].received, site.clock.now());
    EXPECT_EQ(header_of(records[0], header::kEndpoint), "his");
    EXPECT_EQ(header_of(records[0], header::kFormat), "hl7v2");
    EXPECT_EQ(records[0].ledger->key,
              "his\x1fHIS\x1fHOSP\x1f"
              "77");
    EXPECT_EQ(records[0].ledger->body_hash, hash64(oru("77")));
}

TEST(MllpListener, AnswersNothingBeforeTheMessageIsOnDisk) {
    Site site;
    site.appender.hold();
    RawClient client(site);
    client.send(framed(oru("1")));
    while (site.appender.waiting() == 0) std::this_thread::yield();
    EXPECT_TRUE(site.appender.records("feed.his").empty());
    site.appender.release();
    EXPECT_EQ(verdict(client.receive()), "AA 1");
}

TEST(MllpListener, AnswersInTheOrderOfTheMessagesWhateverTheLogsOrder) {
    Site site;
    RawClient client(site);
    site.appender.hold();
    std::string stream;
    for (int i = 0; i < 200; ++i)
        stream += framed(i % 10 == 3 ? msh(std::to_string(i)) : oru(std::to_string(i)));
    client.send(stream);
    std::this_thread::sleep_for(20ms);
    EXPECT_LE(site.appender.waiting(), 64U) << "what waits for the disk is bounded";
    site.appender.release();
    for (int i = 0; i < 200; ++i)
        EXPECT_EQ(verdict(client.receive()), (i % 10 == 3 ? "AE " : "AA ") + std::to_string(i));
    EXPECT_EQ(site.appender.records("feed.his").size(), 180U);
    EXPECT_EQ(site.appender.records("dead-letter").size(), 20U);
}

TEST(MllpListener, GivesARepeatTheStoredAnswerByteForByte) {
    Site site;
    RawClient client(site);
    const std::string first = client.ask(oru("77"));
    site.clock.set(site.clock.now() + std::chrono::hours(1));
    RawClient other(site);
    EXPECT_EQ(other.ask(oru("77")), first);
    EXPECT_EQ(site.appender.records("feed.his").size(), 1U);
}

TEST(MllpListener, CountsWhatItAcknowledgedBeforeItsAnswerLeaves) {
    Site site;
    RawClient client(site);
    for (int i = 1; i <= 20; ++i) {
        client.ask(oru(std::to_string(i)));
        site.listener->report();
        EXPECT_EQ(site.metrics.value("vitalog_messages_in_total,endpoint=his,result=accepted"), i);
    }
}

TEST(MllpListener, AcceptsAReusedIdUnlessToldOtherwise) {
    {
        Site site;
        RawClient client(site);
        EXPECT_EQ(verdict(client.ask(oru("77"))), "AA 77");
        EXPECT_EQ(verdict(client.ask(oru("77", "6^^^MRN"))), "AA 77");
        site.listener->stop();
        EXPECT_EQ(site.metrics.value("vitalog_messages_in_total,endpoint=his,result=reused"), 1);
    }
    ListenerConfig strict;
    strict.endpoint.on_reused = OnReusedId::Refuse;
    Site site(strict);
    RawClient client(site);
    EXPECT_EQ(verdict(client.ask(oru("77"))), "AA 77");
    const std::string answer = client.ask(oru("77", "6^^^MRN"));
    EXPECT_EQ(verdict(answer), "AE 77");
    EXPECT_NE(answer.find("ERR||MSH^1^10|205^Duplicate key identifier^HL70357|E"),
              std::string::npos)
        << answer;
    const auto dead = site.appender.records("dead-letter");
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead[0].value, oru("77", "6^^^MRN"));
    EXPECT_EQ(header_of(dead[0], header::kAt), "MSH-10");
}

struct Malformed {
    const char* name;
    std::string message;
    std::string answer;  // MSA-1 and MSA-2
    std::string err;     // part of ERR
    std::string reason;  // begins the dead letter's reason
    std::string at;
};

TEST(MllpListener, EachKindOfMalformedMessageIsNamedAndKept) {
    const std::vector<Malformed> kinds{
        {"no MSH", "PID|1||5\r", "AR ", "ERR||MSH^1|100^", "no-usable-msh", "MSH"},
        {"empty", "", "AR ", "ERR||MSH^1|100^", "no-usable-msh", "MSH"},
        {"encoding characters", "MSH|^^\\&|HIS|H|V|W|2024||ADT^A01|1|P|2.5\rPID|1\r", "AR 1",
         "ERR||MSH^1|100^", "no-usable-msh", "MSH"},
        {"no type", "MSH|^~\\&|HIS|H|V|W|2024|||1|P|2.5\r", "AR 1", "ERR||MSH^1^9|101^",
         "no-usable-msh", "MSH-9"},
        {"no control id", "MSH|^~\\&|HIS|H|V|W|2024||ADT^A01||P|2.5\r", "AR ", "ERR||MSH^1^10|101^",
         "no-usable-msh", "MSH-10"},
        {"processing id", "MSH|^~\\&|HIS|H|V|W|2024||ADT^A01|1|X|2.5\rPID|1\r", "AR 1",
         "ERR||MSH^1^11|202^", "unsupported-processing-id", "MSH-11"},
        {"version", "MSH|^~\\&|HIS|H|V|W|2024||ADT^A01|1|P|2.9\rPID|1\r", "AR 1",
         "ERR||MSH^1^12|203^", "unsupported-version", "MSH-12"},
        {"no PID", msh("1", "ADT^A08") + "EVN|A08\r", "AE 1", "ERR||PID^1|100^", "missing-pid",
         "PID"},
        {"no MRG", msh("1", "ADT^A40") + "PID|1||5\r", "AE 1", "ERR||MRG^1|100^", "missing-mrg",
         "MRG"},
        {"bytes outside the declared set",
         msh("1", "ADT^A08", "||||||UNICODE UTF-8") + "PID|1||5||\xCD\xF5\r", "AE 1",
         "ERR||MSH^1^18|102^", "undecodable-charset", "MSH-18"},
        {"unknown set", msh("1", "ADT^A08", "||||||KLINGON") + "PID|1||5\r", "AE 1",
         "ERR||MSH^1^18|102^", "undecodable-charset", "MSH-18"},
    };
    for (const Malformed& kind : kinds) {
        SCOPED_TRACE(kind.name);
        Site site;
        RawClient client(site);
        const std::string answer = client.ask(kind.message);
        EXPECT_EQ(verdict(answer), kind.answer);
        EXPECT_NE(answer.find(kind.err), std::string::npos) << answer;
        const auto dead = site.appender.records("dead-letter");
        ASSERT_EQ(dead.size(), 1U) << "before the answer";
        EXPECT_EQ(dead[0].value, kind.message);
        EXPECT_TRUE(header_of(dead[0], header::kReason).starts_with(kind.reason + ": "))
            << header_of(dead[0], header::kReason);
        EXPECT_EQ(header_of(dead[0], header::kStage), "mllp");
        EXPECT_EQ(header_of(dead[0], header::kDeadSource), "mllp/his");
        EXPECT_EQ(header_of(dead[0], header::kAt), kind.at);
        EXPECT_EQ(verdict(client.ask(oru("2"))), "AA 2") << "the connection goes on";
        site.listener->stop();
        EXPECT_EQ(site.metrics.value("vitalog_dead_letters_total,stage=mllp,reason=" + kind.reason),
                  1);
    }
}

TEST(MllpListener, RefusesWhatIsTooLargeAndGoesOn) {
    ListenerConfig config;
    config.max_message = 1000;
    Site site(config);
    RawClient client(site);
    const std::string answer = client.ask(oru("1") + "NTE|1||" + std::string(200'000, 'x') + "\r");
    EXPECT_EQ(verdict(answer), "AE 1");
    EXPECT_NE(answer.find("too large"), std::string::npos);
    EXPECT_EQ(verdict(client.ask(oru("2"))), "AA 2");
    const auto dead = site.appender.records("dead-letter");
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_TRUE(dead[0].value.starts_with(oru("1")));
    EXPECT_TRUE(header_of(dead[0], header::kReason).starts_with("too-large: "));
}

TEST(MllpListener, EnhancedModeIsAnsweredInKind) {
    Site site;
    RawClient client(site);
    EXPECT_EQ(verdict(client.ask(msh("1", "ADT^A08", "|||AL") + "PID|1||5\r")), "CA 1");
    EXPECT_EQ(verdict(client.ask(msh("2", "ADT^A08", "|||AL"))), "CE 2");
    EXPECT_EQ(verdict(client.ask(msh("3", "ADT^A08", "||||AL") + "PID|1||5\r")), "CA 3");
    EXPECT_EQ(verdict(client.ask("MSH|^~\\&|A|B|C|D|2024||ADT^A08|4|X|2.5|||AL\rPID|1\r")), "CR 4");
}

TEST(MllpListener, KeepsSilentWhereMsh15AsksForIt) {
    Site site;
    RawClient client(site);
    client.send(framed(msh("1", "ADT^A08", "|||NE") + "PID|1||5\r"));
    client.send(framed(msh("2", "ADT^A08", "|||NE")));
    client.send(framed(msh("3", "ADT^A08", "|||ER") + "PID|1||5\r"));
    client.send(framed(msh("4", "ADT^A08", "|||SU")));
    client.send(framed(msh("5", "ADT^A08", "|||ER")));
    client.send(framed(msh("6", "ADT^A08", "|||SU") + "PID|1||5\r"));
    EXPECT_EQ(verdict(client.receive()), "CE 5");
    EXPECT_EQ(verdict(client.receive()), "CA 6");
    EXPECT_EQ(site.appender.records("feed.his").size(), 3U)
        << "silence does not mean that nothing was stored";
    EXPECT_EQ(site.appender.records("dead-letter").size(), 3U);
}

TEST(MllpListener, SaysTryAgainWhenTheDiskReserveIsReached) {
    Site site;
    site.appender.refuse_with(Errc::Busy);
    RawClient client(site);
    const std::string answer = client.ask(oru("1"));
    EXPECT_EQ(verdict(answer), "AE 1");
    EXPECT_NE(answer.find("207^"), std::string::npos);
    EXPECT_NE(answer.find("try again later"), std::string::npos) << answer;
    site.listener->stop();
    EXPECT_EQ(site.metrics.value("vitalog_messages_in_total,endpoint=his,result=busy"), 1);
}

TEST(MllpListener, SplitsAfterDecoding) {
    Site site;
    RawClient client(site);
    // The patient's number ends in 東, whose last byte in GB 18030 is the field separator.
    const std::string message =
        msh("1", "ADT^A08", "||||||GB 18030-2000") + "PID|1||7\x96\x7C^^^MRN\r";
    EXPECT_EQ(verdict(client.ask(message)), "AA 1");
    const auto records = site.appender.records("feed.his");
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].key, "MRN|7東");
    EXPECT_EQ(records[0].value, message) << "kept as it came";
}

TEST(MllpListener, AnswersInTheMessagesCharacterSet) {
    Site site;
    RawClient client(site);
    const std::string message =
        "MSH|^~\\&|\xCD\xF5|H|V|W|2024||ADT^A08|1|P|2.5||||||GB 18030-2000\rPID|1||7\r";
    const std::string answer = client.ask(message);
    EXPECT_NE(answer.find("|V|W|\xCD\xF5|H|"), std::string::npos) << answer;
}

TEST(MllpListener, KeysByTheSitesOrderOfAuthorities) {
    ListenerConfig config;
    config.endpoint.authorities = {"EMPI", "MRN"};
    Site site(config);
    RawClient client(site);
    client.ask(oru("1", "5^^^MRN~9^^^EMPI"));
    client.ask(oru("2", "5^^^MRN~9^^^OTHER"));
    client.ask(oru("3", ""));
    client.ask(msh("4", "SIU^S12"));
    std::vector<std::string> keys;
    for (const auto& record : site.appender.records("feed.his")) keys.push_back(record.key);
    EXPECT_EQ(keys, (std::vector<std::string>{"EMPI|9", "MRN|5", "his", "his"}));
}

TEST(MllpListener, TakesAMessageThatComesByteByByte) {
    Site site;
    RawClient client(site);
    for (const char c : framed(oru("1"))) client.send({&c, 1});
    EXPECT_EQ(verdict(client.receive()), "AA 1");
}

TEST(MllpListener, AnswersAClientThatEndsSendingAtOnce) {
    Site site;
    RawClient client(site);
    client.send(std::string("\0\0\r\n", 4) + framed(oru("1")) + "junk" + framed(oru("2")) +
                "\x0bMSH|half");
    client.end_sending();
    EXPECT_EQ(verdict(client.receive()), "AA 1");
    EXPECT_EQ(verdict(client.receive()), "AA 2");
    EXPECT_EQ(client.receive(), "");
    EXPECT_TRUE(client.closed());
    const auto dead = site.appender.records("dead-letter");
    ASSERT_EQ(dead.size(), 2U);
    EXPECT_EQ(dead[0].value, "junk");
    EXPECT_TRUE(header_of(dead[0], header::kReason).starts_with("junk-between-frames: "));
    EXPECT_EQ(dead[1].value, "MSH|half");
    EXPECT_TRUE(header_of(dead[1], header::kReason).starts_with("truncated-frame: "));
}

TEST(MllpListener, TellsWhoeverSendsWithoutFramesWhatIsMissing) {
    Site site;
    RawClient client(site);
    client.send(oru("1"));
    const std::string answer = client.receive();
    EXPECT_EQ(verdict(answer), "AR 1");
    EXPECT_NE(answer.find("MLLP frame"), std::string::npos);
    const auto dead = site.appender.records("dead-letter");
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead[0].value, oru("1"));
    EXPECT_EQ(verdict(client.ask(oru("2"))), "AA 2");
}

TEST(MllpListener, ClosesWhoeverIsIdle) {
    ListenerConfig config;
    config.idle_timeout = 1s;
    Site site(config);
    RawClient client(site);
    EXPECT_EQ(verdict(client.ask(oru("1"))), "AA 1");
    EXPECT_EQ(client.receive(), "");
    EXPECT_TRUE(client.closed());
}

TEST(MllpListener, RefusesMoreConnectionsThanItMayHave) {
    ListenerConfig config;
    config.max_connections = 1;
    Site site(config);
    RawClient first(site);
    EXPECT_EQ(verdict(first.ask(oru("1"))), "AA 1");
    RawClient second(site);
    EXPECT_EQ(second.receive(), "");
    EXPECT_EQ(verdict(first.ask(oru("2"))), "AA 2");
}

TEST(MllpListener, AnswersWhatIsInFlightWhenItStops) {
    Site site;
    RawClient client(site);
    EXPECT_EQ(verdict(client.ask(oru("0"))), "AA 0");
    site.appender.hold();
    client.send(framed(oru("1")));
    while (site.appender.waiting() == 0) std::this_thread::yield();
    std::thread stopper([&] { site.listener->stop(); });
    std::this_thread::sleep_for(50ms);
    site.appender.release();
    EXPECT_EQ(verdict(client.receive()), "AA 1");
    EXPECT_EQ(client.receive(), "");
    stopper.join();
}

TEST(MllpListener, StopsThoughTheLogNeverAnswers) {
    ListenerConfig config;
    config.drain_timeout = 100ms;
    Site site(config);
    site.appender.hold();
    RawClient client(site);
    client.send(framed(oru("1")));
    while (site.appender.waiting() == 0) std::this_thread::yield();
    site.listener->stop();
    EXPECT_EQ(client.receive(), "") << "no positive answer without the disk";
    site.listener.reset();
    site.appender.release();  // the late answer of the log meets a closed gate
}

TEST(MllpListener, SaysWhyItCannotListen) {
    Site site;
    ListenerConfig config;
    config.port = site.listener->port();
    const auto zone = *hl7::SiteZone::named("Asia/Shanghai");
    const auto taken = Listener::start(config, zone, {site.appender, site.metrics, site.clock});
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code(), Errc::Configuration);
    config.address = "nowhere";
    EXPECT_EQ(
        Listener::start(config, zone, {site.appender, site.metrics, site.clock}).error().code(),
        Errc::Configuration);
}

TEST(MllpListener, TakesTheSimulatedHospitalOverManyConnectionsAndThreads) {
    ListenerConfig config;
    config.threads = 2;
    Site site(config);
    const std::string bytes = read_sample("simhospital.hl7");
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t end = std::min(bytes.find("\n\n", at), bytes.size());
        messages.push_back(bytes.substr(at, end - at));
        at = end + 2;
    }
    std::vector<std::thread> clients;
    std::atomic<int> accepted{0};
    for (std::size_t lane = 0; lane < 8; ++lane)
        clients.emplace_back([&, lane] {
            RawClient client(site);
            for (std::size_t i = lane; i < messages.size(); i += 8)
                if (verdict(client.ask(messages[i])).starts_with("CA ")) ++accepted;
        });
    for (auto& client : clients) client.join();
    EXPECT_EQ(accepted, 1013);
    EXPECT_EQ(site.appender.records("feed.his").size(), 1013U);
    for (const auto& record : site.appender.records("feed.his"))
        EXPECT_TRUE(record.key.starts_with("SIMULATOR MRN|")) << record.key;
}

}  // namespace
}  // namespace vitalog::ingest::mllp
