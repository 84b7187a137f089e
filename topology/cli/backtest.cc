#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "schemas/rules.h"
#include "topology/backtest/report.h"
#include "topology/backtest/words.h"
#include "topology/cli/load_config.h"
#include "topology/cli/publications.h"
#include "topology/cli/rules.h"
#include "topology/rule_terms.h"
#include "topology/site.h"
#include "topology/topics.h"

// rules backtest: a draft tried on the past.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kKind = "rules";

Result<LogTime> time_of(const Arguments& arguments, std::string_view flag) {
    const auto text = arguments.value(flag);
    if (!text)
        return fail(Errc::Configuration,
                    fmt::format("{} is missing; write for example {} 2026-11-01T00:00:00+08:00",
                                flag, flag));
    const auto time = parse_zoned_time(*text);
    if (!time)
        return fail(
            Errc::Configuration,
            fmt::format("{} '{}' is no time; write for example 2026-11-01T00:00:00+08:00, or "
                        "2026-11-01 for the midnight of UTC",
                        flag, *text));
    return time->at.as<LogTime>();
}

Result<std::vector<Publication>> read_drafts(const Arguments& arguments) {
    std::vector<Publication> drafts;
    for (const std::string& path : arguments.all("--pack")) {
        VITALOG_TRY(PublishFile file, file_to_publish(std::string(kKind), path));
        VITALOG_CHECK(schemas::parse_rule_pack(path, file.body));
        drafts.push_back(make_publication(std::move(file.kind), std::move(file.name),
                                          std::move(file.body), path));
    }
    if (drafts.empty())
        return fail(Errc::Configuration, "--pack is missing; name the draft's file");
    return drafts;
}

/// Each draft with the version that stood under its name at the end of the stretch, once it is known
/// to fit the code tables of that time.
Result<std::vector<BacktestedPack>> packs_of(const Log& log, const schemas::TopicNames& names,
                                             const TrialOptions& options) {
    VITALOG_TRY(auto history, publication_history(log, names));
    std::erase_if(history, [&](const Published& entry) { return entry.since >= options.to; });
    const auto standing = in_force(history);
    std::vector<Publication> beside;
    for (const Published& entry : standing) beside.push_back(entry.publication);
    beside.insert(beside.end(), options.drafts.begin(), options.drafts.end());
    VITALOG_CHECK(check_terms(beside));
    VITALOG_CHECK(check_inhibited(beside));
    VITALOG_CHECK(check_bands(options.drafts));
    std::vector<BacktestedPack> packs;
    for (const Publication& draft : options.drafts) {
        BacktestedPack pack{draft.name, draft.version, {}};
        for (const Published& entry : standing)
            if (entry.publication.kind == kKind && entry.publication.name == draft.name)
                pack.against = entry.publication.version;
        packs.push_back(std::move(pack));
    }
    return packs;
}

Result<void> write_file(const Arguments& arguments, std::string_view flag,
                        const std::string& text) {
    const auto path = arguments.value(flag);
    if (!path) return {};
    std::ofstream file(*path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) return fail(Errc::Io, fmt::format("{} {}: can't be written", flag, *path));
    return {};
}

Result<std::unique_ptr<Log>> open_log(const Config& config, const schemas::TopicNames& names,
                                      const std::string& data_dir) {
    auto log = open_log_to_read(config, names, data_dir);
    if (log || log.error().code() != Errc::Conflict) return log;
    return fail(
        Errc::Conflict,
        log.error().message() + "; while a site runs on it, try a copy: vitalog backup makes one");
}

Result<BacktestReport> run_on(const Log& log, const schemas::TopicNames& names,
                              TrialOptions options) {
    VITALOG_TRY(const auto packs, packs_of(log, names, options));
    VITALOG_TRY(const LogTime last, last_event(log, names));
    options.to = std::min(options.to, last + std::chrono::microseconds(1));
    if (options.from >= options.to)
        return fail(
            Errc::Configuration,
            fmt::format("nothing lies between --from {} and the log's last event, of {}; choose "
                        "an earlier --from",
                        to_rfc3339(options.from), to_rfc3339(last)));
    VITALOG_TRY(const DutyDesk desk, DutyDesk::read(log, names, options.from, options.to));
    VITALOG_TRY(const Trial trial, run_trial(log, names, options));
    BacktestInput input;
    input.program = "vitalog " + std::string(program_version());
    input.packs = packs;
    input.from = options.from;
    input.to = options.to;
    input.tasks = {desk.assign(trial.in_force.tasks), desk.assign(trial.draft.tasks)};
    return make_report(trial, input);
}

Result<void> backtest(const Arguments& arguments) {
    TrialOptions options;
    VITALOG_TRY(options.from, time_of(arguments, "--from"));
    VITALOG_TRY(options.to, time_of(arguments, "--to"));
    if (options.from >= options.to)
        return fail(Errc::Configuration, "--from must lie before --to; exchange them");
    VITALOG_TRY(options.drafts, read_drafts(arguments));
    VITALOG_TRY(const auto threads,
                number_of(arguments, "--threads", std::max(1U, std::thread::hardware_concurrency()),
                          1, 256));
    options.threads = static_cast<std::size_t>(threads);
    VITALOG_TRY(const Config config, load_config_of_log(arguments));
    const std::string data_dir = arguments.value_or("--data-dir", "");
    if (data_dir.empty() && config.text("log.kind") == "embedded")
        return fail(Errc::Configuration, "say --data-dir D, or --set log.brokers=HOST:PORT");
    const auto names = configured_names(config);
    VITALOG_TRY(const auto log, open_log(config, names, data_dir));
    const auto start = std::chrono::steady_clock::now();
    VITALOG_TRY(const BacktestReport report, run_on(*log, names, options));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fmt::print("{}", report_text(report));
    VITALOG_CHECK(write_file(arguments, "--html", report_html(report)));
    VITALOG_CHECK(write_file(arguments, "--csv", report_csv(report)));
    VITALOG_CHECK(write_file(arguments, "--record", report.record().to_json() + "\n"));
    const auto events = report.events + report.events_before;
    fmt::print(stderr, "{} events in {:.2f} s, {} a second, {} threads\n",
               backtest::grouped(events), seconds,
               backtest::grouped(static_cast<std::int64_t>(static_cast<double>(events) /
                                                           std::max(seconds, 1e-6))),
               options.threads);
    return {};
}

}  // namespace

int run_backtest(const std::vector<std::string>& words) {
    const auto arguments =
        Arguments::parse(words, {config_flags({"--pack", "--from", "--to", "--data-dir",
                                               "--threads", "--html", "--csv", "--record"}),
                                 {},
                                 0});
    if (!arguments) return report_usage("rules", arguments.error());
    const auto done = backtest(*arguments);
    return done ? kStopped : report("rules backtest", done.error());
}

}  // namespace vitalog::topology::cli
