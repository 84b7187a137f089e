#include "sinks/fhir/audit.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "schemas/base/ids.h"
#include "schemas/json.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::fhir {
namespace {

constexpr std::string_view kType = "vitalog.audit.v1";
constexpr std::string_view kSource = "vitalog/http";

/// An id for one audit record. Nothing is recomputed from it, so that it only has to be new: the
/// count tells apart what this process reads in one microsecond, the time what processes read after
/// it.
std::string new_id(std::string_view key, LogTime at) {
    static std::atomic<std::int64_t> count{0};
    return IdHash().part("audit").part(key).part(at.micros()).part(++count).finish().to_string();
}

/// Counts the appends of one answer; shared by their callbacks, which come from a thread of the
/// log.
struct Pending {
    std::atomic<std::size_t> left;
    std::atomic<bool> failed{false};
    HttpResponse response;
    Respond respond;
};

}  // namespace

std::string Audit::line(const HttpRequest& request, const Read& read, const std::string& key,
                        int status, LogTime at) const {
    std::string query;
    for (const auto& [name, value] : request.query)
        query += (query.empty() ? "" : "&") + name + "=" + value;
    std::string out;
    schemas::JsonWriter json(out);
    json.begin_object();
    json.field("at", to_rfc3339(at));
    json.field("user", request.caller.user);
    json.field("role", request.caller.role);
    json.field("method", request.method);
    json.field("path", request.path);
    if (!query.empty()) json.field("query", query);
    if (read.whole.empty()) {
        json.field("person", key);
        json.field("persons", static_cast<std::int64_t>(read.persons.size()));
    }
    json.field("resource", read.resource);
    json.field("count", read.count);
    json.field("status", status);
    json.end_object();
    return out;
}

void Audit::answer(const HttpRequest& request, Read read, HttpResponse response,
                   Respond respond) const {
    std::sort(read.persons.begin(), read.persons.end());
    read.persons.erase(std::unique(read.persons.begin(), read.persons.end()), read.persons.end());
    std::erase(read.persons, std::string());
    const auto keys = read.whole.empty() ? read.persons : std::vector{read.whole};
    if (keys.empty()) return respond(std::move(response));
    const LogTime at = clock_.now();
    const int status = response.status;
    auto pending = std::make_shared<Pending>();  // shared by the callbacks
    pending->left = keys.size();
    pending->response = std::move(response);
    pending->respond = std::move(respond);
    for (const auto& key : keys) {
        FeedRecord record;
        record.topic = topic_;
        record.key = key;
        record.value = line(request, read, key, status, at);
        Headers::append(record.headers, header::kSpecVersion, "1.0");
        Headers::append(record.headers, header::kId, new_id(key, at));
        Headers::append(record.headers, header::kType, kType);
        Headers::append(record.headers, header::kTime, to_rfc3339(at));
        Headers::append(record.headers, header::kSource, kSource);
        Headers::append(record.headers, header::kContentType, "application/json");
        record.received = at;
        log_.append(std::move(record), [pending](Result<AppendReceipt> receipt) {
            if (!receipt) pending->failed = true;
            if (pending->left.fetch_sub(1) != 1) return;
            pending->respond(pending->failed
                                 ? outcome(503, "the read can't be written to the audit log now")
                                 : std::move(pending->response));
        });
    }
}

}  // namespace vitalog::sinks::fhir
