#include <fmt/format.h>

#include "topology/asyncapi.h"
#include "topology/cli/cli.h"
#include "topology/cli/load_config.h"
#include "topology/doors.h"
#include "topology/publication.h"
#include "topology/site.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

// describe, config and version: commands that open nothing.

namespace vitalog::topology::cli {
namespace {

int run_describe(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {config_flags({}), {"--mermaid", "--asyncapi"}, 0});
    if (!arguments) return report_usage("describe", arguments.error());
    if (arguments->has("--asyncapi")) {
        const auto config = load_config(*arguments);
        if (!config) return report("describe", config.error());
        const auto names = configured_names(*config);
        fmt::print("{}", asyncapi(names, configured_topics(*config, names)));
        return kStopped;
    }
    fmt::print("{}", arguments->has("--mermaid") ? describe_mermaid() : describe());
    return kStopped;
}

int run_version(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {});
    if (!arguments) return report_usage("version", arguments.error());
    fmt::print("vitalog {}\n", program_version());
    for (const Stage& stage : all_stages())
        if (stage.make_processor) fmt::print("logic {} {}\n", stage.name, stage.make_processor()->logic());
    return kStopped;
}

int run_config(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {config_flags({}), {}, 1});
    if (!arguments) return report_usage("config", arguments.error());
    const std::string action = arguments->words().empty() ? "" : arguments->words()[0];
    if (action == "sample") {
        fmt::print("{}", sample_config());
        return kStopped;
    }
    if (action != "show" && action != "check")
        return report_usage("config", Error(Errc::Configuration, "say show, check or sample"));
    const auto config = load_config(*arguments);
    if (!config) return report("config", config.error());
    if (action == "check") {
        const auto secrets = Secrets::read(environment(), config->text("secrets.file"));
        if (!secrets) return report("config", secrets.error());
        const auto doors = check_doors(*config, *secrets);
        if (!doors) return report("config", doors.error());
    }
    const auto publications = collect_publications(*config);
    if (!publications) return report("config", publications.error());
    if (action == "show") fmt::print("{}", config->show());
    else fmt::print("the configuration is good: {} control records would be in force\n", publications->size());
    return kStopped;
}

}  // namespace

const Command kDescribe{"describe", "print the topology", R"(usage: vitalog describe [--mermaid | --asyncapi [--config F] [--set key=value]...]

Prints every stage with what it reads, does and writes, and every topic.

  --mermaid    as a Mermaid flowchart, for a page that draws it
  --asyncapi   every topic as an AsyncAPI 3 document, as the configuration has it: keys, headers, payloads (which are
               in schemas/json), partitions, retention

example:
  vitalog describe --asyncapi --config /etc/vitalog.yaml > asyncapi.yaml
)", run_describe};

const Command kVersion{"version", "print the version and the logic number of each stage", R"(usage: vitalog version
)", run_version};

const Command kConfig{"config", "show or check the configuration", R"(usage: vitalog config show|check|sample [--config F] [--set key=value]...

  show    every key in force and where its value comes from
  check   the same checks that `run` makes before it opens anything: keys, tokens, the provider's keys (in the
          environment), code tables, rule packs, templates
  sample  the commented sample file

example:
  vitalog config check --config /etc/vitalog.yaml
)", run_config};

}  // namespace vitalog::topology::cli
