#include "topology/log/kafka/positions.h"

#include <cstring>

namespace vitalog::topology::kafka {
namespace {

constexpr std::chrono::milliseconds kUnstable{
    50};  // until a transaction in the group is asked about again

Partitions list_of(const std::vector<TopicPartition>& partitions) {
    Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
    for (const TopicPartition& tp : partitions) add_partition(*list, tp);
    return list;
}

const rd_kafka_group_result_t** listed(rd_kafka_event_t* event, std::size_t& count) {
    return rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
}

const rd_kafka_group_result_t** altered(rd_kafka_event_t* event, std::size_t& count) {
    return rd_kafka_AlterConsumerGroupOffsets_result_groups(
        rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count);
}

/// The error of an answer's only group, or of the first of its partitions that has one.
template <auto GroupsOf>
rd_kafka_resp_err_t error_of(rd_kafka_event_t* event) {
    std::size_t count = 0;
    const auto** groups = GroupsOf(event, count);
    if (count != 1) return RD_KAFKA_RESP_ERR__BAD_MSG;
    if (const auto* error = rd_kafka_group_result_error(groups[0]))
        return rd_kafka_error_code(error);
    const auto* list = rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; list && i < list->cnt; ++i)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return list->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace

Result<std::optional<std::map<TopicPartition, CommittedOffset>>> committed_offsets_now(
    Asker& asker, const std::string& group, const std::vector<TopicPartition>& partitions,
    Stable stable) {
    const Partitions list = list_of(partitions);
    std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                    DestroyedBy<rd_kafka_ListConsumerGroupOffsets_destroy>>
        request(rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()));
    VITALOG_TRY(
        const auto answer,
        asker.ask({RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT,
                   RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
                   "cannot read the positions of group " + group,
                   [&](auto* client, auto* options, auto* queue) {
                       const Failure failure(rd_kafka_AdminOptions_set_require_stable_offsets(
                           options, stable == Stable::Yes ? 1 : 0));
                       auto* one = request.get();
                       rd_kafka_ListConsumerGroupOffsets(client, &one, 1, options, queue);
                   },
                   error_of<listed>}));
    if (!answer) return std::nullopt;
    std::map<TopicPartition, CommittedOffset> found;
    std::size_t count = 0;
    const auto* offsets = rd_kafka_group_result_partitions(listed(answer->event.get(), count)[0]);
    for (int i = 0; offsets && i < offsets->cnt; ++i) {
        const auto& entry = offsets->elems[i];
        if (entry.offset < 0) continue;
        found[partition_in(entry)] = {
            Offset(entry.offset),
            std::string(static_cast<const char*>(entry.metadata), entry.metadata_size)};
    }
    return found;
}

Result<std::map<TopicPartition, CommittedOffset>> committed_offsets(
    Asker& asker, const std::string& group, const std::vector<TopicPartition>& partitions,
    Stable stable) {
    const auto deadline = std::chrono::steady_clock::now() + 3 * kCallLimit;
    while (true) {
        VITALOG_TRY(auto found, committed_offsets_now(asker, group, partitions, stable));
        if (found) return *std::move(found);
        if (std::chrono::steady_clock::now() >= deadline)
            return fail(Errc::Io, "the positions of group " + group + " do not settle");
        rest(kUnstable);
    }
}

Result<void> store_offset(Asker& asker, const std::string& group, const TopicPartition& tp,
                          Offset next) {
    const std::string what = "cannot store the position of reader " + group;
    const Partitions list = list_of({tp});
    list->elems[0].offset = next.value();
    std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t,
                    DestroyedBy<rd_kafka_AlterConsumerGroupOffsets_destroy>>
        request(rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get()));
    const Asker::GroupQuestion question{RD_KAFKA_EVENT_ALTERCONSUMERGROUPOFFSETS_RESULT,
                                        RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, what,
                                        [&](auto* client, auto* options, auto* queue) {
                                            auto* one = request.get();
                                            rd_kafka_AlterConsumerGroupOffsets(client, &one, 1,
                                                                               options, queue);
                                        },
                                        error_of<altered>};
    const auto deadline = std::chrono::steady_clock::now() + kCallLimit;
    while (true) {
        VITALOG_TRY(const auto answer, asker.ask(question));
        if (answer) return {};
        if (std::chrono::steady_clock::now() >= deadline)
            return fail(Errc::Io, what + ": the cluster does not settle who keeps it");
        rest(kUnstable);
    }
}

Result<void> store_together(Producer& producer, const GroupOffsets& positions) {
    const auto until_done = [&](const std::string& what, const auto& call) -> Result<void> {
        const auto deadline = std::chrono::steady_clock::now() + producer.timeout();
        while (true) {
            const Failure failure(call());
            if (!failure) return {};
            if (!rd_kafka_error_is_retriable(failure.get()) ||
                std::chrono::steady_clock::now() >= deadline)
                return tl::unexpected(to_error(rd_kafka_error_code(failure.get()), what));
            rest(kUnstable);
        }
    };
    rd_kafka_t* const client = producer.client();
    const int limit = static_cast<int>(kCallLimit.count());
    VITALOG_CHECK(check(rd_kafka_begin_transaction(client), "cannot begin a transaction"));
    for (const auto& [group, offsets] : positions) {
        const Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
        for (const auto& [tp, position] : offsets) {
            auto* entry = add_partition(*list, tp);
            entry->offset = position.next.value();
            entry->metadata = ::strdup(position.metadata.c_str());  // the list frees it
            entry->metadata_size = position.metadata.size();
        }
        const std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                              DestroyedBy<rd_kafka_consumer_group_metadata_destroy>>
            nobody(rd_kafka_consumer_group_metadata_new(group.c_str()));
        VITALOG_CHECK(until_done("cannot store the positions of group " + group, [&] {
            return rd_kafka_send_offsets_to_transaction(client, list.get(), nobody.get(), limit);
        }));
    }
    return until_done("cannot commit the positions",
                      [&] { return rd_kafka_commit_transaction(client, limit); });
}

}  // namespace vitalog::topology::kafka
