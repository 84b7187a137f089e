#pragma once

#include <map>
#include <string>
#include <string_view>

#include "tests/support/scenario_outputs.h"
#include "tests/support/scenario_script.h"
#include "tests/support/scenario_site.h"

namespace vitalog::tests {

/// Turns input lines into what arrives at a site's doors. Remembers what later lines refer to: the
/// last message, the doctors' telephones, the settings.
class Inputs {
  public:
    Inputs(ScenarioSite& site, Outputs& outputs, ScenarioSite::Settings settings)
        : site_(site), outputs_(outputs), settings_(std::move(settings)) {}

    /// Malformed: the line lacks something, or refers to what is not there.
    Result<void> deliver(const Line& line);

  private:
    Result<void> message(const Line& line, std::string bytes);
    Result<void> again(const Line& line);
    Result<void> team(const Line& line);
    Result<void> patient(const Line& line);
    Result<void> samples(const Line& line);
    Result<void> decide(const Line& line);
    Result<void> receipt(const Line& line);
    Result<void> resend(const Line& line);
    std::string phone_of(const std::string& user);

    ScenarioSite& site_;
    Outputs& outputs_;
    ScenarioSite::Settings settings_;
    std::string last_message_;
    std::map<std::string, std::string> phones_;
};

}  // namespace vitalog::tests
