#include "topology/log/kafka/resume.h"

#include <fmt/format.h>

#include <algorithm>

#include "schemas/base/ports.h"

namespace vitalog::topology::kafka {
namespace {

/// What a person does to go on from an offset, while no process of the site runs.
std::string set_by_hand(const ShardPlace& place, std::string_view offset) {
    return fmt::format(
        "`kafka-consumer-groups.sh --group {} --topic {}:{} --reset-offsets --to-offset {} "
        "--execute` while the site is stopped, for longer than log.session",
        place.member->group(), place.input.topic, place.input.partition.value(), offset);
}

/// Without our text beside the offset. Where this process stopped there itself, it knows more.
Result<GroupPosition> position_set_by_hand(const CopyPorts& ports, const ShardPlace& place,
                                           Offset offset) {
    log_line("warn", "position-set-by-hand",
             {{"group", place.member->group()},
              {"partition", to_string(place.input)},
              {"offset", std::to_string(offset.value())}});
    VITALOG_TRY(const auto stand, ports.local.stand(place.shard));
    if (stand && stand->committed == offset) return decode_metadata(offset, stand->metadata);
    GroupPosition group;
    group.position.committed = group.position.checkpoint = offset;
    return group;
}

/// What is read next is still there.
Result<void> check_input(const CopyPorts& ports, const ShardPlace& place, Offset from,
                         Offset committed) {
    VITALOG_TRY(const Offset end, end_at_least(ports.reader, place.input, committed));
    if (end < committed)
        return fail(
            Errc::Damaged,
            fmt::format("group {} has read {} up to {}, and it ends at {}: the topic was "
                        "made anew or cut. Bring it back from a mirror, or give it another name "
                        "in the site's configuration: ids are made of topic and offset",
                        place.member->group(), to_string(place.input), committed.value(),
                        end.value()));
    VITALOG_TRY(const Offset begin, ports.reader.begin(place.input));
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
                    to_string(place.input), place.member->group(), lost,
                    set_by_hand(place, std::to_string(std::max(committed, begin).value()))));
}

}  // namespace

Result<std::optional<GroupPosition>> group_position(
    const CopyPorts& ports, const ShardPlace& place,
    const std::map<TopicPartition, CommittedOffset>& committed) {
    const auto found = committed.find(place.input);
    if (found == committed.end()) return std::nullopt;
    const auto& [next, metadata] = found->second;
    VITALOG_TRY(auto group, metadata.empty() ? position_set_by_hand(ports, place, next)
                                             : decode_metadata(next, metadata));
    const ShardPosition& position = group.position;
    VITALOG_CHECK(check_input(ports, place,
                              place.stateful ? position.checkpoint : position.committed,
                              position.committed));
    return group;
}

Result<GroupPosition> first_position(const CopyPorts& ports, const ShardPlace& place) {
    GroupPosition group;
    VITALOG_TRY(group.position.committed, ports.reader.begin(place.input));
    group.position.checkpoint = group.position.committed;
    VITALOG_TRY(const auto stand, ports.local.stand(place.shard));
    VITALOG_TRY(const auto kept, ports.local.restored(place.shard));
    const bool had_state = place.stateful && kept;
    if (!had_state && (!stand || stand->committed == group.position.committed)) return group;
    if (stand) VITALOG_CHECK(check_input(ports, place, stand->committed, stand->committed));
    const std::string come_to = stand ? std::to_string(stand->committed.value()) : "?";
    return fail(
        Errc::Damaged,
        fmt::format("group {} has no position in {}, although {}: the cluster forgot it "
                    "(offsets.retention.minutes, or the group was deleted). Set it by hand, {}",
                    place.member->group(), to_string(place.input),
                    stand ? "this process had come to " + come_to : "its state is there",
                    set_by_hand(place, stand ? come_to : "N")));
}

}  // namespace vitalog::topology::kafka
