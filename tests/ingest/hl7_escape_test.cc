#include <gtest/gtest.h>

#include "ingest/hl7/escape.h"

namespace vitalog::ingest::hl7 {
namespace {

std::string plain(std::string_view raw, Charset charset = Charset::Utf8) {
    std::string scratch;
    return std::string(unescape(raw, Encoding{.delimiters = {}, .charset = charset}, scratch));
}

TEST(Hl7Escape, GivesTheSameViewWhenNothingIsEscaped) {
    std::string scratch;
    const std::string_view raw = "Smith & Sons";
    EXPECT_EQ(unescape(raw, Encoding{}, scratch).data(), raw.data());
}

TEST(Hl7Escape, UndoesDelimiters) {
    EXPECT_EQ(plain("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\P\\"), "a|b^c&d~e\\f#");
    EXPECT_EQ(plain("\\F\\\\S\\"), "|^");
}

TEST(Hl7Escape, GivesTheDelimitersOfTheMessage) {
    std::string scratch;
    const Encoding odd{
        .delimiters = {
            .field = '!', .component = '@', .repetition = '%', .escape = '/', .subcomponent = '*'}};
    EXPECT_EQ(unescape("/F//S//T//R//E/", odd, scratch), "!@*%/");
}

TEST(Hl7Escape, UndoesHexInTheMessagesCharacterSet) {
    EXPECT_EQ(plain("a\\X0D0A\\b"), "a\r\nb");
    EXPECT_EQ(plain("\\XE78E8B\\"), "王");
    EXPECT_EQ(plain("\\XCDF5\\", Charset::Gb18030), "王");
    EXPECT_EQ(plain("\\XCD\\\\Xf5\\小", Charset::Gb18030), "王小")
        << "one character over two escapes";
}

TEST(Hl7Escape, KeepsHexThatIsNoText) {
    EXPECT_EQ(plain("\\XFF\\"), "\\XFF\\") << "not UTF-8";
    EXPECT_EQ(plain("\\X0\\ \\XGG\\ \\X\\"), "\\X0\\ \\XGG\\ \\X\\");
}

TEST(Hl7Escape, TurnsFormattingIntoText) {
    EXPECT_EQ(plain("one\\.br\\two\\.sp2\\three\\.ce\\four"), "one\ntwo\n\nthree\nfour");
    EXPECT_EQ(plain("\\H\\bold\\N\\ \\.in+4\\in\\.sk 3\\x"), "bold in   x");
    EXPECT_EQ(plain("\\.sp99999999\\").size(), 100U) << "bounded";
}

TEST(Hl7Escape, KeepsUnknownAndBrokenSequences) {
    EXPECT_EQ(plain("\\C2842\\ \\M242A2B\\ \\Z01\\ \\.xx\\"),
              "\\C2842\\ \\M242A2B\\ \\Z01\\ \\.xx\\");
    EXPECT_EQ(plain("C:\\temp"), "C:\\temp");
    EXPECT_EQ(plain("end\\"), "end\\");
    EXPECT_EQ(plain("C:\\temp\\S\\x"), "C:\\temp^x")
        << "a lone escape character does not hide the next sequence";
}

TEST(Hl7Escape, EscapesWhatUnescapeGivesBack) {
    const std::string text = "a|b^c~d\\e&f\r\ng 王";
    EXPECT_EQ(plain(escape(text, Delimiters{})), text);
    EXPECT_EQ(escape(text, Delimiters{}).find_first_of("|^~&\r\n"), std::string::npos);
}

TEST(Hl7Escape, ArenaKeepsTextsApart) {
    TextArena arena;
    const auto one = arena.unescape("a\\F\\", Encoding{});
    const auto two = arena.unescape("b\\F\\", Encoding{});
    EXPECT_EQ(one, "a|");
    EXPECT_EQ(two, "b|");
}

}  // namespace
}  // namespace vitalog::ingest::hl7
