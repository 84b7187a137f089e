#include "schemas/base/binary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "schemas/base/record.h"

namespace vitalog {
namespace {

TEST(Binary, ReadsBackWhatItWrote) {
    std::string bytes;
    BinaryWriter writer(bytes);
    const std::vector<std::uint64_t> varints{
        0, 1, 127, 128, 16'383, 16'384, std::numeric_limits<std::uint64_t>::max()};
    const std::vector<std::int64_t> numbers{0,
                                            -1,
                                            1,
                                            -64,
                                            64,
                                            std::numeric_limits<std::int64_t>::min(),
                                            std::numeric_limits<std::int64_t>::max()};
    for (const auto value : varints) writer.varint(value);
    for (const auto value : numbers) writer.signed_varint(value);
    writer.u8(255);
    writer.fixed32(0xdeadbeef);
    writer.fixed64(0x0123456789abcdef);
    writer.real(-0.1);
    writer.real(std::numeric_limits<double>::quiet_NaN());
    writer.boolean(true);
    writer.text("");
    writer.text(std::string_view("a\0b", 3));

    BinaryReader reader(bytes);
    for (const auto value : varints) EXPECT_EQ(reader.varint(), value);
    for (const auto value : numbers) EXPECT_EQ(reader.signed_varint(), value);
    EXPECT_EQ(reader.u8(), 255);
    EXPECT_EQ(reader.fixed32(), 0xdeadbeefu);
    EXPECT_EQ(reader.fixed64(), 0x0123456789abcdefu);
    EXPECT_EQ(reader.real(), -0.1);
    EXPECT_TRUE(std::isnan(reader.real()));
    EXPECT_TRUE(reader.boolean());
    EXPECT_EQ(reader.text(), "");
    EXPECT_EQ(reader.text(), std::string_view("a\0b", 3));
    EXPECT_TRUE(reader.finish("test").has_value());
}

TEST(Binary, GivesZeroAfterTheEndAndSaysSo) {
    const std::vector<std::string> broken{"", "\xff\xff", "\x05", std::string(11, '\xff')};
    for (const auto& bytes : broken) {
        BinaryReader reader(bytes);
        reader.varint();
        reader.text();
        EXPECT_EQ(reader.fixed64(), 0u);
        EXPECT_EQ(reader.text(), "");
        EXPECT_FALSE(reader.ok());
        EXPECT_EQ(reader.finish("a thing").error().message(), "a thing does not follow its format");
    }
}

TEST(Binary, RefusesATextLongerThanWhatIsLeft) {
    std::string bytes;
    BinaryWriter(bytes).varint(std::numeric_limits<std::uint64_t>::max());
    BinaryReader reader(bytes);
    EXPECT_EQ(reader.text(), "");
    EXPECT_FALSE(reader.ok());
}

TEST(Binary, RefusesACountThatCantFit) {
    std::string bytes;
    BinaryWriter(bytes).varint(1'000'000);
    BinaryReader reader(bytes);
    EXPECT_EQ(reader.count(), 0u);
    EXPECT_FALSE(reader.ok());
}

TEST(Binary, IsDamagedWhereSomethingIsLeft) {
    BinaryReader reader("ab");
    reader.u8();
    EXPECT_EQ(reader.finish("x").error().code(), Errc::Damaged);
}

TEST(Headers, FindTheFirstOfAName) {
    std::string encoded;
    Headers::append(encoded, "a", "1");
    Headers::append(encoded, "b", "");
    Headers::append(encoded, "a", "2");
    const Headers headers(encoded);
    EXPECT_EQ(headers.find("a"), "1");
    EXPECT_EQ(headers.find("b"), "");
    EXPECT_EQ(headers.find("c"), "");
    EXPECT_EQ(headers.all().size(), 3u);
}

TEST(Headers, EndWhereTheyAreBroken) {
    std::string encoded;
    Headers::append(encoded, "a", "1");
    EXPECT_EQ(Headers(encoded + "\x09xx").all().size(), 1u);
    EXPECT_EQ(Headers(encoded + "\x09xx").find("xx"), "");
}

}  // namespace
}  // namespace vitalog
