#include "topology/operator/operations.h"

#include <future>

#include "schemas/json_decode.h"

namespace vitalog::topology {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

}  // namespace

Result<AppendReceipt> append_and_wait(Log& log, FeedRecord record) {
    std::promise<Result<AppendReceipt>> done;
    log.append(std::move(record),
               [&](Result<AppendReceipt> receipt) { done.set_value(std::move(receipt)); });
    return done.get_future().get();
}

FeedRecord operation_record(const schemas::TopicNames& topics, LogTime now,
                            const schemas::Operation& operation) {
    FeedRecord record;
    record.topic = topics.name(schemas::Topic::FeedOperation);
    record.key = operation.name;
    record.value = schemas::encode(operation);
    Headers::append(record.headers, header::kFormat, "json");
    record.received = now;
    return record;
}

Result<void> append_operation(Log& log, const schemas::TopicNames& topics, LogTime now,
                              const schemas::Operation& operation) {
    VITALOG_CHECK(append_and_wait(log, operation_record(topics, now, operation)));
    return {};
}

Result<void> for_each_operation(const Log& log, const schemas::TopicNames& topics,
                                const std::function<void(const schemas::Operation&)>& visit) {
    const TopicPartition tp{topics.name(schemas::Topic::FeedOperation), Partition(0)};
    VITALOG_TRY(Offset at, log.begin_offset(tp));
    schemas::Decoder decoder;
    RecordBatch batch;
    for (;; at = batch.next) {
        VITALOG_CHECK(log.read(tp, at, kReadBytes, batch));
        if (batch.records.empty()) return {};
        for (const auto& record : batch.records)
            if (const auto operation = schemas::decode<schemas::Operation>(record.value, decoder))
                visit(*operation);
    }
}

}  // namespace vitalog::topology
