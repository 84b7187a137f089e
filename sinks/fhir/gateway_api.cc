#include "sinks/fhir/gateway_api.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "schemas/base/thread_name.h"
#include "schemas/events/message.h"
#include "schemas/json_decode.h"
#include "sinks/fhir/feed_group.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::fhir {
namespace {

constexpr std::string_view kCursorVersion = "1";
constexpr std::size_t kMaxSends = 1'000;
constexpr std::size_t kMaxWaiting = 256;
constexpr std::int64_t kUsualWait = 20;
constexpr std::int64_t kLongestWait = 50;  // below the server's own limit for an answer
constexpr std::size_t kReadBytes = 256U << 10;
constexpr std::chrono::milliseconds kStep{200};

std::optional<std::int64_t> whole(std::string_view text) {
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || rest != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

/// "1_17_0_4": the version of the form, and where each partition goes on.
std::string cursor_of(const std::vector<Offset>& offsets) {
    std::string text(kCursorVersion);
    for (const Offset offset : offsets) text += "_" + std::to_string(offset.value());
    return text;
}

Result<std::vector<Offset>> read_cursor(std::string_view text, std::size_t partitions) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = std::min(text.find('_'), text.size());
        parts.push_back(text.substr(0, end));
        if (end == text.size()) break;
        text.remove_prefix(end + 1);
    }
    std::vector<Offset> offsets;
    for (std::size_t i = 1; i < parts.size(); ++i)
        if (const auto offset = whole(parts[i])) offsets.emplace_back(*offset);
    if (parts.front() != kCursorVersion || offsets.size() != partitions ||
        parts.size() != partitions + 1)
        return fail(Errc::Malformed,
                    "from must be a cursor that this channel gave, or be left out");
    return offsets;
}

std::string reader_of(const std::string& channel) {
    return "gateway." + channel;
}

struct Items {
    std::vector<schemas::RawJson> items;
    template <class V>
    void members(V& v) {
        v.required("items", items);
    }
};

/// The objects of an array, of one object, or of one object a line. Malformed.
Result<std::vector<std::string>> split_items(std::string_view body) {
    std::vector<std::string> out;
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return out;
    std::string list(body);
    if (body[first] != '[') {
        list = "[";
        while (!body.empty()) {
            const std::size_t end = std::min(body.find('\n'), body.size());
            const std::string_view line = body.substr(0, end);
            body.remove_prefix(std::min(end + 1, body.size()));
            if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            list.append(list.size() > 1 ? "," : "").append(line);
        }
        list.push_back(']');
    }
    schemas::Decoder decoder;
    VITALOG_TRY(const auto items, schemas::decode<Items>("{\"items\":" + list + "}", decoder));
    for (const auto& item : items.items) out.emplace_back(item.text);
    return out;
}

}  // namespace

Result<std::vector<GatewayReceipt>> parse_gateway_receipts(std::string_view body) {
    auto items = split_items(body);
    if (!items)
        return fail(Errc::Malformed, "send a JSON object, an array of them, or one a line: " +
                                         items.error().message());
    if (items->empty()) return fail(Errc::Missing, "the body holds no receipt");
    std::vector<GatewayReceipt> out;
    schemas::Decoder decoder;
    for (std::size_t i = 0; i < items->size(); ++i) {
        const std::string where = "receipt " + std::to_string(i + 1) + ": ";
        const auto receipt = schemas::decode<schemas::Receipt>((*items)[i], decoder);
        if (!receipt) return fail(receipt.error().code(), where + receipt.error().message());
        if (receipt->recipient.empty() || receipt->intent.empty() || receipt->attempt.empty())
            return fail(
                Errc::Missing,
                where + "members 'recipient', 'intent' and 'attempt' are those of the send");
        out.push_back({std::string(receipt->recipient), std::move((*items)[i])});
    }
    return out;
}

GatewayApi::GatewayApi(RecordSource& source, FeedAppender& feed, const Clock& clock,
                       GatewayOptions options)
    : source_(source),
      feed_(feed),
      clock_(clock),
      options_(std::move(options)),
      audit_(feed, clock, options_.topics),
      receipt_topic_(options_.topics.name(schemas::Topic::FeedReceipt)) {
    if (!options_.external.empty()) thread_ = std::thread([this] { run(); });
}

GatewayApi::~GatewayApi() {
    stop();
}

void GatewayApi::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void GatewayApi::register_routes(Router& router) {
    router.route("GET", "/gateway/{channel}", [this](HttpRequest request, Respond respond) {
        sends(std::move(request), std::move(respond));
    });
    router.route("POST", "/gateway/{channel}/receipts",
                 [this](HttpRequest request, Respond respond) { receipts(request, respond); });
}

std::optional<HttpResponse> GatewayApi::refusal(const HttpRequest& request) const {
    const std::string& role = request.caller.role;
    if (!role.empty() && role != "gateway" && role != "operator")
        return outcome(403, "role '" + role + "' may not act as a gateway");
    const std::string& channel = request.path_params.at("channel");
    if (options_.external.contains(channel)) return std::nullopt;
    const bool own =
        std::find(options_.own.begin(), options_.own.end(), channel) != options_.own.end();
    if (own)
        return outcome(409, "this site sends '" + channel + "' itself; set notify." + channel +
                                ".gateway to external to let a gateway do so");
    return outcome(404, "there is no channel '" + channel + "'");
}

Result<GatewayApi::Offsets> GatewayApi::start_of(const std::string& channel,
                                                 std::optional<std::string_view> from) const {
    const std::string& topic = options_.external.at(channel);
    const std::uint32_t partitions = source_.partitions(topic);
    if (from && !from->empty()) return read_cursor(*from, partitions);
    Offsets offsets;
    for (std::uint32_t i = 0; i < partitions; ++i) {
        const TopicPartition tp{topic, Partition(i)};
        VITALOG_TRY(const Offset begin, source_.begin_offset(tp));
        VITALOG_TRY(const auto stored, source_.load_position(reader_of(channel), tp));
        offsets.push_back(std::max(begin, stored.value_or(begin)));
    }
    return offsets;
}

/// What lies before the cursor is with the gateway; an older cursor takes nothing back.
Result<void> GatewayApi::keep(const std::string& channel, const Offsets& from) {
    const std::string& topic = options_.external.at(channel);
    for (std::uint32_t i = 0; i < from.size(); ++i) {
        const TopicPartition tp{topic, Partition(i)};
        VITALOG_TRY(const auto stored, source_.load_position(reader_of(channel), tp));
        VITALOG_TRY(const Offset end, source_.end_offset(tp));
        if (from[i] > end)
            return fail(Errc::OutOfRange, "from lies beyond the end: it is of another site");
        if (!stored || *stored < from[i])
            VITALOG_CHECK(source_.store_position(reader_of(channel), tp, from[i]));
    }
    return {};
}

void GatewayApi::sends(HttpRequest request, Respond respond) {
    if (auto refused = refusal(request)) return respond(*std::move(refused));
    Poll poll;
    poll.channel = request.path_params.at("channel");
    const auto max = whole(request.query_value("max").value_or("100"));
    const auto wait = whole(request.query_value("wait").value_or(std::to_string(kUsualWait)));
    if (!max || *max == 0 || !wait)
        return respond(outcome(400, "max and wait must be whole numbers, max at least 1"));
    poll.max = std::min(static_cast<std::size_t>(*max), kMaxSends);
    auto from = start_of(poll.channel, request.query_value("from"));
    if (!from) return respond(outcome(from.error()));
    if (const auto kept = keep(poll.channel, *from); !kept) return respond(outcome(kept.error()));
    poll.from = *std::move(from);
    poll.request = std::move(request);
    poll.respond = std::move(respond);
    poll.until =
        std::chrono::steady_clock::now() + std::chrono::seconds(std::min(*wait, kLongestWait));
    if (serve(poll, *wait == 0)) return;
    {
        const std::lock_guard lock(mutex_);
        if (!stopping_ && waiting_.size() < kMaxWaiting) {
            waiting_.push_back(std::move(poll));
            changed_.notify_all();
            return;
        }
    }
    poll.respond(outcome(503, "too many gateways wait; ask again later"));
}

Result<std::optional<HttpResponse>> GatewayApi::read(const Poll& poll) const {
    const std::string& topic = options_.external.at(poll.channel);
    Offsets at = poll.from;
    HttpResponse response;
    response.content_type = "application/x-ndjson";
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < at.size() && count < poll.max; ++i) {
        const TopicPartition tp{topic, Partition(i)};
        VITALOG_TRY(const Offset begin, source_.begin_offset(tp));
        at[i] = std::max(at[i], begin);
        RecordBatch batch;
        VITALOG_CHECK(source_.read(tp, at[i], kReadBytes, batch));
        for (const RecordView& record : batch.records) {
            if (count == poll.max) break;
            ++count;
            at[i] = Offset(record.offset.value() + 1);
            schemas::JsonWriter json(response.body);
            json.begin_object();
            json.field("next", cursor_of(at));
            json.key("send");
            json.raw(record.value);
            json.end_object();
            response.body.push_back('\n');
        }
    }
    if (count == 0) return std::nullopt;
    VITALOG_CHECK(source_.sync());  // law 5: nothing leaves that rests on a record not on disk
    response.headers.emplace_back("X-Next", cursor_of(at));
    return response;
}

/// True when it was answered.
bool GatewayApi::serve(Poll& poll, bool last) {
    auto answer = read(poll);
    if (!answer) {
        poll.respond(outcome(answer.error()));
        return true;
    }
    if (*answer) {
        Audit::Read seen;
        seen.resource = "Send";
        seen.whole = poll.request.path;
        seen.count = std::count((*answer)->body.begin(), (*answer)->body.end(), '\n');
        audit_.answer(poll.request, std::move(seen), **std::move(answer), std::move(poll.respond));
        return true;
    }
    if (!last) return false;
    HttpResponse nothing;
    nothing.content_type = "application/x-ndjson";
    nothing.headers.emplace_back("X-Next", cursor_of(poll.from));
    poll.respond(std::move(nothing));
    return true;
}

void GatewayApi::run() {
    name_thread("gateways");
    while (true) {
        std::vector<Poll> polls;
        bool stopping = false;
        const std::uint64_t seen = source_.activity();
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            polls.swap(waiting_);
            stopping = stopping_;
        }
        const auto now = std::chrono::steady_clock::now();
        std::erase_if(polls,
                      [&](Poll& poll) { return serve(poll, stopping || now >= poll.until); });
        if (stopping) return;
        {
            const std::lock_guard lock(mutex_);
            for (Poll& poll : polls) waiting_.push_back(std::move(poll));
            if (waiting_.empty()) continue;
        }
        source_.wait(seen, kStep);
    }
}

void GatewayApi::receipts(const HttpRequest& request, const Respond& respond) const {
    if (auto refused = refusal(request)) return respond(*std::move(refused));
    auto parsed = parse_gateway_receipts(request.body);
    if (!parsed) return respond(outcome(400, parsed.error().message()));
    std::vector<FeedRecord> records;
    for (auto& receipt : *parsed) {
        FeedRecord record;
        record.topic = receipt_topic_;
        record.key = std::move(receipt.recipient);
        record.value = std::move(receipt.json);
        Headers::append(record.headers, header::kFormat, "json");
        Headers::append(record.headers, header::kEndpoint,
                        "gateway-" + request.path_params.at("channel"));
        record.received = clock_.now();
        records.push_back(std::move(record));
    }
    append_group(feed_, std::move(records), [respond](auto taken) {
        if (!taken) return respond(outcome(taken.error()));
        HttpResponse response;
        response.body = "{\"accepted\":" + std::to_string(taken->size()) + "}";
        respond(std::move(response));
    });
}

std::int64_t GatewayApi::lag() const {
    std::int64_t total = 0;
    for (const auto& [channel, topic] : options_.external) {
        const auto from = start_of(channel, std::nullopt);
        if (!from) return 1;
        for (std::uint32_t i = 0; i < from->size(); ++i) {
            const auto end = source_.end_offset({topic, Partition(i)});
            total += end ? std::max<std::int64_t>(0, end->value() - (*from)[i].value()) : 1;
        }
    }
    return total;
}

}  // namespace vitalog::sinks::fhir
