#include "processors/care/care_processor.h"

#include <array>

#include "processors/care/episodes.h"
#include "processors/care/judge_samples.h"
#include "processors/care/merge.h"
#include "processors/care/observations.h"
#include "processors/care/react.h"
#include "processors/care/silence.h"
#include "processors/care/succession.h"
#include "processors/care/task_context.h"
#include "schemas/events/directory.h"
#include "schemas/events/identity.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"

namespace vitalog::processors::care {
namespace {

using schemas::DecisionAction;
using schemas::Topic;

constexpr std::string_view kNoticeLimit = "care.patient_notice_limit";
constexpr std::string_view kVitalsFresh = "care.vitals_fresh";
constexpr std::string_view kChronicFresh = "care.chronic_fresh";
constexpr std::string_view kPatientTemplate = "patient-notice";
constexpr std::string_view kPatientPurpose = "alert";

/// Records on `person` that are not care's business: the views read them.
bool is_for_views(std::string_view type) {
    return type == schemas::PersonIdentified::kType || type == schemas::PersonClash::kType;
}

/// Nobody is to be called to a person who died.
void end_all(Turn& turn, const CareEvent& event) {
    Episodes life(turn);
    const auto& at = event.patient->deceased_at;
    for (auto& episode : turn.person.episodes)
        life.end_by_death(episode, at ? *at : event.occurred);
    turn.person.forget_old_episodes(turn.input.received.as<EventTime>());
}

/// A doctor's decision about an episode: kept with it, and told to the patient if it says so.
void decide(Turn& turn, const schemas::PersonDecision& record, const RecordId& alert, bool tells) {
    Episode* episode = turn.person.episode_of(alert);
    Episode forgotten;
    if (episode == nullptr) {
        // An episode older than those remembered: what the doctor confirmed is told all the same.
        schemas::Rule rule;
        rule.patient_purpose = kPatientPurpose;
        rule.patient_template = kPatientTemplate;
        forgotten.alert = alert;
        forgotten.task = RecordId::parse(record.task);
        forgotten.rule = std::make_shared<const schemas::Rule>(std::move(rule));
        forgotten.priority = schemas::Priority::Medium;
        episode = &forgotten;
    }
    episode->decided = Decided{record.action, std::string(record.user), record.decided};
    if (tells) Episodes(turn).tell_patient(*episode, record);
}

}  // namespace

Result<void> CareProcessor::on_control(const schemas::Control& control, const Input&) {
    if (control.kind == "rules") return rules_.put(control.name, control.body);
    if (control.kind == "settings" && control.name == "site") {
        VITALOG_TRY(const auto settings, schemas::Settings::parse(control.body, decoder_));
        VITALOG_TRY(const auto limit, settings.duration(kNoticeLimit, "24h"));
        if (limit.count() <= 0)
            return fail(Errc::Configuration, "setting " + std::string(kNoticeLimit) +
                                                 " must be above zero, for example 24h");
        VITALOG_TRY(const auto vital, settings.duration(kVitalsFresh, "4h"));
        VITALOG_TRY(const auto chronic, settings.duration(kChronicFresh, "365d"));
        if (vital.count() <= 0 || chronic < vital)
            return fail(Errc::Configuration,
                        "setting " + std::string(kVitalsFresh) + " must be above zero, and " +
                            std::string(kChronicFresh) + " not less, for example 4h and 365d");
        notice_limit_ = limit;
        index_settings_ = {.vital = vital, .chronic = chronic};
    }
    return {};
}

std::unique_ptr<state::Entity> CareProcessor::create(std::string_view key) const {
    auto person = std::make_unique<Person>();
    person->id = RecordId::parse(key);
    return person;
}

Result<std::unique_ptr<state::Entity>> CareProcessor::decode(std::string_view key,
                                                             std::string_view bytes) const {
    auto person = std::make_unique<Person>();
    VITALOG_CHECK(person->decode(bytes));
    person->id = RecordId::parse(key);
    return person;
}

Turn CareProcessor::turn_for(Person& person, const Input& input, Context& out) {
    hex_.clear();
    touched_.clear();
    computed_.clear();
    arrivals_.clear();
    return {.person = person,
            .input = input,
            .out = out,
            .rules = rules_,
            .notice_limit = notice_limit_,
            .index_settings = index_settings_,
            .hex = hex_,
            .computed = computed_,
            .trace = trace_};
}

Result<void> CareProcessor::handle(Person& person, const Input& input, Context& out) {
    if (is_for_views(input.type)) return {};
    Sides sides(turn_for(person, input, out));
    return handle(sides);
}

Result<void> CareProcessor::on_record_beside(Person& person, const Input& input, Context& out,
                                             const Beside& beside) {
    if (is_for_views(input.type)) return {};
    Sides sides(turn_for(person, input, out), beside);
    return handle(sides);
}

Result<void> CareProcessor::handle(Sides& sides) {
    VITALOG_CHECK(dispatch(sides));
    const Person& person = sides.known().person;
    if (person.merged_into.empty()) sides.each(watch_for_silence);
    if (trace_ != nullptr) trace_->handled(person);
    return {};
}

Result<void> CareProcessor::dispatch(Sides& sides) {
    Turn& turn = sides.known();
    const auto type = turn.input.type;
    if (type == schemas::PersonMerged::kType) return merged(sides);
    const bool known = type == CareSamples::kType || type == CareClinical::kType ||
                       type == schemas::PersonBinding::kType ||
                       type == schemas::PersonDecision::kType ||
                       type == schemas::PersonMoved::kType;
    if (!known)
        return fail(Errc::Unsupported,
                    "type '" + std::string(type) + "' is not one that care understands");
    if (!turn.person.merged_into.empty()) {
        turn.out.forward(Topic::Person, turn.person.merged_into);
        return {};
    }
    if (type == CareSamples::kType) return samples(sides);
    if (type == CareClinical::kType) return clinical(sides);
    if (type == schemas::PersonBinding::kType) return binding(turn);
    if (type == schemas::PersonDecision::kType) return decision(sides);
    return moved(sides);
}

void CareProcessor::fire(Person& person, const Timer& timer, Context& out) {
    if (!timer.name.starts_with(kSilenceTimer) || !person.merged_into.empty()) return;
    std::array<char, 32> id;
    person.id.write_hex(id.data());
    Input input;
    input.id = timer.set_by;
    input.root = timer.root;
    input.key = {id.data(), id.size()};
    input.received = timer.due;
    input.topic = Topic::Person;
    Turn turn = turn_for(person, input, out);
    on_silence_timer(turn, timer);
    if (trace_ != nullptr) trace_->handled(person);
}

Result<void> CareProcessor::samples(Sides& sides) {
    Turn& known = sides.known();
    VITALOG_TRY(const auto record, schemas::decode<CareSamples>(known.input.value, decoder_));
    sides.each(follow_publications);
    fold_samples(known, record.event, window_, arrivals_);
    sides.each_computes([&](Turn& turn) { judge_samples(turn, arrivals_); });
    return {};
}

Result<void> CareProcessor::clinical(Sides& sides) {
    Turn& known = sides.known();
    VITALOG_TRY(const auto record, schemas::decode<CareClinical>(known.input.value, decoder_));
    sides.each(follow_publications);
    const CareEvent& event = record.event;
    Occasion occasion;
    bool died = false;
    if (event.encounter) known.person.watched.encounter(*event.encounter);
    if (event.patient) occasion = fold_patient(known.person, *event.patient, died);
    fold_observations(known, event, touched_);
    const auto judged = compute_indices(known, touched_, occasion);
    sides.each([&](Turn& turn) {
        judge_results(turn, touched_, occasion, judged);
        if (event.encounter) remark_encounter(turn, *event.encounter, event.occurred);
        if (died) end_all(turn, event);
    });
    return {};
}

Result<void> CareProcessor::binding(Turn& turn) {
    VITALOG_TRY(const auto record,
                schemas::decode<schemas::PersonBinding>(turn.input.value, decoder_));
    const auto& entry = record.entry;
    if (entry.spo2_scale) {
        if (*entry.spo2_scale != 1 && *entry.spo2_scale != 2)
            return fail(Errc::OutOfRange, "member 'spo2_scale' must be 1 or 2");
        turn.person.spo2_scales.prescribe(static_cast<news2::Scale>(*entry.spo2_scale),
                                          turn.input.received.as<EventTime>());
    }
    if (entry.limits) {
        VITALOG_TRY(turn.person.limits, personal_limits(*entry.limits));
    }
    if (!entry.accounts.empty()) turn.person.watched.bind(turn.input.received);
    if (!entry.team.empty()) turn.person.team = entry.team;
    schemas::Contact contact;
    contact.recipient = turn.person_id();
    contact.phone = entry.phone;
    contact.openid = entry.openid;
    contact.zone = entry.zone;
    contact.consent = entry.consent;
    contact.quiet = entry.quiet;
    turn.out.emit_event(Topic::Notification, turn.person_id(), contact);
    return {};
}

Result<void> CareProcessor::decision(Sides& sides) {
    VITALOG_TRY(const auto record,
                schemas::decode<schemas::PersonDecision>(sides.known().input.value, decoder_));
    const RecordId alert = RecordId::parse(record.alert);
    if (alert.empty()) return fail(Errc::Malformed, "member 'alert' must be 32 hexadecimal digits");
    const bool tells =
        record.action == DecisionAction::Confirm || record.action == DecisionAction::Modify;
    if (!tells && record.action != DecisionAction::Reject) return {};
    sides.each([&](Turn& turn) { decide(turn, record, alert, tells); });
    return {};
}

Result<void> CareProcessor::merged(Sides& sides) {
    const Turn& turn = sides.known();
    VITALOG_TRY(const auto record,
                schemas::decode<schemas::PersonMerged>(turn.input.value, decoder_));
    if (record.survivor == record.loser)
        return fail(Errc::Malformed,
                    "a person can't be merged into itself: survivor and loser are " +
                        std::string(record.loser));
    if (record.loser != turn.person_id() && record.survivor != turn.person_id())
        return fail(Errc::Malformed, "the record's key is neither survivor nor loser of its merge");
    if (record.loser != turn.person_id() || !turn.person.merged_into.empty()) return {};
    return sides.each_whole([&](Turn& side) -> Result<void> {
        hand_over(side, record);
        return {};
    });
}

Result<void> CareProcessor::moved(Sides& sides) {
    VITALOG_TRY(const auto record,
                schemas::decode<schemas::PersonMoved>(sides.known().input.value, decoder_));
    return sides.each_whole([&](Turn& side) {
        touched_.clear();
        return take_over(side, record, touched_);
    });
}

}  // namespace vitalog::processors::care
