#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "processors/care/index_results.h"
#include "processors/care/results.h"
#include "processors/care/spo2_scales.h"
#include "schemas/base/ids.h"
#include "schemas/base/time.h"
#include "schemas/events/task.h"
#include "schemas/rules.h"
#include "state/entity.h"

namespace vitalog::processors::care {

enum class Sex : std::uint8_t { Unknown, Female, Male, Other };

/// What a doctor decided about an episode's task.
struct Decided {
    schemas::DecisionAction action = schemas::DecisionAction::Confirm;
    std::string user;
    ReceivedTime at;
};

inline constexpr std::size_t kEvidencePerEpisodeMax = 16;
inline constexpr std::size_t kClosedEpisodesMax = 16;

/// One problem of one person, from its alert to its end. A closed one with a task is remembered, so
/// that a later decision or correction finds it.
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
        false;          ///< everything in it was older than the rule's max_age when received
    bool told = false;  ///< the patient's message was decided
    ZonedTime since;
    RecordId task;                   ///< empty: none
    std::vector<RecordId> evidence;  ///< results it rests on, the latest last
    std::optional<Decided> decided;

    bool has_task() const { return !task.empty(); }
    bool rests_on(const RecordId& result) const;
    /// Keeps the latest kEvidencePerEpisodeMax.
    void add_evidence(const RecordId& result);
};

/// Everything care knows and has pending about one person. Lives in the entity store of its shard.
class Person final : public state::Entity {
  public:
    void encode(std::string& out) const override;
    std::size_t memory_bytes() const override;
    void prefetch() const override { results.prefetch(); }
    /// Damaged when the bytes are not what encode() wrote in this or an earlier version; *this is
    /// then unusable.
    Result<void> decode(std::string_view bytes);

    /// The open episode of a rule, or null.
    Episode* open_episode(std::string_view rule);
    Episode* episode_of(const RecordId& alert);
    /// Forgets closed episodes without a task, and the oldest others beyond kClosedEpisodesMax.
    void forget_old_episodes();

    std::optional<Date> birth_date;
    Sex sex = Sex::Unknown;
    bool deceased = false;
    std::string team;
    std::string merged_into;  ///< person this one became part of; everything is forwarded there
    Results results;
    IndexResults index_results;
    Spo2Scales spo2_scales;
    std::vector<Episode> episodes;
};

}  // namespace vitalog::processors::care
