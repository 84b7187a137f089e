#include "processors/care/observations.h"

#include <algorithm>
#include <cmath>

#include "processors/care/current_values.h"

namespace vitalog::processors::care {
namespace {

using schemas::ObservationStatus;
using schemas::ValueKind;

/// A quantity, or a coded answer that the code tables give a number.
bool has_number(const CareObservation& observation) {
    if (observation.kind == ValueKind::Quantity) return true;
    return observation.kind != ValueKind::Missing && observation.value &&
           observation.unit == kAnswerUnit;
}

bool takes_back(const CareObservation& observation) {
    switch (observation.status) {
        case ObservationStatus::Deleted:
        case ObservationStatus::WrongPatient:
        case ObservationStatus::Cancelled:
            return true;
        case ObservationStatus::Corrected:
            return !has_number(observation);
        default:
            return false;
    }
}

Standing standing_of(ObservationStatus status) {
    switch (status) {
        case ObservationStatus::Registered:
        case ObservationStatus::Preliminary:
            return Standing::Preliminary;
        case ObservationStatus::Corrected:
            return Standing::Corrected;
        default:
            return Standing::Final;
    }
}

std::uint64_t order_of(std::string_view series) {
    if (series.empty()) return 0;
    const auto hash = hash64(series);
    return hash == 0 ? 1 : hash;
}

Result<Reported> reported_from(const CareObservation& observation, const RecordId& id,
                               const RecordId& event) {
    const auto comparator = comparator_named(observation.comparator);
    if (!comparator)
        return fail(Errc::OutOfRange, "comparator '" + std::string(observation.comparator) +
                                          "' must be <, <=, >= or >");
    if (!observation.value || !std::isfinite(*observation.value))
        return fail(Errc::Missing, "a quantity must have a finite value");
    Reported reported{.loinc = observation.loinc,
                      .unit = observation.unit,
                      .display = observation.code.display,
                      .sample = {},
                      .range = {observation.low, observation.high}};
    Sample& sample = reported.sample;
    sample.value = *observation.value;
    sample.id = id;
    sample.event = event;
    sample.order = order_of(observation.series);
    sample.at = observation.effective.at;
    sample.offset_minutes = observation.effective.offset_minutes;
    sample.precision = observation.effective.precision;
    sample.comparator = *comparator;
    sample.standing = standing_of(observation.status);
    if (observation.flags.size() <= sample.flags.size())
        std::copy(observation.flags.begin(), observation.flags.end(), sample.flags.begin());
    return reported;
}

void fold_observation(Turn& turn, const CareObservation& observation, EventTime sent,
                      std::vector<Touched>& touched) {
    if (observation.loinc.empty()) return;
    const RecordId id = RecordId::parse(observation.id);
    // A result sent again without a value has none any more, whatever its status says.
    const bool emptied =
        observation.kind == ValueKind::Missing && turn.person.results.find(id).has_value();
    const bool back = takes_back(observation) || emptied;
    if (!back && !has_number(observation)) return;
    if (id.empty())
        return turn.out.dead_letter(
            Error(Errc::Malformed, "an observation's id must be 32 hexadecimal digits"),
            observation.id);
    if (back)
        return turn.person.results.retract({.loinc = observation.loinc,
                                            .id = id,
                                            .event = turn.input.id,
                                            .order = order_of(observation.series),
                                            .effective = observation.effective,
                                            .sent = sent},
                                           touched);
    auto reported = reported_from(observation, id, turn.input.id);
    if (!reported) return turn.out.dead_letter(reported.error(), observation.id);
    reported->sample.sent = sent;
    turn.person.results.report(*reported, turn.input.received.as<EventTime>(), touched);
}

Sex sex_named(std::string_view text) {
    if (text == "female") return Sex::Female;
    if (text == "male") return Sex::Male;
    return text == "other" ? Sex::Other : Sex::Unknown;
}

}  // namespace

void fold_observations(Turn& turn, const CareEvent& event, std::vector<Touched>& touched) {
    for (const auto& report : event.reports)
        for (const auto& observation : report.observations)
            fold_observation(turn, observation, event.occurred.at, touched);
}

Occasion fold_patient(Person& person, const schemas::Patient& patient, bool& died) {
    const auto birth_date = person.birth_date;
    const auto sex = person.sex;
    for (const auto name : patient.cleared) {
        if (name == "birth_date") person.birth_date.reset();
        if (name == "sex") person.sex = Sex::Unknown;
        if (name == "deceased" || name == "deceased_at") person.deceased = false;
    }
    if (patient.birth_date) person.birth_date = patient.birth_date;
    if (!patient.sex.empty()) person.sex = sex_named(patient.sex);
    died = (patient.deceased || patient.deceased_at) && !person.deceased;
    if (died) person.deceased = true;
    return {.demographics = person.birth_date != birth_date || person.sex != sex, .merged = false};
}

}  // namespace vitalog::processors::care
