#include "topology/audit/audit_log.h"

#include <algorithm>

#include "topology/audit/still_source.h"
#include "topology/site_log.h"
#include "topology/topics.h"

namespace vitalog::topology {
namespace {

/// A stopped log as readers know logs.
class StoppedRecords final : public StillSource<RecordSource> {
  public:
    explicit StoppedRecords(const StoppedLog& log) : log_(log) {}

    std::uint32_t partitions(std::string_view topic) const override {
        const auto found = std::ranges::find(log_.topics(), topic, &StoppedLog::Topic::name);
        return found == log_.topics().end() ? 0 : found->partitions;
    }
    Result<Offset> begin_offset(const TopicPartition& tp) const override { return log_.extent(tp).begin; }
    Result<Offset> end_offset(const TopicPartition& tp) const override { return log_.extent(tp).end; }
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes, RecordBatch& out) const override {
        return log_.read(tp, from, max_bytes, out);
    }

  private:
    const StoppedLog& log_;
};

}  // namespace

AuditLog::~AuditLog() = default;

Result<std::unique_ptr<AuditLog>> AuditLog::open(const Config& config, Options options) {
    std::unique_ptr<AuditLog> log(new AuditLog);
    log->names_ = configured_names(config);
    if (options.data_dir.empty()) {
        VITALOG_CHECK(check_log(config, options.kafka_password));
        SiteLog::Options site;
        site.kafka_password = options.kafka_password;
        VITALOG_TRY(log->cluster_, SiteLog::open_to_read(config, log->names_, site));
        const Log& cluster = *log->cluster_;
        log->source_.emplace(AuditSource{
            cluster, [&cluster](const TopicPartition& tp, Offset at) { return cluster.generation_at(tp, at); },
            cluster.topics()});
        return log;
    }
    VITALOG_TRY(log->stopped_, StoppedLog::open(options.data_dir));
    const StoppedLog& stopped = *log->stopped_;
    log->records_ = std::make_unique<StoppedRecords>(stopped);
    std::vector<TopicConfig> topics;
    for (const auto& topic : stopped.topics()) {
        TopicConfig entry;
        entry.name = topic.name;
        entry.partitions = topic.partitions;
        topics.push_back(std::move(entry));
        if (const auto known = log->names_.topic(topic.name)) log->names_.set(*known, topic.name, topic.partitions);
    }
    log->source_.emplace(AuditSource{
        *log->records_, [&stopped](const TopicPartition& tp, Offset at) { return stopped.generation_at(tp, at); },
        std::move(topics)});
    return log;
}

Result<AuditLog::Position> AuditLog::position(std::string_view stage, const TopicPartition& input) const {
    if (cluster_) {
        const auto committed = cluster_->committed(stage, input);
        if (!committed && committed.error().code() != Errc::NotFound) return tl::unexpected(committed.error());
        return Position{committed ? *committed : Offset(), 0, {}};
    }
    for (const auto& shard : stopped_->shards())
        if (shard.stage == stage && shard.input == input)
            return Position{shard.position.committed, shard.position.logic, shard.earlier};
    return Position{};
}

}  // namespace vitalog::topology
