#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "processors/processor.h"
#include "schemas/json_decode.h"

namespace vitalog::tests {

/// Runs one processor over records given by a test: entities in a map, timers by due time, outputs kept. After every
/// call the entity is encoded and decoded again, so that every test also tests the stored form; a refusal that
/// changed its entity fails the test.
class StageDriver {
  public:
    struct Output {
        schemas::Topic topic;
        std::string key;
        std::string type;
        std::string json;
        RecordId id;
        bool urgent = false;
    };
    struct DeadLetter {
        std::string reason;
        std::string at;
    };

    explicit StageDriver(processors::Processor& processor) : processor_(processor) {}

    /// One record; `received` defaults to the driver's now. Returns what the processor said.
    Result<void> record(std::string_view key, std::string_view type, std::string_view value);
    template <class E>
    Result<void> event(std::string_view key, const E& event) {
        return record(key, E::kType, schemas::encode(event));
    }
    Result<void> control(std::string_view kind, std::string_view name, std::string_view version,
                         std::string_view body);
    /// A record whose headers matter (feed records).
    Result<void> feed(std::string_view key, std::string_view value, std::string_view headers);

    ReceivedTime now() const { return now_; }
    void set_now(ReceivedTime now) { now_ = now; }
    /// Fires everything due up to and including `now`, in the order (due, entity).
    void advance_to(ReceivedTime now);

    const std::vector<Output>& outputs() const { return outputs_; }
    /// Gives the outputs so far and starts anew.
    std::vector<Output> take();
    std::vector<DeadLetter> dead_letters;
    std::map<std::string, double> counts;
    bool has_entity(std::string_view key) const { return entities_.contains(std::string(key)); }
    std::vector<processors::Timer> timers(std::string_view key) const;

    /// Decodes an output; fails the program when it is not of that type.
    template <class E>
    E as(const Output& output) {
        auto decoded = schemas::decode<E>(output.json, decoder_);
        VITALOG_ASSERT(decoded.has_value(), decoded ? "" : decoded.error().to_string());
        return *decoded;
    }
    /// The outputs so far of E's type on a topic.
    template <class E>
    std::vector<Output> of(schemas::Topic topic) const {
        std::vector<Output> found;
        for (const auto& output : outputs_)
            if (output.topic == topic && output.type == E::kType) found.push_back(output);
        return found;
    }

  private:
    struct Held {
        std::string bytes;
        std::map<std::string, processors::Timer> timers;
    };
    class DriverContext;

    Result<void> apply(processors::Input input);

    processors::Processor& processor_;
    std::map<std::string, Held> entities_;
    std::vector<Output> outputs_;
    schemas::Decoder decoder_;
    ReceivedTime now_{1'600'000'000'000'000};
    std::int64_t offset_ = 0;
};

}  // namespace vitalog::tests
