#include "topology/log/kafka/resume.h"

#include <fmt/format.h>

#include <algorithm>

#include "schemas/base/ports.h"
#include "topology/log/kafka/positions.h"

namespace vitalog::topology::kafka {
namespace {

/// What a person does to go on from an offset, while no process of the site runs.
std::string set_by_hand(const Ticket& ticket, std::string_view offset) {
    return fmt::format(
        "`kafka-consumer-groups.sh --group {} --topic {}:{} --reset-offsets --to-offset {} "
        "--execute` while the site is stopped, for longer than log.session",
        ticket.member->group(), ticket.input.topic, ticket.input.partition.value(), offset);
}

/// Without our text beside the offset. Where this process stopped there itself, it knows more.
Result<GroupPosition> position_set_by_hand(const RestorePorts& ports, const Ticket& ticket,
                                           Offset offset) {
    log_line("warn", "position-set-by-hand",
             {{"group", ticket.member->group()},
              {"partition", to_string(ticket.input)},
              {"offset", std::to_string(offset.value())}});
    VITALOG_TRY(const auto stand, ports.local.stand(ticket.shard));
    if (stand && stand->committed == offset) return decode_metadata(offset, stand->metadata);
    GroupPosition group;
    group.position.committed = group.position.checkpoint = offset;
    return group;
}

/// What is read next is still there.
Result<void> check_input(const RestorePorts& ports, const Ticket& ticket, Offset from,
                         Offset committed) {
    VITALOG_TRY(const Offset end, end_at_least(ports.reader, ticket.input, committed));
    if (end < committed)
        return fail(
            Errc::Damaged,
            fmt::format("group {} has read {} up to {}, and it ends at {}: the topic was "
                        "made anew or cut. Bring it back from a mirror, or give it another name "
                        "in the site's configuration: ids are made of topic and offset",
                        ticket.member->group(), to_string(ticket.input), committed.value(),
                        end.value()));
    VITALOG_TRY(const Offset begin, ports.reader.begin(ticket.input));
    if (from >= begin) return {};
    const std::string lost =
        committed < begin
            ? fmt::format("the records from {} to {} were deleted before they were read",
                          committed.value(), begin.value() - 1)
            : fmt::format(
                  "state can't be computed again, as the records from {} to {} were "
                  "deleted; their outputs are there",
                  from.value(), begin.value() - 1);
    return fail(
        Errc::Damaged,
        fmt::format("{} of group {}: {} (retention.ms, retention.bytes or kafka-delete-records.sh)."
                    " Bring them back from a mirror, or go on without them: {}",
                    to_string(ticket.input), ticket.member->group(), lost,
                    set_by_hand(ticket, std::to_string(std::max(committed, begin).value()))));
}

/// A shard that has no position begins with what there is, unless it ran before.
Result<GroupPosition> first_position(const RestorePorts& ports, const Ticket& ticket,
                                     bool stateful) {
    GroupPosition group;
    VITALOG_TRY(group.position.committed, ports.reader.begin(ticket.input));
    group.position.checkpoint = group.position.committed;
    VITALOG_TRY(const auto stand, ports.local.stand(ticket.shard));
    VITALOG_TRY(const auto kept, ports.local.restored(ticket.shard));
    const bool had_state = stateful && kept;
    if (!had_state && (!stand || stand->committed == group.position.committed)) return group;
    if (stand) VITALOG_CHECK(check_input(ports, ticket, stand->committed, stand->committed));
    const std::string come_to = stand ? std::to_string(stand->committed.value()) : "?";
    return fail(
        Errc::Damaged,
        fmt::format("group {} has no position in {}, although {}: the cluster forgot it "
                    "(offsets.retention.minutes, or the group was deleted). Set it by hand, {}",
                    ticket.member->group(), to_string(ticket.input),
                    stand ? "this process had come to " + come_to : "its state is there",
                    set_by_hand(ticket, stand ? come_to : "N")));
}

}  // namespace

Result<GroupPosition> resume_shard(const RestorePorts& ports, const Ticket& ticket, bool stateful) {
    VITALOG_TRY(const auto committed,
                committed_offsets(ports.uncommitted, ticket.member->group(), {ticket.input}));
    const auto found = committed.find(ticket.input);
    GroupPosition group;
    if (found != committed.end()) {
        const auto& [next, metadata] = found->second;
        VITALOG_TRY(group, metadata.empty() ? position_set_by_hand(ports, ticket, next)
                                            : decode_metadata(next, metadata));
        const ShardPosition& position = group.position;
        VITALOG_CHECK(check_input(ports, ticket,
                                  stateful ? position.checkpoint : position.committed,
                                  position.committed));
    }
    if (stateful)
        VITALOG_CHECK(restore_shard(ports, ticket.shard, ticket.snapshots, group.snapshots));
    if (found == committed.end()) return first_position(ports, ticket, stateful);
    return group;
}

}  // namespace vitalog::topology::kafka
