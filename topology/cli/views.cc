#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "sinks/views/view_worker.h"
#include "topology/cli/cli.h"
#include "topology/cli/load_config.h"
#include "topology/log/embedded_log.h"
#include "topology/topics.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog views rebuild --data-dir D [--config F] [--set key=value]...

Deletes the SQL views and fills them again from the log. The site must be stopped.

example:
  vitalog views rebuild --data-dir /var/lib/vitalog
)";

Result<void> rebuild(const Arguments& arguments, const std::string& data_dir) {
    VITALOG_TRY(const auto config, load_config(arguments));
    if (!std::filesystem::exists(data_dir)) return fail(Errc::NotFound, data_dir + ": there is no such data directory");
    EmbeddedLog::Options options;
    options.path = data_dir;
    const schemas::TopicNames topics = configured_names(config);
    options.topics = configured_topics(config, topics);
    VITALOG_TRY(const auto log, EmbeddedLog::open(std::move(options)));
    const std::string path = config.text("views.path").empty()
                                 ? (std::filesystem::path(data_dir) / "views.sqlite").string()
                                 : std::string(config.text("views.path"));
    std::uint64_t applied = 0;
    VITALOG_CHECK(sinks::views::rebuild_views(path, log->generation(), *log, [&](std::uint64_t done, std::uint64_t left) {
        applied = done;
        fmt::print(stderr, "\r{} records applied, {} to come ", done, left);
    }, topics));
    fmt::print(stderr, "\n");
    fmt::print("rebuilt {} from {} records\n", path, applied);
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
