#include "processors/care/watched.h"

#include <algorithm>
#include <array>

#include "schemas/base/ids.h"

namespace vitalog::processors::care {
namespace {

constexpr std::array<std::string_view, 6> kOpens{"A01", "A02", "A04", "A06", "A12", "A13"};
constexpr std::array<std::string_view, 3> kEnds{"A03", "A07", "A11"};

/// Classes of inpatients, HL7 v3 ActCode.
constexpr std::array<std::string_view, 3> kInpatient{"IMP", "ACUTE", "NONAC"};

template <std::size_t N>
bool is_one_of(std::string_view trigger, const std::array<std::string_view, N>& list) {
    return std::find(list.begin(), list.end(), trigger) != list.end();
}

/// By its class; `otherwise` where it names none.
bool is_inpatient(const schemas::EncounterEvent& event, bool otherwise) {
    return event.class_code.empty() ? otherwise : is_one_of(event.class_code, kInpatient);
}

}  // namespace

void Watched::encounter(const schemas::EncounterEvent& event) {
    const bool opens = is_one_of(event.trigger, kOpens) && !event.discharged;
    const bool ends = is_one_of(event.trigger, kEnds) || event.discharged.has_value();
    if (!opens && !ends) return;
    const std::uint64_t visit = hash64(event.visit);
    const auto known = std::find_if(encounters_.begin(), encounters_.end(),
                                    [&](const Encounter& e) { return e.visit == visit; });
    const bool met_before = known != encounters_.end();
    const bool inpatient = is_inpatient(
        event, met_before && event.trigger != "A06" ? known->inpatient : event.trigger != "A04");
    if (met_before) {
        if (event.occurred.at < known->at) return;
        if (opens && known->open && known->inpatient == inpatient) return;
        *known = {visit, event.occurred.at, opens, inpatient};
        return;
    }
    if (encounters_.size() == kOpenEncountersMax) encounters_.erase(encounters_.begin());
    encounters_.push_back({visit, event.occurred.at, opens, inpatient});
}

std::optional<EventTime> Watched::since(schemas::Watch watch, schemas::Awaits awaits,
                                        std::optional<EventTime> last) const {
    using schemas::Watch;
    const bool bindings = watch == Watch::Binding || watch == Watch::Either;
    std::optional<EventTime> since;
    const auto later = [&](EventTime at) { since = since ? std::max(*since, at) : at; };
    if (bindings && bound_) {
        later(bound_->as<EventTime>());
        if (last) later(*last);
    }
    if (watch == Watch::Binding) return since;
    for (const auto& each : encounters_) {
        if (!each.open || (watch == Watch::Inpatient && !each.inpatient)) continue;
        if (last && *last >= each.at)
            later(*last);
        else if (awaits != schemas::Awaits::Samples)
            later(each.at);
    }
    return since;
}

bool Watched::armed(std::string_view rule) const {
    return std::find(armed_.begin(), armed_.end(), hash64(rule)) != armed_.end();
}
void Watched::arm(std::string_view rule) {
    if (!armed(rule)) armed_.push_back(hash64(rule));
}
void Watched::disarm(std::string_view rule) {
    std::erase(armed_, hash64(rule));
}

/// Timers stay with the entity that set them: what the other had armed is not taken over.
void Watched::absorb(const Watched& other) {
    if (other.bound_) bound_ = bound_ ? std::min(*bound_, *other.bound_) : *other.bound_;
    for (const auto& theirs : other.encounters_) {
        const auto mine = std::find_if(encounters_.begin(), encounters_.end(),
                                       [&](const Encounter& e) { return e.visit == theirs.visit; });
        if (mine == encounters_.end())
            encounters_.push_back(theirs);
        else if (theirs.at > mine->at)
            *mine = theirs;
    }
    while (encounters_.size() > kOpenEncountersMax) encounters_.erase(encounters_.begin());
}

// watched = [bound] n { visit at open inpatient } n { armed }
void Watched::encode(BinaryWriter& out) const {
    out.boolean(bound_.has_value());
    if (bound_) out.signed_varint(bound_->micros());
    out.varint(encounters_.size());
    for (const auto& each : encounters_) {
        out.fixed64(each.visit);
        out.signed_varint(each.at.micros());
        out.boolean(each.open);
        out.boolean(each.inpatient);
    }
    out.varint(armed_.size());
    for (const auto rule : armed_) out.fixed64(rule);
}

bool Watched::decode(BinaryReader& in) {
    if (in.boolean()) bound_ = ReceivedTime(in.signed_varint());
    const std::size_t encounters = in.count();
    if (encounters > kOpenEncountersMax) return false;
    for (std::size_t i = 0; i < encounters; ++i) {
        Encounter& each = encounters_.emplace_back();
        each.visit = in.fixed64();
        each.at = EventTime(in.signed_varint());
        each.open = in.boolean();
        each.inpatient = in.boolean();
    }
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) armed_.push_back(in.fixed64());
    return in.ok();
}

}  // namespace vitalog::processors::care
