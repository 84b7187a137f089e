#include "sinks/live/live_events.h"

#include <algorithm>

#include "schemas/base/thread_name.h"
#include "sinks/fhir/fhir_api.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::live {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 256U << 10;
constexpr std::size_t kParcelBytes = 64U << 10;
constexpr std::string_view kRetry = "retry: 2000\n";  // milliseconds until a reader comes back

HttpResponse refusal(int status, std::string_view message) {
    return fhir::outcome(status, message);
}

/// A doctor's token may name teams; other callers hear everything.
bool hears(const Caller& caller, const LiveEvent& event) {
    if (caller.role != "doctor" || caller.teams.empty()) return true;
    return std::any_of(event.teams.begin(), event.teams.end(), [&](const std::string& team) {
        return std::find(caller.teams.begin(), caller.teams.end(), team) != caller.teams.end();
    });
}

}  // namespace

LiveEvents::LiveEvents(Ports ports, LiveOptions options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      audit_(ports_.log, ports_.clock, options_.topics),
      events_(ports_.views, options_.default_team) {}

LiveEvents::~LiveEvents() {
    stop();
}

void LiveEvents::register_routes(Router& router) {
    router.route("GET", "/events", [this](const HttpRequest& request, const Respond& respond) {
        open(request, respond);
    });
}

void LiveEvents::start() {
    stopping_ = false;
    thread_ = std::thread([this] { follow(); });
}

void LiveEvents::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    const std::lock_guard lock(mutex_);
    for (auto& reader : readers_) let_go(reader, "the site stops");
    readers_.clear();
}

void LiveEvents::open(const HttpRequest& request, const Respond& respond) {
    if (!fhir::may_read(request.caller))
        return respond(
            refusal(403, "role '" + request.caller.role + "' may not read persons' data"));
    if (!request.query.empty())
        return respond(refusal(400, "unknown parameter '" + request.query.front().first +
                                        "'; /events takes none, and goes on from Last-Event-ID"));
    auto cursor = begin(request);
    if (!cursor) {
        const bool dropped = cursor.error().code() == Errc::OutOfRange;
        return respond(refusal(dropped ? 410 : 400, cursor.error().message()));
    }
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || readers_.size() >= options_.readers_max)
            return respond(refusal(503, "too many readers of /events; try again later"));
    }
    HttpResponse response;
    response.content_type = "text/event-stream";
    response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
    response.stream = [this, request, cursor = *std::move(cursor)](std::shared_ptr<Stream> stream) {
        stream->write(std::string(kRetry) + "id: " + cursor.text(ports_.generation) + "\n\n");
        const std::lock_guard lock(mutex_);
        if (stopping_) return stream->end();
        readers_.push_back({request, std::move(stream), cursor, steady_clock::now(), {}, false});
        wake_.notify_all();
    };
    respond(std::move(response));
}

/// Where a reader begins: after the event it names, else with what comes next.
Result<Cursor> LiveEvents::begin(const HttpRequest& request) const {
    const auto named = request.headers.find("last-event-id");
    const Cursor end = newest();
    if (named == request.headers.end() || named->second.empty()) return end;
    VITALOG_TRY(const Cursor cursor, Cursor::parse(named->second, ports_.generation, end));
    for (std::size_t t = 0; t < kLiveTopics.size(); ++t)
        for (std::uint32_t p = 0; p < cursor.partitions(t); ++p) {
            const TopicPartition tp{options_.topics.name(kLiveTopics[t]), Partition(p)};
            VITALOG_TRY(const Offset kept, ports_.source.begin_offset(tp));
            VITALOG_TRY(const Offset last, ports_.source.end_offset(tp));
            if (cursor.at(t, p) < kept)
                return fail(Errc::OutOfRange,
                            "events after this id are no longer kept; read the work lists, then "
                            "connect without Last-Event-ID");
            if (cursor.at(t, p) > last)
                return fail(
                    Errc::Malformed,
                    "this id lies behind the end of the log; connect without Last-Event-ID");
        }
    return cursor;
}

/// The last topic first: in a round, what is shown meanwhile may add an alert whose task comes with
/// the next, never a task before its alert.
Cursor LiveEvents::newest() const {
    Cursor cursor = Cursor::start(ports_.source, options_.topics);
    for (std::size_t t = kLiveTopics.size(); t-- > 0;)
        for (std::uint32_t p = 0; p < cursor.partitions(t); ++p)
            cursor.at(t, p) = ports_.shown({options_.topics.name(kLiveTopics[t]), Partition(p)});
    return cursor;
}

void LiveEvents::follow() {
    name_thread("live");
    while (!stopping_) {
        if (step()) continue;
        std::unique_lock lock(mutex_);
        if (readers_.empty())
            wake_.wait(lock, [this] { return stopping_ || !readers_.empty(); });
        else
            wake_.wait_for(lock, options_.pace, [this] { return stopping_.load(); });
    }
}

bool LiveEvents::step() {
    const Time now = steady_clock::now();
    std::vector<Parcel> parcels;
    const auto readers = present();
    if (readers.empty()) return false;
    const Cursor limits = newest();
    for (Reader* reader : readers) {
        if (!has_room(*reader, now)) continue;
        Parcel parcel{reader, reader->cursor};
        if (const auto collected = collect(parcel, limits); !collected) {
            log_line("error", "events_failed", {{"error", collected.error().to_string()}});
            let_go(*reader, "events can't be read now");
            continue;
        }
        audit(parcel);  // all readers wait for one sync of the log
        parcels.push_back(std::move(parcel));
    }
    bool sent = false;
    for (auto& parcel : parcels) sent = send(parcel, now) || sent;
    forget_gone();
    return sent;
}

std::vector<LiveEvents::Reader*> LiveEvents::present() {
    const std::lock_guard lock(mutex_);
    std::vector<Reader*> present;
    for (auto& reader : readers_) present.push_back(&reader);
    return present;
}

void LiveEvents::forget_gone() {
    const std::lock_guard lock(mutex_);
    readers_.remove_if([](const Reader& reader) { return reader.gone || reader.stream->closed(); });
}

bool LiveEvents::has_room(Reader& reader, Time now) const {
    if (reader.stream->closed()) return false;
    if (reader.stream->pending() < options_.buffer_max) {
        reader.full_since.reset();
        return true;
    }
    if (!reader.full_since) reader.full_since = now;
    if (now - *reader.full_since > options_.slow_limit)
        let_go(reader, "too slow: connect again, it goes on from the last id");
    return false;
}

Result<void> LiveEvents::collect(Parcel& parcel, const Cursor& limits) {
    Cursor& cursor = parcel.cursor;
    for (std::size_t t = 0; t < kLiveTopics.size(); ++t)
        for (std::uint32_t p = 0; p < cursor.partitions(t); ++p) {
            const Offset limit = limits.at(t, p);
            while (cursor.at(t, p) < limit && parcel.text.size() < kParcelBytes) {
                VITALOG_TRY(const Slice* const part, slice(t, p, cursor.at(t, p), limit));
                for (const auto& event : part->events) {
                    if (!hears(parcel.reader->request.caller, event)) continue;
                    cursor.at(t, p) = next(event.offset);
                    parcel.text.append("id: ").append(cursor.text(ports_.generation));
                    parcel.text.append("\nevent: ").append(event.kind);
                    parcel.text.append("\ndata: ").append(event.data).append("\n\n");
                    parcel.persons.push_back(event.person);
                    ++parcel.count;
                }
                cursor.at(t, p) = part->next;
            }
        }
    return {};
}

Result<const LiveEvents::Slice*> LiveEvents::slice(std::size_t topic, std::uint32_t partition,
                                                   Offset from, Offset limit) {
    Slice& slice = slices_[{topic, partition}];
    if (slice.from == from && slice.from < slice.next) return &slice;
    const TopicPartition tp{options_.topics.name(kLiveTopics[topic]), Partition(partition)};
    VITALOG_CHECK(ports_.source.read(tp, from, kReadBytes, batch_));
    std::erase_if(batch_.records, [&](const RecordView& record) { return record.offset >= limit; });
    VITALOG_TRY(slice.events, events_.read(kLiveTopics[topic], batch_.records));
    slice.from = from;
    slice.next = std::min(std::max(batch_.next, next(from)), limit);
    batch_.clear();
    return &slice;
}

/// Law: every read of a person's data is on disk before the answer.
void LiveEvents::audit(Parcel& parcel) const {
    auto done = std::make_shared<std::promise<bool>>();  // shared with the log's callback
    parcel.audited = done->get_future();
    audit_.answer(
        parcel.reader->request, {"Event", std::move(parcel.persons), parcel.count}, {},
        [done](const HttpResponse& response) { done->set_value(response.status == 200); });
}

bool LiveEvents::send(Parcel& parcel, Time now) const {
    Reader& reader = *parcel.reader;
    if (!parcel.audited.get()) {
        let_go(reader, "reads can't be audited now");
        return false;
    }
    reader.cursor = parcel.cursor;
    const bool quiet = parcel.text.empty();
    if (quiet && now - reader.last_sent < options_.heartbeat) return false;
    // A heartbeat moves the id along for a reader who hears little.
    if (quiet) parcel.text = ":\nid: " + reader.cursor.text(ports_.generation) + "\n\n";
    reader.last_sent = now;
    reader.stream->write(parcel.text);
    return !quiet;
}

/// The last thing a reader hears, where it still listens.
void LiveEvents::let_go(Reader& reader, std::string_view reason) const {
    std::string data;
    schemas::JsonWriter json(data);
    json.begin_object();
    json.field("reason", reason);
    json.end_object();
    reader.stream->write("event: end\ndata: " + data + "\n\n");
    reader.stream->end();
    reader.gone = true;
}

}  // namespace vitalog::sinks::live
