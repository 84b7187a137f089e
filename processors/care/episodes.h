#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "processors/care/turn.h"

namespace vitalog::processors::care {

/// The life of episodes: raised once, evidence appended, priority only rises, closed by their own
/// limit; what they ask of desk and notify. Every change writes the episode whole to `alert`.
class Episodes {
  public:
    explicit Episodes(Turn& turn) : turn_(turn) {}

    /// A result meets a rule: raises an episode, or adds to the open one. `evidence` ends with the
    /// result itself.
    void meet(const rules::RulePtr& rule, const rules::Level& level, const Sample& sample,
              std::span<const RecordId> evidence);
    /// The episode's own limit is met, or what it rests on is gone. `last`: result that shows it,
    /// may be null.
    void close(Episode& episode, const Sample* last, std::string_view reason);
    /// A result it rests on changed or was withdrawn: tells the doctor; closes it unless
    /// `supported`.
    void correct(Episode& episode, std::span<const RecordId> changed, std::string_view reason,
                 bool supported);
    /// Nobody is to be called to, or told about, a person who died.
    void end_by_death(Episode& episode, const ZonedTime& at);
    /// The younger of two episodes of one rule, after a merge: its evidence goes to the older.
    void supersede(Episode& older, Episode& younger);
    /// Writes the episode again, under another person.
    void moved(Episode& episode);
    /// Tells the patient what a doctor confirmed.
    void tell_patient(Episode& episode, const schemas::PersonDecision& decision);

  private:
    void raise(const rules::RulePtr& rule, const rules::Level& level, const Sample& sample,
               std::span<const RecordId> evidence);
    void append(Episode& episode, const rules::Level& level, const Sample& sample,
                std::span<const RecordId> evidence);
    bool fresh(const schemas::Rule& rule, const Sample& sample) const;
    void open_task(Episode& episode);
    void cancel_message(const Episode& episode, std::string_view reason);
    void write(Episode& episode, schemas::AlertState state, const ZonedTime& occurred,
               std::string_view reason);
    void send_evidence(const Episode& episode, std::span<const RecordId> results, bool correction);
    std::vector<schemas::Evidence> evidence_of(std::span<const RecordId> results) const;
    schemas::Evidence evidence_of(Results::Place place) const;
    ZonedTime time_of(std::span<const RecordId> results, const ZonedTime& otherwise) const;
    std::string_view task_text(const Episode& episode) const;
    EmitOptions options(const Episode& episode, EventTime at) const;

    Turn& turn_;
};

}  // namespace vitalog::processors::care
