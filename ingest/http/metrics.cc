#include "ingest/http/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vitalog::ingest {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    for (const char c : text) {
        if (c == '\\')
            out.append("\\\\");
        else if (c == '\n')
            out.append("\\n");
        else if (c == '"' && quotes)
            out.append("\\\"");
        else
            out.push_back(c);
    }
}

/// name="value",... in the order given; without braces, so that `le` can be added.
std::string render(const Metrics::Labels& labels) {
    std::string out;
    for (const auto& [name, value] : labels) {
        if (!out.empty()) out.push_back(',');
        out.append(name).append("=\"");
        append_escaped(out, value, true);
        out.push_back('"');
    }
    return out;
}

std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    if (value == std::floor(value) && std::abs(value) < 1e15) return fmt::format("{:.0f}", value);
    return fmt::format("{}", value);
}

void line(std::string& out, std::string_view name, std::string_view labels,
          std::string_view value) {
    out.append(name);
    if (!labels.empty()) out.append("{").append(labels).append("}");
    out.append(" ").append(value).append("\n");
}

}  // namespace

MetricsRegistry::MetricsRegistry() {
    describe("vitalog_messages_in_total", "Messages received, by endpoint and result.");
    describe("vitalog_dead_letters_total",
             "Records refused and kept in dead-letter, by stage and reason.");
    describe("vitalog_lag_records", "Records a stage has not applied yet, by stage and partition.");
    describe("vitalog_shards", "Shards that this process runs, by stage.");
    describe("vitalog_on_duty", "1 where this process sends and raises alarms, which one of a site's does.");
    describe("vitalog_transactions_total", "Transactions in the cluster, by outcome.");
    describe("vitalog_transaction_seconds", "Time from the first message of a transaction to its end.");
    describe("vitalog_producers_opened_total", "Transactional producers begun, anew ones included.");
    describe("vitalog_producers_fenced_total", "Transactional producers dropped after a result that says nothing more.");
    describe("vitalog_restore_seconds", "Time to bring a shard's state up to what is committed.");
    describe("vitalog_restored_records_total", "Snapshots read to bring shards up to what is committed.");
    describe("vitalog_restore_left", "Share of a restore that is still to come, by partition.");
    describe("vitalog_standbys", "Shards of other processes whose state this one follows.");
    describe("vitalog_standby_lag_records", "Snapshots that a standby has not followed yet, by partition.");
    describe("vitalog_alerts_total", "Alerts raised, by rule and priority.");
    describe("vitalog_unknown_answers_total",
             "Coded answers that the code tables do not know, by LOINC code.");
    describe("vitalog_tasks_total", "Task changes, by state.");
    describe("vitalog_sends_total", "State changes of messages, by channel and state.");
    describe("vitalog_provider_answers_total",
             "Outcomes of attempts at the provider, by channel and state.");
    describe(
        "vitalog_send_config_errors_total",
        "Attempts refused over a fault of configuration (sign, template, account): act on it.");
    describe("vitalog_latency_seconds",
             "Time from a record's reception to the stage's commit, by stage.");
    describe("process_resident_memory_bytes", "Resident memory of the process.");
    describe("vitalog_memory_bytes", "Memory of what is bounded by itself, by part.");
    describe("process_open_fds", "Open file descriptors of the process.");
    describe("vitalog_http_requests_total", "HTTP requests answered, by method, route and status.");
    describe("vitalog_http_seconds", "Time from a whole HTTP request to its answer, by route.");
}

MetricsRegistry::Series* MetricsRegistry::series(std::string_view name, const Labels& labels,
                                                 Kind kind) {
    auto found = families_.find(name);
    if (found == families_.end()) found = families_.emplace(std::string(name), Family{}).first;
    Family& family = found->second;
    if (family.kind == Kind::Unused) family.kind = kind;
    if (family.kind != kind) {
        if (!family.warned) log_line("error", "metric_kind_clash", {{"name", std::string(name)}});
        family.warned = true;
        return nullptr;
    }
    return &family.series[render(labels)];
}

void MetricsRegistry::count(std::string_view name, const Labels& labels, double by) {
    const std::lock_guard lock(mutex_);
    if (Series* found = series(name, labels, Kind::Counter)) found->value += by;
}

void MetricsRegistry::gauge(std::string_view name, const Labels& labels, double value) {
    const std::lock_guard lock(mutex_);
    if (Series* found = series(name, labels, Kind::Gauge)) found->value = value;
}

void MetricsRegistry::observe(std::string_view name, const Labels& labels, double seconds) {
    const auto bucket = std::lower_bound(kBuckets.begin(), kBuckets.end(), seconds);
    const std::lock_guard lock(mutex_);
    Series* found = series(name, labels, Kind::Histogram);
    if (found == nullptr) return;
    found->value += seconds;
    ++found->count;
    if (bucket != kBuckets.end())
        ++found->buckets[static_cast<std::size_t>(bucket - kBuckets.begin())];
}

void MetricsRegistry::describe(std::string_view name, std::string_view help) {
    const std::lock_guard lock(mutex_);
    families_[std::string(name)].help = help;
}

void MetricsRegistry::before_scrape(std::function<void(Metrics&)> collect) {
    const std::lock_guard lock(collectors_mutex_);
    collectors_.push_back(std::move(collect));
}

void MetricsRegistry::expose(const std::string& name, const Family& family, std::string& out) {
    out.append("# HELP ").append(name).append(" ");
    append_escaped(
        out, family.help.empty() ? std::string_view(name) : std::string_view(family.help), false);
    out.append("\n# TYPE ").append(name);
    out.append(family.kind == Kind::Counter ? " counter\n"
               : family.kind == Kind::Gauge ? " gauge\n"
                                            : " histogram\n");
    for (const auto& [labels, series] : family.series) {
        if (family.kind != Kind::Histogram) {
            line(out, name, labels, number(series.value));
            continue;
        }
        const std::string comma = labels.empty() ? "" : labels + ",";
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < kBuckets.size(); ++i) {
            below += series.buckets[i];
            line(out, name + "_bucket", comma + "le=\"" + number(kBuckets[i]) + "\"",
                 std::to_string(below));
        }
        line(out, name + "_bucket", comma + "le=\"+Inf\"", std::to_string(series.count));
        line(out, name + "_sum", labels, number(series.value));
        line(out, name + "_count", labels, std::to_string(series.count));
    }
}

void MetricsRegistry::refresh() {
    const std::lock_guard lock(collectors_mutex_);
    for (const auto& collect : collectors_) collect(*this);
}

std::string MetricsRegistry::exposition() {
    refresh();
    std::string out;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, family] : families_)
        if (family.kind != Kind::Unused) expose(name, family, out);
    return out;
}

double MetricsRegistry::value(std::string_view name, const Labels& labels) const {
    const std::lock_guard lock(mutex_);
    const auto family = families_.find(name);
    if (family == families_.end()) return 0;
    const auto found = family->second.series.find(render(labels));
    if (found == family->second.series.end()) return 0;
    return family->second.kind == Kind::Histogram ? static_cast<double>(found->second.count)
                                                  : found->second.value;
}

double MetricsRegistry::total(std::string_view name, const Labels& labels) const {
    const std::lock_guard lock(mutex_);
    const auto family = families_.find(name);
    if (family == families_.end()) return 0;
    double sum = 0;
    for (const auto& [rendered, series] : family->second.series) {
        const std::string all = "," + rendered + ",";
        const bool has = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
            return all.find("," + render({label}) + ",") != std::string::npos;
        });
        if (has) sum += series.value;
    }
    return sum;
}

void MetricsRegistry::register_routes(Router& router) {
    router.route("GET", "/metrics", [this](HttpRequest, Respond respond) {
        HttpResponse response;
        response.content_type = kContentType;
        response.body = exposition();
        respond(std::move(response));
    });
}

}  // namespace vitalog::ingest
