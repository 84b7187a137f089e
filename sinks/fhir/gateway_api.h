#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"
#include "sinks/fhir/audit.h"

namespace vitalog::sinks::fhir {

struct GatewayOptions {
    /// Channels that a hospital's own gateway serves, and the topic of each; of the others this
    /// site's effect workers take the attempts.
    std::map<std::string, std::string> external;
    std::vector<std::string> own;
    schemas::TopicNames topics;
};

/// A hospital's own gateway over HTTP, for those who do not read topics.
///
/// GET /gateway/{channel}?from=CURSOR&max=N&wait=SECONDS: attempts after the cursor, in the order
/// of each recipient, as NDJSON {"next":CURSOR,"send":{...}}; the header X-Next has the cursor
/// after all of them. With nothing there the answer waits for `wait` seconds (20, at most 50), and
/// is then empty. A cursor says "everything before it I have": it is stored, keeps retention from
/// what lies behind it, and is where a request without `from` goes on. It is opaque, of one site
/// and channel.
///
/// POST /gateway/{channel}/receipts: receipts {"recipient","intent","attempt","state","code","at"}
/// as JSON or NDJSON, all or none, to `feed.receipt`; 200 once they are on disk.
///
/// What is handed out is on disk, and recorded in `audit`. One thread serves those who wait.
class GatewayApi {
  public:
    GatewayApi(RecordSource& source, FeedAppender& feed, const Clock& clock,
               GatewayOptions options);
    ~GatewayApi();
    GatewayApi(const GatewayApi&) = delete;
    GatewayApi& operator=(const GatewayApi&) = delete;

    void register_routes(Router& router);
    /// Answers those who wait, with nothing. Before the log closes. Idempotent.
    void stop();
    /// Attempts of external channels that no gateway has asked past.
    std::int64_t lag() const;

  private:
    using Offsets = std::vector<Offset>;
    struct Poll {
        HttpRequest request;
        std::string channel;
        Offsets from;
        std::size_t max = 0;
        std::chrono::steady_clock::time_point until;
        Respond respond;
    };

    void sends(HttpRequest request, Respond respond);
    void receipts(const HttpRequest& request, const Respond& respond) const;
    /// 403, 404 or 409; nullopt: the caller may, and the channel is external.
    std::optional<HttpResponse> refusal(const HttpRequest& request) const;
    Result<Offsets> start_of(const std::string& channel,
                             std::optional<std::string_view> from) const;
    Result<void> keep(const std::string& channel, const Offsets& from);
    /// The answer; nullopt: there is nothing yet.
    Result<std::optional<HttpResponse>> read(const Poll& poll) const;
    bool serve(Poll& poll, bool last);
    void run();

    RecordSource& source_;
    FeedAppender& feed_;
    const Clock& clock_;
    const GatewayOptions options_;
    const Audit audit_;
    const std::string receipt_topic_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Poll> waiting_;  // guarded by mutex_
    bool stopping_ = false;      // guarded by mutex_
    std::thread thread_;
};

/// Receipts of a gateway, checked: text as received, and the key of its record. The Error names the
/// item, counted from 1.
struct GatewayReceipt {
    std::string recipient;
    std::string json;
};
Result<std::vector<GatewayReceipt>> parse_gateway_receipts(std::string_view body);

}  // namespace vitalog::sinks::fhir
