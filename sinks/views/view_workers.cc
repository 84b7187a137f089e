#include "sinks/views/view_workers.h"

#include <algorithm>
#include <future>

namespace vitalog::sinks::views {
namespace {

constexpr std::chrono::milliseconds kTellEvery{200};

/// Tables of a database may be older than the log, as those of a file in its folder can't.
Result<void> check_positions(const ViewStore& store, const RecordSource& source,
                             const schemas::TopicNames& names) {
    for (const auto& topic : ViewWorker::followed(names))
        for (std::uint32_t p = 0; p < source.partitions(topic); ++p) {
            const TopicPartition tp{topic, Partition(p)};
            VITALOG_TRY(const Offset end, source.end_offset(tp));
            if (store.position(tp) > end)
                return fail(Errc::Conflict,
                            "the views follow another log: they stand at " +
                                to_string(tp, store.position(tp)) + ", which ends at " +
                                std::to_string(end.value()) +
                                "; name another views.store, or rebuild them with 'vitalog views "
                                "rebuild --data-dir D'");
        }
    return {};
}

Result<void> step_to_the_end(ViewWorker& worker) {
    for (;;) {
        VITALOG_TRY(const bool applied, worker.step());
        if (!applied) return {};
    }
}

}  // namespace

Result<std::unique_ptr<ViewWorkers>> ViewWorkers::open(const std::string& place, Side side,
                                                       Generation generation, RecordSource& source,
                                                       const ViewWorkerOptions& options) {
    auto workers = std::unique_ptr<ViewWorkers>(new ViewWorkers());
    for (std::uint32_t i = 0; i < options.shares; ++i) {
        VITALOG_TRY(ViewStore store, ViewStore::open(place, generation, side));
        VITALOG_CHECK(check_positions(store, source, options.topics));
        ViewWorkerOptions one = options;
        one.share = i;
        one.board = &workers->board_;
        workers->workers_.push_back(
            std::make_unique<ViewWorker>(std::move(store), source, std::move(one)));
    }
    return workers;
}

void ViewWorkers::start() {
    for (const auto& worker : workers_) worker->start();
}

void ViewWorkers::stop() {
    for (const auto& worker : workers_) worker->stop();
}

Offset ViewWorkers::position(const TopicPartition& tp) const {
    return workers_[tp.partition.value() % workers_.size()]->position(tp);
}

Result<std::uint64_t> ViewWorkers::lag() const {
    std::uint64_t all = 0;
    for (const auto& worker : workers_) {
        VITALOG_TRY(const std::uint64_t behind, worker->lag());
        all += behind;
    }
    return all;
}

std::optional<Error> ViewWorkers::failure() const {
    for (const auto& worker : workers_)
        if (auto error = worker->failure()) return error;
    return std::nullopt;
}

Result<void> ViewWorkers::catch_up(
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    VITALOG_TRY(const std::uint64_t total, lag());
    std::vector<std::future<Result<void>>> running;
    for (const auto& worker : workers_)
        running.push_back(
            std::async(std::launch::async, [&worker] { return step_to_the_end(*worker); }));
    Result<void> done;
    for (auto& one : running) {
        while (one.wait_for(kTellEvery) == std::future_status::timeout) {
            const auto behind = lag();
            if (progress && behind) progress(total - std::min(total, *behind), *behind);
        }
        if (auto ended = one.get(); !ended && done) done = std::move(ended);
    }
    VITALOG_CHECK(done);
    VITALOG_TRY(const std::uint64_t behind, lag());
    if (progress) progress(total - std::min(total, behind), behind);
    return {};
}

Result<void> rebuild_views(const std::string& place, Generation generation, RecordSource& source,
                           const RebuildOptions& options) {
    VITALOG_CHECK(ViewStore::clear_beside(place));
    {
        VITALOG_TRY(const auto workers,
                    ViewWorkers::open(place, Side::Beside, generation, source, options.workers));
        VITALOG_CHECK(workers->catch_up(options.progress));
    }
    return ViewStore::take_over(place);
}

}  // namespace vitalog::sinks::views
