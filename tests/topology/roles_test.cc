#include "topology/roles.h"

#include <gtest/gtest.h>

namespace vitalog::topology {
namespace {

TEST(Roles, AreAllUnlessSaid) {
    const auto roles = Roles::parse("");
    ASSERT_TRUE(roles.has_value());
    EXPECT_TRUE(roles->all());
    for (const char* role :
         {"listeners", "intake", "identity", "care", "desk", "notify", "effects", "views"})
        EXPECT_TRUE(roles->has(role)) << role;
}

TEST(Roles, AreThoseSaid) {
    const auto roles = Roles::parse("care,views");
    ASSERT_TRUE(roles.has_value());
    EXPECT_TRUE(roles->has("care"));
    EXPECT_TRUE(roles->has(Roles::kViews));
    EXPECT_FALSE(roles->has(Roles::kListeners));
    EXPECT_FALSE(roles->all());
}

TEST(Roles, AreNamedInTheErrorAboutAnUnknownOne) {
    for (const char* list : {"carer", "care,", ",care", "care,,views"}) {
        const auto roles = Roles::parse(list);
        ASSERT_FALSE(roles.has_value()) << list;
        EXPECT_EQ(roles.error().code(), Errc::Configuration);
        EXPECT_NE(roles.error().message().find("identity"), std::string::npos);
    }
}

}  // namespace
}  // namespace vitalog::topology
