#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "topology/cli/cli.h"
#include "topology/cli/record_lines.h"

// topic: looking at what is in the log.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kTopicHelp =
    R"(usage: vitalog topic list|show|tail [TOPIC] (--url U | --data-dir D) [--partition P] [--from N] [--max N] [--json]

  list           every topic and its partitions
  show TOPIC     records from --from (0), up to --max (100) per partition
  tail TOPIC     new records as they come, until interrupted
  --url U        a running site, for example http://127.0.0.1:8080
  --data-dir D   the site that runs on that directory, or the directory itself when none does, with the site's
                 configuration (--config F)
  --json         one JSON line per record, value in base 64

examples:
  vitalog topic list --data-dir /var/lib/vitalog
  vitalog topic show alert --url http://127.0.0.1:8080 --max 10
)";

Result<void> show(RecordLines& source, const Arguments& arguments, const std::string& topic) {
    VITALOG_TRY(const auto partitions, chosen_partitions(source, arguments, topic));
    VITALOG_TRY(const auto from, number_of(arguments, "--from", 0, 0, INT64_MAX));
    VITALOG_TRY(const auto max, number_of(arguments, "--max", 100, 1, 10'000));
    for (const std::uint32_t partition : partitions) {
        VITALOG_TRY(const auto lines, source.read(topic, partition, from, max));
        for (const auto& line : lines) print_record(line, arguments.has("--json"));
    }
    return {};
}

Result<void> tail(RecordLines& source, const Arguments& arguments, const std::string& topic) {
    constexpr std::chrono::milliseconds kPoll{200};
    constexpr std::int64_t kPage = 1'000;
    VITALOG_TRY(const auto partitions, chosen_partitions(source, arguments, topic));
    std::map<std::uint32_t, std::int64_t> next;
    for (bool caught_up = arguments.has("--from");;) {
        bool more = false;
        for (const std::uint32_t partition : partitions) {
            VITALOG_TRY(const auto lines, source.read(topic, partition, next[partition], kPage));
            for (const auto& line : lines) {
                next[partition] = line.offset + 1;
                if (caught_up) print_record(line, arguments.has("--json"));
            }
            more |= static_cast<std::int64_t>(lines.size()) == kPage;
        }
        std::fflush(stdout);
        if (more) continue;
        caught_up = true;
        poll(nullptr, 0, static_cast<int>(kPoll.count()));
    }
}

int run_topic(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {source_flags({"--partition", "--from", "--max"}), {"--json"}, 2});
    if (!arguments) return report_usage("topic", arguments.error());
    const auto& plain = arguments->words();
    if (plain.empty()) return report_usage("topic", Error(Errc::Configuration, "say list, show or tail"));
    auto source = open_record_lines(*arguments);
    if (!source) return report("topic", source.error());
    if (plain[0] == "list") {
        const auto topics = (*source)->topics();
        if (!topics) return report("topic", topics.error());
        for (const auto& topic : *topics) fmt::print("{} {}\n", topic.name, topic.partitions);
        return kStopped;
    }
    if (plain.size() != 2 || (plain[0] != "show" && plain[0] != "tail"))
        return report_usage("topic", Error(Errc::Configuration, "say list, show TOPIC or tail TOPIC"));
    const auto topic = find_topic(**source, plain[1]);
    if (!topic) return report("topic", topic.error());
    const auto done = plain[0] == "show" ? show(**source, *arguments, topic->name)
                                         : tail(**source, *arguments, topic->name);
    return done ? kStopped : report("topic", done.error());
}

}  // namespace

const Command kTopic{"topic", "look at topics and their records", kTopicHelp, run_topic};

}  // namespace vitalog::topology::cli
