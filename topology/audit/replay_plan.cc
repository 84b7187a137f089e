#include "topology/audit/replay_plan.h"

#include <algorithm>
#include <iterator>

#include "schemas/events/control.h"
#include "topology/audit/record_scan.h"

namespace vitalog::topology {
namespace {

bool in_stretch(const ReplaySelection& selection, LogTime at) {
    return (!selection.from || at >= *selection.from) && (!selection.to || at < *selection.to);
}

}  // namespace

std::uint64_t ReplayPlan::identity_of(const RecordView& record) {
    return hash64(record.headers.find(header::kId)) ^ (hash64(record.key) * 0x9e3779b97f4a7c15U);
}

Result<ReplayPlan> ReplayPlan::make(const AuditLog& log, const ReplaySelection& selection) {
    ReplayPlan plan(log);
    auto topics = selection.topics;
    if (topics.empty())
        for (const auto& topic : schemas::kTopics)
            if (topic.feed) topics.push_back(topic.topic);
    plan.choose_stages(topics);
    if (plan.stages_.empty())
        return fail(
            Errc::Configuration,
            "no stage reads what --topic names: say a feed, subject, person, task or notification");
    VITALOG_CHECK(plan.choose_roots(selection));
    VITALOG_CHECK(plan.look_at_outputs());
    return plan;
}

/// Stages stand in the order of the way of the data: what comes behind the first that reads
/// something played is run.
void ReplayPlan::choose_stages(const std::vector<schemas::Topic>& topics) {
    for (const schemas::Topic topic : topics) played_[index(topic)] = true;
    for (Stage& stage : all_stages()) {
        if (!stage.make_processor) continue;
        const bool begins =
            std::ranges::any_of(stage.reads, [&](auto topic) { return plays(topic); });
        if (stages_.empty() && !begins) {
            for (const schemas::Topic topic : stage.writes) others_write_[index(topic)] = true;
            continue;
        }
        for (const schemas::Topic topic : stage.reads) read_[index(topic)] = true;
        sources_.insert("vitalog/" + std::string(stage.name));
        stages_.push_back(std::move(stage));
    }
    // Feeds that are not played are not read, either.
    for (const auto& topic : schemas::kTopics)
        if (topic.feed && !plays(topic.topic)) read_[index(topic.topic)] = false;
}

Result<bool> ReplayPlan::feeds_are_whole() const {
    bool whole = true;
    for (const auto& topic : schemas::kTopics) {
        if (!topic.feed) continue;
        VITALOG_CHECK(for_each_partition(
            log_.names(), topic.topic, [&](const TopicPartition& tp) -> Result<void> {
                VITALOG_TRY(const Offset begin, log_.source().records.begin_offset(tp));
                whole = whole && begin == Offset();
                return {};
            }));
    }
    return whole;
}

/// What came in with a feed record that is no longer kept is as it was.
Result<void> ReplayPlan::choose_roots(const ReplaySelection& selection) {
    const bool by_time = selection.from || selection.to;
    if (selection.roots && selection.topics.empty() && !by_time) {
        chosen_ = selection.roots;
        return {};
    }
    if (selection.topics.empty() && !by_time) {
        VITALOG_TRY(const bool whole, feeds_are_whole());
        if (whole) return {};
    }
    std::vector<RecordId> roots;
    for (const auto& topic : schemas::kTopics) {
        if (!plays(topic.topic)) continue;
        VITALOG_CHECK(for_each_partition(log_.names(), topic.topic, [&](const TopicPartition& tp) {
            return scan_records(log_.source().records, tp,
                                [&](const RecordView& record) -> Result<void> {
                                    const bool steers = !topic.feed && record.key.empty();
                                    if (!steers && in_stretch(selection, record.timestamp))
                                        roots.push_back(root_of(topic.topic, tp, record));
                                    return {};
                                });
        }));
        sort_once(roots);
    }
    if (!selection.roots) {
        chosen_ = std::move(roots);
        return {};
    }
    chosen_.emplace();
    std::ranges::set_intersection(roots, *selection.roots, std::back_inserter(*chosen_));
    return {};
}

/// Which entities are touched, and under which identities the original has what is to be made.
Result<void> ReplayPlan::look_at_outputs() {
    for (const auto& topic : schemas::kTopics) {
        if (topic.feed || topic.topic == schemas::Topic::Audit) continue;
        auto& touched = touched_[index(topic.topic)];
        VITALOG_CHECK(for_each_partition(
            log_.names(), topic.topic, [&](const TopicPartition& tp) -> Result<void> {
                auto& known = known_[tp];
                VITALOG_CHECK(scan_records(
                    log_.source().records, tp, [&](const RecordView& record) -> Result<void> {
                        if (!chosen(root_of(topic.topic, tp, record))) return {};
                        known.push_back(identity_of(record));
                        if (chosen_ && reads(topic.topic) && !record.key.empty())
                            touched.emplace(record.key);
                        return {};
                    }));
                sort_once(known);
                return {};
            }));
    }
    return {};
}

RecordId ReplayPlan::root_of(schemas::Topic topic, const TopicPartition& tp,
                             const RecordView& record) const {
    if (schemas::info(topic).feed)
        return feed_record_id(log_.source().generation_at(tp, record.offset), tp, record.offset);
    return RecordId::parse(record.headers.find(header::kRoot));
}

bool ReplayPlan::chosen(const RecordId& root) const {
    return !chosen_ || std::ranges::binary_search(*chosen_, root);
}

bool ReplayPlan::knows(const TopicPartition& tp, std::uint64_t identity) const {
    const auto known = known_.find(tp);
    return known != known_.end() && std::ranges::binary_search(known->second, identity);
}

ReplayPlan::Part ReplayPlan::part_of(schemas::Topic topic, const TopicPartition& tp,
                                     const RecordView& record) const {
    const bool feed = schemas::info(topic).feed;
    if (!feed && record.key.empty() && record.headers.find(header::kType) == schemas::Tick::kType)
        return Part::Context;
    if (chosen_ && !chosen(root_of(topic, tp, record))) {
        if (feed || !reads(topic)) return Part::Left;
        if (record.key.empty()) return Part::Context;
        return touched_[index(topic)].contains(std::string(record.key)) ? Part::Context
                                                                        : Part::Left;
    }
    if (feed) return Part::Taken;
    // A door's dead letters have no cause.
    const bool of_door =
        topic == schemas::Topic::DeadLetter && record.headers.find(header::kCause).empty();
    return !of_door && sources_.contains(record.headers.find(header::kSource)) ? Part::Made
                                                                               : Part::Taken;
}

}  // namespace vitalog::topology
