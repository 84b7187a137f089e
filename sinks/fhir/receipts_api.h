#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/base/result.h"
#include "schemas/topic_names.h"

namespace vitalog::sinks::fhir {

/// One report of a provider's push.
struct ProviderReport {
    std::string key;    ///< the recipient, or "provider|aliyun|BIZID" where only that is known
    std::string value;  ///< an array of this one report, as received
};

/// Aliyun SmsReport push: a JSON array. Malformed.
Result<std::vector<ProviderReport>> parse_aliyun_reports(std::string_view body);

/// POST /receipts/aliyun: each report goes to `feed.receipt` as received; the provider's own answer
/// once all are on disk, so that it pushes again what was not taken.
class ReceiptsApi {
  public:
    ReceiptsApi(FeedAppender& log, const Clock& clock, const schemas::TopicNames& topics = {})
        : log_(log), clock_(clock), topic_(topics.name(schemas::Topic::FeedReceipt)) {}
    void register_routes(Router& router);

  private:
    void take(const HttpRequest& request, Respond respond) const;

    FeedAppender& log_;
    const Clock& clock_;
    const std::string topic_;
};

}  // namespace vitalog::sinks::fhir
