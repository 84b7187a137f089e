#pragma once

#include "processors/care/turn.h"

namespace vitalog::processors::care {

/// Open episodes whose pack was published with `open_episodes: follow` go on under the version in
/// force, with the person's own limits; those of rules that the pack no longer has end. Called with
/// every record that may move an episode, before it is judged.
void follow_publications(Turn& turn);

}  // namespace vitalog::processors::care
