#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "processors/care/episode.h"
#include "processors/care/index_results.h"
#include "processors/care/personal_limits.h"
#include "processors/care/results.h"
#include "processors/care/rule_runs.h"
#include "processors/care/spo2_scales.h"
#include "processors/care/watched.h"
#include "processors/care/windows.h"
#include "schemas/base/ids.h"
#include "schemas/base/time.h"
#include "state/entity.h"

namespace vitalog::processors::care {

enum class Sex : std::uint8_t { Unknown, Female, Male, Other };

/// What one set of rules concluded of a person. All else of a person is known whatever the rules
/// are.
struct Conclusions {
    std::vector<Episode> episodes;
    RuleRuns runs;
    std::vector<std::uint64_t> armed;  ///< rules whose timer is set
};

/// Everything care knows and has pending about one person. Lives in the entity store of its shard.
class Person final : public state::Entity {
  public:
    void encode(std::string& out) const override;
    std::size_t memory_bytes() const override;
    void prefetch() const override {
        results.prefetch();
        windows.prefetch();
    }
    /// Damaged when the bytes are not what encode() wrote in this version or version 2; *this is
    /// then unusable.
    Result<void> decode(std::string_view bytes);

    /// The open episode of a rule, or null.
    Episode* open_episode(std::string_view rule);
    Episode* episode_of(const RecordId& alert);
    /// Forgets closed episodes without a task whose rule has cooled down at `now`, and the oldest
    /// others beyond kClosedEpisodesMax.
    void forget_old_episodes(EventTime now);

    Conclusions conclusions() const { return {episodes, runs, watched.armed()}; }
    /// Puts other conclusions in the place of these.
    void exchange(Conclusions& other);

    RecordId id;  ///< of the person; not part of the stored form

    std::optional<Date> birth_date;
    Sex sex = Sex::Unknown;
    bool deceased = false;
    std::string team;
    std::string merged_into;  ///< person this one became part of; everything is forwarded there
    Results results;
    IndexResults index_results;
    Spo2Scales spo2_scales;
    Windows windows;
    std::vector<Episode> episodes;
    RuleRuns runs;
    std::vector<PersonalLimit> limits;
    Watched watched;

  private:
    Result<void> decode_form_2(BinaryReader& in);
};

}  // namespace vitalog::processors::care
