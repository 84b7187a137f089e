#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/intake/intake_processor.h"
#include "schemas/embed.h"
#include "schemas/events/control.h"
#include "schemas/json_decode.h"

namespace vitalog::tests {

/// Intake with the built-in tables in force, fed record by record; what comes out is kept.
class Intake : public processors::Context {
  public:
    struct Output {
        schemas::Topic topic;
        std::string key;
        std::string type;
        std::string json;
        bool broadcast = false;
        std::optional<EventTime> event_time;
    };
    struct DeadLetter {
        std::string reason;
        std::string at;
        friend bool operator==(const DeadLetter&, const DeadLetter&) = default;
    };

    explicit Intake(bool with_tables = true)
        : processor_(std::move(*ingest::IntakeProcessor::make())) {
        if (!with_tables) return;
        for (const auto& file : schemas::builtin_files()) control(file.kind, file.name, file.text);
    }

    void control(std::string_view kind, std::string_view name, std::string_view body) {
        const processors::Input input{{},       {},        schemas::Control::kType, "", "",
                                      received, Headers(), "feed.control/0/0"};
        const auto done = processor_->on_control({kind, name, "1", body}, input);
        EXPECT_TRUE(done.has_value()) << done.error().to_string();
    }
    void settings(const std::vector<std::pair<std::string, std::string>>& values) {
        schemas::Settings settings;
        for (const auto& [key, value] : values) settings.set(key, value);
        control("settings", "site", settings.to_body());
    }

    /// A record of a feed topic; a refusal is kept as a dead letter without place, as the runtime
    /// does.
    Result<void> feed(std::string_view topic, std::string_view value,
                      std::string_view format = {}) {
        std::string headers;
        if (!format.empty()) Headers::append(headers, header::kFormat, format);
        const TopicPartition tp{std::string(topic), Partition(0)};
        const Offset offset(next_offset++);
        const std::string source = to_string(tp, offset);
        const RecordId id = feed_record_id(Generation(1), tp, offset);
        const processors::Input input{
            id,
            id,
            "",
            "",
            value,
            received,
            Headers(headers),
            source,
            schemas::topic_named(tp.topic).value_or(schemas::Topic::Subject)};
        auto done = processor_->on_record(nullptr, input, *this);
        if (!done) dead.push_back({done.error().to_string(), ""});
        return done;
    }
    /// Segments without line ends; "\r" is put between them.
    Result<void> hl7(const std::vector<std::string>& segments) {
        std::string message;
        for (const auto& segment : segments) message += segment + "\r";
        return feed("feed.lis", message, "hl7v2");
    }

    void emit(schemas::Topic topic, std::string_view key, std::string_view type,
              std::string_view json, processors::EmitOptions options) override {
        outputs.push_back({topic, std::string(key), std::string(type), std::string(json), false,
                           options.event_time});
    }
    RecordId next_id() const override { return {}; }
    void forward(schemas::Topic, std::string_view) override { FAIL() << "intake forwards nothing"; }
    void broadcast(schemas::Topic topic, const schemas::Control& control) override {
        outputs.push_back(
            {topic, "", std::string(schemas::Control::kType), schemas::encode(control), true, {}});
    }
    void dead_letter(const Error& error, std::string_view at) override {
        dead.push_back({error.to_string(), std::string(at)});
    }
    void set_timer(std::string_view, ReceivedTime) override { FAIL() << "intake has no timers"; }
    void cancel_timer(std::string_view) override {}
    void remove_entity() override {}
    void count(std::string_view metric, Labels labels) override {
        for (const auto& [label, value] : labels)
            ++counts[std::string(metric) + "{" + std::string(label) + "=" + std::string(value) +
                     "}"];
    }

    /// The n-th output, read as an event. Its views live until the next call of as().
    template <class E>
    E as(std::size_t n) {
        EXPECT_LT(n, outputs.size());
        EXPECT_EQ(outputs.at(n).type, E::kType);
        auto event = schemas::decode<E>(outputs.at(n).json, decoder_);
        EXPECT_TRUE(event.has_value()) << event.error().to_string() << "\n" << outputs.at(n).json;
        return *event;
    }
    /// The observation of a message that gave just one.
    schemas::Observation observation(std::size_t output = 0) {
        const auto event = as<schemas::ClinicalEvent>(output);
        EXPECT_EQ(event.reports.size(), 1u);
        EXPECT_EQ(event.reports.at(0).observations.size(), 1u);
        return event.reports.at(0).observations.at(0);
    }
    ingest::IntakeProcessor& processor() { return *processor_; }

    std::vector<Output> outputs;
    std::vector<DeadLetter> dead;
    std::map<std::string, int> counts;
    ReceivedTime received{1'600'000'000'000'000};
    std::int64_t next_offset = 0;

  private:
    std::unique_ptr<ingest::IntakeProcessor> processor_;
    schemas::Decoder decoder_;
};

inline const std::string kMsh = "MSH|^~\\&|LAB|HOSP|VITALOG|X|20200501140643||ORU^R01|1|P|2.5.1";
inline const std::string kPid = "PID|1||7001^^^HOSP MRN^MR||Zhang^San||19800501|M";
inline const std::string kObr =
    "OBR|1|P1|F1|UE^Urea and electrolytes^L|||20200501130000|||||||||||||||||LAB|F";

/// A segment by its fields' numbers.
inline std::string segment(std::string id, const std::map<int, std::string>& fields) {
    for (int n = 1; !fields.empty() && n <= fields.rbegin()->first; ++n) {
        const auto field = fields.find(n);
        id += "|" + (field == fields.end() ? std::string() : field->second);
    }
    return id;
}

/// A result message around one OBX, which says what follows "OBX|1|".
inline std::vector<std::string> result(const std::string& obx) {
    return {kMsh, kPid, kObr, "OBX|1|" + obx};
}

/// The messages of the simulated hospital's file.
inline std::vector<std::string> simhospital_messages() {
    std::ifstream file(VITALOG_SOURCE_DIR "/tests/data/hl7/simhospital.hl7", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_FALSE(text.empty()) << "tests/data/hl7/simhospital.hl7 can't be read";
    std::vector<std::string> messages;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = text.find("\n\n", at);
        if (end == std::string::npos) end = text.size();
        if (end > at) messages.push_back(text.substr(at, end - at));
        at = end + 2;
    }
    return messages;
}

}  // namespace vitalog::tests
