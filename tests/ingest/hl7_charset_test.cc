#include <gtest/gtest.h>

#include "ingest/hl7/charset.h"

namespace vitalog::ingest::hl7 {
namespace {

std::string message(std::string_view charset, std::string_view name) {
    return "MSH|^~\\&|HIS|H|V|V|20240101||ADT^A01|1|P|2.5||||||" + std::string(charset) +
           "\rPID|||1||" + std::string(name) + "\r";
}

// 珅 東 瑋: the trail byte of each is |, in GB 18030. 昞 has \, 玘 ^, 瑍 ~.
constexpr const char* kTrickyGb = "\xAB\x7C^\x96\x7C\xAC\x7C\x95\x5C\xAB\x5E\xAC\x7E";
constexpr const char* kTrickyUtf8 = "珅^東瑋昞玘瑍";

TEST(Hl7Charset, LeavesAsciiWhereItIs) {
    Decoder decoder;
    const std::string bytes = message("ASCII", "Smith^John");
    const auto decoded = decoder.decode(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->text.data(), bytes.data());
    EXPECT_EQ(decoded->charset, Charset::Ascii);
}

TEST(Hl7Charset, LeavesValidUtf8WhereItIs) {
    Decoder decoder;
    const std::string bytes = message("UNICODE UTF-8", "王^小东");
    const auto decoded = decoder.decode(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->text.data(), bytes.data());
}

TEST(Hl7Charset, DecodesDeclaredGb18030WhoseTrailBytesAreDelimiters) {
    Decoder decoder;
    const std::string bytes = message("GB 18030-2000", kTrickyGb);
    const auto decoded = decoder.decode(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(decoded->text, message("GB 18030-2000", kTrickyUtf8));
    EXPECT_EQ(decoded->charset, Charset::Gb18030);
}

TEST(Hl7Charset, TakesUndeclaredBytesThatAreNotUtf8ForGb18030) {
    Decoder decoder;
    const std::string bytes = message("", kTrickyGb);
    const auto decoded = decoder.decode(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->text, message("", kTrickyUtf8));
}

TEST(Hl7Charset, TakesUndeclaredValidUtf8ForUtf8) {
    Decoder decoder;
    const std::string bytes = message("", kTrickyUtf8);
    const auto decoded = decoder.decode(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->charset, Charset::Utf8);
    EXPECT_EQ(decoded->text, bytes);
}

TEST(Hl7Charset, FindsMsh18BehindAFacilityWhoseTrailByteIsTheSeparator) {
    Decoder decoder;
    const std::string bytes =
        "MSH|^~\\&|\x96\x7C|H|V|V|2024||ADT^A01|1|P|2.5|||||CHN|GB 18030-2000\rPID|||1\r";
    const auto decoded = decoder.decode(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(decoded->text.substr(0, 14), "MSH|^~\\&|東|H");
}

TEST(Hl7Charset, StripsAByteOrderMark) {
    Decoder decoder;
    const auto utf8 = decoder.decode("\xEF\xBB\xBFMSH|^~\\&|王");
    ASSERT_TRUE(utf8);
    EXPECT_EQ(utf8->text, "MSH|^~\\&|王");
    Decoder gb(Charset::Gb18030);
    const auto marked = gb.decode("\x84\x31\x95\x33MSH|^~\\&|");
    ASSERT_TRUE(marked);
    EXPECT_EQ(marked->text, "MSH|^~\\&|");
}

TEST(Hl7Charset, UsesTheEndpointsSettingWhateverMsh18Says) {
    Decoder decoder(Charset::Gb18030);
    const auto decoded = decoder.decode(message("ASCII", "\x96\x7C"));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->text, message("ASCII", "東"));
}

TEST(Hl7Charset, RefusesBytesOutsideTheDeclaredSet) {
    Decoder decoder;
    for (const char* declared : {"ASCII", "UNICODE UTF-8", "GB 18030-2000"}) {
        const auto decoded = decoder.decode(message(declared, "\xFF\xFF"));
        ASSERT_FALSE(decoded) << declared;
        EXPECT_EQ(decoded.error().code(), Errc::Malformed);
        EXPECT_NE(decoded.error().message().find("undecodable character set"), std::string::npos);
        EXPECT_NE(decoded.error().message().find(declared), std::string::npos);
    }
}

TEST(Hl7Charset, RefusesATruncatedCharacter) {
    Decoder decoder;
    EXPECT_FALSE(decoder.decode("MSH|^~\\&|||||||||||||||||GB 18030-2000\rPID|\x96"));
    EXPECT_TRUE(decoder.decode("MSH|^~\\&|||||||||||||||||GB 18030-2000\rPID|\x96\x7C"))
        << "a failure leaves nothing behind";
}

TEST(Hl7Charset, RefusesNamesThatCannotTravel) {
    EXPECT_FALSE(charset_named("UNICODE UTF-16"));
    EXPECT_FALSE(charset_named("UNICODE UTF-32"));
    EXPECT_FALSE(charset_named("EBCDIC"));
}

TEST(Hl7Charset, KnowsTheNamesOfTable0211AndTheUsualOnes) {
    EXPECT_EQ(charset_named("8859/1"), Charset::Latin1);
    EXPECT_EQ(charset_named("8859/15"), Charset::Latin9);
    EXPECT_EQ(charset_named("ISO-8859-1"), Charset::Latin1);
    EXPECT_EQ(charset_named("utf-8"), Charset::Utf8);
    EXPECT_EQ(charset_named("UNICODE"), Charset::Utf8);
    EXPECT_EQ(charset_named("GBK"), Charset::Gb18030);
    EXPECT_EQ(charset_named("BIG-5"), Charset::Big5);
    EXPECT_EQ(charset_named("KS X 1001"), Charset::Korean);
    EXPECT_EQ(charset_named("ISO IR87"), Charset::Iso2022Jp);
}

TEST(Hl7Charset, EverySetDecodesSomethingOutsideAscii) {
    struct Sample {
        const char* name;
        const char* bytes;
        const char* utf8;
    };
    for (const auto& [name, bytes, utf8] :
         std::initializer_list<Sample>{{"8859/1", "\xE9", "é"},
                                       {"8859/2", "\xB1", "ą"},
                                       {"8859/3", "\xB1", "ħ"},
                                       {"8859/4", "\xB1", "ą"},
                                       {"8859/5", "\xB1", "Б"},
                                       {"8859/6", "\xC7", "ا"},
                                       {"8859/7", "\xE1", "α"},
                                       {"8859/8", "\xE0", "א"},
                                       {"8859/9", "\xFD", "ı"},
                                       {"8859/15", "\xA4", "€"},
                                       {"BIG-5", "\xA4\xFD", "王"},
                                       {"CNS 11643-1992", "\xC5\xDE", "王"},
                                       {"KS X 1001", "\xB1\xE8", "김"},
                                       {"ISO IR14", "\xB1", "ｱ"},
                                       {"~ISO IR87", "\x1B$B2&\x1B(B", "王"}}) {
        Decoder decoder;
        const auto decoded = decoder.decode(message(name, bytes));
        ASSERT_TRUE(decoded) << name << ": " << decoded.error().message();
        EXPECT_EQ(decoded->text, message(name, utf8)) << name;
    }
}

TEST(Hl7Charset, EncodesAnswersInTheMessagesSet) {
    Decoder decoder;
    EXPECT_EQ(decoder.encode("王東", Charset::Gb18030), "\xCD\xF5\x96\x7C");
    EXPECT_EQ(decoder.encode("plain", Charset::Gb18030), "plain");
    EXPECT_EQ(decoder.encode("é王", Charset::Latin1), "??") << "what the set lacks becomes ?";
}

TEST(Hl7Charset, ReadsTheSetting) {
    EXPECT_EQ(*charset_setting("auto"), std::nullopt);
    EXPECT_EQ(*charset_setting("GB 18030-2000"), Charset::Gb18030);
    EXPECT_EQ(charset_setting("klingon").error().code(), Errc::Configuration);
}

}  // namespace
}  // namespace vitalog::ingest::hl7
