#include "topology/operator/retry_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <future>
#include <map>

#include "ingest/http/access.h"
#include "schemas/json_decode.h"
#include "sinks/fhir/feed_group.h"
#include "topology/operator/operations.h"

namespace vitalog::topology {
namespace {

using schemas::Topic;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::string_view kRetryOf = "retry_of";  // header: the place of the dead letter
/// Feeds whose records may come again. A decision or a control record was answered and is out of
/// date.
constexpr std::array kFeeds{Topic::FeedHis,      Topic::FeedLis,       Topic::FeedPacs,
                            Topic::FeedWearable, Topic::FeedDirectory, Topic::FeedReceipt};

struct RetryShape {
    bool all = false;
    std::vector<std::string_view> letters;
    std::string_view reason;
    template <class V>
    void members(V& v) {
        v("all", all);
        v("letters", letters);
        v("reason", reason);
    }
};

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || rest != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

Result<std::vector<AppendReceipt>> append_all(Log& log, std::vector<FeedRecord> records) {
    std::promise<Result<std::vector<AppendReceipt>>> done;
    sinks::fhir::append_group(log, std::move(records),
                              [&](auto receipts) { done.set_value(std::move(receipts)); });
    return done.get_future().get();
}

std::string place_of(const AppendReceipt& receipt) {
    return to_string(receipt.tp) + "/" + std::to_string(receipt.offset.value());
}

}  // namespace

void RetryApi::register_routes(Router& router) {
    router.route("POST", "/admin/dead-letter/retry",
                 [this](const HttpRequest& request, const Respond& respond) {
                     if (const auto no = ports_.guard(request)) return respond(*no);
                     retry(request, respond);
                 });
}

Result<RetryApi::Wish> RetryApi::read_wish(const HttpRequest& request) const {
    schemas::Decoder decoder;
    VITALOG_TRY(const auto shape, schemas::decode<RetryShape>(request.body, decoder));
    if (shape.all != shape.letters.empty())
        return fail(Errc::Malformed,
                    "say either \"all\":true or \"letters\":[\"PARTITION/OFFSET\",...]");
    Wish wish;
    wish.all = shape.all;
    wish.reason = shape.reason;
    const std::string& topic = ports_.topics.name(Topic::DeadLetter);
    const std::uint32_t partitions = ports_.topics.partitions(Topic::DeadLetter);
    if (shape.all)
        for (std::uint32_t p = 0; p < partitions; ++p)
            wish.partitions.push_back({topic, Partition(p)});
    for (const std::string_view letter : shape.letters) {
        const std::size_t slash = std::min(letter.find('/'), letter.size());
        const auto partition = number(letter.substr(0, slash));
        const auto offset =
            slash == letter.size() ? std::nullopt : number(letter.substr(slash + 1));
        if (!partition || !offset || *partition >= partitions)
            return fail(
                Errc::Malformed,
                fmt::format("'{}': write PARTITION/OFFSET as `vitalog dead-letter list` prints it",
                            letter));
        wish.partitions.push_back({topic, Partition(static_cast<std::uint32_t>(*partition))});
        wish.offsets.push_back(Offset(*offset));
    }
    return wish;
}

RetryApi::Item RetryApi::make_item(const TopicPartition& tp, const RecordView& letter) const {
    Item item;
    item.letter = fmt::format("{}/{}", tp.partition.value(), letter.offset.value());
    item.source = letter.headers.find(header::kDeadSource);
    const std::string topic = item.source.substr(0, item.source.find('/'));
    const bool feed = std::any_of(kFeeds.begin(), kFeeds.end(),
                                  [&](Topic t) { return ports_.topics.name(t) == topic; });
    if (!feed) {
        item.reason = fmt::format(
            "refused by {} from {}: not a record of a feed; let the sender send it again",
            letter.headers.find(header::kStage), item.source);
        return item;
    }
    if (const auto cut = letter.headers.find(header::kCut); !cut.empty()) {
        item.reason = cut == "0" ? "the first dead letter of " + item.source +
                                       " has its bytes: retry that one"
                                 : "only its beginning was kept; let the sender send it again";
        return item;
    }
    item.record.topic = topic;
    item.record.key = letter.key;
    item.record.value = letter.value;
    item.record.received = ports_.clock.now();
    for (const std::string_view kept : {header::kFormat, header::kEndpoint})
        if (const auto value = letter.headers.find(kept); !value.empty())
            Headers::append(item.record.headers, kept, value);
    // What is tried again for the second time is known by the first record still.
    const std::string_view first = letter.headers.find(header::kRetriedRoot);
    Headers::append(item.record.headers, header::kRetriedRoot,
                    first.empty() ? letter.headers.find(header::kRoot) : first);
    Headers::append(item.record.headers, kRetryOf, item.letter);
    item.record.ledger = LedgerEntry{"retry|" + item.source, hash64(letter.value), item.letter};
    return item;
}

Result<std::vector<RetryApi::Item>> RetryApi::collect(const Wish& wish) const {
    std::vector<Item> items;
    RecordBatch batch;
    for (std::size_t i = 0; i < wish.partitions.size(); ++i) {
        const TopicPartition& tp = wish.partitions[i];
        VITALOG_TRY(Offset at, ports_.log.begin_offset(tp));
        if (!wish.all) at = wish.offsets[i];
        for (bool more = true; more; at = batch.next) {
            VITALOG_CHECK(ports_.log.read(tp, at, kReadBytes, batch));
            more = wish.all && !batch.records.empty();
            if (!wish.all && (batch.records.empty() || batch.records.front().offset != at))
                return fail(Errc::NotFound, fmt::format("there is no dead letter at {}/{}",
                                                        tp.partition.value(), at.value()));
            for (const RecordView& letter : batch.records) {
                items.push_back(make_item(tp, letter));
                if (!wish.all) break;
            }
        }
    }
    return items;
}

/// Appends what was not tried again before, at most kLettersMax of them, and what says so.
Result<void> RetryApi::place(std::vector<Item>& items, const Wish& wish,
                             const std::string& user) const {
    std::map<std::string, std::string, std::less<>> before;
    VITALOG_CHECK(
        for_each_operation(ports_.log, ports_.topics, [&](const schemas::Operation& operation) {
            if (operation.kind == schemas::OperationKind::Retry)
                before[std::string(operation.name)] = operation.placed;
        }));
    std::vector<FeedRecord> records;
    std::vector<Item*> placed;
    for (Item& item : items) {
        if (!item.reason.empty()) continue;
        const auto known = before.find(item.source);
        if (known != before.end()) {
            item.reason = known->second.empty() ? "another item of the same record"
                                                : "tried again before, as " + known->second;
            continue;
        }
        if (records.size() == kLettersMax) {
            item.reason = "one too many for one request; ask once more";
            continue;
        }
        before[item.source];  // its other letters go with it
        records.push_back(std::move(item.record));
        placed.push_back(&item);
    }
    VITALOG_TRY(const auto receipts, append_all(ports_.log, std::move(records)));
    std::vector<FeedRecord> notes;
    const LogTime now = ports_.clock.now();
    for (std::size_t i = 0; i < placed.size(); ++i) {
        Item& item = *placed[i];
        if (receipts[i].outcome != Appended::New) {
            item.reason = "tried again before";
            continue;
        }
        item.placed = place_of(receipts[i]);
        notes.push_back(operation_record(ports_.topics, now,
                                         {.kind = schemas::OperationKind::Retry,
                                          .name = item.source,
                                          .since = now.as<ReceivedTime>(),
                                          .problem = wish.reason,
                                          .placed = item.placed,
                                          .by = user}));
    }
    VITALOG_CHECK(append_all(ports_.log, std::move(notes)));
    return {};
}

void RetryApi::retry(const HttpRequest& request, const Respond& respond) {
    const auto refused = [&](int status, const Error& error) {
        respond(ingest::error_response(status, to_string(error.code()), error.message()));
    };
    const auto wish = read_wish(request);
    if (!wish) return refused(400, wish.error());
    const std::lock_guard lock(mutex_);
    auto items = collect(*wish);
    if (!items) return refused(items.error().code() == Errc::NotFound ? 404 : 503, items.error());
    if (const auto done = place(*items, *wish, request.caller.user); !done)
        return refused(503, done.error());
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    const auto retried = std::count_if(items->begin(), items->end(),
                                       [](const Item& item) { return !item.placed.empty(); });
    json.begin_object();
    json.field("retried", static_cast<std::int64_t>(retried));
    json.field("left", static_cast<std::int64_t>(items->size()) - retried);
    json.key("items");
    json.begin_array();
    for (const Item& item : *items) {
        json.begin_object();
        json.field("letter", item.letter);
        json.field("source", item.source);
        if (!item.placed.empty()) json.field("placed", item.placed);
        if (!item.reason.empty()) json.field("reason", item.reason);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    log_line("info", "dead_letters_retried",
             {{"retried", std::to_string(retried)}, {"by", request.caller.user}});
    ports_.flow.when_applied([this, request, respond, response, retried] {
        audit_.answer(
            request,
            {.resource = "dead-letter", .persons = {}, .count = retried, .whole = request.path},
            response, respond);
    });
}

}  // namespace vitalog::topology
