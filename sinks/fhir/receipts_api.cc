#include "sinks/fhir/receipts_api.h"

#include "schemas/flat_xml.h"
#include "schemas/json_decode.h"
#include "schemas/topics.h"
#include "sinks/digest.h"
#include "sinks/fhir/feed_group.h"
#include "sinks/fhir/outcome.h"
#include "sinks/wechat/callback.h"

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

struct Sid {
    std::string sid;
    template <class V>
    void members(V& v) {
        v("sid", sid);
    }
};

/// Aliyun's form of an answer: code 0 is the only one that ends its repeats.
HttpResponse aliyun_answer(int status, std::string_view message) {
    HttpResponse response;
    response.status = status;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("code", status == 200 ? 0 : status);
    json.field("msg", message);
    json.end_object();
    return response;
}

HttpResponse tencent_answer(int status, std::string_view message) {
    HttpResponse response;
    response.status = status;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("result", status == 200 ? 0 : status);
    json.field("errmsg", status == 200 ? std::string_view("OK") : message);
    json.end_object();
    return response;
}

/// WeChat repeats until it reads "success", three times.
HttpResponse wechat_answer(int status, std::string_view message) {
    HttpResponse response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = status == 200 ? std::string_view("success") : message;
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

Result<std::vector<ProviderReport>> parse_tencent_reports(std::string_view body) {
    schemas::Decoder outer, inner;
    VITALOG_TRY(const auto list,
                schemas::decode<Items>("{\"items\":" + std::string(body) + "}", outer));
    std::vector<ProviderReport> reports;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
        const auto named = schemas::decode<Sid>(list.items[i].text, inner);
        if (!named || named->sid.empty())
            return fail(Errc::Malformed,
                        "report " + std::to_string(i + 1) + " must be an object with sid");
        reports.push_back(
            {"provider|tencent|" + named->sid, "[" + std::string(list.items[i].text) + "]"});
    }
    return reports;
}

Result<std::vector<ProviderReport>> parse_wechat_event(std::string_view body) {
    VITALOG_TRY(const auto event, schemas::parse_flat_xml(body));
    if (!schemas::find(event, "Encrypt").empty() && schemas::find(event, "MsgType").empty())
        return fail(Errc::Unsupported,
                    "the message is encrypted; set the account to plain or compatible messages");
    std::vector<ProviderReport> reports;
    const std::string_view id = schemas::find(event, "MsgID");
    if (schemas::find(event, "Event") != "TEMPLATESENDJOBFINISH") return reports;
    if (id.empty()) return fail(Errc::Malformed, "the event has no MsgID");
    reports.push_back({"provider|wechat|" + std::string(id), std::string(body)});
    return reports;
}

const ReceiptsApi::Form ReceiptsApi::kAliyun{"aliyun", "aliyun-report", parse_aliyun_reports,
                                             aliyun_answer};
const ReceiptsApi::Form ReceiptsApi::kTencent{"tencent", "tencent-report", parse_tencent_reports,
                                              tencent_answer};
const ReceiptsApi::Form ReceiptsApi::kWechat{"wechat", "wechat-event", parse_wechat_event,
                                             wechat_answer};

void ReceiptsApi::register_routes(Router& router) {
    router.route("POST", "/receipts/aliyun", [this](HttpRequest request, Respond respond) {
        take(kAliyun, request, std::move(respond));
    });
    router.route("POST", "/receipts/tencent", [this](HttpRequest request, Respond respond) {
        take(kTencent, request, std::move(respond));
    });
    router.route("POST", "/receipts/wechat", [this](HttpRequest request, Respond respond) {
        if (!signed_by_wechat(request))
            return respond(wechat_answer(403, "the signature is not the account's"));
        take(kWechat, request, std::move(respond));
    });
    router.route("GET", "/receipts/wechat", [this](HttpRequest request, Respond respond) {
        if (!signed_by_wechat(request))
            return respond(wechat_answer(403, "the signature is not the account's"));
        HttpResponse response = wechat_answer(200, "");
        response.body = request.query_value("echostr").value_or("");
        respond(std::move(response));
    });
}

bool ReceiptsApi::signed_by_wechat(const HttpRequest& request) const {
    const auto value = [&](std::string_view name) {
        return request.query_value(name).value_or(std::string_view());
    };
    return !token_.empty() &&
           same_secret(value("signature"),
                       wechat_callback_signature(token_, value("timestamp"), value("nonce")));
}

void ReceiptsApi::take(const Form& form, const HttpRequest& request, Respond respond) const {
    if (request.caller.role == "doctor")
        return respond(outcome(403, "role 'doctor' may not report receipts"));
    auto reports = form.parse(request.body);
    if (!reports) return respond(form.answer(400, reports.error().message()));
    std::vector<FeedRecord> records;
    for (auto& report : *reports) {
        FeedRecord record;
        record.topic = topic_;
        record.key = std::move(report.key);
        record.value = std::move(report.value);
        Headers::append(record.headers, header::kFormat, form.format);
        Headers::append(record.headers, header::kEndpoint,
                        "receipts-" + std::string(form.provider));
        record.received = clock_.now();
        records.push_back(std::move(record));
    }
    append_group(log_, std::move(records), [&form, respond = std::move(respond)](auto receipts) {
        if (receipts)
            respond(form.answer(200, "ok"));
        else
            respond(form.answer(503, "not taken, push again"));
    });
}

}  // namespace vitalog::sinks::fhir
