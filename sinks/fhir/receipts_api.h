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
    std::string key;    ///< the recipient, or "provider|NAME|ID" where only that is known
    std::string value;  ///< this one report as received; of JSON, in an array
};

/// Aliyun SmsReport push: a JSON array. Malformed.
Result<std::vector<ProviderReport>> parse_aliyun_reports(std::string_view body);
/// Tencent's status push: a JSON array; a report names the provider's message alone. Malformed.
Result<std::vector<ProviderReport>> parse_tencent_reports(std::string_view body);
/// WeChat's push: an XML message. No report for any event but TEMPLATESENDJOBFINISH. Malformed, and
/// Unsupported for one that is encrypted.
Result<std::vector<ProviderReport>> parse_wechat_event(std::string_view body);

struct ReceiptsOptions {
    /// VITALOG_WECHAT_TOKEN, with which WeChat signs; empty: its pushes are refused.
    std::string wechat_token;
    schemas::TopicNames topics;
};

/// POST /receipts/aliyun, /receipts/tencent and /receipts/wechat: each report goes to
/// `feed.receipt` as received; the provider's own answer once all are on disk, so that it pushes
/// again what was not taken. GET /receipts/wechat proves to WeChat whose the address is. WeChat's
/// signature is checked; the others sign nothing, so that a report changes states only.
class ReceiptsApi {
  public:
    ReceiptsApi(FeedAppender& log, const Clock& clock, ReceiptsOptions options = {})
        : log_(log),
          clock_(clock),
          token_(std::move(options.wechat_token)),
          topic_(options.topics.name(schemas::Topic::FeedReceipt)) {}
    void register_routes(Router& router);

  private:
    using Parse = Result<std::vector<ProviderReport>> (*)(std::string_view);
    using Answer = HttpResponse (*)(int status, std::string_view message);

    /// One provider's way: what its reports are called, how they are read and answered.
    struct Form {
        std::string_view provider;
        std::string_view format;
        Parse parse;
        Answer answer;
    };
    static const Form kAliyun, kTencent, kWechat;

    void take(const Form& form, const HttpRequest& request, Respond respond) const;
    bool signed_by_wechat(const HttpRequest& request) const;

    FeedAppender& log_;
    const Clock& clock_;
    const std::string token_;
    const std::string topic_;
};

}  // namespace vitalog::sinks::fhir
