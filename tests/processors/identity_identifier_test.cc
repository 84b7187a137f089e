#include <gtest/gtest.h>

#include <string>

#include "processors/identity/identifier.h"

namespace vitalog::processors::identity {
namespace {

std::string stored(const IdentifierEntity& entity) {
    std::string bytes;
    entity.encode(bytes);
    return bytes;
}

IdentifierEntity everything() {
    IdentifierEntity entity;
    entity.see({"HOSP", "100", "MR"});
    entity.bind("HOSP|100");
    entity.remember_linked({"INS", "7", "SS"});
    entity.list("INS|7");
    entity.list("HOSP|101");
    entity.adopt("HOSP|99", 3);
    entity.wait({true, "{}", RecordId{{1, 2, 3}}, EventTime(-5)});
    return entity;
}

TEST(Identifier, ReadsWhatItStored) {
    const std::string bytes = stored(everything());
    IdentifierEntity read;
    ASSERT_TRUE(read.decode(bytes).has_value());
    EXPECT_EQ(stored(read), bytes);
    EXPECT_EQ(read.home(), "HOSP|100");
    EXPECT_EQ(read.person(), person_founded_by("HOSP|99"));
    EXPECT_EQ(read.merge(), 3);
    EXPECT_EQ(read.listed(), (std::vector<std::string>{"HOSP|101", "INS|7"}));
    EXPECT_TRUE(read.has_linked({"INS", "7", ""}));
    ASSERT_EQ(read.waiting().size(), 1u);
    EXPECT_TRUE(read.waiting()[0].samples);
    EXPECT_EQ(read.waiting()[0].root, (RecordId{{1, 2, 3}}));
    EXPECT_EQ(read.waiting()[0].event_time, EventTime(-5));
}

TEST(Identifier, RefusesDamagedBytes) {
    const std::string bytes = stored(everything());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(IdentifierEntity().decode(bytes.substr(0, size)).error().code(), Errc::Damaged);
    EXPECT_FALSE(IdentifierEntity().decode(bytes + "x").has_value());
    EXPECT_NE(IdentifierEntity().decode("I\x03").error().message().find("form 3"),
              std::string::npos);
}

TEST(Identifier, KeepsTheHighestMergeInWhateverOrderNewsCome) {
    IdentifierEntity entity;
    entity.bind("a");
    EXPECT_TRUE(entity.adopt("c", 5));
    EXPECT_FALSE(entity.adopt("b", 4));
    EXPECT_FALSE(entity.adopt("c", 5));
    EXPECT_EQ(entity.current(), "c");
    EXPECT_EQ(entity.home(), "a");
    EXPECT_TRUE(entity.adopt("d", 6));
    EXPECT_EQ(entity.person(), person_founded_by("d"));
}

TEST(Identifier, TellsTheKeysOfSimilarIdentifiersApart) {
    EXPECT_TRUE(is_key_of("A|12", {"A", "12", ""}));
    EXPECT_FALSE(is_key_of("A|12", {"A", "1", ""}));
    EXPECT_FALSE(is_key_of("A|12", {"A", "13", ""}));
    EXPECT_FALSE(is_key_of("A|12", {"B", "12", ""}));
    EXPECT_FALSE(is_key_of("A12|", {"A", "12", ""}));
    EXPECT_TRUE(is_key_of("|12", {"", "12", ""}));
}

TEST(Identifier, KeepsTheWayItIsWrittenWhenItsAuthorityHoldsABar) {
    IdentifierEntity entity;
    entity.see({"A|B", "1", "MR"});
    const auto identifier = entity.identifier("A|B|1");
    EXPECT_EQ(identifier.authority, "A|B");
    EXPECT_EQ(identifier.value, "1");
    EXPECT_EQ(identifier.type, "MR");
}

TEST(Identifier, RemembersOnlySoManyLinks) {
    IdentifierEntity entity;
    for (std::size_t i = 0; i <= kLinkedMax; ++i) {
        const std::string value = std::to_string(i);
        entity.remember_linked({"INS", value, ""});
        EXPECT_EQ(entity.has_linked({"INS", value, ""}), i < kLinkedMax);
    }
}

}  // namespace
}  // namespace vitalog::processors::identity
