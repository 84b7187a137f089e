#pragma once

#include <cstddef>
#include <string>

#include "schemas/base/ids.h"
#include "schemas/base/time.h"

namespace vitalog::state {

/// What a stage knows about one entity (a person, a task, a recipient, ...): an ordinary struct, decoded once and
/// kept decoded while hot. Owned by the entity store of its shard; touched by that shard's thread only.
class Entity {
  public:
    virtual ~Entity() = default;
    /// Appends the stored form. It begins with the entity's own version number, so that a new binary reads old state.
    virtual void encode(std::string& out) const = 0;
    /// What it takes in memory, about, for the byte budget.
    virtual std::size_t memory_bytes() const = 0;
    /// Asks the processor's cache for the memory behind the entity that its next record will need.
    virtual void prefetch() const {}
};

/// A timer that lives in an entity (law 9). At most one of a name per entity.
struct Timer {
    std::string name;
    ReceivedTime due;
    RecordId set_by;  ///< id of the record (or timer) whose handling set it
    RecordId root;    ///< the feed record at its root

    friend bool operator==(const Timer&, const Timer&) = default;
};

}  // namespace vitalog::state
