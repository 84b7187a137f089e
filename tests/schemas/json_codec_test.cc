#include <gtest/gtest.h>

#include <limits>

#include "schemas/catalogue.h"
#include "schemas/json_decode.h"
#include "tests/schemas/sample_of.h"

namespace vitalog::schemas {
namespace {

struct Part {
    std::string_view name;
    template <class V>
    void members(V& v) {
        v("name", name);
    }
};
struct Sample {
    std::string_view text;
    std::optional<double> number;
    std::int64_t count = 0;
    bool flag = false;
    Priority priority = Priority::Low;
    std::optional<ZonedTime> at;
    std::optional<Date> day;
    std::vector<std::string_view> words;
    Part part;
    std::vector<Part> parts;
    StringMap map;
    RawJson raw;
    template <class V>
    void members(V& v) {
        v.required("text", text);
        v("number", number);
        v.required("count", count);
        v("flag", flag);
        v("priority", priority);
        v("at", at);
        v("day", day);
        v("words", words);
        v("part", part);
        v("parts", parts);
        v("map", map);
        v("raw", raw);
    }
};

TEST(JsonCodec, ReadsBackEveryEvent) {
    for_each_event([]<class E>(const EventInfo& info) {
        const E event = tests::full_sample<E>();
        const std::string text = encode(event);
        Decoder decoder;
        auto again = decode<E>(text, decoder);
        ASSERT_TRUE(again.has_value()) << info.type << ": " << again.error().to_string();
        EXPECT_EQ(encode(*again), text) << info.type;
    });
}

TEST(JsonCodec, LeavesOutWhatIsEmptyAndWritesWhatIsRequired) {
    EXPECT_EQ(encode(Sample{}), R"({"text":"","count":0,"priority":"low"})");
}

TEST(JsonCodec, EscapesWhatJsonNeeds) {
    Sample sample;
    sample.text = "\"\\\n\r\t\x01 张三 \x7f";
    const std::string text = encode(sample);
    EXPECT_NE(text.find(R"("\"\\\n\r\t\u0001 张三 )"), std::string::npos);
    Decoder decoder;
    EXPECT_EQ(decode<Sample>(text, decoder)->text, sample.text);
}

TEST(JsonCodec, WritesTheShortestNumberThatReadsBackTheSame) {
    Decoder decoder;
    for (const double number :
         {0.1, 88.4, 1e21, -0.0, 5e-324, std::numeric_limits<double>::max(), 1.0 / 3}) {
        Sample sample;
        sample.number = number;
        const std::string text = encode(sample);
        EXPECT_EQ(*decode<Sample>(text, decoder)->number, number) << text;
    }
    Sample sample;
    sample.number = std::numeric_limits<double>::infinity();
    const std::string text = encode(sample);
    EXPECT_NE(text.find("\"number\":null"), std::string::npos);
    EXPECT_FALSE(decode<Sample>(text, decoder)->number.has_value());
}

TEST(JsonCodec, IgnoresUnknownMembersInAnyOrder) {
    Decoder decoder;
    const auto sample = decode<Sample>(
        R"({"new":{"a":[1,{}]},"count":3,"text":"x","part":{"name":"p","more":1}})", decoder);
    ASSERT_TRUE(sample.has_value());
    EXPECT_EQ(sample->count, 3);
    EXPECT_EQ(sample->part.name, "p");
}

TEST(JsonCodec, PassesRawJsonOnAsItIs) {
    Decoder decoder;
    for (const auto raw : {R"({"a": [1, 2]})", "[1, 2]", "17", "\"x\"", "true", "null"}) {
        const std::string text = std::string(R"({"text":"","count":0,"raw":)") + raw + "}";
        auto sample = decode<Sample>(text, decoder);
        ASSERT_TRUE(sample.has_value()) << raw;
        EXPECT_EQ(sample->raw.text, raw);
    }
}

void expect_error(std::string_view text, Errc code, std::string_view part_of_message) {
    Decoder decoder;
    const auto sample = decode<Sample>(text, decoder);
    ASSERT_FALSE(sample.has_value()) << text;
    EXPECT_EQ(sample.error().code(), code) << text;
    EXPECT_NE(sample.error().message().find(part_of_message), std::string::npos)
        << sample.error().message();
}

TEST(JsonCodec, NamesTheMemberAtFault) {
    expect_error(R"({"count":1})", Errc::Missing, "'text'");
    expect_error(R"({"text":1,"count":1})", Errc::Malformed, "'text' must be a string");
    expect_error(R"({"text":"","count":1.5})", Errc::Malformed, "'count' must be a whole number");
    expect_error(R"({"text":"","count":1,"priority":"urgent"})", Errc::Malformed, "not 'urgent'");
    expect_error(R"({"text":"","count":1,"at":"noon"})", Errc::Malformed, "noon");
    expect_error(R"({"text":"","count":1,"words":"a"})", Errc::Malformed,
                 "'words' must be an array");
    expect_error(R"({"text":"","count":1,"parts":[1]})", Errc::Malformed,
                 "'parts' must be an object");
    expect_error(R"({"text":"","count":1,"map":{"a":1}})", Errc::Malformed,
                 "'map' must be an object of strings");
    expect_error(R"({"text":"","count":1,"flag":"yes"})", Errc::Malformed,
                 "'flag' must be true or false");
}

TEST(JsonCodec, RefusesWhatIsNoObject) {
    for (const auto text : {"", " ", "[]", "1", "\"x\"", "{", R"({"text":"a")",
                            R"({"text":"","count":1} {})", R"({"text":"","count":1}])"}) {
        Decoder decoder;
        EXPECT_FALSE(decode<Sample>(text, decoder).has_value()) << text;
    }
}

}  // namespace
}  // namespace vitalog::schemas
