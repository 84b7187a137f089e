#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "ingest/mllp/frame.h"

namespace vitalog::ingest::mllp {
namespace {

using Kind = Frame::Kind;

struct Seen {
    Kind kind;
    std::string content;
    std::uint64_t size;
    friend bool operator==(const Seen&, const Seen&) = default;
};
void PrintTo(const Seen& seen, std::ostream* out) {
    *out << static_cast<int>(seen.kind) << ":" << seen.content << "/" << seen.size;
}
Seen message(const std::string& content) {
    return {Kind::Message, content, content.size()};
}

void feed(FrameDecoder& decoder, std::string_view bytes, std::vector<Seen>& out) {
    std::memcpy(decoder.prepare(bytes.size()), bytes.data(), bytes.size());
    decoder.commit(bytes.size());
    while (const auto frame = decoder.next())
        out.push_back({frame->kind, std::string(frame->content), frame->size});
}

std::vector<Seen> cut(std::string_view bytes, std::size_t chunk = 1'000'000,
                      std::size_t limit = 1000) {
    FrameDecoder decoder(limit);
    std::vector<Seen> out;
    for (std::size_t at = 0; at < bytes.size(); at += chunk)
        feed(decoder, bytes.substr(at, chunk), out);
    while (const auto frame = decoder.flush(true))
        out.push_back({frame->kind, std::string(frame->content), frame->size});
    return out;
}

using Frames = std::vector<Seen>;

TEST(FrameDecoder, GivesSeveralFramesOfOneRead) {
    EXPECT_EQ(cut("\x0bone\x1c\r\x0btwo\x1c\r"), (Frames{message("one"), message("two")}));
}

TEST(FrameDecoder, GivesTheSameHoweverTheStreamIsCut) {
    const std::string stream = std::string("\0\r\n", 3) +
                               "\x0bMSH|one\x1c\r\n junk \x0b"
                               "two\vsoft\x1c\x0bMSH|three\x1c\r"
                               "MSH|bare\r\x0b\x1c\r\x0bMSH|lost\x0bMSH|found\x1c\r";
    const Frames whole = cut(stream);
    EXPECT_EQ(whole, (Frames{message("MSH|one"),
                             {Kind::Junk, "junk ", 5},
                             message("two\vsoft"),
                             message("MSH|three"),
                             {Kind::Unframed, "MSH|bare\r", 9},
                             message(""),
                             {Kind::Truncated, "MSH|lost", 8},
                             message("MSH|found")}));
    for (std::size_t chunk = 1; chunk < 40; ++chunk) EXPECT_EQ(cut(stream, chunk), whole) << chunk;
}

TEST(FrameDecoder, ManagesWithoutTheLastCarriageReturn) {
    EXPECT_EQ(cut("\x0bone\x1c\x0btwo\x1c"), (Frames{message("one"), message("two")}));
}

TEST(FrameDecoder, SkipsAndCountsBlanksBetweenFrames) {
    FrameDecoder decoder(100);
    Frames out;
    feed(decoder, std::string("\0\0\0\x0bone\x1c\r\n\0", 11), out);
    EXPECT_EQ(out, Frames{message("one")});
    EXPECT_EQ(decoder.blanks_skipped(), 6U);
}

TEST(FrameDecoder, ReportsAFrameThatTheStreamBrokeOff) {
    EXPECT_EQ(cut("\x0bMSH|half"), (Frames{{Kind::Truncated, "MSH|half", 8}}));
}

TEST(FrameDecoder, ReportsHl7WithoutAFrame) {
    EXPECT_EQ(cut("MSH|^~\\&|A\rPID|1\r"), (Frames{{Kind::Unframed, "MSH|^~\\&|A\rPID|1\r", 17}}));
    EXPECT_EQ(cut("MSH|a\x1c\r\x0bok\x1c\r"),
              (Frames{{Kind::Unframed, "MSH|a", 5}, message("ok")}));
    FrameDecoder decoder(100);
    Frames out;
    feed(decoder, "MSH|a", out);
    EXPECT_TRUE(out.empty());
    EXPECT_TRUE(decoder.holds_unframed());
    EXPECT_EQ(decoder.flush(false)->content, "MSH|a");
    EXPECT_FALSE(decoder.holds_unframed());
}

TEST(FrameDecoder, SilenceDoesNotEndAnOpenFrame) {
    FrameDecoder decoder(100);
    Frames out;
    feed(decoder, "\x0bhalf", out);
    EXPECT_FALSE(decoder.flush(false));
    feed(decoder, " done\x1c\r", out);
    EXPECT_EQ(out, Frames{message("half done")});
}

TEST(FrameDecoder, SkipsAFrameBeyondTheLimitToItsEnd) {
    const std::string large(5000, 'x');
    for (const std::size_t chunk : {1UL, 7UL, 1000UL, 100000UL}) {
        EXPECT_EQ(cut("\x0bMSH|" + large + "\x1c\r\x0bok\x1c\r", chunk).back(), message("ok"));
        const auto first = cut("\x0bMSH|" + large + "\x1c\r\x0bok\x1c\r", chunk).front();
        EXPECT_EQ(first.kind, Kind::TooLarge);
        EXPECT_EQ(first.size, 5004U);
        EXPECT_TRUE(first.content.starts_with("MSH|xxx"));
    }
}

TEST(FrameDecoder, TakesAFrameOfExactlyTheLimit) {
    const std::string content(1000, 'x');
    for (const std::size_t chunk : {1UL, 999UL, 100000UL}) {
        EXPECT_EQ(cut("\x0b" + content + "\x1c\r", chunk), Frames{message(content)});
        EXPECT_EQ(cut("\x0b" + content + "x\x1c\r", chunk).front().kind, Kind::TooLarge);
    }
}

TEST(FrameDecoder, KeepsOnlyTheHeadOfWhatIsTooLarge) {
    const std::string large(3 * FrameDecoder::kHeadKept, 'x');
    const auto seen = cut("\x0b" + large + "\x1c\r", 4096, FrameDecoder::kHeadKept);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].content.size(), FrameDecoder::kHeadKept);
    EXPECT_EQ(seen[0].size, large.size());
}

TEST(FrameDecoder, BoundsJunk) {
    const auto seen = cut(std::string(10 * FrameDecoder::kHeadKept, 'x'), 4096);
    EXPECT_GE(seen.size(), 9U);
    for (const auto& junk : seen) EXPECT_EQ(junk.kind, Kind::Junk);
}

TEST(FrameDecoder, WrapsForSending) {
    EXPECT_EQ(framed("x"), "\x0bx\x1c\r");
}

}  // namespace
}  // namespace vitalog::ingest::mllp
