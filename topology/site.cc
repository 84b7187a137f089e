#include "topology/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>

#include "ingest/hl7/time.h"
#include "ingest/http/access.h"
#include "ingest/http/metrics.h"
#include "ingest/http/server.h"
#include "ingest/mllp/listener.h"
#include "ingest/wearable/wearable_api.h"
#include "schemas/base/thread_name.h"
#include "schemas/embed.h"
#include "sinks/blobs/blob_worker.h"
#include "sinks/explain/explain_api.h"
#include "sinks/fhir/binary_api.h"
#include "sinks/fhir/clashes_api.h"
#include "sinks/fhir/directory_api.h"
#include "sinks/fhir/fhir_api.h"
#include "sinks/fhir/gateway_api.h"
#include "sinks/fhir/messages_api.h"
#include "sinks/fhir/receipts_api.h"
#include "sinks/fhir/series_api.h"
#include "sinks/fhir/shadow_api.h"
#include "sinks/fhir/task_operations.h"
#include "sinks/live/live_events.h"
#include "sinks/views/view_reader.h"
#include "sinks/views/view_workers.h"
#include "topology/admin_api.h"
#include "topology/audit/replay.h"
#include "topology/clock.h"
#include "topology/documents.h"
#include "topology/doors.h"
#include "topology/flow.h"
#include "topology/operator/operator.h"
#include "topology/process_metrics.h"
#include "topology/publication.h"
#include "topology/runtime/runtime.h"
#include "topology/senders.h"
#include "topology/site_log.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"
#include "topology/views_place.h"
#include "topology/zone_files.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kSmallBody = std::size_t{1} << 20;  ///< decisions, receipts
constexpr std::size_t kUnpackedMost = 4;                  ///< times http.max_body
constexpr std::chrono::seconds kRetentionEvery{60};
constexpr std::chrono::milliseconds kHousekeepingStep{200};

Result<sinks::fhir::MessagesOptions> messages_options_of(const Config& config,
                                                         const schemas::TopicNames& topics) {
    sinks::fhir::MessagesOptions options{topics, std::string(config.text("site.zone")), {}};
    VITALOG_TRY(const std::string body, zones_body());
    VITALOG_TRY(const auto zones, schemas::Zones::parse(body));
    options.zone = zones.find(options.zone_name).value_or(schemas::ZoneRule());
    return options;
}

}  // namespace

/// Members are in the order of starting; destruction takes them down in the reverse.
class Site::Impl {
  public:
    Impl(const Config& config, SiteOptions options, std::function<void(Error)> on_failure)
        : config_(config), options_(std::move(options)), on_failure_(std::move(on_failure)) {}
    ~Impl() { (void)stop(); }

    Result<void> start() {
        VITALOG_CHECK(check_doors(config_, options_.secrets));
        VITALOG_CHECK(open_log());
        VITALOG_CHECK(start_shards());
        if (views_here()) {
            VITALOG_CHECK(open_views());
            VITALOG_CHECK(open_blobs());
        }
        VITALOG_CHECK(start_http());  // /healthz says "starting" from here on
        flow_->set_effects_lag([this] { return effects_lag(); });
        if (listens_here()) VITALOG_CHECK(open_doors());
        VITALOG_CHECK(tend_duty());
        housekeeping_ = std::thread([this] { keep_house(); });
        admin_->set_status(AdminApi::Status::Ready);
        return {};
    }

    Result<void> stop() {
        if (stopped_) return {};
        stopped_ = true;
        if (admin_) admin_->set_status(AdminApi::Status::Stopping, "asked to stop");
        stop_housekeeping_ = true;
        if (housekeeping_.joinable()) housekeeping_.join();
        if (mllp_) mllp_->stop();
        leave_duty();
        if (gateways_) gateways_->stop();
        if (live_) live_->stop();
        if (http_) http_->stop();
        if (operator_) operator_->stop();
        flow_.reset();
        Result<void> flushed;
        if (runtime_) flushed = runtime_->stop(!failed_);
        if (views_) views_->stop();
        if (blob_worker_) blob_worker_->stop();
        return flushed;
    }

    std::string mllp_address() const {
        if (!mllp_) return {};
        return mllp_->address() + ":" + std::to_string(mllp_->port());
    }
    std::string http_address() const { return http_->address(); }

  private:
    void failed(const Error& error) {
        failed_ = true;
        if (admin_) admin_->set_status(AdminApi::Status::Failed, error.to_string());
        on_failure_(error);
    }

    bool listens_here() const { return options_.roles.has(Roles::kListeners); }
    bool views_here() const { return options_.roles.has(Roles::kViews); }

    const Clock& clock() const {
        return manual_clock_ ? static_cast<const Clock&>(*manual_clock_) : system_clock_;
    }

    Result<void> open_log() {
        VITALOG_CHECK(refuse_replay(options_.data_dir));
        topics_ = configured_names(config_);
        VITALOG_TRY(site_log_, SiteLog::open(config_, topics_,
                                             {options_.data_dir, options_.secrets.kafka_password,
                                              &system_clock_, &metrics_, options_.roles,
                                              options_.accept_drift}));
        log_ = &site_log_->log();
        if (config_.text("clock") != "manual") return {};
        manual_clock_ = std::make_unique<ManualClock>();
        VITALOG_TRY(const LogTime last, published_clock(*log_, topics_));
        return manual_clock_->set(last);
    }

    Result<void> start_shards() {
        ShardOptions options;
        options.commit_delay =
            manual_clock_ ? std::chrono::microseconds(0) : config_.duration("runtime.commit_delay");
        options.accept_drift = options_.accept_drift;
        options.store.trail = config_.duration("state.trail");
        std::size_t stateful = 0;
        for (const Stage& stage : all_stages())
            if (stage.stateful && options_.roles.has(stage.name))
                stateful += topics_.partitions(stage.reads.front());
        options.store.memory_budget =
            config_.bytes("state.memory_budget") / std::max<std::size_t>(1, stateful);
        runtime_ =
            std::make_unique<Runtime>(ShardPorts{*log_, topics_, clock(), metrics_}, options);
        for (const Stage& stage : all_stages()) {
            if (!stage.make_processor) continue;
            for (const schemas::Topic input : stage.reads)
                for (std::uint32_t p = 0; p < topics_.partitions(input); ++p)
                    VITALOG_CHECK(runtime_->add(
                        {std::string(stage.name), input, Partition(p), stage.stateful},
                        stage.make_processor));
        }
        runtime_->start(static_cast<std::size_t>(config_.number("runtime.workers")),
                        [this](Error error) { failed(error); });
        flow_ = std::make_unique<Flow>(*runtime_, *log_, topics_);
        return {};
    }

    Result<void> open_views() {
        const std::string place = views_place(config_, options_.data_dir);
        sinks::views::ViewWorkerOptions options;
        options.metrics = &metrics_;
        options.topics = topics_;
        options.shares = static_cast<std::uint32_t>(config_.number("views.workers"));
        VITALOG_TRY(views_, sinks::views::ViewWorkers::open(place, sinks::views::Side::Live,
                                                            log_->generation(), *log_, options));
        VITALOG_TRY(auto reader, sinks::views::ViewReader::open(place));
        reader_ = std::make_unique<sinks::views::ViewReader>(std::move(reader));
        views_->start();
        flow_->set_views(views_stage().reads,
                         [this](const TopicPartition& tp) { return views_->position(tp); });
        return {};
    }

    /// Documents leave the feeds for files of their own before retention may drop them.
    Result<void> open_blobs() {
        VITALOG_TRY(auto store,
                    sinks::BlobStore::open(fs::path(options_.data_dir) / kDocumentsFolder));
        blobs_ = std::make_unique<sinks::BlobStore>(std::move(store));
        VITALOG_TRY(const auto charset, ingest::hl7::charset_setting(config_.text("hl7.charset")));
        sinks::BlobWorkerOptions options;
        options.topics = hl7_feeds(config_, topics_);
        options.metrics = &metrics_;
        blob_worker_ =
            std::make_unique<sinks::BlobWorker>(*blobs_, *log_, hl7_documents(charset), options);
        blob_worker_->start();
        return {};
    }

    Result<void> start_http() {
        ingest::HttpServerOptions options;
        std::tie(options.host, options.port) = config_.address("http.listen");
        VITALOG_TRY(options.tokens, read_tokens(config_));
        options.max_connections = static_cast<std::size_t>(config_.number("http.max_connections"));
        options.max_body = config_.bytes("http.max_body");
        options.max_unpacked_body = kUnpackedMost * options.max_body;
        options.body_limits = {
            {"/fhir", kSmallBody}, {"/receipts", kSmallBody}, {"/gateway", kSmallBody}};
        options.rate = static_cast<double>(config_.number("http.rate"));
        options.open_paths = {"/healthz", "/receipts/aliyun", "/receipts/tencent",
                              "/receipts/wechat"};
        if (options.tokens.empty())
            log_line("warn", "open-to-this-machine",
                     {{"why",
                       "auth.tokens is empty: every program on this machine may read and decide; "
                       "the server listens on loopback only"}});
        http_ = std::make_unique<ingest::HttpServer>(std::move(options), &metrics_);
        admin_ = std::make_unique<AdminApi>(
            AdminApi::Ports{*log_, *flow_, topics_, clock(), manual_clock_.get()},
            [](const HttpRequest& request) { return ingest::require_role(request, {"operator"}); });
        admin_->register_routes(*http_);
        metrics_.register_routes(*http_);
        metrics_.before_scrape([this](Metrics& metrics) {
            gauge_lag(metrics);
            gauge_process(metrics);
            gauge_memory(metrics);
        });
        if (views_here()) VITALOG_CHECK(serve_archive());
        if (listens_here()) serve_doors();
        return http_->start();
    }

    /// What is read from the views, and what is decided about it.
    Result<void> serve_archive() {
        fhir_ = std::make_unique<sinks::fhir::FhirApi>(
            *reader_, *log_, clock(),
            sinks::fhir::FhirOptions{std::string(config_.text("site.zone")),
                                     std::string(program_version()),
                                     topics_,
                                     {log_, log_->generation()}});
        clashes_ = std::make_unique<sinks::fhir::ClashesApi>(*reader_, *log_, clock(), topics_);
        series_ = std::make_unique<sinks::fhir::SeriesApi>(
            *reader_, *log_, clock(), std::string(config_.text("site.zone")), topics_);
        binary_ = std::make_unique<sinks::fhir::BinaryApi>(
            *reader_, [this](std::string_view sha256) { return blobs_->read(sha256); }, *log_,
            clock(), topics_);
        tasks_ = std::make_unique<sinks::fhir::TaskOperations>(
            *fhir_, *log_, clock(),
            [this](const std::string& root, std::chrono::milliseconds timeout, auto done) {
                views_->wait_for_judgement(root, timeout, std::move(done));
            });
        operator_ = std::make_unique<Operator>(
            OperatorPorts{*log_, *flow_, topics_, clock(),
                          [](const HttpRequest& request) {
                              return ingest::require_role(request, {"operator"});
                          }},
            Operator::Site{*site_log_, metrics_, *reader_}, config_);
        VITALOG_TRY(auto messages_options, messages_options_of(config_, topics_));
        shadow_ = std::make_unique<sinks::fhir::ShadowApi>(
            *reader_, *log_, clock(),
            sinks::fhir::ShadowApi::Options{topics_, messages_options.zone_name,
                                            messages_options.zone});
        messages_ = std::make_unique<sinks::fhir::MessagesApi>(
            *reader_, *log_, clock(),
            [this](std::function<void()> done) { flow_->when_applied(std::move(done)); },
            std::move(messages_options));
        sinks::live::LiveOptions live;
        live.topics = topics_;
        live.default_team = config_.text("desk.default_team");
        live_ = std::make_unique<sinks::live::LiveEvents>(
            sinks::live::LiveEvents::Ports{
                *log_, *reader_, *log_, clock(), log_->generation(),
                [this](const TopicPartition& tp) { return views_->position(tp); }},
            std::move(live));
        explain_ = std::make_unique<sinks::explain::ExplainApi>(
            sinks::explain::Explainer({*reader_, *log_, topics_, log_->generation()}), *log_,
            clock(), topics_);
        fhir_->register_routes(*http_);
        clashes_->register_routes(*http_);
        series_->register_routes(*http_);
        binary_->register_routes(*http_);
        tasks_->register_routes(*http_);
        operator_->register_routes(*http_);
        shadow_->register_routes(*http_);
        messages_->register_routes(*http_);
        explain_->register_routes(*http_);
        live_->register_routes(*http_);
        live_->start();
        return {};
    }

    /// What comes in over HTTP; wearables' door opens later.
    void serve_doors() {
        directory_ = std::make_unique<sinks::fhir::DirectoryApi>(
            *log_, clock(),
            [this](const std::vector<AppendReceipt>&, std::function<void()> done) {
                flow_->when_applied(std::move(done));
            },
            topics_);
        receipts_ = std::make_unique<sinks::fhir::ReceiptsApi>(
            *log_, clock(), sinks::fhir::ReceiptsOptions{options_.secrets.wechat_token, topics_});
        gateways_ = std::make_unique<sinks::fhir::GatewayApi>(*log_, *log_, clock(),
                                                              gateway_options(config_, topics_));
        directory_->register_routes(*http_);
        receipts_->register_routes(*http_);
        gateways_->register_routes(*http_);
    }

    /// Listens only once what was published stands in every partition (law 2).
    Result<void> bring_into_force(const std::vector<Publication>& publications) {
        VITALOG_TRY(const std::size_t count, publish(*log_, topics_, clock().now(), publications));
        log_line("info", "published", {{"records", std::to_string(count)}});
        std::promise<void> applied;
        flow_->when_applied([&] { applied.set_value(); });
        auto waiting = applied.get_future();
        while (waiting.wait_for(kHousekeepingStep) != std::future_status::ready)
            if (failed_) return fail(Errc::Io, "a shard failed while starting; see the log");
        EmbeddedLog* const embedded = site_log_->embedded();
        if (!embedded || !embedded->restored()) return {};
        // Everything that the restored log leads to is decided by now; the original may have sent
        // it.
        VITALOG_TRY(const std::uint64_t passed,
                    embedded->pass_over({topics_.name(schemas::Topic::SendSms),
                                         topics_.name(schemas::Topic::SendWechat),
                                         topics_.name(schemas::Topic::SendWecom)}));
        log_line("warn", "restored",
                 {{"generation", std::to_string(log_->generation().value())},
                  {"attempts_taken_as_sent", std::to_string(passed)}});
        return {};
    }

    /// Law 2: whoever listens publishes, and listens once that is in force; other processes read no
    /// files.
    Result<void> open_doors() {
        VITALOG_TRY(const auto publications, collect_publications(config_));
        VITALOG_CHECK(bring_into_force(publications));
        VITALOG_CHECK(open_wearable_door(publications));
        return start_mllp();
    }

    /// The door reads by the same tables as intake, and opens once they are in force there.
    Result<void> open_wearable_door(const std::vector<Publication>& publications) {
        std::vector<schemas::BuiltinFile> files;
        for (const auto& p : publications) files.push_back({p.kind, p.name, p.body});
        wearable_ = std::make_unique<ingest::wearable::WearableApi>(
            ingest::wearable::WearableApi::Ports{*log_, clock(), metrics_}, topics_);
        VITALOG_CHECK(wearable_->use_tables(files));
        wearable_->register_routes(*http_);
        return {};
    }

    /// Sending and alarms are done by one process of a site; on one machine that is always this
    /// one.
    Result<void> tend_duty() {
        const Duty duty = log_->duty();
        if (turn_ != 0 && (duty.turn != turn_ || senders_withdrawn())) {
            log_line("info", "off-duty", {});
            leave_duty();
        }
        if (duty.turn == 0 || !duty.sure) return {};
        if (turn_ == 0) log_line("info", "on-duty", {});
        turn_ = duty.turn;
        return take_duty();
    }

    bool senders_withdrawn() const {
        const std::lock_guard lock(senders_mutex_);
        return senders_ && senders_->withdrawn();
    }

    /// What of it is not done yet; the next call tries again.
    Result<void> take_duty() {
        const auto duty = [this] { return log_->duty(); };
        if (!senders_ && config_.text("notify.mode") == "live") {
            auto senders = std::make_unique<Senders>(
                config_, options_.secrets, topics_,
                Senders::Ports{*log_, *log_, clock(), system_clock_, metrics_, duty});
            senders->start();
            const std::lock_guard lock(senders_mutex_);
            senders_ = std::move(senders);
        }
        if (operator_ && !watching_) {
            VITALOG_CHECK(
                operator_->watch(config_, views_file(config_, options_.data_dir), duty));
            watching_ = true;
        }
        return {};
    }

    void leave_duty() {
        turn_ = 0;
        if (operator_) operator_->watch_no_more();
        watching_ = false;
        std::unique_ptr<Senders> senders;
        {
            const std::lock_guard lock(senders_mutex_);
            senders = std::move(senders_);
        }
        if (senders) senders->stop();
    }

    std::uint64_t effects_lag() const {
        const std::lock_guard lock(senders_mutex_);
        return static_cast<std::uint64_t>((senders_ ? senders_->lag() : 0) +
                                          (gateways_ ? gateways_->lag() : 0));
    }

    Result<void> start_mllp() {
        ingest::mllp::ListenerConfig listener;
        std::tie(listener.address, listener.port) = config_.address("mllp.listen");
        listener.endpoint.name = config_.text("mllp.endpoint");
        listener.endpoint.feed = topics_.name(*schemas::topic_named(config_.text("mllp.feed")));
        listener.endpoint.dead_letter = topics_.name(schemas::Topic::DeadLetter);
        VITALOG_TRY(listener.endpoint.charset,
                    ingest::hl7::charset_setting(config_.text("hl7.charset")));
        listener.endpoint.authorities = config_.list("site.authorities");
        listener.endpoint.on_reused =
            config_.text("hl7.reused_id") == "refuse" ? OnReusedId::Refuse : OnReusedId::Accept;
        listener.tls = mllp_tls(config_);
        listener.max_message = config_.bytes("hl7.max_message");
        listener.rate = static_cast<double>(config_.number("mllp.rate"));
        listener.max_connections = static_cast<std::size_t>(config_.number("mllp.max_connections"));
        listener.idle_timeout =
            std::chrono::duration_cast<std::chrono::seconds>(config_.duration("mllp.idle_timeout"));
        VITALOG_TRY(const auto zone, ingest::hl7::SiteZone::named(config_.text("site.zone")));
        VITALOG_TRY(mllp_, ingest::mllp::Listener::start(std::move(listener), zone,
                                                         {*log_, metrics_, clock()}));
        metrics_.before_scrape([this](Metrics&) { mllp_->report(); });
        return {};
    }

    void gauge_lag(Metrics& metrics) const {
        std::map<std::string, int> shards;
        for (const auto& status : runtime_->status()) {
            shards[status->spec.stage] += status->ours ? 1 : 0;
            const auto end = log_->end_offset(status->input);
            if (!end) continue;
            metrics.gauge("vitalog_lag_records",
                          {{"stage", status->spec.stage},
                           {"topic", status->input.topic},
                           {"partition", std::to_string(status->input.partition.value())}},
                          static_cast<double>(
                              std::max<std::int64_t>(end->value() - status->committed.load(), 0)));
        }
        metrics.gauge("vitalog_on_duty", {}, turn_ != 0 ? 1 : 0);
        for (const auto& [stage, count] : shards)
            metrics.gauge("vitalog_shards", {{"stage", stage}}, count);
    }

    /// Of what is bounded by itself: with these told apart, a rise of the rest shows.
    void gauge_memory(Metrics& metrics) const {
        const auto part = [&](const char* name, std::uint64_t bytes) {
            metrics.gauge("vitalog_memory_bytes", {{"part", name}}, static_cast<double>(bytes));
        };
        for (const auto& [name, bytes] : site_log_->memory()) part(name.c_str(), bytes);
        std::uint64_t entities = 0;
        for (const auto& status : runtime_->status()) entities += status->entity_bytes.load();
        part("entities", entities);
        part("views", static_cast<std::uint64_t>(sinks::views::ViewReader::memory_bytes()));
    }

    void keep_house() {
        name_thread("housekeeping");
        auto next = std::chrono::steady_clock::now() + kRetentionEvery;
        while (!stop_housekeeping_) {
            std::unique_lock lock(housekeeping_mutex_);
            housekeeping_wake_.wait_for(lock, kHousekeepingStep,
                                        [this] { return stop_housekeeping_.load(); });
            if (const auto tended = tend_duty(); !tended)
                log_line("error", "duty", {{"error", tended.error().to_string()}});
            if (std::chrono::steady_clock::now() < next) continue;
            next += kRetentionEvery;
            if (const auto kept = site_log_->enforce_retention(clock().now()); !kept)
                log_line("error", "retention", {{"error", kept.error().to_string()}});
        }
    }

    const Config config_;
    const SiteOptions options_;
    const std::function<void(Error)> on_failure_;
    std::atomic<bool> failed_{false};
    bool stopped_ = false;

    SystemClock system_clock_;
    std::unique_ptr<ManualClock> manual_clock_;
    ingest::MetricsRegistry metrics_;
    schemas::TopicNames topics_;
    std::optional<SiteLog> site_log_;
    Log* log_ = nullptr;  // site_log_'s
    std::unique_ptr<Runtime> runtime_;
    std::unique_ptr<Flow> flow_;
    std::unique_ptr<sinks::views::ViewWorkers> views_;
    std::unique_ptr<sinks::views::ViewReader> reader_;
    std::unique_ptr<sinks::BlobStore> blobs_;
    std::unique_ptr<sinks::BlobWorker> blob_worker_;
    std::unique_ptr<AdminApi> admin_;
    std::unique_ptr<sinks::fhir::FhirApi> fhir_;
    std::unique_ptr<sinks::fhir::SeriesApi> series_;
    std::unique_ptr<sinks::fhir::ClashesApi> clashes_;
    std::unique_ptr<sinks::fhir::BinaryApi> binary_;
    std::unique_ptr<sinks::fhir::TaskOperations> tasks_;
    std::unique_ptr<sinks::fhir::DirectoryApi> directory_;
    std::unique_ptr<sinks::fhir::ReceiptsApi> receipts_;
    std::unique_ptr<sinks::fhir::GatewayApi> gateways_;
    std::unique_ptr<sinks::fhir::MessagesApi> messages_;
    std::unique_ptr<sinks::fhir::ShadowApi> shadow_;
    std::unique_ptr<ingest::wearable::WearableApi> wearable_;
    std::unique_ptr<Operator> operator_;
    std::unique_ptr<sinks::live::LiveEvents> live_;
    std::unique_ptr<sinks::explain::ExplainApi> explain_;
    std::unique_ptr<ingest::HttpServer> http_;
    std::atomic<std::uint64_t> turn_{0};  // of the duty that it has; 0: none
    bool watching_ = false;               // whoever tends the duty's
    mutable std::mutex senders_mutex_;
    std::unique_ptr<Senders> senders_;  // guarded by senders_mutex_
    std::unique_ptr<ingest::mllp::Listener> mllp_;

    std::mutex housekeeping_mutex_;
    std::condition_variable housekeeping_wake_;
    std::atomic<bool> stop_housekeeping_{false};
    std::thread housekeeping_;
};

Site::Site(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Site::~Site() = default;

Result<std::unique_ptr<Site>> Site::start(const Config& config, const SiteOptions& options,
                                          std::function<void(Error)> on_failure) {
    auto impl = std::make_unique<Impl>(config, options, std::move(on_failure));
    VITALOG_CHECK(impl->start());
    return std::unique_ptr<Site>(new Site(std::move(impl)));
}

std::string Site::mllp_address() const {
    return impl_->mllp_address();
}
std::string Site::http_address() const {
    return impl_->http_address();
}
Result<void> Site::stop() {
    return impl_->stop();
}

std::string_view program_version() {
    return VITALOG_VERSION;
}

}  // namespace vitalog::topology
