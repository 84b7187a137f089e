#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "sinks/views/view_workers.h"
#include "topology/cli/cli.h"
#include "topology/cli/load_config.h"
#include "topology/topics.h"
#include "topology/views_place.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog views rebuild --data-dir D [--config F] [--set key=value]...

Fills new SQL views from the log beside those that are there, then puts them in their place. The site must be stopped;
a rebuild that fails leaves the old ones as they are.

example:
  vitalog views rebuild --data-dir /var/lib/vitalog
)";

Result<void> rebuild(const Arguments& arguments, const std::string& data_dir) {
    VITALOG_TRY(const auto config, load_config(arguments));
    if (!std::filesystem::exists(data_dir)) return fail(Errc::NotFound, data_dir + ": there is no such data directory");
    const schemas::TopicNames topics = configured_names(config);
    VITALOG_TRY(const auto log, open_log_to_read(config, topics, data_dir));
    const std::string place = views_place(config, data_dir);
    std::uint64_t applied = 0;
    sinks::views::RebuildOptions rebuild;
    rebuild.workers.topics = topics;
    rebuild.workers.shares = static_cast<std::uint32_t>(config.number("views.workers"));
    rebuild.progress = [&](std::uint64_t done, std::uint64_t left) {
        applied = done;
        fmt::print(stderr, "\r{} records applied, {} to come ", done, left);
    };
    VITALOG_CHECK(sinks::views::rebuild_views(place, log->generation(), *log, rebuild));
    fmt::print(stderr, "\n");
    fmt::print("rebuilt {} from {} records\n", place, applied);
    return {};
}

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {config_flags({"--data-dir"}), {}, 1});
    if (!arguments) return report_usage("views", arguments.error());
    const auto data_dir = arguments->value("--data-dir");
    if (arguments->words() != std::vector<std::string>{"rebuild"} || !data_dir)
        return report_usage("views", Error(Errc::Configuration, "say views rebuild --data-dir D"));
    const auto done = rebuild(*arguments, *data_dir);
    return done ? kStopped : report("views", done.error());
}

}  // namespace

const Command kViews{"views", "rebuild the SQL views from the log", kHelp, run};

}  // namespace vitalog::topology::cli
