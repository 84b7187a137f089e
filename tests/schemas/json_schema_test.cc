// The schema files are what the codecs are: members, types and what is required, compared as the
// codecs see them; and what the codecs write is valid by Debian's python3-jsonschema. Descriptions
// are written by hand:
//     VITALOG_WRITE_SCHEMAS=1 json_schema_test     writes files anew, keeping the descriptions that
//     match
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "schemas/catalogue.h"
#include "schemas/feed_forms.h"
#include "tests/schemas/json_schema_of.h"
#include "tests/schemas/sample_of.h"

namespace vitalog::tests {
namespace {

const std::string kDirectory = VITALOG_SOURCE_DIR "/schemas/json/";
const std::string kScript = VITALOG_SOURCE_DIR "/tests/schemas/json_schema.py";

struct Case {
    std::string file;
    std::string schema;                ///< as the codec says
    std::vector<std::string> samples;  ///< with every member, and with the required ones only
};

std::vector<Case> cases() {
    std::vector<Case> list;
    schemas::for_each_event([&]<class E>(const schemas::EventInfo& info) {
        list.push_back({info.schema_file(),
                        SchemaWriter::document<E>(info.type, info.summary),
                        {schemas::encode(full_sample<E>()), schemas::encode(E{})}});
    });
    // A team travels as the body of a control record, and as a line of the directory's feed.
    list.push_back({"team-entry.v1.schema.json",
                    SchemaWriter::document<schemas::TeamEntry>("vitalog.team-entry.v1",
                                                               "A team's line of the directory."),
                    {schemas::encode(full_sample<schemas::TeamEntry>()),
                     schemas::encode(schemas::TeamEntry{})}});
    return list;
}

/// Writes one case per line for the script: {"file","schema","samples"}.
std::string write_cases(const std::filesystem::path& path) {
    std::string text;
    for (const auto& item : cases()) {
        schemas::JsonWriter json(text);
        json.begin_object();
        json.field("file", item.file);
        json.key("schema");
        json.raw(item.schema);
        json.key("samples");
        json.begin_array();
        for (const auto& sample : item.samples) json.raw(sample);
        json.end_array();
        json.end_object();
        text.push_back('\n');
    }
    std::ofstream(path) << text;
    return path.string();
}

int run(const std::string& mode) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("vitalog_schema_cases_" + mode + "_" + std::to_string(::getpid()));
    // Debian's interpreter, whatever else is on the PATH: the package python3-jsonschema belongs to
    // it.
    const std::string command =
        "/usr/bin/python3 " + kScript + " " + mode + " " + kDirectory + " " + write_cases(path);
    const int status = std::system(command.c_str());
    std::filesystem::remove(path);
    return WEXITSTATUS(status);
}

TEST(JsonSchemas, AreWhatTheCodecsAre) {
    if (std::getenv("VITALOG_WRITE_SCHEMAS") != nullptr) {
        ASSERT_EQ(run("write"), 0);
    }
    EXPECT_EQ(run("compare"), 0)
        << "run VITALOG_WRITE_SCHEMAS=1 json_schema_test and look at the difference";
}

TEST(JsonSchemas, AcceptWhatTheCodecsWriteAndRefuseWhatLacksAMember) {
    const int status = run("validate");
    if (status == 77)
        GTEST_SKIP() << "python3-jsonschema is missing: apt-get install python3-jsonschema";
    EXPECT_EQ(status, 0);
}

TEST(EventCatalogue, NamesEveryTypeOnceAndEveryFile) {
    std::set<std::string_view> types;
    std::set<std::string> files;
    for (const auto& event : schemas::event_catalogue()) {
        EXPECT_TRUE(types.insert(event.type).second) << event.type;
        files.insert(event.schema_file());
        EXPECT_TRUE(std::filesystem::exists(kDirectory + event.schema_file()))
            << event.schema_file();
        EXPECT_FALSE(event.topics.empty());
    }
    for (const auto& form : schemas::kFeedForms) files.emplace(form.schema_file);
    for (const auto& entry : std::filesystem::directory_iterator(kDirectory))
        EXPECT_TRUE(files.contains(entry.path().filename().string()))
            << entry.path() << " belongs to no event";
}

TEST(FeedForms, HaveTheSchemasOfTheEventsOnTheirTopics) {
    std::set<std::pair<schemas::Topic, std::string>> forms;
    std::set<std::string_view> names;
    for (const auto& form : schemas::kFeedForms) {
        EXPECT_TRUE(schemas::info(form.topic).feed) << form.name;
        EXPECT_TRUE(names.insert(form.name).second) << form.name;
        forms.emplace(form.topic, form.schema_file);
        EXPECT_TRUE(std::filesystem::exists(kDirectory + std::string(form.schema_file)))
            << form.schema_file;
    }
    for (const auto& event : schemas::event_catalogue()) {
        for (const auto topic : event.topics) {
            const bool has_form = forms.contains({topic, event.schema_file()});
            EXPECT_EQ(has_form, schemas::info(topic).feed) << event.type;
        }
    }
    for (const auto& topic : schemas::kTopics)
        EXPECT_EQ(schemas::usual_format(topic.topic).empty(), !topic.feed) << topic.name;
}

TEST(EventCatalogue, KnowsEveryEventThatTheHeadersDeclare) {
    std::set<std::string> declared;
    for (const auto& entry :
         std::filesystem::directory_iterator(VITALOG_SOURCE_DIR "/schemas/events")) {
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        constexpr std::string_view kMark = "kType = \"";
        for (std::size_t at = 0; (at = text.find(kMark, at)) != std::string::npos;) {
            at += kMark.size();
            declared.insert(text.substr(at, text.find('"', at) - at));
        }
    }
    std::set<std::string> known;
    for (const auto& event : schemas::event_catalogue()) known.emplace(event.type);
    EXPECT_EQ(declared, known);
}

}  // namespace
}  // namespace vitalog::tests
