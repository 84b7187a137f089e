#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/record.h"
#include "schemas/base/result.h"

// The joints between the folders: what ingest and sinks ask of whoever wires them (topology).

namespace vitalog {

/// The only place a component asks what time it is. Thread-safe.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual LogTime now() const = 0;
};

/// What to do when an id seen before comes with another body.
enum class OnReusedId : std::uint8_t { Accept, Refuse };

/// One entry of the ledger of repeats: written together with the record, found by whoever sends it again.
struct LedgerEntry {
    std::string key;          ///< names the message: endpoint, sender and message id
    std::uint64_t body_hash;  ///< tells a repeat from a reused id
    std::string answer;       ///< what a repeat gets, byte for byte
    OnReusedId on_reused = OnReusedId::Accept;
};

/// A record for the one door (law 1).
struct FeedRecord {
    std::string topic;
    std::string key;
    std::string value;    ///< as received, without framing
    std::string headers;  ///< encoded, see Headers
    LogTime received;     ///< Clock::now() when its last byte came in
    std::optional<LedgerEntry> ledger;
};

enum class Appended : std::uint8_t {
    New,     ///< in the log
    Repeat,  ///< the same message was appended before; `answer` is what it got; nothing was appended
    Reused,  ///< in the log, although its id was used by another message before
    Refused  ///< id used by another message before, and OnReusedId::Refuse; nothing was appended
};

struct AppendReceipt {
    Appended outcome = Appended::New;
    TopicPartition tp;
    Offset offset;
    RecordId id;         ///< feed record id, empty unless appended
    std::string answer;  ///< for Repeat
};

/// Called once, from a thread of the log, when the record is on disk or refused. Must not block.
using AppendDone = std::function<void(Result<AppendReceipt>)>;

/// "Append and tell me when durable." Thread-safe.
class FeedAppender {
  public:
    virtual ~FeedAppender() = default;
    /// Errors: Busy when the disk reserve is reached or the queue is full, Io.
    virtual void append(FeedRecord record, AppendDone done) = 0;
};

/// "Read from a position." Gives committed records only. Thread-safe.
class RecordSource {
  public:
    virtual ~RecordSource() = default;
    /// Number of partitions; 0 for an unknown topic.
    virtual std::uint32_t partitions(std::string_view topic) const = 0;
    /// First offset still kept, and the offset the next record will get.
    virtual Result<Offset> begin_offset(const TopicPartition& tp) const = 0;
    virtual Result<Offset> end_offset(const TopicPartition& tp) const = 0;
    /// Fills `out` with records from `from` on: at least one if there is one, then up to max_bytes.
    /// `out.next` is where to go on, also when nothing was there. Errors: OutOfRange when `from` was
    /// dropped by retention, Damaged, Io.
    virtual Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                              RecordBatch& out) const = 0;
    /// Returns once everything readable before the call is on disk (law 5). Shared by all who wait.
    virtual Result<void> sync() = 0;
    /// Counts up with every change of what can be read.
    virtual std::uint64_t activity() const = 0;
    /// Returns when activity() differs from `seen`, or after the time-out.
    virtual void wait(std::uint64_t seen, std::chrono::milliseconds timeout) const = 0;
    /// Where a named reader (a view, an effect worker) stands; retention keeps what lies behind it.
    virtual Result<std::optional<Offset>> load_position(std::string_view reader,
                                                        const TopicPartition& tp) const = 0;
    /// Durable when it returns.
    virtual Result<void> store_position(std::string_view reader, const TopicPartition& tp,
                                        Offset next) = 0;
};

/// Who asks, as the server established it. Without configured tokens every role is allowed and the
/// user is what X-User says.
struct Caller {
    std::string user = "anonymous";
    std::string role;  ///< doctor, gateway, operator, hospital; empty: all
    std::vector<std::string> teams;
};

struct HttpRequest {
    std::string method;
    std::string path;                                           ///< decoded, without query
    std::map<std::string, std::string> path_params;             ///< {name} parts of the pattern
    std::vector<std::pair<std::string, std::string>> query;     ///< decoded, in order
    std::map<std::string, std::string, std::less<>> headers;    ///< names in lower case
    std::string body;
    Caller caller;

    /// First query parameter of that name.
    std::optional<std::string_view> query_value(std::string_view name) const {
        for (const auto& [key, value] : query)
            if (key == name) return value;
        return std::nullopt;
    }
};

/// The body of an answer that is written as it comes (Server-Sent Events). Thread-safe; may outlive the server.
class Stream {
  public:
    virtual ~Stream() = default;
    /// Queues bytes behind those before; nothing is queued and false once the peer is gone or end() was called.
    virtual bool write(std::string_view bytes) = 0;
    /// Bytes queued that the connection has not taken yet: whoever writes bounds them.
    virtual std::size_t pending() const = 0;
    /// No more bytes come. What is queued is still sent, then the connection closes.
    virtual void end() = 0;
    /// The peer is gone, or the server has stopped.
    virtual bool closed() const = 0;
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    /// Set: there is no body yet; called once the head is sent, with the stream that takes it. Must not block.
    std::function<void(std::shared_ptr<Stream>)> stream = {};
};

/// Answers a request, once, from any thread.
using Respond = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(HttpRequest, Respond)>;

/// "Route": where sinks and topology register their handlers with the one HTTP server.
class Router {
  public:
    virtual ~Router() = default;
    /// Pattern segments in braces match one path segment: "/fhir/Task/{id}/$accept".
    /// Handlers run on a pool of the server and may block for a short while.
    virtual void route(std::string method, std::string pattern, HttpHandler handler) = 0;
};

/// Numbers for GET /metrics. Thread-safe, cheap enough for every batch (not for every record).
class Metrics {
  public:
    using Labels = std::vector<std::pair<std::string, std::string>>;
    virtual ~Metrics() = default;
    virtual void count(std::string_view name, const Labels& labels, double by = 1) = 0;
    virtual void gauge(std::string_view name, const Labels& labels, double value) = 0;
    /// One observation of a duration for a histogram.
    virtual void observe(std::string_view name, const Labels& labels, double seconds) = 0;
};

/// logfmt lines on stderr. Identifying data is masked by the caller. Thread-safe.
void log_line(std::string_view level, std::string_view event,
              const std::vector<std::pair<std::string_view, std::string>>& fields = {});

}  // namespace vitalog
