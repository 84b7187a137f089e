#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "processors/notify/notify.h"
#include "tests/support/stage_driver.h"

namespace vitalog::tests {

using namespace std::chrono_literals;
using schemas::DeliveryState;
using schemas::Priority;
using schemas::ReceiptState;
using schemas::Topic;

/// A site with sending switched on, and the verbs of a message's life.
class Notify : public ::testing::Test {
  protected:
    static constexpr std::string_view kDoctor = "user:li";
    static constexpr std::string_view kPatient = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static constexpr std::string_view kPack = R"(
id: test
version: "1"
templates:
  - name: patient-notice
    purpose: alert
    sms: {aliyun: SMS_1, text: 您有一条新的健康提醒，请登录查看。}
  - name: task-notice
    purpose: task
    sms: {aliyun: SMS_2, params: [minutes], text: "您有一项新的健康管理任务，请在${minutes}分钟内登录处理。"}
)";

    void SetUp() override {
        ASSERT_TRUE(settings({}));
        ASSERT_TRUE(driver.control("templates", "test", "1", kPack));
        start = driver.now();
    }
    Result<void> settings(std::vector<std::pair<std::string, std::string>> values) {
        schemas::Settings settings;
        settings.set("notify.mode", "live");
        for (auto& [key, value] : values) settings.set(std::move(key), std::move(value));
        return driver.control("settings", "site", "1", settings.to_body());
    }
    void contact(std::string_view recipient, std::string_view phone = "13800000001",
                 std::optional<schemas::Consent> consent = std::nullopt) {
        schemas::Contact event;
        event.recipient = recipient;
        event.phone = phone;
        event.consent = std::move(consent);
        ASSERT_TRUE(driver.event(recipient, event));
    }
    void consenting_patient(std::string_view patient = kPatient) {
        contact(patient, "13900000001", schemas::Consent{{"sms"}, {}});
    }
    static schemas::Intent to_doctor(std::string_view id, std::string_view recipient = kDoctor) {
        schemas::Intent intent;
        intent.intent = id;
        intent.recipient = recipient;
        intent.purpose = "task";
        intent.template_name = "task-notice";
        intent.params.items = {{"minutes", "60"}, {"diagnosis", "never sent"}};
        intent.task = "task1";
        intent.episode = "episode1";
        return intent;
    }
    static schemas::Intent to_patient(std::string_view id, std::string_view patient = kPatient) {
        schemas::Intent intent;
        intent.intent = id;
        intent.recipient = patient;
        intent.person = patient;
        intent.purpose = "alert";
        intent.template_name = "patient-notice";
        intent.episode = "episode1";
        return intent;
    }
    /// An intent that is worth sending for an hour from now on.
    void intend(schemas::Intent intent, std::chrono::microseconds useful = 60min) {
        intent.not_after = driver.now() + useful;
        ASSERT_TRUE(driver.event(intent.recipient, intent));
    }
    Result<void> receipt(std::string_view intent, ReceiptState state,
                         const std::string& attempt = "", std::string_view provider_id = "",
                         bool retryable = false) {
        schemas::Receipt event;
        event.recipient = key_of_receipts;
        event.intent = intent;
        event.attempt = attempt;
        event.state = state;
        event.code = "CODE";
        event.provider = provider_id.empty() ? "" : "aliyun";
        event.provider_id = provider_id;
        event.retryable = retryable;
        return driver.event(key_of_receipts, event);
    }
    /// "Not taken, try again."
    void refused_for_now(std::string_view intent) {
        ASSERT_TRUE(receipt(intent, ReceiptState::NotSent, "", "", true));
    }
    void report(std::string_view provider_key, ReceiptState state) {
        schemas::Receipt event;
        event.state = state;
        event.provider = "aliyun";
        event.provider_id = provider_key.substr(provider_key.rfind('|') + 1);
        ASSERT_TRUE(driver.event(provider_key, event));
    }
    void cancel(std::string_view recipient, std::string_view episode = "episode1") {
        const schemas::IntentCancel event{recipient, episode, "the task was decided"};
        ASSERT_TRUE(driver.event(recipient, event));
    }
    /// Feeds back, once, what notify wrote to its own topic.
    void deliver_own_records() {
        const auto outputs = driver.take();
        for (const auto& output : outputs)
            if (output.topic == Topic::Notification) {
                ASSERT_TRUE(driver.record(output.key, output.type, output.json));
            }
    }

    void after(std::chrono::microseconds passed) { driver.advance_to(start + passed); }
    schemas::Delivery last() {
        const auto deliveries = driver.of<schemas::Delivery>(Topic::Delivery);
        VITALOG_ASSERT(!deliveries.empty(), "no delivery was shown");
        return driver.as<schemas::Delivery>(deliveries.back());
    }
    DeliveryState state() { return last().state; }
    std::string reason() { return std::string(last().reason); }
    std::size_t sent() const { return driver.of<schemas::Send>(Topic::SendSms).size(); }
    schemas::Send last_sent() {
        return driver.as<schemas::Send>(driver.of<schemas::Send>(Topic::SendSms).back());
    }
    void forget() { driver.take(); }

    std::string_view key_of_receipts = kDoctor;
    processors::NotifyProcessor processor;
    StageDriver driver{processor};
    ReceivedTime start;
};

}  // namespace vitalog::tests
