#include "topology/audit/person_fold.h"

#include "topology/stages/stage.h"

namespace vitalog::topology {

Result<std::uint64_t> fold_person(const AuditLog& log, PersonFoldSpec wanted,
                                  const Fold::Visit& visit) {
    const Stage care = care_stage();
    const schemas::Topic topic = care.reads.front();
    const Partition partition = partition_of(wanted.person, log.names().partitions(topic));
    const TopicPartition input{log.names().name(topic), partition};
    VITALOG_TRY(const Offset begin, log.source().records.begin_offset(input));
    if (begin > Offset())
        return fail(Errc::Unsupported, "retention has dropped what lay before " +
                                           to_string(input, begin) +
                                           ": what is known of this person can't be built again");
    VITALOG_TRY(const auto position, log.position(care.name, input));
    TopicConfig scratch_input;
    scratch_input.name = input.topic;
    scratch_input.partitions = log.names().partitions(topic);
    VITALOG_TRY(const auto scratch, FoldScratch::open({}, {scratch_input}));
    FoldSpec spec;
    spec.shard = {std::string(care.name), topic, partition, true};
    spec.make_processor = std::move(wanted.make_processor);
    spec.entity = std::move(wanted.person);
    spec.end = position.committed;
    spec.to = wanted.to;
    VITALOG_TRY(const auto fold,
                Fold::open(std::move(spec), log.source(), log.names(), scratch.get()));
    for (bool more = true; more;) {
        VITALOG_TRY(more, fold->step(visit));
    }
    return fold->applied();
}

}  // namespace vitalog::topology
