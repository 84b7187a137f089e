#include <gtest/gtest.h>

#include "ingest/hl7/identifiers.h"

namespace vitalog::ingest::hl7 {
namespace {

/// A PID behind an MSH whose sending facility is SFAC.
class Pid {
  public:
    explicit Pid(const std::string& pid) : text_("MSH|^~\\&|APP|SFAC^1.2.3^ISO\r" + pid) {
        EXPECT_TRUE(message_.parse(text_));
        read_identifiers(message_.segment("PID"), sending_facility(message_.msh(), arena_), arena_,
                         found_);
    }
    std::vector<std::string> keys() const {
        std::vector<std::string> keys;
        for (const auto& identifier : found_)
            keys.push_back(identifier.key() + " " + std::string(identifier.type));
        return keys;
    }
    std::string primary_key(const std::vector<std::string>& authorities) const {
        const auto* identifier = primary(found_, authorities);
        return identifier == nullptr ? "none" : identifier->key();
    }

  private:
    std::string text_;
    Message message_;
    TextArena arena_;
    std::vector<schemas::Identifier> found_;
};

using Keys = std::vector<std::string>;

TEST(Hl7Identifiers, TakesEveryRepetitionOfPid3) {
    const Pid pid("PID|1||259^^^SIMULATOR MRN^MRN~247^^^NHSNBR^NHSNMBR");
    EXPECT_EQ(pid.keys(), (Keys{"SIMULATOR MRN|259 MRN", "NHSNBR|247 NHSNMBR"}));
}

TEST(Hl7Identifiers, TakesUniversalIdThenFacilityWhereNoNamespaceIsGiven) {
    EXPECT_EQ(Pid("PID|1||5^^^&2.16.156&ISO^MR~6").keys(), (Keys{"2.16.156|5 MR", "SFAC|6 "}));
    EXPECT_EQ(Pid("PID|1||5^^^\"\"^MR").keys(), (Keys{"SFAC|5 MR"}));
}

TEST(Hl7Identifiers, LeavesOutEmptyNullAndRepeatedOnes) {
    EXPECT_EQ(Pid("PID|1||~\"\"^^^A~5^^^A~5^^^A").keys(), (Keys{"A|5 "}));
    EXPECT_EQ(Pid("PID|1||").keys(), Keys{});
}

TEST(Hl7Identifiers, FallsBackToPid2) {
    EXPECT_EQ(Pid("PID|1|9^^^OLD").keys(), (Keys{"OLD|9 "}));
    EXPECT_EQ(Pid("PID|1|9^^^OLD|5^^^A").keys(), (Keys{"A|5 "}));
}

TEST(Hl7Identifiers, FindsACheckedNationalIdInPid19) {
    const std::string before = "PID|1||5^^^A|||||||||||||||";
    EXPECT_EQ(Pid(before + "|11010519491231002x").keys(),
              (Keys{"A|5 ", "GB11643|11010519491231002X NI"}));
    EXPECT_EQ(Pid(before + "|110105194912310021").keys(), (Keys{"A|5 "}))
        << "wrong check character";
}

TEST(Hl7Identifiers, FindsACheckedNationalIdInPid3) {
    EXPECT_EQ(Pid("PID|1||5^^^A~11010519491231002X^^^MPS^NI").keys(),
              (Keys{"A|5 ", "MPS|11010519491231002X NI", "GB11643|11010519491231002X NI"}));
    EXPECT_EQ(Pid("PID|1||11010519491231002X^^^A^MR").keys(), (Keys{"A|11010519491231002X MR"}))
        << "only where the type says that it is one";
}

TEST(Hl7Identifiers, UndoesEscapes) {
    EXPECT_EQ(Pid("PID|1||5\\T\\6^^^A\\S\\B").keys(), (Keys{"A^B|5&6 "}));
}

TEST(Hl7Identifiers, PrimaryFollowsTheSitesOrder) {
    const Pid pid("PID|1||259^^^MRN~247^^^NHS");
    EXPECT_EQ(pid.primary_key({}), "MRN|259");
    EXPECT_EQ(pid.primary_key({"NHS", "MRN"}), "NHS|247");
    EXPECT_EQ(pid.primary_key({"OTHER", "NHS"}), "NHS|247");
    EXPECT_EQ(pid.primary_key({"OTHER"}), "MRN|259");
    EXPECT_EQ(Pid("PID|1").primary_key({"MRN"}), "none");
}

}  // namespace
}  // namespace vitalog::ingest::hl7
