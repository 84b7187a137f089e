#include <gtest/gtest.h>

#include "ingest/hl7/ack.h"

namespace vitalog::ingest::hl7 {
namespace {

std::string msh(const std::string& type, const std::string& version = "2.5",
                const std::string& tail = "", const std::string& processing = "P") {
    return "MSH|^~\\&|HIS|HOSP|VITALOG|V|20240101||" + type + "|77|" + processing + "|" + version +
           tail + "\r";
}

std::optional<Fault> verdict(const std::string& text) {
    Skim skim;
    const auto read = skim.read({text, Charset::Utf8});
    EXPECT_TRUE(read) << text;
    return check(skim);
}

Header header_of(const std::string& text) {
    return salvage_header(text);
}

TEST(Hl7Check, TakesAnyTypeThatIsNotAboutAPerson) {
    EXPECT_FALSE(verdict(msh("SIU^S12")));
    EXPECT_FALSE(verdict(msh("ZZZ^Z99")));
    EXPECT_FALSE(verdict(msh("MDM^T02")));
}

TEST(Hl7Check, WantsPidInAdtAndOru) {
    for (const char* type : {"ADT^A01", "ORU^R01"}) {
        EXPECT_FALSE(verdict(msh(type) + "PID|1||5\r")) << "EVN, PV1 and OBR may be missing";
        const auto fault = verdict(msh(type) + "EVN|A01\rPV1|1\r");
        ASSERT_TRUE(fault);
        EXPECT_EQ(fault->kind, Fault::Kind::Error);
        EXPECT_EQ(fault->at(), "PID");
        EXPECT_EQ(fault->code, 100);
        EXPECT_EQ(fault->reason, "missing-pid");
    }
}

TEST(Hl7Check, WantsMrgInMerges) {
    for (const char* type : {"ADT^A34", "ADT^A40"}) {
        EXPECT_FALSE(verdict(msh(type) + "EVN|A\rPID|1||5\rPD1|\rMRG|6\r"));
        const auto fault = verdict(msh(type) + "PID|1||5\rPV1|1\r");
        ASSERT_TRUE(fault);
        EXPECT_EQ(fault->at(), "MRG");
        EXPECT_EQ(fault->kind, Fault::Kind::Error);
    }
    EXPECT_FALSE(verdict(msh("ADT^A08") + "PID|1||5\r"));
}

TEST(Hl7Check, TakesProcessingIdsPTD) {
    for (const char* id : {"P", "T", "D", "P^T"})
        EXPECT_FALSE(verdict(msh("SIU^S12", "2.5", "", id))) << id;
    for (const char* id : {"", "X", "PT", "p"}) {
        const auto fault = verdict(msh("SIU^S12", "2.5", "", id));
        ASSERT_TRUE(fault) << id;
        EXPECT_EQ(fault->kind, Fault::Kind::Refused);
        EXPECT_EQ(fault->at(), "MSH-11");
        EXPECT_EQ(fault->code, *id == '\0' ? 101 : 202);
    }
}

TEST(Hl7Check, TakesVersionsFrom23To28) {
    for (const char* version :
         {"2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.2", "2.5^CHN"})
        EXPECT_FALSE(verdict(msh("SIU^S12", version))) << version;
    for (const char* version :
         {"", "2", "2.", "2.2", "2.9", "2.10", "2.31", "3.0", "2.5.", "2.5.x", "V2.5"}) {
        const auto fault = verdict(msh("SIU^S12", version));
        ASSERT_TRUE(fault) << version;
        EXPECT_EQ(fault->kind, Fault::Kind::Refused);
        EXPECT_EQ(fault->at(), "MSH-12");
        EXPECT_EQ(fault->code, *version == '\0' ? 101 : 203);
    }
}

TEST(Hl7Check, WantsATypeAndAControlId) {
    EXPECT_EQ(verdict("MSH|^~\\&|A|B|C|D|20240101||||P|2.5\r")->at(), "MSH-9");
    EXPECT_EQ(verdict("MSH|^~\\&|A|B|C|D|20240101||SIU^S12||P|2.5\r")->at(), "MSH-10");
}

TEST(Hl7Skim, RefusesWhatHasNoMshFirst) {
    Skim skim;
    for (const char* text : {"", "PID|1\rMSH|^~\\&|A\r", "garbage", "MSH", "MSH|^^\\&|A"})
        EXPECT_FALSE(skim.read({text, Charset::Utf8})) << text;
    EXPECT_TRUE(skim.read({"\r\n MSH|^~\\&|A\r", Charset::Utf8}));
}

TEST(Hl7Ack, CodesFollowTheMode) {
    const std::optional<Fault> none;
    const std::optional<Fault> error = Fault{};
    const std::optional<Fault> refused = Fault{.kind = Fault::Kind::Refused};
    const Header original = header_of(msh("ADT^A01"));
    EXPECT_EQ(ack_code(original, none), "AA");
    EXPECT_EQ(ack_code(original, error), "AE");
    EXPECT_EQ(ack_code(original, refused), "AR");
    for (const char* tail : {"|||AL", "||||AL", "|||NE|NE"}) {
        const std::string text = msh("ADT^A01", "2.5", tail);
        const Header enhanced = header_of(text);
        EXPECT_EQ(ack_code(enhanced, none), "CA") << tail;
        EXPECT_EQ(ack_code(enhanced, error), "CE");
        EXPECT_EQ(ack_code(enhanced, refused), "CR");
    }
}

TEST(Hl7Ack, Msh15DecidesWhetherThereIsOne) {
    struct Case {
        const char* tail;
        bool after_success;
        bool after_error;
    };
    for (const auto& [tail, after_success, after_error] :
         std::initializer_list<Case>{{"", true, true},
                                     {"|||AL", true, true},
                                     {"|||NE", false, false},
                                     {"|||ER", false, true},
                                     {"|||SU", true, false},
                                     {"||||AL", true, true}}) {
        const std::string text = msh("ADT^A01", "2.5", tail);
        EXPECT_EQ(wants_ack(header_of(text), std::nullopt), after_success) << tail;
        EXPECT_EQ(wants_ack(header_of(text), Fault{}), after_error) << tail;
    }
}

TEST(Hl7Ack, SwapsPartiesAndEchoes) {
    const std::string text = msh("ADT^A01^ADT_A01", "2.5", "||||||UNICODE UTF-8", "T");
    EXPECT_EQ(build_ack(header_of(text), std::nullopt, "900", "20240102030405+0800"),
              "MSH|^~\\&|VITALOG|V|HIS|HOSP|20240102030405+0800||ACK^A01^ACK|900|T|2.5||||||"
              "UNICODE UTF-8\r"
              "MSA|AA|77\r");
}

TEST(Hl7Ack, NamesSegmentFieldCodeAndReason) {
    const std::string text = msh("ADT^A01", "2.5.1");
    const Fault fault{Fault::Kind::Error, "test", "PID", 3, 101, "no id | here"};
    EXPECT_EQ(build_ack(header_of(text), fault, "900", "20240102"),
              "MSH|^~\\&|VITALOG|V|HIS|HOSP|20240102||ACK^A01^ACK|900|P|2.5.1\r"
              "MSA|AE|77|no id \\F\\ here\r"
              "ERR||PID^1^3|101^Required field missing^HL70357|E||||no id \\F\\ here\r");
}

TEST(Hl7Ack, UsesTheOldErrLayoutBefore25) {
    const std::string text = msh("ADT^A01", "2.3.1", "|||AL");
    const Fault fault{Fault::Kind::Refused, "test", "MSH", 11, 202, "why"};
    EXPECT_EQ(build_ack(header_of(text), fault, "900", "20240102"),
              "MSH|^~\\&|VITALOG|V|HIS|HOSP|20240102||ACK^A01^ACK|900|P|2.3.1\r"
              "MSA|CR|77|why\r"
              "ERR|MSH^1^11^202&Unsupported processing id&HL70357\r");
}

TEST(Hl7Ack, SpeaksTheMessagesDelimiters) {
    const std::string text = "MSH!@%/*!HIS!H!V!V!2024!!ADT@A01!77!P!2.5\r";
    EXPECT_EQ(build_ack(header_of(text), std::nullopt, "1", "2024"),
              "MSH!@%/*!V!V!HIS!H!2024!!ACK@A01@ACK!1!P!2.5\rMSA!AA!77\r");
}

TEST(Hl7Ack, CanBeReadBack) {
    const std::string text = msh("ADT^A01", "2.5", "|||AL");
    const Fault fault{Fault::Kind::Error, "test", "PID", 3, 101, "no id | here"};
    const auto ack = read_ack(build_ack(header_of(text), fault, "900", "2024"));
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->code, "CE");
    EXPECT_EQ(ack->control_id, "77");
    EXPECT_EQ(ack->text, "no id | here");
    EXPECT_FALSE(ack->accepted());
    EXPECT_FALSE(read_ack("MSH|^~\\&|A\r"));
    EXPECT_FALSE(read_ack("\x06"));
}

TEST(Hl7Header, SalvagesWhatABrokenMessageSays) {
    const Header late =
        salvage_header("noise MSH|^~\\&|HIS|H|V|W|2024||ADT^A01|42|P|2.4|||AL\rPID|\xff");
    EXPECT_EQ(late.control_id, "42");
    EXPECT_EQ(late.version, "2.4");
    EXPECT_TRUE(late.enhanced());
    const Header broken = salvage_header("MSH|^^|HIS|H|V|W|2024||ADT^A01|42|P|2.4");
    EXPECT_EQ(broken.control_id, "42");
    EXPECT_EQ(broken.sending_application, "HIS");
    EXPECT_EQ(broken.delimiters, Delimiters{});
    for (const char* hopeless : {"", "PID|1", "MSH", "MSH|", "MSH|^"})
        EXPECT_TRUE(salvage_header(hopeless).control_id.empty()) << hopeless;
    EXPECT_EQ(build_ack(salvage_header(""), Fault{}, "1", "2024").substr(0, 42),
              "MSH|^~\\&|||||2024||ACK|1|P|2.5\rMSA|AE||\rER");
}

TEST(Hl7Ack, NumbersRise) {
    ControlIds ids(5);
    EXPECT_EQ(ids.next(), "5");
    EXPECT_EQ(ids.next(), "6");
}

}  // namespace
}  // namespace vitalog::ingest::hl7
