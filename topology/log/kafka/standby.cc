#include "topology/log/kafka/standby.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "schemas/base/ports.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::chrono::seconds kEvery{1};
constexpr std::chrono::hours kDropOldEvery{1};

/// The members' names, sorted; nullopt while the group is between two states.
std::optional<std::vector<std::string>> members_of(
    const rd_kafka_ConsumerGroupDescription_t& group) {
    if (rd_kafka_ConsumerGroupDescription_state(&group) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE)
        return std::nullopt;
    std::set<std::string> names;
    const std::size_t count = rd_kafka_ConsumerGroupDescription_member_count(&group);
    for (std::size_t i = 0; i < count; ++i) {
        const auto* member = rd_kafka_ConsumerGroupDescription_member(&group, i);
        if (const char* name = rd_kafka_MemberDescription_group_instance_id(member))
            names.insert(name);
    }
    return std::vector<std::string>(names.begin(), names.end());
}

const rd_kafka_ConsumerGroupDescription_t* described(rd_kafka_event_t* event) {
    std::size_t count = 0;
    const auto** groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event), &count);
    return count == 1 ? groups[0] : nullptr;
}

rd_kafka_resp_err_t error_of(rd_kafka_event_t* event) {
    const auto* group = described(event);
    if (group == nullptr) return RD_KAFKA_RESP_ERR__BAD_MSG;
    const auto* error = rd_kafka_ConsumerGroupDescription_error(group);
    return error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
}

/// nullopt while nobody can say.
Result<std::optional<std::vector<std::string>>> ask_members(Asker& asker,
                                                            const std::string& group) {
    VITALOG_TRY(const auto answer, asker.ask({RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT,
                                              RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
                                              "cannot learn who is in group " + group,
                                              [&](auto* client, auto* options, auto* queue) {
                                                  const char* name = group.c_str();
                                                  rd_kafka_DescribeConsumerGroups(client, &name, 1,
                                                                                  options, queue);
                                              },
                                              error_of}));
    if (!answer) return std::nullopt;
    return members_of(*described(answer->event.get()));
}

}  // namespace

std::size_t range_owner(std::size_t members, std::uint32_t partitions, std::uint32_t partition) {
    const std::size_t each = partitions / members;
    const std::size_t more = partitions % members;
    const std::size_t with_more = more * (each + 1);  // partitions of those who have one more
    if (partition < with_more) return partition / (each + 1);
    return more + (partition - with_more) / each;
}

std::set<std::uint32_t> stands_by_for(const std::vector<std::string>& members,
                                      const std::string& instance, std::uint32_t partitions,
                                      std::size_t standbys) {
    std::set<std::uint32_t> ours;
    for (std::uint32_t partition = 0; partition < partitions; ++partition) {
        std::vector<std::string> left = members;
        for (std::size_t gone = 0; gone <= standbys && !left.empty(); ++gone) {
            const std::size_t owner = range_owner(left.size(), partitions, partition);
            if (left[owner] == instance) {
                if (gone > 0) ours.insert(partition);
                break;
            }
            left.erase(left.begin() + static_cast<std::ptrdiff_t>(owner));
        }
    }
    return ours;
}

std::set<std::string> left_by(const std::set<std::string>& known,
                              const std::set<std::string>& present, const std::string& instance) {
    std::set<std::string> gone;
    if (present.empty() || *present.begin() != instance) return gone;
    std::ranges::set_difference(known, present, std::inserter(gone, gone.end()));
    return gone;
}

Standby::Standby(Options options, Asker& asker, Copies& copies)
    : options_(std::move(options)),
      asker_(asker),
      copies_(copies),
      looking_("standby", kEvery, [this] {
          look();
          drop_old();
      }) {}

void Standby::drop_old() {
    const auto now = std::chrono::steady_clock::now();
    if (now - dropped_ < kDropOldEvery) return;
    dropped_ = now;
    if (const auto done = copies_.drop_old(); !done)
        log_line("warn", "standby", {{"error", done.error().to_string()}});
}

/// A group that is between two states leaves its part of the plan as it was.
void Standby::look() {
    std::set<std::string> planned;
    std::set<std::string> present;
    bool settled = true;
    for (const Stage& stage : options_.stages) {
        if (looking_.stopping()) return;
        const auto asked = ask_members(asker_, stage.group);
        if (!asked || !*asked) {
            settled = false;
            for (const std::string& shard : stage.shards)
                if (planned_.contains(shard)) planned.insert(shard);
            continue;
        }
        present.insert((*asked)->begin(), (*asked)->end());
        const auto partitions = static_cast<std::uint32_t>(stage.shards.size());
        for (const std::uint32_t partition :
             stands_by_for(**asked, options_.instance, partitions, options_.standbys))
            planned.insert(stage.shards[partition]);
    }
    if (settled) clear_up(present);
    if (planned != planned_)
        log_line("info", "standby", {{"shards", std::to_string(planned.size())}});
    planned_ = std::move(planned);
    copies_.follow(planned_);
    if (options_.metrics)
        options_.metrics->gauge("vitalog_standbys", {}, static_cast<double>(planned_.size()));
}

void Standby::clear_up(const std::set<std::string>& present) {
    if (!present.contains(options_.instance)) return;
    for (const std::string& instance : left_by(known_, present, options_.instance)) {
        const auto done = options_.clear_up(instance);
        log_line(
            done ? "info" : "warn", "process-gone",
            {{"instance", instance}, {"transactions", done ? "ended" : done.error().to_string()}});
    }
    known_ = present;
}

}  // namespace vitalog::topology::kafka
