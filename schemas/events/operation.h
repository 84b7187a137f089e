#pragma once

#include <array>
#include <string_view>

#include "schemas/events/care.h"

// What the operator's side of the site lets in: alarms, and dead letters tried again.

namespace vitalog::schemas {

enum class OperationKind : std::uint8_t { AlarmRaised, AlarmCleared, Retry };
template <>
struct EnumNames<OperationKind> {
    static constexpr std::array<std::string_view, 3> names{"alarm-raised", "alarm-cleared",
                                                           "retry"};
};

/// `feed.operation`. An alarm opens or cancels a task of the duty operators; a retry is kept as
/// history: its bytes stand in the feed that they came from.
struct Operation {
    static constexpr std::string_view kType = "vitalog.operation.v1";
    OperationKind kind = OperationKind::AlarmRaised;
    std::string_view name;  ///< the alarm; of a retry, the place of the record tried again:
                            ///< "topic/partition/offset"
    ReceivedTime since;  ///< when the alarm's condition began: with its name, which episode; of a
                         ///< retry, when
    std::string_view problem;    ///< what an operator must know; of a retry, the operator's reason
    std::string_view team = {};  ///< whose task an alarm becomes
    Priority priority = Priority::Medium;  ///< of that task
    std::string_view placed = {};          ///< where a retried record stands now
    std::string_view by = {};              ///< who tried again

    template <class V>
    void members(V& v) {
        v.required("kind", kind);
        v.required("name", name);
        v.required("since", since);
        v("problem", problem);
        v("team", team);
        v("priority", priority);
        v("placed", placed);
        v("by", by);
    }
};

}  // namespace vitalog::schemas
