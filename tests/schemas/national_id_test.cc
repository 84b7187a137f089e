#include "schemas/base/national_id.h"

#include <gtest/gtest.h>

namespace vitalog {
namespace {

// The number that GB 11643-1999 itself gives as its example.
constexpr const char* kPublished = "11010519491231002X";

TEST(NationalId, AcceptsThePublishedExample) {
    EXPECT_TRUE(is_national_id(kPublished));
}

TEST(NationalId, AcceptsADigitAsCheckCharacter) {
    EXPECT_TRUE(is_national_id("440524188001010014"));  // the standard's second example
}

TEST(NationalId, TakesASmallXForALargeOne) {
    EXPECT_EQ(canonical_national_id("11010519491231002x"), kPublished);
}

TEST(NationalId, RefusesEveryOtherCheckCharacter) {
    for (const char check : std::string("0123456789"))
        EXPECT_FALSE(is_national_id(std::string("11010519491231002") + check)) << check;
}

TEST(NationalId, RefusesADateThatDoesNotExist) {
    // 19490230 with the right check character for that text.
    EXPECT_FALSE(is_national_id("110105194902300020"));
    for (char check = '0'; check <= '9'; ++check)
        EXPECT_FALSE(is_national_id(std::string("11010519490230002") + check));
    EXPECT_FALSE(is_national_id("11010519490230002X"));
}

TEST(NationalId, RefusesOtherLengthsAndLetters) {
    EXPECT_FALSE(is_national_id(""));
    EXPECT_FALSE(is_national_id("11010519491231002"));
    EXPECT_FALSE(is_national_id("11010519491231002X1"));
    EXPECT_FALSE(is_national_id("1101051949123100AX"));
    EXPECT_FALSE(is_national_id("110105491231002"));  // the 15 digits of old cards carry no check
}

TEST(NationalId, FindsTheCheckCharacter) {
    EXPECT_EQ(national_id_check_character("11010519491231002"), 'X');
    EXPECT_EQ(national_id_check_character("44052418800101001"), '4');
}

TEST(NationalId, KnowsTheDateOfBirth) {
    EXPECT_EQ(national_id_birth_date(kPublished), (Date{1949, 12, 31}));
    EXPECT_EQ(national_id_birth_date("110105194912310021"), std::nullopt);
}

}  // namespace
}  // namespace vitalog
