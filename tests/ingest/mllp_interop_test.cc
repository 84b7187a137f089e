#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/ingest/mllp_fixture.h"

// The listener against a client that was not written here: mllp_send of Debian's python3-hl7.

namespace vitalog::ingest::mllp {
namespace {

bool is_installed() {
    return std::system("command -v mllp_send > /dev/null 2>&1") == 0;
}

TEST(MllpInterop, MllpSendOfPython3Hl7GetsEveryMessageAccepted) {
    if (!is_installed())
        GTEST_SKIP() << "mllp_send is not installed; apt-get install python3-hl7 runs this test";
    Site site;
    const auto output = std::filesystem::path(::testing::TempDir()) /
                        ("vitalog_mllp_interop_answers." + std::to_string(getpid()));
    const std::string command =
        "mllp_send --loose --file " VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7 --port " +
        std::to_string(site.listener->port()) + " 127.0.0.1 > " + output.string() + " 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0);
    std::ifstream file(output, std::ios::binary);
    const std::string answers{std::istreambuf_iterator<char>(file), {}};
    std::size_t accepted = 0;
    for (std::size_t at = 0; (at = answers.find("MSA|CA|", at)) != std::string::npos; ++at)
        ++accepted;
    EXPECT_EQ(accepted, 1013U) << answers.substr(0, 500);
    EXPECT_EQ(site.appender.records("feed.his").size(), 1013U);
    EXPECT_TRUE(site.appender.records("dead-letter").empty());
    std::filesystem::remove(output);
}

}  // namespace
}  // namespace vitalog::ingest::mllp
