#include "tests/support/scenario_site.h"

#include <array>

#include "ingest/hl7/ack.h"
#include "schemas/events/control.h"
#include "topology/publication.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

namespace vitalog::tests {
namespace {

using schemas::Topic;
using topology::Config;
using topology::Stage;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr int kStepsMax = 10'000;  // a course of a few lines settles in some dozens

constexpr std::array<Topic, 9> kOutputs{Topic::Person,     Topic::Risk,      Topic::Alert,
                                        Topic::TaskBoard,  Topic::Delivery,  Topic::SendSms,
                                        Topic::SendWechat, Topic::SendWecom, Topic::DeadLetter};

/// Feeds that no scenario uses have no shard: each would read all code tables at every start.
bool is_used(Topic input) {
    return input != Topic::FeedLis && input != Topic::FeedPacs;
}

Result<Config> config_of(const ScenarioSite::Settings& settings, std::uint32_t partitions) {
    Config::Sources sources;
    sources.flags = {{"log.partitions", std::to_string(partitions)},
                     {"topics.feed.directory.partitions", "1"},
                     {"topics.feed.decision.partitions", "1"},
                     {"topics.feed.receipt.partitions", "1"},
                     {"topics.feed.wearable.partitions", "1"},
                     {"notify.aliyun.url", "http://127.0.0.1:1"}};
    for (const auto& [key, value] : settings) sources.flags.emplace_back(key, value);
    return Config::load(sources);
}

Seen seen(Topic topic, Partition partition, const RecordView& record) {
    const auto text = [&](std::string_view name) { return std::string(record.headers.find(name)); };
    return {topic,
            partition.value(),
            std::string(record.key),
            text(header::kId),
            text(header::kType),
            std::string(record.value),
            text(header::kReason),
            text(header::kStage),
            text(header::kDeadSource),
            text(header::kAt)};
}

}  // namespace

ScenarioSite::ScenarioSite(ingest::hl7::SiteZone zone, schemas::TopicNames topics,
                           std::vector<topology::TopicConfig> configs)
    : topics_(std::move(topics)), log_(std::move(configs)), zone_(std::move(zone)) {}

Result<std::unique_ptr<ScenarioSite>> ScenarioSite::open(const Settings& settings,
                                                         std::uint32_t partitions,
                                                         ReceivedTime now) {
    VITALOG_TRY(const auto config, config_of(settings, partitions));
    VITALOG_TRY(auto zone, ingest::hl7::SiteZone::named(config.text("site.zone")));
    auto names = topology::configured_names(config);
    auto configs = topology::configured_topics(config, names);
    std::unique_ptr<ScenarioSite> site(
        new ScenarioSite(std::move(zone), std::move(names), std::move(configs)));
    VITALOG_CHECK(site->clock_.set(now.as<LogTime>()));
    VITALOG_CHECK(site->start());
    VITALOG_CHECK(site->use_settings(settings));
    return site;
}

Result<void> ScenarioSite::start() {
    topology::ShardOptions options;
    options.commit_delay = std::chrono::microseconds(0);
    runtime_ = std::make_unique<topology::Runtime>(
        topology::ShardPorts{log_, topics_, clock_, metrics_}, options);
    for (const Stage& stage : topology::all_stages()) {
        if (!stage.make_processor) continue;
        for (const Topic input : stage.reads)
            for (std::uint32_t p = 0; is_used(input) && p < topics_.partitions(input); ++p)
                VITALOG_CHECK(
                    runtime_->add({std::string(stage.name), input, Partition(p), stage.stateful},
                                  stage.make_processor));
    }
    return {};
}

Result<void> ScenarioSite::use_settings(const Settings& settings) {
    VITALOG_TRY(const auto config, config_of(settings, topics_.partitions(Topic::Subject)));
    VITALOG_TRY(const auto wanted, topology::collect_publications(config));
    VITALOG_CHECK(topology::publish(log_, topics_, clock_.now(), wanted));
    endpoint_.feed = topics_.name(Topic::FeedHis);
    endpoint_.dead_letter = topics_.name(Topic::DeadLetter);
    endpoint_.authorities = config.list("site.authorities");
    VITALOG_TRY(endpoint_.charset, ingest::hl7::charset_setting(config.text("hl7.charset")));
    return settle();
}

Result<void> ScenarioSite::publish(std::string kind, std::string name, std::string body) {
    std::string version = std::to_string(hash64(body));
    return topology::publish_one(
        log_, topics_, clock_.now(),
        {std::move(kind), std::move(name), std::move(version), std::move(body), "scenario"});
}

Result<AppendReceipt> ScenarioSite::append(FeedRecord record) {
    Result<AppendReceipt> receipt = fail(Errc::Io, "the log did not answer");
    log_.append(std::move(record),
                [&](Result<AppendReceipt> answer) { receipt = std::move(answer); });
    return receipt;
}

Result<std::string> ScenarioSite::receive_hl7(std::string_view bytes) {
    using namespace ingest::mllp;
    Admission admission(endpoint_, zone_, ids_, clock_);
    Judgement judged = admission.judge({Frame::Kind::Message, bytes, bytes.size()});
    std::string answer = judged.answer;
    if (judged.record) {
        auto appended = append(*std::move(judged.record));
        judged.record.reset();
        if (judged.outcome == Outcome::Accepted)
            answer = admission.settle(std::move(judged), std::move(appended)).answer;
    }
    VITALOG_TRY(const auto ack, ingest::hl7::read_ack(answer));
    return ack.code;
}

Result<void> ScenarioSite::append(Topic topic, std::string key, std::string value,
                                  std::string_view format) {
    FeedRecord record;
    record.topic = topics_.name(topic);
    record.key = std::move(key);
    record.value = std::move(value);
    Headers::append(record.headers, header::kFormat, format);
    Headers::append(record.headers, header::kEndpoint, "scenario");
    record.received = clock_.now();
    VITALOG_CHECK(append(std::move(record)));
    return {};
}

std::optional<ReceivedTime> ScenarioSite::next_due() const {
    std::int64_t first = INT64_MAX;
    for (const auto& status : runtime_->status())
        first = std::min(first, status->next_due_micros.load());
    if (first == INT64_MAX) return std::nullopt;
    return ReceivedTime(first);
}

Result<void> ScenarioSite::move_clock(ReceivedTime at,
                                      const std::function<Result<void>()>& after_each) {
    for (auto due = next_due(); due && *due <= at; due = next_due()) {
        VITALOG_CHECK(clock_.set(std::max(due->as<LogTime>(), clock_.now())));
        VITALOG_CHECK(settle());
        VITALOG_CHECK(after_each());
        if (next_due() == due)
            return fail(Errc::Conflict, "a timer that is due does not fire: " + to_rfc3339(*due));
    }
    return clock_.set(at.as<LogTime>());
}

Result<void> ScenarioSite::settle() {
    for (int i = 0; i < kStepsMax; ++i) {
        VITALOG_TRY(const bool worked, runtime_->step_all());
        if (!worked) return {};
    }
    return fail(Errc::Conflict, "the stages do not come to rest");
}

Result<void> ScenarioSite::step(int times) {
    for (int i = 0; i < times; ++i) VITALOG_CHECK(runtime_->step_all());
    return {};
}

Result<void> ScenarioSite::crash() {
    log_.crash();
    runtime_.reset();
    return start();
}

Result<void> ScenarioSite::read(std::map<TopicPartition, Offset>& from,
                                std::vector<Seen>& out) const {
    for (const Topic topic : kOutputs) {
        for (std::uint32_t p = 0; p < topics_.partitions(topic); ++p) {
            const TopicPartition tp{topics_.name(topic), Partition(p)};
            RecordBatch batch;
            for (Offset& at = from[tp];; at = batch.next) {
                VITALOG_CHECK(log_.read(tp, at, kReadBytes, batch));
                if (batch.records.empty()) break;
                for (const auto& record : batch.records) {
                    const auto type = record.headers.find(header::kType);
                    if (type != schemas::Control::kType && type != schemas::Tick::kType)
                        out.push_back(seen(topic, Partition(p), record));
                }
            }
        }
    }
    return {};
}

Result<std::vector<Seen>> ScenarioSite::news() {
    std::vector<Seen> out;
    VITALOG_CHECK(read(seen_, out));
    return out;
}

Result<std::vector<Seen>> ScenarioSite::everything() const {
    std::map<TopicPartition, Offset> from;
    std::vector<Seen> out;
    VITALOG_CHECK(read(from, out));
    return out;
}

}  // namespace vitalog::tests
