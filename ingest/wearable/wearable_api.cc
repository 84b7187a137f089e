#include "ingest/wearable/wearable_api.h"

#include <algorithm>
#include <map>
#include <utility>

#include "ingest/http/access.h"
#include "schemas/json.h"
#include "schemas/topics.h"

namespace vitalog::ingest::wearable {
namespace {

constexpr std::string_view kEndpoint = "wearable";
constexpr std::string_view kRetryBusy = "5";
constexpr std::string_view kRetrySlower = "1";
constexpr std::string_view kAccepted = "accepted";
constexpr std::string_view kDuplicate = "duplicate";
constexpr std::string_view kRejected = "rejected";

HttpResponse refusal(int status, std::string_view code, std::string_view message) {
    return error_response(status, code, message);
}

HttpResponse try_later(int status, std::string_view message, std::string_view seconds) {
    HttpResponse response = refusal(status, "busy", message);
    response.headers.emplace_back("Retry-After", seconds);
    return response;
}

/// "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(const HttpRequest& request) {
    const auto found = request.headers.find("content-type");
    if (found == request.headers.end()) return {};
    std::string type = found->second.substr(0, found->second.find(';'));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    for (char& c : type)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return type;
}

}  // namespace

/// How many requests are under way, by caller.
struct WearableApi::Gate {
    std::mutex mutex;
    std::size_t total = 0;                                    // guarded by mutex
    std::map<std::string, std::size_t, std::less<>> callers;  // guarded by mutex

    enum class Verdict : std::uint8_t { Enter, Full, CallerFull };
    Verdict enter(const std::string& caller, const WearableApiOptions& options) {
        const std::lock_guard lock(mutex);
        if (total >= options.in_flight_max) return Verdict::Full;
        std::size_t& mine = callers[caller];
        if (mine >= options.in_flight_per_caller) return Verdict::CallerFull;
        ++mine;
        ++total;
        return Verdict::Enter;
    }
    void leave(const std::string& caller) {
        const std::lock_guard lock(mutex);
        --total;
        const auto found = callers.find(caller);
        if (--found->second == 0) callers.erase(found);
    }
};

/// A request that is being answered: what became of its items. Its appends fill it in from the
/// log's thread, one after another; the last of them answers.
struct WearableApi::Pending {
    struct Item {
        std::size_t index = 0;
        std::string_view status;
        std::string reason;
    };

    Pending(std::shared_ptr<Gate> way_in, std::string user, Metrics& numbers, Respond answer)
        : gate(std::move(way_in)),
          caller(std::move(user)),
          metrics(numbers),
          respond(std::move(answer)) {}
    ~Pending() { gate->leave(caller); }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;

    void settle(std::size_t record, Result<AppendReceipt> receipt);
    void answer();

    const std::shared_ptr<Gate> gate;  // shared with the door
    const std::string caller;
    Metrics& metrics;
    const Respond respond;
    std::vector<std::vector<std::size_t>> items_of;  ///< by record
    std::mutex mutex;
    std::vector<Item> not_accepted;  // guarded by mutex, as are the next four
    std::size_t accepted = 0;
    std::size_t duplicate = 0;
    std::size_t left = 0;
    std::optional<Error> error;
};

void WearableApi::Pending::settle(std::size_t record, Result<AppendReceipt> receipt) {
    {
        const std::lock_guard lock(mutex);
        const auto& items = items_of[record];
        if (!receipt) {
            if (!error) error = receipt.error();
        } else if (receipt->outcome == Appended::Repeat) {
            duplicate += items.size();
            for (const std::size_t item : items)
                not_accepted.push_back({item, kDuplicate, "the same batch came before"});
        } else {
            accepted += items.size();
        }
        if (--left > 0) return;
    }
    answer();
}

void WearableApi::Pending::answer() {
    if (error) {
        if (error->code() == Errc::Busy)
            return respond(try_later(
                503, "not taken as a whole, send it again: " + error->message(), kRetryBusy));
        return respond(
            refusal(500, "internal", "not taken as a whole, send it again: " + error->message()));
    }
    std::sort(not_accepted.begin(), not_accepted.end(),
              [](const Item& a, const Item& b) { return a.index < b.index; });
    const std::size_t rejected = not_accepted.size() - duplicate;
    const auto count = [&](std::string_view result, std::size_t number) {
        if (number > 0)
            metrics.count("vitalog_wearable_items_total", {{"result", std::string(result)}},
                          static_cast<double>(number));
    };
    count(kAccepted, accepted);
    count(kDuplicate, duplicate);
    count(kRejected, rejected);
    HttpResponse response;
    response.status = 202;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("accepted", accepted);
    json.field("duplicate", duplicate);
    json.field("rejected", rejected);
    json.key("items");
    json.begin_array();
    for (const Item& item : not_accepted) {
        json.begin_object();
        json.field("index", item.index);
        json.field("status", item.status);
        json.field("reason", item.reason);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    respond(std::move(response));
}

WearableApi::WearableApi(Ports ports, const schemas::TopicNames& topics, WearableApiOptions options)
    : ports_(ports),
      topic_(topics.name(schemas::Topic::FeedWearable)),
      options_(options),
      gate_(std::make_shared<Gate>()),
      tables_(std::make_shared<const schemas::Tables>()) {}

WearableApi::~WearableApi() = default;

Result<void> WearableApi::use_tables(const std::vector<schemas::BuiltinFile>& files) {
    auto fresh = std::make_shared<schemas::Tables>();
    for (const auto& file : files)
        if (file.kind == "units" || file.kind == "codes" || file.kind == "measures")
            VITALOG_CHECK(fresh->load(file.kind, file.name, file.text));
    const std::lock_guard lock(mutex_);
    tables_ = std::move(fresh);
    return {};
}

void WearableApi::register_routes(Router& router) {
    router.route("POST", "/ingest/wearable", [this](HttpRequest request, Respond respond) {
        take(std::move(request), std::move(respond));
    });
}

std::optional<HttpResponse> WearableApi::refuse_early(const HttpRequest& request) const {
    if (auto forbidden = require_role(request, {"hospital", "gateway", "operator"}))
        return forbidden;
    const std::string type = media_type(request);
    if (type != "application/json" && type != "application/x-ndjson")
        return refusal(415, "unsupported",
                       "Content-Type must be application/json or application/x-ndjson");
    if (request.body.size() > options_.max_body)
        return refusal(413, "too-large",
                       "the body may unpack to " + std::to_string(options_.max_body) + " bytes");
    return std::nullopt;
}

void WearableApi::take(HttpRequest request, Respond respond) {
    if (auto refused = refuse_early(request)) return respond(*std::move(refused));
    switch (gate_->enter(request.caller.user, options_)) {
        case Gate::Verdict::Full:
            return respond(try_later(503, "too many batches at once", kRetrySlower));
        case Gate::Verdict::CallerFull:
            return respond(try_later(429,
                                     "too many batches of this sender at once; wait for the "
                                     "answers of those on their way",
                                     kRetrySlower));
        case Gate::Verdict::Enter:
            break;
    }
    const auto pending =
        std::make_shared<Pending>(gate_, request.caller.user, ports_.metrics, std::move(respond));
    if (auto refused = admit(request, pending)) pending->respond(*std::move(refused));
}

std::optional<HttpResponse> WearableApi::admit(HttpRequest& request,
                                               const std::shared_ptr<Pending>& pending) {
    std::string account(request.query_value("account").value_or(std::string_view()));
    if (!account.empty()) {
        auto key = account_key(account);
        if (!key) return refusal(400, "malformed", key.error().message());
        account = *std::move(key);
    }
    std::unique_ptr<WearableDecoder> decoder;
    std::shared_ptr<const schemas::Tables> tables;
    {
        const std::lock_guard lock(mutex_);
        tables = tables_;
        if (!decoders_.empty()) {
            decoder = std::move(decoders_.back());
            decoders_.pop_back();
        }
    }
    if (!decoder) decoder = std::make_unique<WearableDecoder>();
    const LogTime now = ports_.clock.now();
    const auto decoded = decoder->decode(
        request.body, *tables, {now.as<ReceivedTime>(), account, WearableDecoder::Accounts::Many});
    if (!decoded && decoded.error().code() == Errc::TooLarge)
        return refusal(413, "too-large", decoded.error().message());
    if (!decoded) return refusal(400, "malformed", decoded.error().message());
    if (decoder->is_huawei() && decoder->accounts().empty())
        return refusal(400, "missing",
                       "whose the samples are, the answer does not say: write the "
                       "query parameter account=AUTHORITY|ID");
    for (const auto& fault : decoder->faults())
        pending->not_accepted.push_back({fault.item, kRejected, fault.error.message()});
    auto records = records_of(*decoder, request.body, *pending);
    for (auto& record : records) record.received = now;
    {
        const std::lock_guard lock(mutex_);
        decoders_.push_back(std::move(decoder));
    }
    append(std::move(records), pending);
    return std::nullopt;
}

FeedRecord WearableApi::record_for(const WearableDecoder& decoder, std::string account,
                                   std::string value) const {
    FeedRecord record;
    record.topic = topic_;
    Headers::append(record.headers, header::kFormat, decoder.is_huawei() ? kHuawei : kOpenMhealth);
    Headers::append(record.headers, header::kEndpoint, kEndpoint);
    if (decoder.is_huawei() && !decoder.faults().empty())
        Headers::append(record.headers, kRefusedHeader, std::to_string(decoder.faults().size()));
    LedgerEntry ledger;
    ledger.key = IdHash().part(kEndpoint).part(account).part(value).finish().to_string();
    ledger.body_hash = hash64(value);
    record.ledger = std::move(ledger);
    record.key = std::move(account);
    record.value = std::move(value);
    return record;
}

/// One record for each account: the body itself where it is all of one account and whole, else the
/// points that were taken, as they came.
std::vector<FeedRecord> WearableApi::records_of(WearableDecoder& decoder, std::string& body,
                                                Pending& pending) const {
    std::vector<FeedRecord> records;
    if (decoder.taken() == 0) return records;
    pending.items_of.resize(std::max<std::size_t>(1, decoder.accounts().size()));
    if (decoder.is_huawei()) {
        auto fault = decoder.faults().begin();
        for (std::size_t i = 0; i < decoder.items(); ++i) {
            if (fault != decoder.faults().end() && fault->item == i)
                ++fault;
            else
                pending.items_of[0].push_back(i);
        }
        records.push_back(record_for(decoder, decoder.accounts().front(), std::move(body)));
        return records;
    }
    const auto& points = decoder.points();
    std::vector<std::string> values(decoder.accounts().size());
    const bool whole = decoder.faults().empty() && values.size() == 1;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (!points[i].taken) continue;
        pending.items_of[points[i].account].push_back(i);
        if (!whole) values[points[i].account].append(points[i].text).append("\n");
    }
    if (whole) values.front() = std::move(body);
    std::vector<std::vector<std::size_t>> kept;
    for (std::size_t account = 0; account < values.size(); ++account) {
        if (pending.items_of[account].empty()) continue;
        kept.push_back(std::move(pending.items_of[account]));
        records.push_back(
            record_for(decoder, decoder.accounts()[account], std::move(values[account])));
    }
    pending.items_of = std::move(kept);
    return records;
}

void WearableApi::append(std::vector<FeedRecord> records, const std::shared_ptr<Pending>& pending) {
    if (records.empty()) return pending->answer();
    pending->left = records.size();
    for (std::size_t i = 0; i < records.size(); ++i)
        ports_.log.append(std::move(records[i]), [pending, i](Result<AppendReceipt> receipt) {
            pending->settle(i, std::move(receipt));
        });
}

}  // namespace vitalog::ingest::wearable
