#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/wearable/wearable_decoder.h"
#include "schemas/base/ports.h"
#include "schemas/embed.h"
#include "schemas/tables/tables.h"
#include "schemas/topic_names.h"

namespace vitalog::ingest::wearable {

struct WearableApiOptions {
    std::size_t max_body = 16U << 20;        ///< bytes after gzip; beyond: 413
    std::size_t in_flight_max = 4'096;       ///< requests not yet on disk; beyond: 503
    std::size_t in_flight_per_caller = 256;  ///< of one user; beyond: 429
};

/// POST /ingest/wearable?account=AUTHORITY|ID: each account's items go to `feed.wearable` as one
/// record, as received; the answer comes once they are on disk, and says of each item that was not
/// taken why. A batch that came before is "duplicate" and has no effect. Thread-safe.
class WearableApi {
  public:
    /// What it stands on; outlives it.
    struct Ports {
        FeedAppender& log;
        const Clock& clock;
        Metrics& metrics;
    };

    explicit WearableApi(Ports ports, const schemas::TopicNames& topics = {},
                         WearableApiOptions options = {});
    ~WearableApi();
    WearableApi(const WearableApi&) = delete;
    WearableApi& operator=(const WearableApi&) = delete;

    void register_routes(Router& router);

    /// These table files take force at the door, all others cease ("units", "codes", "measures", in
    /// this order; other kinds pass). Configuration, and those before stay. Intake decides by the
    /// records of feed.control: where the two differ for a moment, what intake can't use goes to
    /// dead-letter.
    Result<void> use_tables(const std::vector<schemas::BuiltinFile>& files);

  private:
    struct Gate;
    struct Pending;

    void take(HttpRequest request, Respond respond);
    /// The answer that needs no decoding.
    std::optional<HttpResponse> refuse_early(const HttpRequest& request) const;
    /// Decodes and appends; or the refusal of the request as a whole.
    std::optional<HttpResponse> admit(HttpRequest& request,
                                      const std::shared_ptr<Pending>& pending);
    std::vector<FeedRecord> records_of(WearableDecoder& decoder, std::string& body,
                                       Pending& pending) const;
    FeedRecord record_for(const WearableDecoder& decoder, std::string account,
                          std::string value) const;
    void append(std::vector<FeedRecord> records, const std::shared_ptr<Pending>& pending);

    const Ports ports_;
    const std::string topic_;
    const WearableApiOptions options_;
    const std::shared_ptr<Gate> gate_;  // shared with answers still out

    std::mutex mutex_;
    std::shared_ptr<const schemas::Tables> tables_;  // shared with the requests that read by it
    std::vector<std::unique_ptr<WearableDecoder>> decoders_;  // at rest
    // guarded by mutex_: tables_, decoders_
};

}  // namespace vitalog::ingest::wearable
