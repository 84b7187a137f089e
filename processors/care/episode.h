#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schemas/base/binary.h"
#include "schemas/base/ids.h"
#include "schemas/base/time.h"
#include "schemas/events/task.h"
#include "schemas/rules.h"

namespace vitalog::processors::care {

/// What a doctor decided about an episode's task.
struct Decided {
    schemas::DecisionAction action = schemas::DecisionAction::Confirm;
    std::string user;
    ReceivedTime at;
};

/// Something that a rule was met by and that no observation stands for: a sample of a device, or
/// what a window came to.
struct SampleFact {
    RecordId id;
    RecordId event;  ///< record that brought it
    std::string loinc;
    std::string unit;
    std::string display;
    std::string source;  ///< device or program
    std::optional<double> value;
    std::string text;  ///< "for 60s", "mean of 24h, 40 values"
    ZonedTime at;
};

inline constexpr std::size_t kEvidencePerEpisodeMax = 16;
inline constexpr std::size_t kClosedEpisodesMax = 16;

/// One problem of one person, from its alert to its end. A closed one with a task is remembered, so
/// that a later decision or correction finds it; one whose rule cools down, for so long.
struct Episode {
    RecordId alert;             ///< id of the first alert record
    std::int64_t revision = 0;  ///< of the last alert record
    std::shared_ptr<const schemas::Rule>
        rule;  // shared with the packs in force: the version that raised it stays
    schemas::Priority priority = schemas::Priority::Low;  ///< the highest reached
    std::string band;                                     ///< index-band rules: the worst reached
    std::string problem;
    int rank = 0;  ///< of the band in its rule, 0 the worst
    bool open = true;
    bool retrospective =
        false;                 ///< everything in it was older than the rule's max_age when received
    bool told = false;         ///< the patient's message was decided
    bool wants_task = false;   ///< a level with a task was reached
    bool shares_task = false;  ///< the task is that of another episode of its group
    ZonedTime since;
    EventTime ended;                 ///< event time of the end; of closed ones
    RecordId task;                   ///< empty: none
    std::vector<RecordId> evidence;  ///< results it rests on, the latest last
    std::vector<SampleFact> facts;   ///< samples it rests on, the latest last
    std::optional<Decided> decided;

    bool has_task() const { return !task.empty(); }
    bool rests_on(const RecordId& result) const;
    /// Keeps the latest kEvidencePerEpisodeMax.
    void add_evidence(const RecordId& result);
    /// Keeps the first and the latest, kEvidencePerEpisodeMax in all. False when it is there.
    bool add_fact(const SampleFact& fact);
    std::size_t heap_bytes() const;

    void encode(BinaryWriter& out) const;
    /// False when the bytes do not follow the format.
    bool decode(BinaryReader& in);
    /// The same of the form that an episode has in a person of version 2.
    bool decode_form_2(BinaryReader& in);
};

}  // namespace vitalog::processors::care
