#include "topology/operator/backup_api.h"

#include <array>

#include "ingest/http/access.h"
#include "schemas/base/thread_name.h"
#include "schemas/json_decode.h"

namespace vitalog::topology {
namespace {

struct BackupShape {
    std::string_view to;
    template <class V>
    void members(V& v) {
        v.required("to", to);
    }
};

}  // namespace

BackupApi::~BackupApi() {
    stop();
}

void BackupApi::stop() {
    stopping_ = true;
    std::thread last;
    {
        const std::lock_guard lock(mutex_);
        last = std::move(thread_);
    }
    if (last.joinable()) last.join();
}

void BackupApi::register_routes(Router& router) {
    router.route("GET", "/admin/backup",
                 [this](const HttpRequest& request, const Respond& respond) {
                     const auto no = ports_.guard(request);
                     respond(no ? *no : stand());
                 });
    router.route("POST", "/admin/backup",
                 [this](const HttpRequest& request, const Respond& respond) {
                     if (const auto no = ports_.guard(request)) return respond(*no);
                     begin(request, respond);
                 });
}

HttpResponse BackupApi::stand() const {
    const std::lock_guard lock(mutex_);
    return stand_locked();
}

HttpResponse BackupApi::stand_locked() const {
    static constexpr std::array<std::string_view, 4> kNames{"none", "running", "done", "failed"};
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("state", kNames[static_cast<std::size_t>(state_)]);
    if (state_ != State::None) json.field("to", to_);
    if (state_ == State::Failed) json.field("error", error_);
    if (state_ == State::Done) {
        json.field("created", manifest_.created);
        json.field("generation", manifest_.generation);
        json.field("files", static_cast<std::int64_t>(manifest_.files.size()));
        json.field("bytes", static_cast<std::int64_t>(manifest_.bytes()));
    }
    json.end_object();
    return response;
}

void BackupApi::begin(const HttpRequest& request, const Respond& respond) {
    if (!log_)
        return respond(ingest::error_response(409, "conflict",
                                              "with log.kind=kafka the topics are in the cluster: back them up there; "
                                              "docs/operations.md says how"));
    schemas::Decoder decoder;
    const auto wish = schemas::decode<BackupShape>(request.body, decoder);
    if (!wish) return respond(ingest::error_response(400, "malformed", wish.error().message()));
    const std::string to(wish->to);
    if (!std::filesystem::path(to).is_absolute())
        return respond(ingest::error_response(422, "malformed",
                                              "'to' must be a whole path on the site's machine"));
    if (std::filesystem::exists(to))
        return respond(ingest::error_response(409, "conflict",
                                              to + " exists already: name a folder that does not"));
    HttpResponse response;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return respond(ingest::error_response(503, "busy", "the site is stopping"));
        if (state_ == State::Running)
            return respond(
                ingest::error_response(409, "conflict", "a backup to " + to_ + " is running"));
        if (thread_.joinable()) thread_.join();
        state_ = State::Running;
        to_ = to;
        thread_ = std::thread([this, to] { work(to); });
        response = stand_locked();
    }
    response.status = 202;
    audit_.answer(request, {.resource = "backup", .persons = {}, .count = 1, .whole = request.path},
                  std::move(response), respond);
}

void BackupApi::work(const std::string& to) {
    name_thread("backup");
    auto written = write_backup(*log_, to, {ports_.clock.now(), version_, &stopping_});
    log_line(written ? "info" : "error", "backup",
             {{"to", to}, {"error", written ? "" : written.error().to_string()}});
    const std::lock_guard lock(mutex_);
    state_ = written ? State::Done : State::Failed;
    if (written)
        manifest_ = *std::move(written);
    else
        error_ = written.error().message();
}

}  // namespace vitalog::topology
