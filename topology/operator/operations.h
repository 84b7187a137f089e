#pragma once

#include <functional>

#include "schemas/events/operation.h"
#include "schemas/topic_names.h"
#include "topology/log/log.h"

namespace vitalog::topology {

/// An operation as feed.operation keeps it.
FeedRecord operation_record(const schemas::TopicNames& topics, LogTime now,
                            const schemas::Operation& operation);
/// Appends to feed.operation, durably. Blocks.
Result<void> append_operation(Log& log, const schemas::TopicNames& topics, LogTime now,
                              const schemas::Operation& operation);
/// Everything there is in feed.operation, in order; what can't be read is passed over.
Result<void> for_each_operation(const Log& log, const schemas::TopicNames& topics,
                                const std::function<void(const schemas::Operation&)>& visit);

/// Appends and waits until it is on disk.
Result<AppendReceipt> append_and_wait(Log& log, FeedRecord record);

}  // namespace vitalog::topology
