#pragma once

#include <fmt/core.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/no_metrics.h"
#include "topology/clock.h"
#include "topology/log/embedded_log.h"
#include "topology/runtime/shard.h"

// One shard of one stage over the embedded log in a folder of its own: the whole of a stage, driven by one thread.

namespace vitalog::benchmarks {

template <class T>
T must(Result<T> result) {
    if (!result) {
        fmt::print(stderr, "{}\n", result.error().to_string());
        std::exit(1);
    }
    return *std::move(result);
}
inline void must(Result<void> result) {
    if (result) return;
    fmt::print(stderr, "{}\n", result.error().to_string());
    std::exit(1);
}

inline double thread_cpu_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}
inline double process_cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Wall and CPU time since it was made.
class Watch {
  public:
    double wall() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count();
    }
    double thread() const { return thread_cpu_seconds() - thread_; }
    double process() const { return process_cpu_seconds() - process_; }

  private:
    std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
    double thread_ = thread_cpu_seconds();
    double process_ = process_cpu_seconds();
};

/// The machine's time without the stretches in which it stands: input is made while it does.
class PausingClock final : public Clock {
  public:
    LogTime now() const override { return (paused_ ? *paused_ : system_.now()) - lost_; }
    void pause() { paused_ = system_.now(); }
    void resume() {
        lost_ += system_.now() - *paused_;
        paused_.reset();
    }

  private:
    topology::SystemClock system_;
    std::optional<LogTime> paused_;
    std::chrono::microseconds lost_{};
};

class StageHarness {
  public:
    StageHarness(const std::filesystem::path& folder, topology::ShardOptions options) : options_(options) {
        topology::EmbeddedLog::Options log;
        log.path = folder;
        for (const auto& topic : schemas::kTopics) log.topics.push_back({std::string(topic.name), 1});
        log.disk_reserve_bytes = 0;
        log_ = must(topology::EmbeddedLog::open(std::move(log)));
    }

    /// Fills a partition through a shard handle of a stage that is not there.
    class Filler {
      public:
        Filler(topology::Log& log, schemas::Topic topic)
            : shard_(must(log.open_shard("fill", {std::string(schemas::name_of(topic)), Partition(0)}))),
              tp_{std::string(schemas::name_of(topic)), Partition(0)} {}
        ~Filler() { flush(); }
        void add(std::string_view key, std::string_view headers, std::string_view value) {
            block_.add(LogTime(1'600'000'000'000'000), key, headers, value);
            if (block_.bytes() >= (1U << 20)) flush();
        }
        void flush() {
            if (block_.empty()) return;
            topology::Commit commit;
            commit.outputs.push_back({tp_, std::move(block_)});
            block_ = {};
            std::optional<Error> error;
            if (shard_->commit(commit, error) != topology::CommitOutcome::Committed) std::exit(1);
        }

      private:
        std::unique_ptr<topology::ShardLog> shard_;
        TopicPartition tp_;
        topology::RecordBlockBuilder block_;
    };
    Filler filler(schemas::Topic topic) { return Filler(*log_, topic); }

    void open(std::string stage, schemas::Topic input, std::unique_ptr<processors::Processor> processor) {
        input_ = {std::string(schemas::name_of(input)), Partition(0)};
        auto shard_log = must(log_->open_shard(stage, input_));
        shard_ = must(topology::Shard::open({std::move(stage), input, Partition(0), true}, std::move(shard_log),
                                            std::move(processor), {*log_, topics_, clock_, metrics_}, options_));
    }
    /// Steps until everything in the input is applied and committed.
    void run_to_end() {
        const Offset end = must(log_->end_offset(input_));
        while (shard_->committed() < end)
            if (must(shard_->step()) == topology::Shard::Step::Reopen) std::exit(1);
    }
    std::int64_t records_in(schemas::Topic topic) const {
        return must(log_->end_offset({std::string(schemas::name_of(topic)), Partition(0)})).value();
    }
    topology::Shard& shard() { return *shard_; }
    topology::EmbeddedLog& log() { return *log_; }
    PausingClock& clock() { return clock_; }
    void close() {
        must(shard_->close());
        shard_.reset();
    }

  private:
    topology::ShardOptions options_;
    schemas::TopicNames topics_;
    PausingClock clock_;
    tests::NoMetrics metrics_;
    std::unique_ptr<topology::EmbeddedLog> log_;
    std::unique_ptr<topology::Shard> shard_;
    TopicPartition input_;
};

}  // namespace vitalog::benchmarks
