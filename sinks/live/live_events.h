#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "schemas/base/ports.h"
#include "sinks/fhir/audit.h"
#include "sinks/live/cursor.h"
#include "sinks/live/event_reader.h"

namespace vitalog::sinks::live {

struct LiveOptions {
    schemas::TopicNames topics = {};
    std::string default_team = {};        ///< of people without one
    std::chrono::milliseconds pace{10};   ///< between looks at what the views show
    std::chrono::seconds heartbeat{15};   ///< a comment, where nothing else was sent
    std::chrono::seconds slow_limit{30};  ///< a reader whose buffer is full so long is let go
    std::size_t buffer_max = 256U << 10;  ///< bytes that wait for one reader
    std::size_t readers_max = 512;        ///< beyond: 503
};

/// GET /events: alerts, tasks and messages as Server-Sent Events, each as soon as the views show
/// it, so that what an event names can be read, and is on disk (law 5). Last-Event-ID goes on where
/// a reader was, before a restart too. A doctor whose token names teams hears of those teams. Each
/// person whose data an event tells is audited before it is sent.
///
/// Readers stand each at its own place in the log, so that a slow one costs no memory beyond
/// buffer_max and holds nobody up. Owns one thread; borrows what it is given.
class LiveEvents {
  public:
    struct Ports {
        RecordSource& source;
        const views::ViewReader& views;
        FeedAppender& log;
        const Clock& clock;
        Generation generation;
        /// The next offset that the views will apply.
        std::function<Offset(const TopicPartition&)> shown;
    };

    LiveEvents(Ports ports, LiveOptions options);
    ~LiveEvents();
    LiveEvents(const LiveEvents&) = delete;
    LiveEvents& operator=(const LiveEvents&) = delete;

    void register_routes(Router& router);
    void start();
    /// Tells every reader that the stream ends, and joins.
    void stop();
    /// One round, for tests: true when something was sent.
    bool step();

  private:
    using Time = std::chrono::steady_clock::time_point;
    struct Reader {
        HttpRequest request;  ///< for the audit
        std::shared_ptr<Stream> stream;
        Cursor cursor;
        Time last_sent;
        std::optional<Time> full_since;
        bool gone = false;
    };
    /// Events of one partition from an offset on; readers that stand at one place share them.
    struct Slice {
        Offset from, next;
        std::vector<LiveEvent> events;
    };
    /// What one reader gets in one round, and where it stands then.
    struct Parcel {
        Reader* reader;
        Cursor cursor;
        std::string text = {};
        std::vector<std::string> persons = {};
        std::int64_t count = 0;
        std::future<bool> audited = {};
    };

    void open(const HttpRequest& request, const Respond& respond);
    Result<Cursor> begin(const HttpRequest& request) const;
    Cursor newest() const;
    void follow();
    std::vector<Reader*> present();
    void forget_gone();
    bool has_room(Reader& reader, Time now) const;
    Result<void> collect(Parcel& parcel, const Cursor& limits);
    Result<const Slice*> slice(std::size_t topic, std::uint32_t partition, Offset from,
                               Offset limit);
    void audit(Parcel& parcel) const;
    bool send(Parcel& parcel, Time now) const;
    void let_go(Reader& reader, std::string_view reason) const;

    Ports ports_;
    const LiveOptions options_;
    const fhir::Audit audit_;
    EventReader events_;
    std::map<std::pair<std::size_t, std::uint32_t>, Slice> slices_;  // of the thread that steps
    RecordBatch batch_;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::list<Reader> readers_;  // grown and shrunk under mutex_; used by the thread that steps
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace vitalog::sinks::live
