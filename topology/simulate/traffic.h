#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ingest/hl7/time.h"
#include "topology/simulate/city.h"
#include "topology/simulate/watches.h"

namespace vitalog::topology::simulate {

/// How much there is of it, and since when.
struct Plan {
    EventTime start;  ///< of the event times
    double messages_per_second = 10;
    Watches::Pace watches;
    std::chrono::microseconds duration{0};  ///< 0: without end
};

struct Doors {
    std::string mllp_host = "127.0.0.1";
    std::uint16_t mllp_port = 2575;
    std::string url = "http://127.0.0.1:8080";
    std::string token;         ///< empty: none is sent
    unsigned connections = 4;  ///< of either kind
};

struct Totals {
    std::uint64_t messages = 0, messages_accepted = 0, messages_refused = 0, messages_resent = 0;
    std::uint64_t batches = 0, batches_refused = 0, batches_asked_to_wait = 0;
    std::uint64_t samples = 0, samples_duplicate = 0, samples_rejected = 0;
    std::chrono::milliseconds behind{0};  ///< the most that anything went out after its time
    std::vector<std::string> problems;    ///< the first few
};

/// Lines of the whole city for POST /directory: `each(lines)` gets them in pieces.
template <class Each>
void for_each_directory_piece(const City& city, Each each) {
    constexpr std::uint64_t kLinesMax = 1'000;
    std::string lines;
    for (std::size_t i = 0; i < kDepartments.size(); ++i) lines += city.team_line(i) + '\n';
    for (std::uint64_t i = 0; i < city.persons(); ++i) {
        lines += city.person_line(city.person(i)) + '\n';
        if ((i + 1) % kLinesMax != 0) continue;
        each(lines);
        lines.clear();
    }
    if (!lines.empty()) each(lines);
}

/// Sends the city's messages and batches at their times through a site's doors: HL7 over MLLP by
/// one thread, batches over HTTP by one thread a connection. What the site asks to wait with is
/// sent again; what falls behind is sent as fast as it is taken.
class Traffic {
  public:
    Traffic(const City& city, const Plan& plan, Doors doors, ingest::hl7::SiteZone zone);
    ~Traffic();
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;

    /// Teams, persons and accounts, before anything else. Io when the site does not take them.
    Result<void> register_city() const;
    void start();
    /// Ends; what is being sent is still answered, at most some seconds of messages. Idempotent.
    void finish();
    /// True once everything is sent.
    bool done() const { return running_ == 0; }
    Totals totals() const;

  private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    void send_messages();
    void send_batches(unsigned connection);
    void note(const std::string& problem);
    /// False when it is to stop.
    bool wait_until(SteadyTime due);
    void late(SteadyTime due);
    class BatchSender;

    const City& city_;
    const Plan plan_;
    const Doors doors_;
    const ingest::hl7::SiteZone zone_;
    SteadyTime begun_;
    std::vector<std::thread> threads_;
    std::atomic<unsigned> running_{0};
    mutable std::mutex mutex_;
    std::condition_variable stopped_;
    bool stopping_ = false;  // guarded by mutex_
    Totals totals_;          // guarded by mutex_
};

}  // namespace vitalog::topology::simulate
