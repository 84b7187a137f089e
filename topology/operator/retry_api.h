#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "topology/operator/publish_api.h"

namespace vitalog::topology {

/// POST /admin/dead-letter/retry {"all":true} or {"letters":["PARTITION/OFFSET",...]}, "reason":
/// the original bytes go back to the feed that they came from, once for each record refused,
/// whatever number of its items were at fault; what was used of it then has no further effect,
/// because observations are known by their ids. The answer comes when all of it is applied.
/// Thread-safe.
class RetryApi {
  public:
    static constexpr std::size_t kLettersMax = 10'000;  ///< looked at in one request

    explicit RetryApi(OperatorPorts ports)
        : ports_(std::move(ports)), audit_(ports_.log, ports_.clock, ports_.topics) {}
    void register_routes(Router& router);

  private:
    /// One dead letter, and what became of the wish to try it again.
    struct Item {
        std::string letter;  ///< "partition/offset" in dead-letter
        std::string source;  ///< of the record refused
        std::string placed;  ///< where it stands now; empty: not tried again
        std::string reason;  ///< why not
        FeedRecord record;
    };
    struct Wish {
        std::vector<TopicPartition> partitions;  ///< of all letters, in order; or, beside them
        std::vector<Offset> offsets;             ///< the letter of each partition
        bool all = false;
        std::string reason;
    };

    Result<Wish> read_wish(const HttpRequest& request) const;
    Result<std::vector<Item>> collect(const Wish& wish) const;
    Item make_item(const TopicPartition& tp, const RecordView& letter) const;
    Result<void> place(std::vector<Item>& items, const Wish& wish, const std::string& user) const;
    void retry(const HttpRequest& request, const Respond& respond);

    const OperatorPorts ports_;
    const sinks::fhir::Audit audit_;
    std::mutex mutex_;  // one retry at a time: each looks at what was retried before
};

}  // namespace vitalog::topology
