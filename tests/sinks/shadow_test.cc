#include <gtest/gtest.h>

#include <list>

#include "sinks/fhir/shadow_api.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::DeliveryState;

const std::string kAnna = hex_id("anna");
const std::string kAlert = hex_id("alert");
const std::string kTask = hex_id("task");

/// 2026-11-20 at `clock` of the site, UTC+8.
ReceivedTime on_the_day(const std::string& clock) {
    return ReceivedTime(*parse_rfc3339("2026-11-20T" + clock + "+08:00"));
}

struct Shadow : testing::Test {
    Shadow() { api.register_routes(router); }

    schemas::Delivery message(const std::string& intent, const std::string& recipient,
                              const std::string& clock) {
        schemas::Delivery one;
        one.intent = intents.emplace_back(hex_id(intent));
        one.revision = 1;
        one.recipient = intents.emplace_back(recipient);
        one.episode = kAlert;
        one.purpose = "task";
        one.channel = "sms";
        one.state = DeliveryState::Suppressed;
        one.reason = "notify.mode is off";
        one.template_name = "SMS_2";
        one.text = "您有一项新的任务。";
        one.priority = schemas::Priority::High;
        one.created = one.changed = on_the_day(clock);
        return one;
    }
    schemas::Delivery to_patient(const std::string& intent, const std::string& clock) {
        schemas::Delivery one = message(intent, kAnna, clock);
        one.person = kAnna;
        one.purpose = "alert";
        one.template_name = "SMS_1";
        one.text = "您有一条新的健康提醒。";
        return one;
    }
    void add(const schemas::Delivery& delivery) {
        archive.apply({Records()
                           .add(delivery, delivery.recipient, delivery.created.micros())
                           .batch("delivery", next_++)});
    }
    void alert() {
        schemas::AlertEvent alert;
        alert.id = kAlert;
        alert.revision = 1;
        alert.person = kAnna;
        alert.rule = "aki";
        alert.rule_version = "7";
        alert.pack_version = "1";
        alert.problem = "Acute kidney injury stage 3";
        alert.task = kTask;
        archive.apply({Records().add(alert, kAlert, 1).batch("alert", next_++)});
    }
    void decided(schemas::DecisionAction action, const std::string& words) {
        auto task = open_task(kTask, kAlert, kAnna);
        task.version = ++version_;
        task.status = schemas::TaskStatus::Completed;
        task.outcome =
            schemas::TaskOutcome{action, "dr.wu", words, "", at("2026-11-20T08:00:00+08:00")};
        archive.apply({Records().add(task, kTask, 1).batch("task-board", next_++)});
    }
    std::string text(const std::string& query = "?day=2026-11-20") {
        const auto answer = router.get("/admin/shadow" + query, {"li", "operator", {}});
        EXPECT_EQ(answer.status, 200) << answer.body;
        return answer.body;
    }
    static bool has(const std::string& text, std::string_view part) {
        return text.find(part) != std::string::npos;
    }

    Archive archive;
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    sinks::fhir::ShadowApi api{
        archive.reader, log, clock, {{}, "Asia/Shanghai", *schemas::ZoneRule::parse("CST-8")}};
    FakeRouter router;

  private:
    std::list<std::string> intents;
    std::uint32_t next_ = 0;
    std::int64_t version_ = 1;
};

TEST_F(Shadow, TellsWhoWouldHaveBeenToldWhatAndWhy) {
    alert();
    add(message("one", "user:dr.li", "08:12:03"));
    const auto told = text();
    EXPECT_TRUE(has(told, "Messages of 2026-11-20, Asia/Shanghai")) << told;
    EXPECT_TRUE(has(told, "08:12:03  high   would go      sms     user:dr.li\n")) << told;
    EXPECT_TRUE(has(told, "a new task, template SMS_2\n")) << told;
    EXPECT_TRUE(has(told, "rule aki@7, alert " + kAlert + ", task " + kTask.substr(0, 8))) << told;
    EXPECT_TRUE(has(told, "notify.mode was off")) << told;
    EXPECT_TRUE(has(told, "您有一项新的任务。")) << told;
}

TEST_F(Shadow, LetsDoctorsToldAtOnceShareALine) {
    add(message("one", "user:dr.li", "08:12:03"));
    add(message("two", "user:dr.wu", "08:12:03"));
    add(message("three", "user:dr.wu", "08:12:04"));
    const auto told = text();
    const bool either =
        has(told, "user:dr.li, user:dr.wu\n") || has(told, "user:dr.wu, user:dr.li\n");
    EXPECT_TRUE(either) << told;
    EXPECT_TRUE(has(told, "08:12:04")) << told;
    EXPECT_TRUE(has(told, "3 messages\n")) << told;
}

TEST_F(Shadow, SaysWhyNobodyWouldHaveBeenReached) {
    auto none = to_patient("one", "09:00:00");
    none.state = DeliveryState::Failed;
    none.channel = none.template_name = none.text = "";
    none.reason = "no consent for alert by sms or wechat";
    add(none);
    const auto told = text();
    EXPECT_TRUE(has(told, "would not go  -       patient " + kAnna.substr(0, 8))) << told;
    EXPECT_TRUE(has(told, "because no consent for alert by sms or wechat")) << told;
    EXPECT_FALSE(has(told, "notify.mode was off")) << told;
}

TEST_F(Shadow, NamesNoDiagnosisNoWholePatientAndNoWordOfADoctor) {
    alert();
    auto own_words = to_patient("one", "09:00:00");
    own_words.text = "Creatinine 310, stop ibuprofen";
    add(own_words);
    const auto hides = [&](const std::string& told) {
        for (const std::string secret : {"Creatinine", "ibuprofen", "kidney", kAnna.c_str()})
            EXPECT_FALSE(has(told, secret)) << told;
    };
    hides(text());  // nobody knows yet whose words they are
    for (const auto action : {schemas::DecisionAction::Modify, schemas::DecisionAction::Confirm}) {
        decided(action, own_words.text.data());
        const auto told = text();
        EXPECT_TRUE(has(told, " by dr.wu)")) << told;
        hides(told);
    }
}

TEST_F(Shadow, ShowsTheTemplatesTextWhereTheDoctorConfirmed) {
    alert();
    decided(schemas::DecisionAction::Confirm, "");
    add(to_patient("one", "09:00:00"));
    EXPECT_TRUE(has(text(), "SMS_1                    您有一条新的健康提醒。"));
}

TEST_F(Shadow, TakesTheDayOnTheSitesClock) {
    add(message("first", "user:a", "00:00:00"));
    add(message("last", "user:b", "23:59:59"));
    EXPECT_TRUE(has(text(), "2 messages\n"));
    EXPECT_TRUE(has(text("?day=2026-11-19"), "0 messages\n"));
    EXPECT_TRUE(has(text("?day=2026-11-21"), "0 messages\n"));
}

TEST_F(Shadow, CountsWhatItDoesNotTell) {
    for (int i = 0; i < 5; ++i)
        add(message("m" + std::to_string(i), "user:dr.li", "10:00:0" + std::to_string(i)));
    const auto told = text("?day=2026-11-20&max=2");
    EXPECT_TRUE(has(told, "5 messages\n")) << told;
    EXPECT_TRUE(has(told, "and 3 more")) << told;
    EXPECT_FALSE(has(told, "10:00:02")) << told;
}

TEST_F(Shadow, IsForOperatorsAndAudited) {
    add(to_patient("one", "09:00:00"));
    for (const char* role : {"doctor", "gateway", "hospital"})
        EXPECT_EQ(router.get("/admin/shadow", {"x", role, {}}).status, 403) << role;
    EXPECT_TRUE(values_of(log, "audit").empty());
    text();
    const auto audit = values_of(log, "audit");
    ASSERT_EQ(audit.size(), 1U);
    EXPECT_TRUE(has(audit[0], kAnna)) << audit[0];
    EXPECT_TRUE(has(audit[0], "Shadow")) << audit[0];
}

TEST_F(Shadow, RefusesADayOrANumberThatIsNone) {
    for (const char* query :
         {"?day=soon", "?day=2026-11", "?day=2026-02-30", "?max=0", "?max=10001", "?max=x"})
        EXPECT_EQ(router.get(std::string("/admin/shadow") + query, {"li", "operator", {}}).status,
                  400)
            << query;
}

}  // namespace
}  // namespace vitalog::tests
