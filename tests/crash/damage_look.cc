#include "tests/crash/damage_look.h"

#include <fmt/format.h>

#include <chrono>
#include <future>
#include <map>
#include <vector>

#include "ingest/hl7/time.h"
#include "ingest/mllp/admission.h"
#include "sinks/blobs/blob_store.h"
#include "sinks/views/place.h"
#include "sinks/views/view_worker.h"
#include "tests/support/no_metrics.h"
#include "topology/clock.h"
#include "topology/log/embedded_log.h"
#include "topology/runtime/shard.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::int64_t kNow =
    1'795'253'400'000;  // 2026-11-21T09:30:00Z, after all that is in the directory

}  // namespace

class SiteLook::Impl {
  public:
    Impl(const Config& config, fs::path folder)
        : folder_(std::move(folder)), config_(config), names_(configured_names(config)) {}

    Seen take(const std::string& then) {
        if (const auto opened = open(); !opened)
            return {Seen::How::Refused, opened.error().to_string()};
        if (const auto worked = work(then); !worked)
            return {Seen::How::Stopped, worked.error().to_string()};
        return {Seen::How::Whole, std::move(lines_)};
    }

    Seen views_in(const fs::path& folder) {
        lines_.clear();
        if (const auto opened = open_views(folder); !opened)
            return {Seen::How::Refused, opened.error().to_string()};
        if (const auto worked = work_views(folder); !worked)
            return {Seen::How::Stopped, worked.error().to_string()};
        return {Seen::How::Whole, std::move(lines_)};
    }

  private:
    Result<void> open() {
        EmbeddedLog::Options options;
        options.path = folder_;
        options.topics = configured_topics(config_, names_);
        options.disk_reserve_bytes = 0;
        options.block_cache_bytes = options.write_buffer_bytes = 2 << 20;
        options.background_jobs = 1;
        VITALOG_TRY(log_, EmbeddedLog::open(std::move(options)));
        VITALOG_CHECK(clock_.set(LogTime::from_millis(kNow)));
        ShardOptions shard_options;
        shard_options.commit_delay = std::chrono::microseconds(0);
        for (const Stage& stage : all_stages()) {
            if (!stage.make_processor) continue;
            for (const schemas::Topic input : stage.reads) {
                const TopicPartition tp{names_.name(input), Partition(0)};
                VITALOG_TRY(auto shard_log, log_->open_shard(stage.name, tp));
                VITALOG_TRY(
                    auto shard,
                    Shard::open({std::string(stage.name), input, Partition(0), stage.stateful},
                                std::move(shard_log), stage.make_processor(),
                                {*log_, names_, clock_, metrics_}, shard_options));
                shards_.push_back(std::move(shard));
            }
        }
        return open_views(folder_);
    }

    Result<void> open_views(const fs::path& folder) {
        views_.reset();
        VITALOG_TRY(auto store, sinks::views::ViewStore::open((folder / "views.sqlite").string(),
                                                              log_->generation()));
        sinks::views::ViewWorkerOptions options;
        options.topics = names_;
        views_ = std::make_unique<sinks::views::ViewWorker>(std::move(store), *log_, options);
        return {};
    }

    Result<void> work(const std::string& then) {
        VITALOG_CHECK(settle());
        VITALOG_CHECK(receive(then));
        VITALOG_CHECK(settle());
        for (const TopicConfig& topic : log_->topics()) VITALOG_CHECK(note_topic(topic));
        VITALOG_CHECK(work_views(folder_));
        return note_documents();
    }

    Result<void> work_views(const fs::path& folder) {
        for (bool more = true; more;) {
            VITALOG_TRY(more, views_->step());
        }
        return note_views(folder);
    }

    /// Steps every shard until none has anything left to do.
    Result<void> settle() {
        for (bool worked = true; worked;) {
            worked = false;
            for (const auto& shard : shards_) {
                VITALOG_TRY(const Shard::Step step, shard->step());
                if (step == Shard::Step::Reopen)
                    return fail(Errc::Io, "a commit's outcome is unknown");
                worked |= step == Shard::Step::Worked;
            }
        }
        return {};
    }

    Result<void> receive(const std::string& then) {
        const ingest::mllp::EndpointSettings settings;
        VITALOG_TRY(const auto zone, ingest::hl7::SiteZone::named("Asia/Shanghai"));
        ingest::hl7::ControlIds ids(1);
        ingest::mllp::Admission admission(settings, zone, ids, clock_);
        ingest::mllp::Frame frame;
        frame.content = then;
        frame.size = then.size();
        auto judged = admission.judge(frame);
        if (!judged.record) return fail(Errc::Malformed, "the message is refused");
        std::promise<Result<AppendReceipt>> answered;
        log_->append(*std::move(judged.record), [&](Result<AppendReceipt> receipt) {
            answered.set_value(std::move(receipt));
        });
        VITALOG_CHECK(answered.get_future().get());
        return {};
    }

    /// What it holds by key, in order; append times are of the run that wrote them, and so are
    /// ticks.
    Result<void> note_topic(const TopicConfig& topic) {
        const TopicPartition tp{topic.name, Partition(0)};
        std::map<std::string, std::string> by_key;
        RecordBatch batch;
        VITALOG_TRY(Offset at, log_->begin_offset(tp));
        VITALOG_TRY(const Offset end, log_->end_offset(tp));
        for (; at < end; at = batch.next) {
            batch.clear();
            VITALOG_CHECK(log_->read(tp, at, kReadBytes, batch));
            for (const RecordView& record : batch.records) {
                if (record.headers.find(header::kType) == schemas::Tick::kType) continue;
                by_key[std::string(record.key)] +=
                    fmt::format("{} {}\n", hash64(record.headers.encoded()), hash64(record.value));
            }
        }
        for (const auto& [key, content] : by_key)
            lines_ += fmt::format("{} {} {}\n", topic.name, key, hash64(content));
        return {};
    }

    Result<void> note_views(const fs::path& folder) {
        VITALOG_TRY(auto views,
                    sinks::sql::open((folder / "views.sqlite").string(), sinks::sql::Mode::Read));
        for (const std::string table : {"person", "identifier", "link", "encounter", "report",
                                        "observation", "risk", "alert", "task", "delivery"}) {
            VITALOG_TRY(const auto rows, views->number("SELECT count(*) FROM " + table));
            VITALOG_TRY(auto all, views->prepare("SELECT * FROM " + table));
            std::string content;
            for (;;) {
                VITALOG_TRY(const bool more, all.next());
                if (!more) break;
                for (int i = 0; i < all.columns(); ++i) content += all.string(i) + "|";
            }
            lines_ += fmt::format("views {} {}\n", table, rows);
            lines_ += fmt::format("content {} {}\n", table, hash64(content));
        }
        return {};
    }

    Result<void> note_documents() {
        if (!fs::exists(folder_ / "blobs")) return {};
        VITALOG_TRY(const auto store, sinks::BlobStore::open(folder_ / "blobs"));
        for (const auto& entry : fs::recursive_directory_iterator(folder_ / "blobs")) {
            if (!entry.is_regular_file()) continue;
            VITALOG_TRY(const auto bytes, store.read(entry.path().filename().string()));
            lines_ += fmt::format("document {}\n", bytes ? hash64(*bytes) : 0);
        }
        return {};
    }

    const fs::path folder_;
    const Config& config_;
    const schemas::TopicNames names_;
    ManualClock clock_;
    tests::NoMetrics metrics_;
    std::unique_ptr<EmbeddedLog> log_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<sinks::views::ViewWorker> views_;
    std::string lines_;
};

SiteLook::SiteLook(const Config& config, fs::path folder)
    : impl_(std::make_unique<Impl>(config, std::move(folder))) {}

SiteLook::~SiteLook() = default;

Seen SiteLook::take(const std::string& then) {
    return impl_->take(then);
}

Seen SiteLook::views_in(const fs::path& folder) {
    return impl_->views_in(folder);
}

}  // namespace vitalog::topology
