// Directory, decisions, receipts, control records.
#include "schemas/events/directory.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "tests/ingest/intake_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::Control;
using schemas::Topic;

TEST(IntakeDirectory, PassesAPatientsLineOnUnderItsIdentifier) {
    Intake intake;
    ASSERT_TRUE(
        intake.feed("feed.directory",
                    R"({"patient":"MRN|7001","team":"renal","phone":"13900000001","openid":"o1",
        "accounts":["HUAWEI|u1"],"zone":"Asia/Shanghai","consent":{"alert":["sms","wechat"],"reminder":["wechat"]},
        "quiet":{"from":"22:00","to":"07:00"}})",
                    "json"));
    ASSERT_EQ(intake.outputs.size(), 1u);
    EXPECT_EQ(intake.outputs[0].topic, Topic::Subject);
    EXPECT_EQ(intake.outputs[0].key, "MRN|7001");
    const auto entry = intake.as<schemas::PatientEntry>(0);
    EXPECT_EQ(entry.team, "renal");
    EXPECT_EQ(entry.accounts, std::vector<std::string_view>{"HUAWEI|u1"});
    EXPECT_EQ(entry.consent->alert.size(), 2u);
    EXPECT_EQ(entry.quiet->from, "22:00");
}

TEST(IntakeDirectory, SendsATeamToEveryDeskAndItsMembersToNotify) {
    Intake intake;
    ASSERT_TRUE(intake.feed(
        "feed.directory",
        R"({"team":"renal","name":"Renal","members":[{"user":"li","name":"Li Wei","phone":"139",
        "openid":"o9"},{"user":"wang"}],"duty_doctor":"li","duty_group":"renal"})",
        "json"));
    ASSERT_EQ(intake.outputs.size(), 4u);
    for (const std::size_t i : {0, 1}) {
        EXPECT_TRUE(intake.outputs[i].broadcast);
        const auto control = intake.as<Control>(i);
        EXPECT_EQ(control.kind, "team");
        EXPECT_EQ(control.name, "renal");
        schemas::Decoder decoder;
        const std::string body(control.body);
        EXPECT_EQ(schemas::decode<schemas::TeamEntry>(body, decoder)->duty_doctor, "li");
    }
    EXPECT_EQ(intake.outputs[0].topic, Topic::Task);
    EXPECT_EQ(intake.outputs[1].topic, Topic::Notification);
    EXPECT_EQ(intake.outputs[2].key, "user:li");
    EXPECT_EQ(intake.as<schemas::Contact>(2).phone, "139");
    EXPECT_EQ(intake.outputs[3].key, "user:wang");
}

TEST(IntakeDirectory, TakesLinesAndArraysItemByItem) {
    for (const std::string body :
         {"{\"patient\":\"A|1\"}\n{\"patient\":\"bad\"}\n\n{\"patient\":\"A|3\"}\n",
          "[{\"patient\":\"A|1\"}, {\"patient\":\"bad\"},{\"patient\":\"A|3\"}]"}) {
        Intake intake;
        ASSERT_TRUE(intake.feed("feed.directory", body, "json")) << body;
        EXPECT_EQ(intake.outputs.size(), 2u);
        ASSERT_EQ(intake.dead.size(), 1u);
        EXPECT_EQ(intake.dead[0],
                  (Intake::DeadLetter{"malformed: member 'patient' 'bad' must be AUTHORITY|ID",
                                      "item 2"}));
    }
}

void expect_refused(std::string_view topic, std::string_view body, const std::string& reason,
                    std::string_view format = "json") {
    Intake intake;
    EXPECT_FALSE(intake.feed(topic, body, format).has_value()) << body;
    EXPECT_EQ(intake.dead.at(0).reason, reason) << body;
    EXPECT_TRUE(intake.outputs.empty());
}

TEST(IntakeDirectory, RefusesWhatItCantRead) {
    const std::string not_items =
        "malformed: not a JSON object, an array of objects, or one object per line";
    for (const auto body : {"", "hello", "[1]", "[{},]", "{\"patient\":", "{} x", "[{}"})
        expect_refused("feed.directory", body, not_items);
    expect_refused("feed.directory", "{}",
                   "missing: a directory line needs 'patient' (AUTHORITY|ID) or 'team'");
    expect_refused("feed.directory", R"({"patient":"A|1","accounts":["u1"]})",
                   "malformed: member 'accounts' 'u1' must be AUTHORITY|ID");
    expect_refused("feed.directory", R"({"patient":"A|1","phone":139})",
                   "malformed: member 'phone' must be a string");
    expect_refused("feed.directory", R"({"team":"t","members":[{"user":""}]})",
                   "missing: member 'user' of team 't' must not be empty");
}

TEST(IntakeDecision, PassesADecisionOnUnderItsTask) {
    Intake intake;
    ASSERT_TRUE(intake.feed(
        "feed.decision",
        R"({"task":"t1","action":"reject","user":"li","reason":"known","request_id":"r1"})",
        "json"));
    EXPECT_EQ(intake.outputs.at(0).topic, Topic::Task);
    EXPECT_EQ(intake.outputs.at(0).key, "t1");
    EXPECT_EQ(intake.as<schemas::Decision>(0).action, schemas::DecisionAction::Reject);
    EXPECT_EQ(intake.as<schemas::Decision>(0).request_id, "r1");
}

TEST(IntakeDecision, RefusesWhatNamesNoTaskUserOrKnownAction) {
    expect_refused("feed.decision", R"({"task":"","action":"accept","user":"li"})",
                   "missing: member 'task' must not be empty");
    expect_refused("feed.decision", R"({"task":"t","action":"accept","user":""})",
                   "missing: member 'user' must not be empty");
    expect_refused("feed.decision", R"({"action":"accept","user":"li"})",
                   "missing: member 'task' is required");
    expect_refused("feed.decision", R"({"task":"t","action":"eat","user":"li"})",
                   "malformed: member 'action' must be one of the known words, not 'eat'");
}

TEST(IntakeReceipt, GoesToItsRecipientElseToTheProvidersMessage) {
    Intake intake;
    ASSERT_TRUE(intake.feed(
        "feed.receipt",
        R"({"recipient":"user:li","intent":"i","attempt":"a","state":"delivered","at":"2026-01-01T00:00:00Z"})",
        "json"));
    ASSERT_TRUE(intake.feed(
        "feed.receipt",
        R"({"provider":"aliyun","provider_id":"B1","state":"unknown","at":"2026-01-01T00:00:00Z"})",
        "json"));
    EXPECT_EQ(intake.outputs.at(0).topic, Topic::Notification);
    EXPECT_EQ(intake.outputs.at(0).key, "user:li");
    EXPECT_EQ(intake.outputs.at(1).key, "provider|aliyun|B1");
}

TEST(IntakeReceipt, RefusesWhatBelongsNowhere) {
    expect_refused("feed.receipt",
                   R"({"recipient":"user:li","state":"delivered","at":"2026-01-01T00:00:00Z"})",
                   "missing: a receipt with 'recipient' needs 'intent' and 'attempt' too");
    expect_refused("feed.receipt",
                   R"({"provider":"aliyun","state":"delivered","at":"2026-01-01T00:00:00Z"})",
                   "missing: a receipt needs 'recipient', 'intent' and 'attempt', or 'provider' "
                   "and 'provider_id'");
    expect_refused(
        "feed.receipt",
        R"({"recipient":"r","intent":"i","attempt":"a","state":"delivered","at":"yesterday"})",
        "malformed: 'yesterday' is not an RFC 3339 time such as 2020-05-01T14:06:43+08:00");
}

TEST(IntakeReceipt, ReadsAliyunsReports) {
    Intake intake;
    ASSERT_TRUE(intake.feed(
        "feed.receipt",
        R"([{"phone_number":"13900000001","send_time":"2026-01-01 07:59:58","report_time":"2026-01-01 08:00:00","success":true,
        "err_code":"DELIVERED","err_msg":"ok","sms_size":"1","biz_id":"B1","out_id":"user:li|i1|a1"},
       {"success":"false","err_code":"MK:0001","biz_id":"B2","report_time":"nonsense","out_id":""},
       {"success":true,"report_time":"2026-01-01 08:00:00"},{"biz_id":"B4"}])",
        "aliyun-report"));
    ASSERT_EQ(intake.outputs.size(), 2u);
    const auto delivered = intake.as<schemas::Receipt>(0);
    EXPECT_EQ(intake.outputs[0].key, "user:li");
    EXPECT_EQ(delivered.intent, "i1");
    EXPECT_EQ(delivered.attempt, "a1");
    EXPECT_EQ(delivered.state, schemas::ReceiptState::Delivered);
    EXPECT_EQ(delivered.code, "DELIVERED");
    EXPECT_EQ(delivered.provider_id, "B1");
    EXPECT_EQ(to_rfc3339(delivered.at), "2026-01-01T00:00:00Z");
    const auto failed = intake.as<schemas::Receipt>(1);
    EXPECT_EQ(intake.outputs[1].key, "provider|aliyun|B2");
    EXPECT_EQ(failed.state, schemas::ReceiptState::Failed);
    EXPECT_EQ(failed.at, intake.received);
    ASSERT_EQ(intake.dead.size(), 2u);
    EXPECT_EQ(intake.dead[0].at, "item 3");
    EXPECT_EQ(intake.dead[1],
              (Intake::DeadLetter{"missing: member 'success' is required", "item 4"}));
}

std::string control_json(std::string_view kind, std::string_view name, std::string_view body) {
    return schemas::encode(Control{kind, name, "1", body});
}

TEST(IntakeControl, CopiesWhatIsInOrderToEveryPartition) {
    Intake intake;
    schemas::Settings settings;
    settings.set("site.zone", "Europe/London");
    ASSERT_TRUE(
        intake.feed("feed.control", control_json("settings", "site", settings.to_body()), "json"));
    ASSERT_EQ(intake.outputs.size(), 4u);
    const std::vector<Topic> topics{Topic::Subject, Topic::Person, Topic::Task,
                                    Topic::Notification};
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(intake.outputs[i].broadcast);
        EXPECT_EQ(intake.outputs[i].topic, topics[i]);
    }
}

TEST(IntakeControl, TakesTheBuiltInPack) {
    Intake intake;
    for (const auto& file : schemas::builtin_files()) {
        const auto done =
            intake.feed("feed.control", control_json(file.kind, file.name, file.text), "json");
        EXPECT_TRUE(done.has_value()) << file.name << ": " << done.error().to_string();
    }
    EXPECT_EQ(intake.outputs.size(), 4 * schemas::builtin_files().size());
}

TEST(IntakeControl, RefusesABodyThatCouldNotTakeForce) {
    const auto refused = [](std::string_view kind, std::string_view body) {
        Intake intake;
        const auto done = intake.feed("feed.control", control_json(kind, "site", body), "json");
        EXPECT_FALSE(done.has_value()) << kind;
        EXPECT_TRUE(intake.outputs.empty());
        return done ? std::string() : done.error().to_string();
    };
    EXPECT_EQ(refused("spells", "x"),
              "unsupported: control kind 'spells' must be one of settings, zones, units, "
              "codes, measures, rules, templates, team, clock");
    EXPECT_EQ(refused("units", "units: []"),
              "configuration: site:1: begin the file with 'format: vitalog.units.v1'");
    EXPECT_NE(refused("settings", "[]"), "");
    EXPECT_NE(
        refused("settings", R"({"settings":[{"key":"site.zone","value":"Moon/Tranquillity"}]})"),
        "");
    EXPECT_NE(refused("settings", R"({"settings":[{"key":"hl7.charset","value":"EBCDIC"}]})"), "");
    EXPECT_NE(refused("rules", "no rules"), "");
    EXPECT_NE(refused("templates", "no templates"), "");
    EXPECT_NE(refused("team", "{}"), "");
}

TEST(IntakeControl, KeepsTheOldTablesWhenNewOnesAreRefused) {
    Intake intake;
    const std::string before(intake.processor().tables_version());
    const processors::Input input{
        {}, {}, Control::kType, "", "", intake.received, Headers(), "feed.control/0/0"};
    EXPECT_FALSE(intake.processor().on_control(
        {"codes", "loinc.yaml", "2", "format: vitalog.codes.v1\nobservables: 7\n"}, input));
    EXPECT_EQ(before, intake.processor().tables_version());
    EXPECT_FALSE(intake.processor().on_control(
        {"settings", "site", "2", R"({"settings":[{"key":"site.zone","value":"No/Where"}]})"},
        input));
}

TEST(Intake, RefusesFormsAndTopicsThatItDoesNotRead) {
    expect_refused("feed.wearable", "{}",
                   "unsupported: records of 'feed.wearable' in the form 'hl7v2' are not read here; "
                   "set the header "
                   "'format' to a form that this topic has",
                   "hl7v2");
    expect_refused("feed.his", "{}",
                   "unsupported: records of 'feed.his' in the form 'fhir' are not read here; set "
                   "the header 'format' to "
                   "a form that this topic has",
                   "fhir");
    expect_refused("person", "{}",
                   "unsupported: records of 'person' in the form 'json' are not read here; set "
                   "the header 'format' to a "
                   "form that this topic has");
}

TEST(Intake, TakesATopicsUsualFormWithoutHeader) {
    Intake intake;
    EXPECT_TRUE(intake.feed("feed.his", kMsh + "\r" + kPid + "\r"));
    EXPECT_TRUE(intake.feed("feed.decision", R"({"task":"t","action":"accept","user":"li"})"));
    EXPECT_EQ(intake.outputs.size(), 2u);
}

}  // namespace
}  // namespace vitalog::tests
