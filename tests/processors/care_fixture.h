#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "processors/care/care_processor.h"
#include "schemas/events/identity.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "tests/support/stage_driver.h"

namespace vitalog::tests {

using std::chrono::hours;

inline constexpr EventTime kMorning(1'600'000'000'000'000);

inline std::string built_in_rules() {
    std::ifstream file(VITALOG_SOURCE_DIR "/schemas/rules/acute-core.yaml");
    return {std::istreambuf_iterator<char>(file), {}};
}

/// One laboratory result as a test writes it. Its id follows from `name`, so that the same name is
/// the same result.
struct Lab {
    std::string name;
    double value = 0;
    EventTime at = kMorning;
    std::string loinc = "14682-9";
    std::string unit = "umol/L";
    std::string comparator = {};
    std::optional<double> high = 92;
    schemas::ObservationStatus status = schemas::ObservationStatus::Final;
    std::string series = {};
    schemas::ValueKind kind = schemas::ValueKind::Quantity;
};

inline std::string id_of(const std::string& name) {
    return IdHash().part(name).finish().to_string();
}
inline Lab potassium(std::string name, double value, EventTime at = kMorning) {
    return {.name = std::move(name),
            .value = value,
            .at = at,
            .loinc = "2823-3",
            .unit = "mmol/L",
            .high = 5.3};
}

/// Speaks to one care stage as identity, the directory and desk do.
class CareTest : public ::testing::Test {
  protected:
    CareTest() { EXPECT_TRUE(driver.control("rules", "acute-core.yaml", "1", built_in_rules())); }

    /// A message with these results. `birth` and `sex` as intake writes them; empty: not said.
    Result<void> results(const std::vector<Lab>& labs, std::string_view birth = "1970-05-01",
                         std::string_view sex = "male") {
        std::vector<std::string> ids;
        ids.reserve(labs.size() * 2);
        schemas::PersonClinical record;
        record.person = person;
        schemas::Identifier identifier{"MRN", "1", {}};
        record.event.identifiers = {identifier};
        record.event.trigger = "ORU^R01";
        record.event.occurred = {sent ? *sent : driver.now().as<EventTime>(), 0, Precision::Second};
        auto& patient = record.event.patient.emplace();
        if (!birth.empty()) patient.birth_date = *parse_date(birth);
        patient.sex = sex;
        patient.deceased = deceased;
        auto& report = record.event.reports.emplace_back();
        for (const auto& lab : labs) {
            auto& o = report.observations.emplace_back();
            o.id = ids.emplace_back(id_of(lab.name));
            if (!lab.series.empty()) o.series = ids.emplace_back(id_of(lab.series));
            o.loinc = lab.loinc;
            o.code.display = "a result";
            o.status = lab.status;
            o.effective = {lab.at, 0, Precision::Second};
            o.kind = lab.kind;
            if (lab.kind == schemas::ValueKind::Quantity || lab.kind == schemas::ValueKind::Coded)
                o.value = lab.value;
            o.unit = lab.unit;
            o.comparator = lab.comparator;
            o.high = lab.high;
        }
        return driver.event(person, record);
    }

    /// Results one after the other, each in a message of its own.
    void course(const std::vector<Lab>& labs) {
        for (const auto& lab : labs) ASSERT_TRUE(results({lab}));
    }

    schemas::AlertEvent last_alert() {
        const auto alerts = driver.of<schemas::AlertEvent>(schemas::Topic::Alert);
        VITALOG_ASSERT(!alerts.empty(), "no alert was written");
        held.push_back(alerts.back());
        return driver.as<schemas::AlertEvent>(held.back());
    }
    template <class E>
    E last(schemas::Topic topic) {
        const auto found = driver.of<E>(topic);
        VITALOG_ASSERT(!found.empty(), "nothing of that type was written");
        held.push_back(found.back());
        return driver.as<E>(held.back());
    }
    /// The AKI band that stands for a result, as written last; empty: none.
    std::string aki_band(const std::string& name) {
        std::string band;
        for (const auto& output : driver.of<schemas::RiskEvent>(schemas::Topic::Risk)) {
            const auto risk = driver.as<schemas::RiskEvent>(output);
            if (risk.method == "aki-nhs" && risk.basis.front() == id_of(name))
                band = risk.retracted ? "retracted" : std::string(risk.band);
        }
        return band;
    }
    template <class E>
    std::size_t count(schemas::Topic topic) const {
        return driver.of<E>(topic).size();
    }
    std::size_t alerts(schemas::AlertState state) {
        std::size_t n = 0;
        for (const auto& output : driver.of<schemas::AlertEvent>(schemas::Topic::Alert))
            n += driver.as<schemas::AlertEvent>(output).state == state;
        return n;
    }
    std::size_t tasks() const { return count<schemas::TaskOpen>(schemas::Topic::Task); }

    void decide(schemas::DecisionAction action) {
        const auto open = last<schemas::TaskOpen>(schemas::Topic::Task);
        const std::string task(open.task);
        const std::string alert(open.alert);
        ASSERT_TRUE(driver.event(person, schemas::PersonDecision{.person = person,
                                                                 .task = task,
                                                                 .alert = alert,
                                                                 .action = action,
                                                                 .user = "dr.li",
                                                                 .text = "please come in",
                                                                 .decided = driver.now()}));
    }

    processors::care::CareProcessor processor;
    StageDriver driver{processor};
    std::string person = "11111111111111111111111111111111";
    std::optional<EventTime> sent;
    bool deceased = false;
    std::vector<StageDriver::Output>
        held;  ///< what decoded strings point into is copied by the decoder; kept for names
};

}  // namespace vitalog::tests
