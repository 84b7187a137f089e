#include "sinks/fhir/receipts_api.h"

#include "schemas/json_decode.h"
#include "schemas/topics.h"
#include "sinks/fhir/feed_group.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::fhir {
namespace {

/// What a report is keyed by.
struct Names {
    std::string out_id;
    std::string biz_id;
    template <class V>
    void members(V& v) {
        v("out_id", out_id);
        v("biz_id", biz_id);
    }
};

struct Items {
    std::vector<schemas::RawJson> items;
    template <class V>
    void members(V& v) {
        v.required("items", items);
    }
};

/// The provider's form of an answer: code 0 is the only one that ends its retries.
HttpResponse provider_answer(int status, int code, std::string_view message) {
    HttpResponse response;
    response.status = status;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("code", code);
    json.field("msg", message);
    json.end_object();
    return response;
}

}  // namespace

Result<std::vector<ProviderReport>> parse_aliyun_reports(std::string_view body) {
    schemas::Decoder outer, inner;
    VITALOG_TRY(const auto list,
                schemas::decode<Items>("{\"items\":" + std::string(body) + "}", outer));
    std::vector<ProviderReport> reports;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
        const auto names = schemas::decode<Names>(list.items[i].text, inner);
        if (!names || (names->out_id.empty() && names->biz_id.empty()))
            return fail(Errc::Malformed, "report " + std::to_string(i + 1) +
                                             " must be an object with out_id or biz_id");
        // out_id is what the send passed along: recipient|intent|attempt.
        const std::size_t bar = names->out_id.find('|');
        reports.push_back({bar != std::string::npos && bar > 0 ? names->out_id.substr(0, bar)
                                                               : "provider|aliyun|" + names->biz_id,
                           "[" + std::string(list.items[i].text) + "]"});
    }
    return reports;
}

void ReceiptsApi::register_routes(Router& router) {
    router.route("POST", "/receipts/aliyun", [this](HttpRequest request, Respond respond) {
        take(request, std::move(respond));
    });
}

void ReceiptsApi::take(const HttpRequest& request, Respond respond) const {
    if (request.caller.role == "doctor")
        return respond(outcome(403, "role 'doctor' may not report receipts"));
    auto reports = parse_aliyun_reports(request.body);
    if (!reports) return respond(provider_answer(400, 400, reports.error().message()));
    std::vector<FeedRecord> records;
    for (auto& report : *reports) {
        FeedRecord record;
        record.topic = topic_;
        record.key = std::move(report.key);
        record.value = std::move(report.value);
        Headers::append(record.headers, header::kFormat, "aliyun-report");
        Headers::append(record.headers, header::kEndpoint, "receipts-aliyun");
        record.received = clock_.now();
        records.push_back(std::move(record));
    }
    append_group(log_, std::move(records), [respond = std::move(respond)](auto receipts) {
        if (receipts)
            respond(provider_answer(200, 0, "ok"));
        else
            respond(provider_answer(503, 503, "not taken, push again"));
    });
}

}  // namespace vitalog::sinks::fhir
