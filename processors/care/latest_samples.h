#pragma once

#include <vector>

#include "processors/care/current_values.h"
#include "processors/care/windows.h"

namespace vitalog::processors::care {

/// The newest samples of a person's windows as indices over current values ask for them, many times
/// for one record: read once, while the windows stay as they are. Windows keep no zone: times are
/// said in UTC.
class WindowSamples final : public LatestSamples {
  public:
    explicit WindowSamples(const Windows& windows) : windows_(windows), newest_(windows.newest()) {}

    std::optional<LatestValue> latest(std::string_view loinc, std::string_view unit,
                                      EventTime moment) const override {
        const auto* known = find(loinc, unit);
        if (known == nullptr) return std::nullopt;
        if (known->sample.at <= moment) return value_of(known->sample);
        const auto sample = windows_.latest(loinc, unit, moment);
        return sample ? std::optional(value_of(*sample)) : std::nullopt;
    }
    bool has(std::string_view loinc, std::string_view unit) const override {
        return find(loinc, unit) != nullptr;
    }

  private:
    const Windows::Newest* find(std::string_view loinc, std::string_view unit) const {
        for (const auto& newest : newest_)
            if (newest.loinc == loinc && newest.unit == unit) return &newest;
        return nullptr;
    }
    static LatestValue value_of(const LatestSample& sample) {
        return {.value = Bounds::of(sample.value),
                .at = {sample.at, 0, Precision::Second},
                .source = sample.event,
                .observation = false};
    }

    const Windows& windows_;
    std::vector<Windows::Newest> newest_;
};

}  // namespace vitalog::processors::care
