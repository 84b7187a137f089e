#include "processors/risk/egfr.h"

#include <gtest/gtest.h>

namespace vitalog::processors::egfr {
namespace {

constexpr double kMilligram = 88.4;

struct Vector {
    Sex sex;
    int age;
    double creatinine;  ///< umol/L
    double expected;    ///< published or recomputed to two decimals
};

TEST(Egfr, AgreesWithTheVectors) {
    const Vector vectors[] = {
        {Sex::Male, 50, 0.9 * kMilligram, 104.05},
        {Sex::Female, 60, 0.8 * kMilligram, 84.30},
        {Sex::Male, 50, 1.2 * kMilligram, 73.67},
        {Sex::Female, 45, 88, 71.19},
        {Sex::Male, 70, 130, 50.97},
        {Sex::Female, 65, 150, 33.15},
        {Sex::Male, 80, 2.5 * kMilligram, 25.34},
    };
    for (const auto& v : vectors)
        EXPECT_NEAR(ckd_epi_2021(v.creatinine, v.age, v.sex), v.expected, 0.005);
}

// A public implementation takes the women's kappa (0.7) for men up to 0.9 mg/dL: 0.8 would
// give 91.8 instead of 107.8.
TEST(Egfr, MenKeepTheirKappaBelowIt) {
    EXPECT_NEAR(ckd_epi_2021(0.8 * kMilligram, 50, Sex::Male), 107.82, 0.01);
    EXPECT_GT(ckd_epi_2021(0.7 * kMilligram, 50, Sex::Male),
              ckd_epi_2021(0.8 * kMilligram, 50, Sex::Male));
    EXPECT_NEAR(ckd_epi_2021(0.9 * kMilligram, 50, Sex::Male),
                ckd_epi_2021(0.9001 * kMilligram, 50, Sex::Male), 0.02);
}

TEST(Egfr, CategoriesHaveTheirEdgesOnTheUnroundedValue) {
    EXPECT_EQ(category(90), "G1");
    EXPECT_EQ(category(89.99), "G2");
    EXPECT_EQ(category(60), "G2");
    EXPECT_EQ(category(59.99), "G3a");
    EXPECT_EQ(category(45), "G3a");
    EXPECT_EQ(category(44.99), "G3b");
    EXPECT_EQ(category(30), "G3b");
    EXPECT_EQ(category(29.99), "G4");
    EXPECT_EQ(category(15), "G4");
    EXPECT_EQ(category(14.99), "G5");
}

}  // namespace
}  // namespace vitalog::processors::egfr
