#pragma once

#include <cstddef>
#include <string>

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
};

}  // namespace vitalog::state
