#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "processors/processor.h"
#include "topology/runtime/outbox.h"

namespace vitalog::topology {

/// What a processor sees while it handles one record, or one timer, of one entity: ids of outputs,
/// and what is to become of timers and entity once the record is accepted. Whoever runs a stage,
/// over the log or in memory, says where outputs go.
class EntityCall : public processors::Context {
  public:
    RecordId next_id() const final { return output_id(origin_.cause, stage_, entity_, count_); }
    void set_timer(std::string_view name, ReceivedTime due) final {
        timers_.push_back({std::string(name), due, origin_.cause, origin_.root});
    }
    void cancel_timer(std::string_view name) final {
        timers_.push_back({std::string(name), ReceivedTime(), {}, {}});
    }
    void remove_entity() final { removed_ = true; }

  protected:
    /// The views outlive the call.
    EntityCall(std::string_view stage, Origin origin, std::string_view entity)
        : stage_(stage), origin_(origin), entity_(entity) {}

    const Origin& origin() const { return origin_; }
    /// An output was made: the next one has another id.
    void counted() { ++count_; }

    /// In the order in which they were asked for.
    template <class Set, class Cancel>
    void apply_timers(Set set, Cancel cancel) {
        for (auto& timer : timers_) {
            if (timer.due == ReceivedTime())
                cancel(timer.name);
            else
                set(std::move(timer));
        }
    }
    bool removed() const { return removed_; }

  private:
    const std::string_view stage_;
    const Origin origin_;
    const std::string_view entity_;
    std::int64_t count_ = 0;
    std::vector<state::Timer> timers_;  // a due of 0 cancels
    bool removed_ = false;
};

/// What the outputs of a timer come from (law 3).
inline Origin origin_of(const state::Timer& timer) {
    const RecordId cause =
        IdHash().part(timer.set_by).part(timer.name).part(timer.due.micros()).finish();
    return {cause, timer.root, timer.due};
}

}  // namespace vitalog::topology
