#include "schemas/clinical/encounter_state.h"

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>

#include "schemas/base/stored_version.h"
#include "schemas/json_decode.h"

namespace vitalog::schemas {
namespace {

constexpr int kFormatVersion = 2;

/// What an ADT trigger does to an encounter (HL7 v2.5.1 chapter 3; FHIR statuses after the
/// v2-to-FHIR maps). The order is the one in which events of the same time count.
enum class Effect : std::uint8_t {
    Plan,
    Arrive,
    Start,
    Leave,
    Return,
    Transfer,
    Update,
    End,
    CancelTransfer,
    CancelEnd,
    Cancel,
    Erase,
    Mention
};

struct TriggerEffect {
    std::string_view trigger;
    Effect effect;
};
constexpr std::array<TriggerEffect, 23> kTriggers{{
    {"A01", Effect::Start},          {"A02", Effect::Transfer},  {"A03", Effect::End},
    {"A04", Effect::Start},          {"A05", Effect::Plan},      {"A06", Effect::Transfer},
    {"A07", Effect::Transfer},       {"A10", Effect::Arrive},    {"A11", Effect::Cancel},
    {"A12", Effect::CancelTransfer}, {"A13", Effect::CancelEnd}, {"A14", Effect::Plan},
    {"A21", Effect::Leave},          {"A22", Effect::Return},    {"A23", Effect::Erase},
    {"A27", Effect::Cancel},         {"A38", Effect::Cancel},    {"A52", Effect::Return},
    {"A53", Effect::Leave},          {"R01", Effect::Mention},   {"R30", Effect::Mention},
    {"R32", Effect::Mention},        {"T02", Effect::Mention},
}};

Effect effect_of(std::string_view trigger) {
    const auto* found = std::find_if(kTriggers.begin(), kTriggers.end(),
                                     [&](const auto& entry) { return entry.trigger == trigger; });
    return found == kTriggers.end() ? Effect::Update : found->effect;
}

EncounterDoctor own(const Practitioner& doctor) {
    return {std::string(doctor.id), std::string(doctor.name)};
}

EncounterRecord own(const EncounterEvent& event) {
    EncounterRecord record;
    record.visit = event.visit;
    record.trigger = event.trigger;
    record.occurred = event.occurred;
    record.class_code = event.class_code;
    record.location = event.location;
    record.prior_location = event.prior_location;
    record.attending = own(event.attending);
    record.referring = own(event.referring);
    record.admitting = own(event.admitting);
    for (const auto& doctor : event.consulting) record.consulting.push_back(own(doctor));
    record.organisation = event.organisation;
    record.service = event.service;
    record.disposition = event.disposition;
    record.admitted = event.admitted;
    record.discharged = event.discharged;
    return record;
}

std::string to_text(const std::optional<ZonedTime>& time) {
    return time ? to_string(*time) : "";
}

/// Everything but the time of the event.
auto content(const EncounterRecord& record) {
    return std::make_tuple(std::string_view(record.trigger), std::string_view(record.visit),
                           std::string_view(record.class_code), std::string_view(record.location),
                           std::string_view(record.prior_location), std::cref(record.attending),
                           std::cref(record.referring), std::cref(record.admitting),
                           std::cref(record.consulting), std::string_view(record.organisation),
                           std::string_view(record.service), std::string_view(record.disposition),
                           to_text(record.admitted), to_text(record.discharged));
}

bool counts_before(const EncounterRecord& a, const EncounterRecord& b) {
    const auto key = [](const EncounterRecord& record) {
        return std::make_tuple(record.occurred.at, effect_of(record.trigger));
    };
    if (key(a) != key(b)) return key(a) < key(b);
    return content(a) < content(b);
}

/// Changes no status and adds no stay, so that only its latest occurrence matters.
bool only_says(const EncounterRecord& record) {
    const Effect effect = effect_of(record.trigger);
    return effect == Effect::Update || effect == Effect::Mention;
}

class Fold {
  public:
    EncounterState run(const std::vector<EncounterRecord>& records) {
        for (const auto& record : records)
            if (effect_of(record.trigger) != Effect::Mention) apply(record);
        // A result's mention fills in what no ADT event said; the latest mention first.
        for (auto record = records.rbegin(); record != records.rend(); ++record)
            if (effect_of(record->trigger) == Effect::Mention) fill_in(*record);
        if (state_.statuses.empty()) settle_without_status();
        return std::move(state_);
    }

  private:
    bool cancelled() const {
        return state_.status == "cancelled" || state_.status == "entered-in-error";
    }
    bool ended() const { return state_.status == "finished"; }

    void apply(const EncounterRecord& record) {
        told_ = true;
        say(record);
        const Effect effect = effect_of(record.trigger);
        switch (effect) {
            case Effect::Plan:
                if (state_.statuses.empty()) enter("planned", record);
                break;
            case Effect::Arrive:
                if (state_.statuses.empty() || state_.status == "planned") enter("arrived", record);
                break;
            case Effect::Start:
                start(record);
                break;
            case Effect::Leave:
                if (!cancelled() && !ended()) enter("onleave", record);
                break;
            case Effect::Return:
            case Effect::Transfer:
                if (!cancelled() && !ended()) enter("in-progress", record);
                break;
            case Effect::Update:
                if (record.discharged && !cancelled() && !ended()) end(record);
                break;
            case Effect::End:
                if (!cancelled()) end(record);
                break;
            case Effect::CancelTransfer:
                go_back(record);
                break;
            case Effect::CancelEnd:
                reopen(record);
                break;
            case Effect::Cancel:
                enter("cancelled", record);
                break;
            case Effect::Erase:
                enter("entered-in-error", record);
                break;
            case Effect::Mention:
                break;
        }
        if (effect != Effect::End && effect != Effect::CancelTransfer && !cancelled() && !ended())
            stay_at(record.location, record.occurred);
    }

    void say(const EncounterRecord& record) {
        const auto take = [](std::string& into, const std::string& said) {
            if (!said.empty()) into = said;
        };
        take(state_.visit, record.visit);
        take(state_.class_code, record.class_code);
        take(state_.service, record.service);
        take(state_.disposition, record.disposition);
        take(state_.organisation, record.organisation);
        if (!record.attending.nobody()) state_.attending = record.attending;
        if (!record.referring.nobody()) state_.referring = record.referring;
        if (!record.admitting.nobody()) state_.admitting = record.admitting;
        if (!record.consulting.empty()) state_.consulting = record.consulting;
        if (record.admitted) {
            state_.start = record.admitted;
            start_said_ = true;
        }
    }

    void start(const EncounterRecord& record) {
        if (ended()) state_.end.reset();  // back under the same visit number
        enter("in-progress", record);
        if (!start_said_ && !state_.start) state_.start = record.occurred;
    }

    void end(const EncounterRecord& record) {
        const ZonedTime at = record.discharged ? *record.discharged : record.occurred;
        stay_at(record.location, record.occurred);
        enter("finished", record);
        state_.end = at;
        if (!state_.locations.empty()) state_.locations.back().to = at;
    }

    void reopen(const EncounterRecord& record) {
        if (cancelled()) return;
        enter("in-progress", record);
        state_.end.reset();
        state_.disposition = record.disposition;
        if (!state_.locations.empty()) state_.locations.back().to.reset();
    }

    /// A12 says where the patient is back. Where that place is known, all stays after it did not
    /// happen; where the transfer itself never came, the patient is still there.
    void go_back(const EncounterRecord& record) {
        if (cancelled() || ended()) return;
        auto& stays = state_.locations;
        const auto back = std::find_if(stays.rbegin(), stays.rend(), [&](const auto& stay) {
            return stay.location == record.location;
        });
        if (back != stays.rend())
            stays.erase(back.base(), stays.end());
        else if (stays.size() > 1)
            stays.pop_back();
        if (!stays.empty()) stays.back().to.reset();
        stay_at(record.location, record.occurred);
    }

    void enter(std::string_view status, const EncounterRecord& record) {
        if (state_.status == status && !state_.statuses.empty()) return;
        if (!state_.statuses.empty()) state_.statuses.back().to = record.occurred;
        state_.status = status;
        state_.statuses.push_back({state_.status, record.occurred, std::nullopt});
    }

    void stay_at(const std::string& location, const ZonedTime& from) {
        if (location.empty()) return;
        if (!state_.locations.empty()) {
            if (state_.locations.back().location == location) return;
            state_.locations.back().to = from;
        }
        state_.locations.push_back({location, from, std::nullopt});
    }

    void fill_in(const EncounterRecord& record) {
        const auto fill = [](std::string& into, const std::string& said) {
            if (into.empty()) into = said;
        };
        fill(state_.visit, record.visit);
        fill(state_.class_code, record.class_code);
        fill(state_.service, record.service);
        fill(state_.disposition, record.disposition);
        fill(state_.organisation, record.organisation);
        if (state_.attending.nobody()) state_.attending = record.attending;
        if (state_.referring.nobody()) state_.referring = record.referring;
        if (state_.admitting.nobody()) state_.admitting = record.admitting;
        if (state_.consulting.empty()) state_.consulting = record.consulting;
        if (state_.locations.empty() && !record.location.empty())
            state_.locations.push_back({record.location, record.occurred, std::nullopt});
        if (!state_.start) state_.start = record.admitted;
        if (!told_ && !state_.end) state_.end = record.discharged;
    }

    void settle_without_status() {
        if (state_.end)
            state_.status = "finished";
        else if (told_)
            state_.status = state_.class_code == "PRENC" ? "planned" : "in-progress";
    }

    EncounterState state_;
    bool told_ = false;
    bool start_said_ = false;
};

struct StoredHistory {
    int version = 0;
    std::vector<EncounterRecord> events;
    template <class V>
    void members(V& v) {
        v.required("version", version);
        v.required("events", events);
    }
};

}  // namespace

std::string encounter_key(const EncounterEvent& event) {
    if (!event.visit.empty()) return std::string(event.visit);
    if (event.admitted) return "from " + to_rfc3339(event.admitted->at);
    return {};
}

bool EncounterHistory::add(const EncounterEvent& event) {
    return insert(own(event));
}

bool EncounterHistory::merge(const EncounterHistory& other) {
    bool changed = false;
    for (const auto& record : other.records_) changed = insert(record) || changed;
    return changed;
}

bool EncounterHistory::insert(EncounterRecord record) {
    if (only_says(record)) {
        const auto same = std::find_if(records_.begin(), records_.end(), [&](const auto& known) {
            return content(known) == content(record);
        });
        if (same != records_.end()) {
            if (same->occurred.at >= record.occurred.at) return false;
            records_.erase(same);
        }
    }
    const auto place = std::lower_bound(records_.begin(), records_.end(), record, counts_before);
    if (place != records_.end() && !counts_before(record, *place)) return false;
    records_.insert(place, std::move(record));
    return true;
}

EncounterState EncounterHistory::state() const {
    return Fold().run(records_);
}

std::string EncounterHistory::encode() const {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.field("version", kFormatVersion);
    json.key("events");
    schemas::detail::write(json, records_);
    json.end_object();
    return out;
}

Result<EncounterHistory> EncounterHistory::decode(std::string_view bytes, Decoder& decoder) {
    auto stored = schemas::decode<StoredHistory>(bytes, decoder);
    if (!stored)
        return fail(Errc::Damaged, "the stored history of an encounter does not follow its format");
    if (stored->version != kFormatVersion)
        return other_version("the stored history of an encounter",
                             static_cast<std::uint64_t>(stored->version), kFormatVersion);
    EncounterHistory history;
    history.records_ = std::move(stored->events);
    std::sort(history.records_.begin(), history.records_.end(), counts_before);
    return history;
}

}  // namespace vitalog::schemas
