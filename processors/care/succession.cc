#include "processors/care/succession.h"

#include "processors/care/episodes.h"
#include "processors/care/person_rules.h"

namespace vitalog::processors::care {
namespace {

constexpr std::string_view kRetired = "its rule was taken out of the pack";

}  // namespace

void follow_publications(Turn& turn) {
    Episodes life(turn);
    for (auto& episode : turn.person.episodes) {
        if (!episode.open) continue;
        const auto next = turn.rules.succession(*episode.rule);
        if (next.stays) continue;
        if (next.rule)
            life.go_on_under(episode, as_limited(turn.person, next.rule));
        else
            life.close(episode, nullptr, kRetired);
    }
}

}  // namespace vitalog::processors::care
