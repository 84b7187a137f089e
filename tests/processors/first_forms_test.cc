// Entities as the first version stored them: read, and what they did not have is empty.

#include <gtest/gtest.h>

#include "processors/care/person.h"
#include "processors/desk/task_entity.h"
#include "processors/identity/identifier.h"
#include "processors/notify/recipient_entity.h"
#include "processors/stored_form.h"

namespace vitalog::processors {
namespace {

constexpr ReceivedTime kAt = ReceivedTime(1'795'248'000'000'000);

RecordId id_of(std::string_view what) {
    return IdHash().part(what).finish();
}

void write_id(BinaryWriter& out, std::string_view what) {
    for (const auto byte : id_of(what).bytes) out.u8(byte);
}

void write_rule(BinaryWriter& out) {
    for (const char* text : {"potassium", "2", "acute-core", "1", "Potassium", "a book", "alert",
                             "patient-notice", "mmol/L", ""})
        out.text(text);
    out.u8(static_cast<std::uint8_t>(schemas::RuleKind::Threshold));
    out.u8(static_cast<std::uint8_t>(schemas::Priority::High));
    out.boolean(true);
    out.signed_varint(24'000'000);
    out.signed_varint(-1);
    out.varint(2);
    out.text("2823-3");
    out.text("6298-4");
    out.varint(0);  // clear bands
    out.varint(1);
    out.text("3");
    out.text("worst");
    out.u8(static_cast<std::uint8_t>(schemas::Priority::High));
    out.boolean(false);
    for (const auto limit :
         {std::optional<double>(2.5), std::optional<double>(6.2), std::optional<double>(3.0),
          std::optional<double>(5.8), std::optional<double>(), std::optional<double>(0.5),
          std::optional<double>(), std::optional<double>()}) {
        out.boolean(limit.has_value());
        if (limit) out.real(*limit);
    }
    out.u8(static_cast<std::uint8_t>(schemas::ChangeDirection::Fall));
    out.signed_varint(7);
}

void write_sample(BinaryWriter& out, std::string_view name, std::int64_t delta, double value) {
    write_id(out, name);
    write_id(out, "event");
    out.fixed64(99);
    out.signed_varint(delta);
    out.real(value);
    out.signed_varint(5'000'000);
    out.signed_varint(480);
    out.varint(1);
    out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(Precision::Minute) |
                                     static_cast<unsigned>(care::Comparator::Greater) << 3 |
                                     static_cast<unsigned>(care::Standing::Corrected) << 6));
    out.u8(4);
    out.text("HH");
    out.fixed32(1234);
}

void write_episode(BinaryWriter& out, bool open, bool task) {
    write_id(out, open ? "open" : "closed");
    out.signed_varint(3);
    write_rule(out);
    out.u8(static_cast<std::uint8_t>(schemas::Priority::High));
    out.text("3");
    out.text("Potassium 6.8");
    out.signed_varint(0);
    out.boolean(open);
    out.boolean(false);
    out.boolean(true);
    out.signed_varint(kAt.micros());
    out.signed_varint(480);
    out.u8(static_cast<std::uint8_t>(Precision::Minute));
    if (task)
        write_id(out, "task");
    else
        for (int i = 0; i < 16; ++i) out.u8(0);
    out.varint(1);
    write_id(out, "b");
    out.boolean(task);
    if (!task) return;
    out.u8(static_cast<std::uint8_t>(schemas::DecisionAction::Modify));
    out.text("li");
    out.signed_varint(kAt.micros());
}

std::string first_person() {
    std::string bytes;
    BinaryWriter out(bytes);
    out.u8('P');
    out.u8(2);
    out.boolean(true);
    out.signed_varint(1960);
    out.u8(2);
    out.u8(29);
    out.u8(static_cast<std::uint8_t>(care::Sex::Female));
    out.boolean(false);
    out.text("general");
    out.text("");
    out.varint(1);
    out.boolean(true);
    out.real(3.5);
    out.boolean(false);
    out.varint(1);
    for (const char* text : {"2823-3", "mmol/L", "Potassium"}) out.text(text);
    out.varint(2);
    write_sample(out, "a", kAt.micros(), 4.125);
    write_sample(out, "b", 3'600'000'000, 6.8);
    out.varint(2);
    write_episode(out, true, true);
    write_episode(out, false, false);
    return bytes;
}

TEST(FirstForms, PersonWithResultsAndEpisodes) {
    care::Person person;
    const auto decoded = person.decode(first_person());
    ASSERT_TRUE(decoded.has_value()) << decoded.error().to_string();
    EXPECT_EQ(person.birth_date->day, 29);
    EXPECT_EQ(person.team, "general");
    ASSERT_EQ(person.results.series().size(), 1u);
    const auto samples = person.results.samples(0);
    ASSERT_EQ(samples.size(), 2u);
    EXPECT_EQ(samples[0].at, kAt.as<EventTime>());
    EXPECT_EQ(samples[1].at, kAt.as<EventTime>() + std::chrono::hours(1));
    EXPECT_EQ(samples[1].sent, samples[1].at + std::chrono::seconds(5));
    EXPECT_EQ(samples[1].value, 6.8);
    EXPECT_EQ(samples[1].flags_text(), "HH");
    EXPECT_EQ(samples[1].digest, 1234u);
    EXPECT_EQ(samples[1].precision, Precision::Minute);
    EXPECT_EQ(samples[1].comparator, care::Comparator::Greater);
    EXPECT_EQ(samples[1].standing, care::Standing::Corrected);
    EXPECT_EQ(person.results.range_of(samples[0]).low, 3.5);
    EXPECT_TRUE(person.results.find(id_of("b")).has_value());

    ASSERT_EQ(person.episodes.size(), 2u);
    const care::Episode* open = person.open_episode("potassium");
    ASSERT_NE(open, nullptr);
    EXPECT_EQ(open->alert, id_of("open"));
    EXPECT_EQ(open->revision, 3);
    EXPECT_EQ(open->task, id_of("task"));
    EXPECT_TRUE(open->wants_task);
    EXPECT_TRUE(open->told);
    EXPECT_EQ(open->decided->user, "li");
    EXPECT_EQ(open->rule->loinc, (std::vector<std::string>{"2823-3", "6298-4"}));
    EXPECT_EQ(open->rule->high, (schemas::Limit{6.2, false}));
    EXPECT_EQ(open->rule->clear_low, (schemas::Limit{3.0, false}));
    EXPECT_EQ(open->rule->bands.at(0).problem, "worst");
    EXPECT_EQ(open->rule->ratio, 0.5);
    EXPECT_EQ(open->rule->within, std::chrono::microseconds(7));
    EXPECT_FALSE(open->rule->patient_within.has_value());
    EXPECT_FALSE(person.episodes[1].wants_task);
    EXPECT_EQ(person.episodes[1].ended, kAt.as<EventTime>());

    std::string now;
    person.encode(now);
    care::Person again;
    ASSERT_TRUE(again.decode(now).has_value());
    EXPECT_EQ(again.episodes.size(), 2u);
    EXPECT_EQ(again.results.samples(0)[1], samples[1]);
}

TEST(FirstForms, APersonCutShortOrChangedIsNoPerson) {
    const std::string bytes = first_person();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(care::Person().decode(std::string_view(bytes).substr(0, size)).has_value())
            << size;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(~changed[i]);
        (void)care::Person().decode(changed);  // for sanitizers: it ends
    }
}

TEST(FirstForms, Identifier) {
    std::string bytes;
    BinaryWriter out(bytes);
    out.u8('I');
    out.u8(1);
    out.varint(6);
    out.text("account");
    out.boolean(true);
    out.text("");
    out.text("");
    out.signed_varint(0);
    out.varint(0);
    out.varint(0);
    out.varint(1);
    out.text("{}");
    write_id(out, "root");
    out.boolean(true);
    out.signed_varint(12);
    identity::IdentifierEntity identifier;
    ASSERT_TRUE(identifier.decode(bytes).has_value());
    ASSERT_EQ(identifier.waiting().size(), 1u);
    EXPECT_FALSE(identifier.waiting()[0].samples);
    EXPECT_EQ(identifier.waiting()[0].value, "{}");
    EXPECT_EQ(identifier.waiting()[0].root, id_of("root"));
    EXPECT_EQ(identifier.waiting()[0].event_time, EventTime(12));
}

TEST(FirstForms, Task) {
    using schemas::TaskStatus;
    std::string bytes("VT\2", 3);
    StoredWriter out(bytes);
    const std::string none;
    const std::vector<std::string> nobody;
    out(std::int64_t{4}, std::string("alert1"), std::string("person1"), std::string("rule1"),
        std::string("2"), std::string("general"), none, TaskStatus::Requested, none,
        schemas::Priority::High, std::string("Potassium"), ZonedTime{}, kAt,
        kAt + std::chrono::hours(1), std::vector<ReceivedTime>{kAt + std::chrono::minutes(35)}, 1,
        false);
    BinaryWriter(bytes).varint(1);  // evidence
    out(std::string("o1"), std::string("e1"), std::string("2823-3"), std::string("Potassium"),
        std::optional<double>(6.8), none, std::string("mmol/L"), none, ZonedTime{},
        std::optional<double>(), std::optional<double>(5.3), std::string("H"),
        std::string("rising"));
    out(std::optional<HeldOutcome>(), std::vector<HeldJudgement>(1), nobody, std::int64_t{2}, kAt);
    TaskEntity task("t1");
    const auto decoded = task.decode(bytes);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().to_string();
    EXPECT_EQ(task.alert, "alert1");
    EXPECT_EQ(task.escalation, 1);
    EXPECT_EQ(task.next_strike(), kAt + std::chrono::hours(1)) << "no reminder was pinned";
    ASSERT_EQ(task.evidence.size(), 1u);
    EXPECT_EQ(task.evidence[0].trend, "rising");
    EXPECT_FALSE(task.state().evidence.at(0).shown.has_value()) << "nobody knows";
    ASSERT_EQ(task.requests.size(), 1u);
    EXPECT_EQ(task.notices, 2);
    EXPECT_EQ(task.changed, kAt);
}

TEST(FirstForms, Recipient) {
    using schemas::DeliveryState;
    const std::string none;
    const std::vector<std::string> nothing;
    std::string bytes("VN\2", 3);
    StoredWriter out(bytes);
    out(true, std::string("13800000001"), none, std::string("Asia/Shanghai"), false, nothing,
        nothing, none, none);
    BinaryWriter(bytes).varint(1);  // intents
    out(std::string("i1"), std::int64_t{2}, std::string("task"), none, std::string("t1"), none,
        none, schemas::Priority::High, kAt + std::chrono::hours(1), kAt, kAt);
    BinaryWriter(bytes).varint(1);  // messages
    out(std::string("sms"), std::string("SMS_2"), none, std::string("text"),
        std::vector<std::pair<std::string, std::string>>{{"minutes", "60"}});
    out(nothing, std::string("sms"), DeliveryState::Waiting, Hold::Backoff,
        kAt + std::chrono::minutes(1), std::int64_t{3}, std::string("i1-3"), none, none, none,
        none);
    out(none, nothing, std::int64_t{20'000}, std::int64_t{3},
        std::optional<ReceivedTime>(kAt + std::chrono::minutes(1)));
    RecipientEntity recipient("user:li");
    const auto decoded = recipient.decode(bytes);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().to_string();
    EXPECT_EQ(recipient.contact.zone, "Asia/Shanghai");
    EXPECT_EQ(recipient.contact.robot, "");
    ASSERT_EQ(recipient.intents.size(), 1u);
    const HeldIntent& intent = recipient.intents[0];
    EXPECT_EQ(intent.channel_attempts, 3);
    EXPECT_EQ(intent.due(), kAt + std::chrono::minutes(1));
    EXPECT_FALSE(intent.watched());
    EXPECT_EQ(intent.messages.at(0).text, "text");
    EXPECT_EQ(recipient.sent_today, 3);
    EXPECT_EQ(recipient.armed, kAt + std::chrono::minutes(1));
}

}  // namespace
}  // namespace vitalog::processors
