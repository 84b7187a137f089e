#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "benchmarks/stage_harness.h"
#include "schemas/events/control.h"

namespace vitalog::benchmarks {

/// Appends to the topic `person`, with the headers that identity gives its records.
class PersonTopic {
  public:
    explicit PersonTopic(StageHarness& harness) : filler_(harness.filler(schemas::Topic::Person)) {}

    /// `received`: microseconds since 1970.
    void add(std::string_view key, std::string_view type, std::string_view value,
             std::int64_t received) {
        const std::string id = IdHash().part("bench").part(written_++).finish().to_string();
        headers_.clear();
        Headers::append(headers_, header::kSpecVersion, "1.0");
        Headers::append(headers_, header::kId, id);
        Headers::append(headers_, header::kType, type);
        Headers::append(headers_, header::kSource, "vitalog/identity");
        Headers::append(headers_, header::kTime, "2023-11-14T22:13:20Z");
        Headers::append(headers_, header::kContentType, "application/json");
        Headers::append(headers_, header::kRoot, id);
        Headers::append(headers_, header::kCause, id);
        Headers::append(headers_, header::kReceived, std::to_string(received));
        filler_.add(key, headers_, value);
    }
    /// The publication of a rule pack.
    void rules(std::string_view name, const std::string& pack, std::int64_t received) {
        add("", schemas::Control::kType,
            schemas::encode(schemas::Control{"rules", name, "1", pack}), received);
    }
    /// Of one of the built-in packs.
    void builtin_rules(const std::string& name, std::int64_t received) {
        std::ifstream file(VITALOG_SOURCE_DIR "/schemas/rules/" + name);
        rules(name, {std::istreambuf_iterator<char>(file), {}}, received);
    }
    void flush() { filler_.flush(); }

  private:
    StageHarness::Filler filler_;
    std::string headers_;
    std::int64_t written_ = 0;
};

}  // namespace vitalog::benchmarks
