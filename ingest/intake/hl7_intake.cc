#include "ingest/intake/hl7_intake.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "ingest/intake/encounter.h"
#include "ingest/intake/patient.h"
#include "schemas/events/identity.h"

namespace vitalog::ingest {

using schemas::Identifier;
using schemas::Report;
using schemas::Topic;

/// What is taken from a message of a type.
struct Hl7Intake::Trigger {
    std::string_view type;   ///< MSH-9.1
    std::string_view event;  ///< MSH-9.2
    bool person = false;     ///< PID and PV1
    bool results = false;    ///< OBR and OBX
    bool merge = false;      ///< MRG
    bool document = false;   ///< TXA
};

namespace {

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

/// A47: of the lists before (MRG-1) and now (PID-3), the identifier that went and the one of the
/// same authority that came. Leaves both as they are where the lists don't show a change.
void change_of(const std::vector<Identifier>& before, const std::vector<Identifier>& now,
               const Identifier*& came, const Identifier*& went) {
    const auto holds = [](const std::vector<Identifier>& list, const Identifier& one) {
        return std::any_of(list.begin(), list.end(),
                           [&](const auto& other) { return other.key() == one.key(); });
    };
    for (const auto& old : before) {
        if (holds(now, old)) continue;
        for (const auto& fresh : now) {
            if (fresh.authority != old.authority || holds(before, fresh)) continue;
            went = &old;
            came = &fresh;
            return;
        }
    }
}

}  // namespace

const Hl7Intake::Trigger* Hl7Intake::find_trigger(std::string_view type, std::string_view event) {
    static constexpr std::array kTriggers = std::to_array<Trigger>({
        {"ORU", "R01", true, true},
        {"ORU", "R30", true, true},
        {"ORU", "R32", true, true},
        {"ADT", "A01", true, true},
        {"ADT", "A02", true, true},
        {"ADT", "A03", true, true},
        {"ADT", "A04", true, true},
        {"ADT", "A05", true, true},
        {"ADT", "A06", true, true},
        {"ADT", "A07", true, true},
        {"ADT", "A08", true, true},
        {"ADT", "A11", true, true},
        {"ADT", "A12", true, true},
        {"ADT", "A13", true, true},
        {"ADT", "A23", true},
        {"ADT", "A28", true, true},
        {"ADT", "A29", true},
        {"ADT", "A31", true, true},
        {"ADT", "A34", true, false, true},
        {"ADT", "A40", true, false, true},
        {"ADT", "A47", true, false, true},
        {"MDM", "T02", true, true, false, true},
    });
    const auto* const found =
        std::find_if(kTriggers.begin(), kTriggers.end(),
                     [&](const auto& one) { return one.type == type && one.event == event; });
    return found == kTriggers.end() ? nullptr : found;
}

Report& Hl7Intake::next_report() {
    if (spare_.empty()) return event_.reports.emplace_back();
    event_.reports.push_back(std::move(spare_.back()));
    spare_.pop_back();
    return event_.reports.back();
}

void Hl7Intake::recycle() {
    for (auto& report : event_.reports) {
        auto observations = std::move(report.observations);
        observations.clear();
        report = Report{};
        report.observations = std::move(observations);
        spare_.push_back(std::move(report));
    }
    event_.reports.clear();
    event_.identifiers.clear();
    event_.patient.reset();
    event_.encounter.reset();
}

Result<void> Hl7Intake::handle(const processors::Input& input, processors::Context& out) {
    arena_.clear();
    ids_.clear();
    recycle();
    obx_number_ = 0;
    mrg_number_ = 0;
    VITALOG_TRY(const hl7::DecodedText decoded, decoder_.decode(input.value));
    VITALOG_CHECK(message_.parse(decoded));
    const hl7::Segment msh = message_.msh();
    const std::string_view type = msh.field(9).component(1).raw();
    std::string_view event = msh.field(9).component(2).raw();
    if (event.empty()) event = message_.segment("EVN").field(1).raw();
    const std::string_view trigger =
        msh.field(9).component(2).empty() || msh.field(9).component(3).has_value()
            ? arena_.keep(std::string(type).append("^").append(event))
            : msh.field(9).repetition(0).raw();
    const RecordId retried = RecordId::parse(input.headers.find(header::kRetriedRoot));
    const RecordId root = retried.empty() ? input.root : retried;
    const Scope scope{message_,      rules_.zone,
                      rules_.tables, arena_,
                      ids_,          out,
                      root,          hl7::sending_facility(msh, arena_),
                      trigger,       input.received,
                      input.source};
    const Trigger* const what = find_trigger(type, event);
    if (what == nullptr) {
        out.count("vitalog_messages_unhandled_total", {{"trigger", trigger.substr(0, 16)}});
        return {};
    }
    const auto sent = read_time(msh.field(7), rules_.zone, "MSH-7");
    sent_ = sent ? *sent : std::nullopt;
    std::size_t pid = 0;
    while (pid < message_.size() && message_.at(pid).id() != "PID") ++pid;
    if (pid == message_.size())
        return fail(Errc::Missing,
                    "PID is missing: nobody knows who " + quoted(trigger) + " is about");
    while (pid < message_.size()) {
        std::size_t end = pid + 1;
        while (end < message_.size() && message_.at(end).id() != "PID") ++end;
        VITALOG_CHECK(emit_group(scope, pid, end, *what));
        pid = end;
    }
    return {};
}

Result<void> Hl7Intake::read_primary_first(const Scope& scope, const hl7::Segment& pid) {
    event_.identifiers.clear();
    hl7::read_identifiers(pid, scope.facility, arena_, event_.identifiers);
    const Identifier* first = hl7::primary(event_.identifiers, rules_.authorities);
    if (first == nullptr)
        return fail(Errc::Missing, "PID-3 is empty: a message needs an identifier of the person");
    const auto at = event_.identifiers.begin() + (first - event_.identifiers.data());
    std::rotate(event_.identifiers.begin(), at, at + 1);
    return {};
}

Result<void> Hl7Intake::emit_group(const Scope& scope, std::size_t pid, std::size_t end,
                                   const Trigger& what) {
    recycle();
    VITALOG_CHECK(read_primary_first(scope, message_.at(pid)));
    event_.trigger = scope.trigger;
    event_.facility = scope.facility;
    event_.occurred = sent_ ? *sent_
                            : ZonedTime{scope.received.as<EventTime>(),
                                        rules_.zone.offset_at(scope.received.as<EventTime>()),
                                        Precision::Fraction};
    event_.tables = rules_.tables.version();
    if (what.person) {
        map_patient(scope, message_.at(pid), event_.patient.emplace());
        if (what.event == "A29") delete_patient(*event_.patient);
        hl7::Segment pv1;
        for (std::size_t i = pid + 1; i < end && !pv1; ++i)
            if (message_.at(i).id() == "PV1") pv1 = message_.at(i);
        if (!what.merge) event_.encounter = map_encounter(scope, pv1, sent_);
    }
    if (what.results) map_reports(scope, pid + 1, end, what.document);
    scope.out.emit_event(Topic::Subject, event_.identifiers.front().key(), event_,
                         {.event_time = event_.occurred.at});
    if (what.merge) emit_merge(scope, pid, end, what);
    return {};
}

void Hl7Intake::map_reports(const Scope& scope, std::size_t begin, std::size_t end, bool document) {
    // A document's orders come before its TXA and belong to it.
    for (std::size_t i = begin; document && i < end; ++i)
        if (message_.at(i).id() == "TXA") return map_document(scope, begin, i, end);
    Report* report = nullptr;
    hl7::Segment orc;
    std::vector<std::string_view>* notes = nullptr;
    for (std::size_t i = begin; i < end; ++i) {
        const hl7::Segment segment = message_.at(i);
        const std::string_view id = segment.id();
        if (id == "ORC") {
            orc = segment;
            report = nullptr;
            notes = nullptr;
        } else if (id == "OBR") {
            report = &next_report();
            reports_.begin(scope, orc, segment, sent_, *report);
            orc = hl7::Segment();
            notes = &report->notes;
        } else if (id == "OBX") {
            if (report == nullptr) {
                report = &next_report();
                reports_.begin(scope, orc, hl7::Segment(), sent_, *report);
            }
            notes = add_observation(scope, segment, *report);
        } else if (id == "NTE") {
            add_note(scope, segment, notes);
        }
    }
}

void Hl7Intake::map_document(const Scope& scope, std::size_t begin, std::size_t txa,
                             std::size_t end) {
    ReportMapper::DocumentSegments segments;
    segments.txa = message_.at(txa);
    Report& report = next_report();
    for (std::size_t i = begin; i < txa; ++i) {
        const hl7::Segment segment = message_.at(i);
        if (segment.id() == "ORC") segments.orc = segment;
        if (segment.id() == "OBR") segments.obr = segment;
        if (segment.id() == "NTE" && segments.obr) add_note(scope, segment, &report.notes);
    }
    reports_.begin_document(scope, segments, sent_, report);
    std::vector<std::string_view>* notes = &report.notes;
    for (std::size_t i = txa + 1; i < end; ++i) {
        const hl7::Segment segment = message_.at(i);
        if (segment.id() == "OBX") notes = add_observation(scope, segment, report);
        if (segment.id() == "NTE") add_note(scope, segment, notes);
    }
}

/// Gives where the comments behind the OBX belong: nowhere when it was refused.
std::vector<std::string_view>* Hl7Intake::add_observation(const Scope& scope,
                                                          const hl7::Segment& obx, Report& report) {
    if (!reports_.add(scope, obx, ++obx_number_, report)) return nullptr;
    return &report.observations.back().notes;
}

/// NTE-3; its repetitions are lines.
void Hl7Intake::add_note(const Scope& scope, const hl7::Segment& nte,
                         std::vector<std::string_view>* notes) {
    const hl7::Field comment = nte.field(3);
    if (notes == nullptr || !comment.has_value()) return;
    for (std::size_t i = 0; i < comment.repetition_count(); ++i)
        if (const auto text = scope.text(comment.repetition(i)); !text.empty())
            notes->push_back(text);
}

void Hl7Intake::emit_merge(const Scope& scope, std::size_t pid, std::size_t end,
                           const Trigger& what) {
    std::size_t at = pid + 1;
    while (at < end && message_.at(at).id() != "MRG") ++at;
    const std::string place = "MRG " + std::to_string(++mrg_number_);
    if (at == end) {
        scope.out.dead_letter(Error(Errc::Missing, "MRG is missing: " + std::string(scope.trigger) +
                                                       " does not say which identifier is merged"),
                              place);
        return;
    }
    std::vector<Identifier> losers;
    hl7::append_identifiers(message_.at(at).field(1), scope.facility, arena_, losers);
    const Identifier* loser = hl7::primary(losers, rules_.authorities);
    const Identifier* survivor = &event_.identifiers.front();
    if (loser == nullptr) {
        scope.out.dead_letter(
            Error(Errc::Missing, "MRG-1 is empty: nobody knows which identifier is merged"),
            "MRG-1 of " + place);
        return;
    }
    if (what.event == "A47") change_of(losers, event_.identifiers, survivor, loser);
    if (loser->key() == survivor->key()) {
        scope.out.dead_letter(Error(Errc::Conflict, "MRG-1 and PID-3 name the same identifier"),
                              "MRG-1 of " + place);
        return;
    }
    auto occurred = time_or_dead_letter(scope, message_.segment("EVN").field(6), "EVN-6");
    if (!occurred) occurred = time_or_dead_letter(scope, message_.segment("EVN").field(2), "EVN-2");
    const schemas::MergeRequest request{*survivor, *loser, scope.trigger,
                                        occurred.value_or(event_.occurred)};
    scope.out.emit_event(Topic::Subject, schemas::kMergesKey, request,
                         {.event_time = request.occurred.at});
}

}  // namespace vitalog::ingest
