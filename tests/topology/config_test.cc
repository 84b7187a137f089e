#include "topology/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "topology/site_log.h"

namespace vitalog::topology {
namespace {

Result<Config> with_flags(std::vector<std::pair<std::string, std::string>> flags) {
    Config::Sources sources;
    sources.flags = std::move(flags);
    return Config::load(sources);
}

std::string error_of(const Result<Config>& config) { return config ? "" : config.error().message(); }

std::string write_file(const std::string& text) {
    static const struct File {
        const std::string path = testing::TempDir() + std::to_string(getpid()) + ".vitalog_config_test.yaml";
        ~File() { std::remove(path.c_str()); }
    } file;
    std::ofstream(file.path) << text;
    return file.path;
}

TEST(Config, TakesFlagBeforeEnvironmentBeforeFileBeforeDefault) {
    Config::Sources sources;
    EXPECT_EQ(Config::load(sources)->text("desk.deadline"), "60m");
    sources.file = write_file("desk:\n  deadline: 50m\n");
    EXPECT_EQ(Config::load(sources)->text("desk.deadline"), "50m");
    sources.environment["VITALOG_DESK_DEADLINE"] = "40m";
    EXPECT_EQ(Config::load(sources)->text("desk.deadline"), "40m");
    sources.flags.emplace_back("desk.deadline", "30m");
    EXPECT_EQ(Config::load(sources)->text("desk.deadline"), "30m");
    EXPECT_NE(Config::load(sources)->show().find("desk.deadline = 30m  # flag"), std::string::npos);
    EXPECT_NE(Config::load(sources)->show().find("site.zone = Asia/Shanghai  # default"), std::string::npos);
}

TEST(Config, ReadsNestedAndDottedKeysAndLists) {
    Config::Sources sources;
    sources.file = write_file("site.zone: Europe/London\nsite:\n  authorities: [MRN, NHSNBR]\ndesk.escalate: [10m, 20m]\n");
    const auto config = Config::load(sources);
    ASSERT_TRUE(config) << error_of(config);
    EXPECT_EQ(config->text("site.zone"), "Europe/London");
    EXPECT_EQ(config->list("site.authorities"), (std::vector<std::string>{"MRN", "NHSNBR"}));
    EXPECT_EQ(config->text("desk.escalate"), "10m,20m");
}

TEST(Config, NamesTheKeyTheValueAndWhatIsAllowed) {
    EXPECT_NE(error_of(with_flags({{"desk.deadlin", "1h"}})).find("did you mean desk.deadline?"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"desk.deadline", "60"}})).find("must be a duration such as"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"log.partitions", "0"}})).find("1..1024"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"clock", "sundial"}})).find("system|manual"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"mllp.listen", "2575"}})).find("HOST:PORT"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"mllp.feed", "person"}})).find("feed.his"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"log.kind", "pulsar"}})).find("embedded|kafka"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"views.store", "mysql://db"}})).find("postgresql://"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"views.workers", "2"}})).find("one writer"), std::string::npos);
    EXPECT_EQ(error_of(with_flags({{"views.workers", "2"}, {"views.store", "postgresql://me@db:5432/v?sslmode=require"}})), "");
    for (const std::string secret : {"postgresql://me:secret@db/v", "postgresql://db/v?user=me&password=secret"}) {
        const std::string error = error_of(with_flags({{"views.store", secret}}));
        EXPECT_NE(error.find("~/.pgpass"), std::string::npos);
        EXPECT_EQ(error.find("secret"), std::string::npos);
    }
    EXPECT_NE(error_of(with_flags({{"notify.mode", "live"}})).find("notify.aliyun.url"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"topics.person.partitions", "many"}})).find("whole number"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"topics.nothing.partitions", "2"}})).find("there is no key"), std::string::npos);
    Config::Sources sources;
    sources.file = "/nowhere/vitalog.yaml";
    EXPECT_NE(error_of(Config::load(sources)).find("/nowhere/vitalog.yaml"), std::string::npos);
    sources.file = write_file("site: [\n");
    EXPECT_NE(error_of(Config::load(sources)).find("vitalog_config_test.yaml:"), std::string::npos);
}

TEST(Config, PublishesWhatProcessorsUseAndNothingElse) {
    const auto settings = with_flags({{"site.zone", "Europe/London"}})->processor_settings();
    EXPECT_EQ(settings.text("site.zone", ""), "Europe/London");
    EXPECT_EQ(settings.text("mllp.listen", "absent"), "absent");
}

TEST(Config, SampleFileIsTheOneInDocsAndLoads) {
    std::ifstream file(VITALOG_SOURCE_DIR "/docs/vitalog.yaml");
    const std::string kept{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(kept, sample_config()) << "run: vitalog config sample > docs/vitalog.yaml";
    Config::Sources sources;
    sources.file = VITALOG_SOURCE_DIR "/docs/vitalog.yaml";
    EXPECT_TRUE(Config::load(sources)) << error_of(Config::load(sources));
}

TEST(Config, ReadsSizes) {
    EXPECT_EQ(*parse_bytes("3GiB"), 3ULL << 30);
    EXPECT_EQ(*parse_bytes("1000"), 1000U);
    EXPECT_FALSE(parse_bytes("3GB"));
    EXPECT_FALSE(parse_bytes("-1"));
    EXPECT_FALSE(parse_bytes("9999999999TiB"));
}

TEST(Config, RefusesAVariableThatNothingReads) {
    const auto with = [](std::string name, std::string value) {
        Config::Sources sources;
        sources.environment[std::move(name)] = std::move(value);
        return Config::load(sources);
    };
    EXPECT_NE(error_of(with("VITALOG_DESK_DEDLINE", "1h")).find("did you mean VITALOG_DESK_DEADLINE?"),
              std::string::npos);
    EXPECT_NE(error_of(with("VITALOG_ALIYUN_KEYID", "k")).find("did you mean VITALOG_ALIYUN_KEY_ID?"),
              std::string::npos);
    EXPECT_NE(error_of(with("VITALOG_DESK_DEADLINE", "soon")).find("VITALOG_DESK_DEADLINE"), std::string::npos);
    EXPECT_TRUE(with("VITALOG_ALIYUN_KEY_ID", "k"));
    EXPECT_TRUE(with("VITALOG_TOKEN", "t"));
    EXPECT_EQ(with("VITALOG_TOPICS_TASK_BOARD_RETENTION", "9d")->topic_setting("task-board", "retention"), "9d");
}

TEST(Config, NamesTheNearestKey) {
    EXPECT_NE(error_of(with_flags({{"notfy.mode", "off"}})).find("did you mean notify.mode?"), std::string::npos);
    EXPECT_NE(error_of(with_flags({{"mllp.endpiont", "x"}})).find("did you mean mllp.endpoint?"), std::string::npos);
}

TEST(CheckLog, SaysWhatAClusterNeeds) {
    const auto said = [](const std::map<std::string, std::string>& flags, const std::string& password) {
        Config::Sources sources;
        for (const auto& [key, value] : flags) sources.flags.emplace_back(key, value);
        const auto config = Config::load(sources);
        EXPECT_TRUE(config.has_value());
        const auto checked = check_log(*config, password);
        return checked ? std::string() : checked.error().to_string();
    };
    EXPECT_EQ(said({}, ""), "");
    EXPECT_NE(said({{"log.kind", "kafka"}}, "").find("log.brokers"), std::string::npos);
    EXPECT_EQ(said({{"log.kind", "kafka"}, {"log.brokers", "k:9092"}}, ""), "");
    const std::map<std::string, std::string> sasl{
        {"log.kind", "kafka"}, {"log.brokers", "k:9092"}, {"log.sasl.mechanism", "PLAIN"}, {"log.sasl.user", "site"}};
    EXPECT_NE(said(sasl, "").find("VITALOG_KAFKA_PASSWORD"), std::string::npos);
    EXPECT_EQ(said(sasl, "secret"), "");
    EXPECT_NE(said({{"log.standby", "1"}}, "").find("log.standby"), std::string::npos);
}

}  // namespace
}  // namespace vitalog::topology
