#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "topology/cli/cli.h"
#include "topology/cli/record_lines.h"

// topic and dead-letter: looking at what is in the log.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kTopicHelp =
    R"(usage: vitalog topic list|show|tail [TOPIC] (--url U | --data-dir D) [--partition P] [--from N] [--max N] [--json]

  list           every topic and its partitions
  show TOPIC     records from --from (0), up to --max (100) per partition
  tail TOPIC     new records as they come, until interrupted
  --url U        a running site, for example http://127.0.0.1:8080; --token T where it asks for one
  --data-dir D   the site that runs on that directory, or the directory itself when none does
  --json         one JSON line per record, value in base 64

examples:
  vitalog topic list --data-dir /var/lib/vitalog
  vitalog topic show alert --url http://127.0.0.1:8080 --max 10
)";

constexpr std::string_view kDeadLetterHelp =
    R"(usage: vitalog dead-letter list|show [PARTITION/OFFSET] (--url U | --data-dir D) [--max N] [--json]

  list                    what could not be used: place, stage, source, item, reason
  show PARTITION/OFFSET   one of them with the original bytes

example:
  vitalog dead-letter list --data-dir /var/lib/vitalog
)";

std::string printable(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\r' || c == '\n') text += '\n';
        else if (byte >= 0x20 || c == '\t') text += c;
        else text += fmt::format("\\x{:02x}", byte);
    }
    return text;
}

void print_record(const RecordLine& line, bool json) {
    if (json) {
        fmt::print("{}\n", line.json);
        return;
    }
    fmt::print("{}/{}/{} {} key={}\n", line.topic, line.partition, line.offset, line.timestamp, line.key);
    for (const auto& [name, value] : line.headers) fmt::print("  {}: {}\n", name, value);
    fmt::print("{}\n\n", printable(line.value));
}

/// The partitions asked for: one by --partition, else all of the topic.
Result<std::vector<std::uint32_t>> chosen_partitions(RecordLines& source, const Arguments& arguments,
                                                     const std::string& topic) {
    VITALOG_TRY(const auto topics, source.topics());
    for (const auto& known : topics) {
        if (known.name != topic) continue;
        VITALOG_TRY(const auto one, number_of(arguments, "--partition", -1, 0, known.partitions - 1));
        std::vector<std::uint32_t> partitions;
        for (std::uint32_t p = 0; p < known.partitions; ++p)
            if (one < 0 || one == static_cast<std::int64_t>(p)) partitions.push_back(p);
        return partitions;
    }
    return fail(Errc::NotFound, "there is no topic " + topic + "; vitalog topic list shows all");
}

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
    const auto done = plain[0] == "show" ? show(**source, *arguments, plain[1]) : tail(**source, *arguments, plain[1]);
    return done ? kStopped : report("topic", done.error());
}

Result<void> list_dead_letters(RecordLines& source, const Arguments& arguments) {
    VITALOG_TRY(const auto partitions, chosen_partitions(source, arguments, "dead-letter"));
    VITALOG_TRY(const auto max, number_of(arguments, "--max", 10'000, 1, 1'000'000));
    for (const std::uint32_t partition : partitions) {
        VITALOG_TRY(const auto lines, source.read("dead-letter", partition, 0, max));
        for (const auto& line : lines) {
            if (arguments.has("--json")) fmt::print("{}\n", line.json);
            else fmt::print("{}/{} {} stage={} source={} at=\"{}\" reason=\"{}\"\n", line.partition, line.offset, line.timestamp,
                            line.header("stage"), line.header("source"), line.header("at"), line.header("reason"));
        }
    }
    return {};
}

Result<void> show_dead_letter(RecordLines& source, const Arguments& arguments, const std::string& place) {
    const std::size_t slash = place.find('/');
    if (slash == std::string::npos)
        return fail(Errc::Configuration, "'" + place + "': write PARTITION/OFFSET as list prints it");
    const auto partition = static_cast<std::uint32_t>(std::strtoul(place.c_str(), nullptr, 10));
    const std::int64_t offset = std::strtoll(place.c_str() + slash + 1, nullptr, 10);
    VITALOG_TRY(const auto lines, source.read("dead-letter", partition, offset, 1));
    if (lines.empty() || lines[0].offset != offset) return fail(Errc::NotFound, "there is no dead letter at " + place);
    print_record(lines[0], arguments.has("--json"));
    return {};
}

int run_dead_letter(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {source_flags({"--max", "--partition"}), {"--json"}, 2});
    if (!arguments) return report_usage("dead-letter", arguments.error());
    const auto& plain = arguments->words();
    const bool list = plain.size() == 1 && plain[0] == "list";
    const bool one = plain.size() == 2 && plain[0] == "show";
    if (!list && !one) return report_usage("dead-letter", Error(Errc::Configuration, "say list or show PARTITION/OFFSET"));
    auto source = open_record_lines(*arguments);
    if (!source) return report("dead-letter", source.error());
    const auto done = list ? list_dead_letters(**source, *arguments) : show_dead_letter(**source, *arguments, plain[1]);
    return done ? kStopped : report("dead-letter", done.error());
}

}  // namespace

const Command kTopic{"topic", "look at topics and their records", kTopicHelp, run_topic};
const Command kDeadLetter{"dead-letter", "look at what could not be used, and why", kDeadLetterHelp, run_dead_letter};

}  // namespace vitalog::topology::cli
