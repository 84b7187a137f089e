#pragma once

#include <string_view>

#include "schemas/events/care.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "sinks/views/database.h"
#include "sinks/views/source.h"

namespace vitalog::sinks::views {

/// Writes what the stages concluded: indices, alerts, tasks, messages; each whole at every change.
/// The records of one of them may come from two partitions where a person was merged; the event's
/// own revision says which is the last word. Used by the store's thread, inside its transaction.
class EventWriter {
  public:
    static Result<EventWriter> open(sql::Connection& connection);

    Result<void> risk(const schemas::RiskEvent& event, const Source& source);
    Result<void> alert(const schemas::AlertEvent& event, std::string_view body,
                       const Source& source);
    Result<void> task(const schemas::TaskState& event, std::string_view body, const Source& source);
    Result<void> delivery(const schemas::Delivery& event, std::string_view body,
                          const Source& source);

  private:
    sql::Statement risk_, alert_, task_, task_version_, delivery_;
};

/// FHIR R4 event-status of a message (Communication.status).
std::string_view communication_status(schemas::DeliveryState state, int attempts);

}  // namespace vitalog::sinks::views
