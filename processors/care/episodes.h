#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "processors/care/turn.h"

namespace vitalog::processors::care {

/// What met a rule, or shows that it is over.
struct Finding {
    ZonedTime at;                       ///< event time of the newest value
    std::span<const RecordId> results;  ///< observations it rests on, the decisive one last
    std::span<const SampleFact> facts;  ///< samples and statistics it rests on
};

/// The open episode that keeps another of this person from making a task, or null.
const Episode* hiding(const Person& person, const Episode& episode);

/// The life of episodes: raised once, evidence appended, priority only rises, closed by their own
/// limit; what they ask of desk and notify. Every change writes the episode whole to `alert`.
class Episodes {
  public:
    explicit Episodes(Turn& turn) : turn_(turn) {}

    /// A rule is met: raises an episode, or adds to the open one. Nothing comes of it while the
    /// rule cools down, unless it is worse than before.
    void meet(const rules::RulePtr& rule, const rules::Level& level, const Finding& finding);
    /// Whether meet() would change the open episode by more than one more value.
    bool changes(const Episode& episode, const rules::Level& level, EventTime at) const;
    /// The episode's own limit is met, or what it rests on is gone. `last`: what shows it, may be
    /// null. Tasks that it hid are opened.
    void close(Episode& episode, const Finding* last, std::string_view reason);
    /// A result it rests on changed or was withdrawn: tells the doctor; closes it unless
    /// `supported`.
    void correct(Episode& episode, std::span<const RecordId> changed, std::string_view reason,
                 bool supported);
    /// Nobody is to be called to, or told about, a person who died.
    void end_by_death(Episode& episode, const ZonedTime& at);
    /// The younger of two episodes of one rule, after a merge: its evidence goes to the older.
    void supersede(Episode& older, Episode& younger);
    /// Another version of its rule takes the open episode over: what it says and how urgent it is,
    /// unless that was more urgent before.
    void go_on_under(Episode& episode, const rules::RulePtr& rule);
    /// Writes the episode again, under another person.
    void moved(Episode& episode);
    /// Tells the patient what a doctor confirmed.
    void tell_patient(Episode& episode, const schemas::PersonDecision& decision);

  private:
    void raise(const rules::RulePtr& rule, const rules::Level& level, const Finding& finding);
    void append(Episode& episode, const rules::Level& level, const Finding& finding);
    std::optional<EventTime> cools_down_until(const schemas::Rule& rule, const rules::Level& level,
                                              EventTime at) const;
    bool hidden(const Episode& episode) const {
        return hiding(turn_.person, episode) != nullptr;
    }
    bool may_open_task(const Episode& episode) const;
    void release(const Episode& ended);
    Episode* companion(const Episode& episode);
    void assign_task(Episode& episode);
    void open_task(const Episode& episode);
    void tell_task(const Episode& episode);
    bool fresh(const schemas::Rule& rule, EventTime at) const;
    bool owns_task(const Episode& episode) const;
    void cancel_task(const Episode& episode, std::string_view reason, EventTime at,
                     std::string_view superseded_by);
    void cancel_message(const Episode& episode, std::string_view reason);
    void write(Episode& episode, schemas::AlertState state, const ZonedTime& occurred,
               std::string_view reason);
    void send_evidence(const Episode& episode, std::span<const RecordId> results,
                       std::span<const SampleFact> facts, bool correction);
    std::vector<schemas::Evidence> evidence_of(std::span<const RecordId> results,
                                               std::span<const SampleFact> facts) const;
    schemas::Evidence evidence_of(Results::Place place) const;
    schemas::Evidence evidence_of(const SampleFact& fact) const;
    ZonedTime time_of(std::span<const RecordId> results, const ZonedTime& otherwise) const;
    std::string_view task_text(const Episode& episode) const;
    EmitOptions options(const Episode& episode, EventTime at) const;

    Turn& turn_;
};

}  // namespace vitalog::processors::care
