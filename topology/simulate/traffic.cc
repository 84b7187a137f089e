#include "topology/simulate/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ingest/http/deflate.h"
#include "ingest/mllp/client.h"
#include "schemas/json_decode.h"
#include "sinks/http_client.h"
#include "topology/simulate/hospital.h"

namespace vitalog::topology::simulate {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kSlice{5};  ///< of messages made and sent at a time
constexpr std::size_t kProblemsMax = 10;
constexpr std::int64_t kWaitMax = 60;
constexpr milliseconds kAnswerTime{60'000};

/// The part of POST /ingest/wearable's answer that is counted.
struct Answer {
    std::uint64_t accepted = 0, duplicate = 0, rejected = 0;
    template <class V>
    void members(V& v) {
        v.required("accepted", accepted);
        v.required("duplicate", duplicate);
        v.required("rejected", rejected);
    }
};

sinks::HttpClientOptions patient_client() {
    sinks::HttpClientOptions options;
    options.timeout = kAnswerTime;
    return options;
}

sinks::ClientRequest post(const Doors& doors, std::string_view target, std::string_view type) {
    sinks::ClientRequest request;
    request.method = "POST";
    request.url = doors.url + std::string(target);
    request.headers = {{"Content-Type", std::string(type)}};
    if (!doors.token.empty())
        request.headers.emplace_back("Authorization", "Bearer " + doors.token);
    return request;
}

std::string described(const sinks::HttpOutcome& outcome) {
    if (outcome.fate != sinks::HttpFate::Answered) return outcome.reason;
    return fmt::format("{} {}", outcome.response.status, outcome.response.body);
}

/// Accounts are AUTHORITY|ID.
std::string escaped_bar(std::string text) {
    if (const std::size_t bar = text.find('|'); bar != std::string::npos)
        text.replace(bar, 1, "%7C");
    return text;
}

microseconds after(std::uint64_t n, double rate) {
    return microseconds(static_cast<std::int64_t>(static_cast<double>(n) * 1e6 / rate));
}

}  // namespace

/// One connection to POST /ingest/wearable.
class Traffic::BatchSender {
  public:
    explicit BatchSender(Traffic& traffic) : traffic_(traffic), client_(patient_client()) {}

    /// Until it is taken, refused for good, or the traffic is to stop.
    void send(const Batch& batch) {
        auto request =
            post(traffic_.doors_, "/ingest/wearable?account=" + escaped_bar(batch.account),
                 "application/json");
        request.headers.emplace_back("Content-Encoding", "gzip");
        request.body = ingest::gzip(batch.json);
        for (;;) {
            const auto outcome = client_.send(request);
            const bool answered = outcome.fate == sinks::HttpFate::Answered;
            const int status = answered ? outcome.response.status : 0;
            if (status == 202) return count(outcome.response.body);
            if (answered && status != 429 && status != 503) return refused(described(outcome));
            if (!answered) traffic_.note("POST /ingest/wearable: " + outcome.reason);
            {
                const std::lock_guard lock(traffic_.mutex_);
                ++traffic_.totals_.batches_asked_to_wait;
            }
            if (!traffic_.wait_until(SteadyClock::now() + pause(outcome.response))) return;
        }
    }

  private:
    void count(std::string_view body) {
        const auto answer = schemas::decode<Answer>(body, decoder_);
        if (!answer) return refused("an answer that can't be read: " + answer.error().message());
        if (answer->rejected > 0) traffic_.note(fmt::format("samples rejected: {}", body));
        const std::lock_guard lock(traffic_.mutex_);
        Totals& totals = traffic_.totals_;
        ++totals.batches;
        totals.samples += answer->accepted;
        totals.samples_duplicate += answer->duplicate;
        totals.samples_rejected += answer->rejected;
    }
    void refused(const std::string& why) {
        traffic_.note("POST /ingest/wearable: " + why);
        const std::lock_guard lock(traffic_.mutex_);
        ++traffic_.totals_.batches_refused;
    }
    /// As long as the site asks for.
    static std::chrono::seconds pause(const sinks::ClientResponse& response) {
        const auto found = response.headers.find("retry-after");
        if (found == response.headers.end()) return std::chrono::seconds(1);
        return std::chrono::seconds(
            std::clamp<std::int64_t>(std::strtol(found->second.c_str(), nullptr, 10), 1, kWaitMax));
    }

    Traffic& traffic_;
    sinks::HttpClient client_;
    schemas::Decoder decoder_;
};

Traffic::Traffic(const City& city, const Plan& plan, Doors doors, ingest::hl7::SiteZone zone)
    : city_(city), plan_(plan), doors_(std::move(doors)), zone_(std::move(zone)) {}

Traffic::~Traffic() {
    finish();
}

Result<void> Traffic::register_city() const {
    sinks::HttpClient client(patient_client());
    Result<void> taken;
    for_each_directory_piece(city_, [&](const std::string& lines) {
        if (!taken) return;
        auto request = post(doors_, "/directory", "application/x-ndjson");
        request.body = lines;
        const auto outcome = client.send(request);
        if (outcome.fate != sinks::HttpFate::Answered || outcome.response.status != 200)
            taken = fail(Errc::Io, fmt::format("{}: {}", request.url, described(outcome)));
    });
    return taken;
}

void Traffic::start() {
    begun_ = SteadyClock::now();
    const auto add = [this](auto work) {
        ++running_;
        threads_.emplace_back([this, work] {
            work();
            --running_;
        });
    };
    if (plan_.messages_per_second > 0) add([this] { send_messages(); });
    if (plan_.watches.batches_per_second <= 0) return;
    for (unsigned i = 0; i < doors_.connections; ++i) add([this, i] { send_batches(i); });
}

void Traffic::finish() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stopped_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

Totals Traffic::totals() const {
    const std::lock_guard lock(mutex_);
    return totals_;
}

void Traffic::note(const std::string& problem) {
    const std::lock_guard lock(mutex_);
    if (totals_.problems.size() < kProblemsMax) totals_.problems.push_back(problem);
}

bool Traffic::wait_until(SteadyTime due) {
    std::unique_lock lock(mutex_);
    return !stopped_.wait_until(lock, due, [this] { return stopping_; });
}

void Traffic::late(SteadyTime due) {
    const auto by = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - due);
    const std::lock_guard lock(mutex_);
    totals_.behind = std::max(totals_.behind, by);
}

void Traffic::send_messages() {
    Hospital hospital(city_, plan_.start, zone_);
    ingest::mllp::ClientConfig config;
    config.host = doors_.mllp_host;
    config.port = doors_.mllp_port;
    config.connections = doors_.connections;
    config.rate = plan_.messages_per_second;
    std::vector<std::string> slice;
    std::uint64_t made = 0;
    for (microseconds end = kSlice;; end += kSlice) {
        if (plan_.duration.count() > 0) end = std::min(end, plan_.duration);
        const auto due = begun_ + after(made, config.rate);
        slice.clear();
        for (; after(made, config.rate) < end; ++made)
            slice.push_back(hospital.next(plan_.start + after(made, config.rate)));
        if (!wait_until(due)) return;
        late(due);
        const auto sent = ingest::mllp::send_messages(slice, config);
        if (!sent) return note(sent.error().message());
        for (const auto& refusal : sent->refused)
            note(fmt::format("message {} {} {}", refusal.control_id, refusal.code, refusal.text));
        const std::lock_guard lock(mutex_);
        totals_.messages += sent->sent;
        totals_.messages_accepted += sent->accepted;
        totals_.messages_refused += sent->refused.size();
        totals_.messages_resent += sent->resent;
        if (plan_.duration.count() > 0 && end >= plan_.duration) return;
    }
}

void Traffic::send_batches(unsigned connection) {
    const Watches watches(city_, plan_.start, plan_.watches);
    BatchSender sender(*this);
    for (std::uint64_t n = connection;; n += doors_.connections) {
        const auto offset = after(n, plan_.watches.batches_per_second);
        if (plan_.duration.count() > 0 && offset >= plan_.duration) return;
        if (!wait_until(begun_ + offset)) return;
        late(begun_ + offset);
        for (const auto& batch : watches.turn(n)) sender.send(batch);
    }
}

}  // namespace vitalog::topology::simulate
