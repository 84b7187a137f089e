#pragma once

#include "processors/care/current_values.h"
#include "processors/care/windows.h"

namespace vitalog::processors::care {

/// A person's windows as indices over current values ask for them. Windows keep no zone: times are
/// said in UTC.
class WindowSamples final : public LatestSamples {
  public:
    explicit WindowSamples(const Windows& windows) : windows_(windows) {}

    std::optional<LatestValue> latest(std::string_view loinc, std::string_view unit,
                                      EventTime moment) const override {
        const auto sample = windows_.latest(loinc, unit, moment);
        if (!sample) return std::nullopt;
        return LatestValue{.value = Bounds::of(sample->value),
                           .at = {sample->at, 0, Precision::Second},
                           .source = sample->event,
                           .observation = false};
    }
    bool has(std::string_view loinc, std::string_view unit) const override {
        return windows_.has(loinc, unit);
    }

  private:
    const Windows& windows_;
};

}  // namespace vitalog::processors::care
