#pragma once

#include <chrono>

#include "schemas/base/time.h"

namespace vitalog::processors::rules {

/// A stretch of event time over which every value met something, without a gap longer than allowed:
/// the duration half of "below 88 % for 60 s".
struct Run {
    EventTime since;
    EventTime last;
    bool going = false;

    /// The next value by event time, which covers `span` up to its time.
    void follow(EventTime at, std::chrono::microseconds span, bool meets,
                std::chrono::microseconds max_gap) {
        if (!meets) {
            *this = {};
            return;
        }
        const EventTime from = at - span;
        if (!going || from - last > max_gap) since = from;
        going = true;
        last = at;
    }
    /// An earlier stretch that came late: joined where the gap between them allows it.
    void precede(const Run& earlier, std::chrono::microseconds max_gap) {
        if (going && earlier.going && earlier.last <= since && since - earlier.last <= max_gap)
            since = earlier.since;
    }
    bool held(std::chrono::microseconds length) const { return going && last - since >= length; }

    friend bool operator==(const Run&, const Run&) = default;
};

}  // namespace vitalog::processors::rules
