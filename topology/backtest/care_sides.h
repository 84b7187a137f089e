#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "processors/care/care_processor.h"
#include "topology/backtest/memory_call.h"

namespace vitalog::topology {

/// Care over the records of a partition, in memory: by the rules in force, and from begin_draft()
/// on by those of a draft as well. Each side makes of the records what a shard would have made. A
/// record is read, folded and its indices computed once for both. One thread.
class CareSides {
  public:
    /// They get what the sides write to `alert` and `task`.
    CareSides(TakeOutput in_force, TakeOutput draft);

    /// A control record takes force on one side. The refusal leaves the old one in force.
    Result<void> in_force(const schemas::Control& control) { return control_of(ours_, control); }
    Result<void> draft(const schemas::Control& control) { return control_of(theirs_, control); }
    /// From here on there are two sides; up to here the draft's were those in force.
    void begin_draft() { begun_ = true; }

    /// Asks the processor's cache for a person whose record comes soon.
    void expect(std::string_view key) const;
    /// A record about the person that its key names. False: it was refused.
    bool apply(const processors::Input& input);
    /// Fires the timers that are due at `now`, of each side by when they are due and by person.
    void fire_due(ReceivedTime now);

    /// Those that had a record since begin_draft().
    std::int64_t persons_tried() const { return persons_tried_; }

  private:
    struct Held {
        processors::care::Person person;            ///< with what the rules in force concluded
        processors::care::Conclusions conclusions;  ///< the draft's, once parted
        DueTimers::Timers ours, theirs;
        bool parted = false;  ///< the draft has conclusions and timers of its own
        bool tried = false;   ///< had a record since begin_draft()
    };
    struct Side {
        processors::care::CareProcessor care;
        TakeOutput take;
        DueTimers due;
    };
    /// An id is a hash already.
    struct IdBits {
        std::size_t operator()(const RecordId& id) const noexcept {
            std::size_t bits = 0;
            std::memcpy(&bits, id.bytes.data(), sizeof bits);
            return bits;
        }
    };

    static Result<void> control_of(Side& side, const schemas::Control& control) {
        return side.care.on_control(control, {});
    }
    static RecordId id_of(std::string_view key);
    Held& fetch(std::string_view key);
    void part(Held& held, std::string_view key);
    bool apply_to_both(Held& held, const processors::Input& input);
    MemoryCall call(const Origin& origin, std::string_view key) const;
    static void take_effect(Side& side, std::string_view key, DueTimers::Timers& timers,
                            MemoryCall& call);
    void fire_ours(const DueTimers::Due& due);
    void fire_theirs(const DueTimers::Due& due);

    Side ours_, theirs_;
    std::unordered_map<RecordId, Held, IdBits> held_;
    bool begun_ = false;
    std::int64_t persons_tried_ = 0;
};

}  // namespace vitalog::topology
