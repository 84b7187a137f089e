#include <fmt/format.h>

#include <map>

#include "schemas/events/operation.h"
#include "schemas/json_decode.h"
#include "topology/cli/record_lines.h"
#include "topology/cli/site_client.h"

// dead-letter: what could not be used, and trying it again.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog dead-letter list|show [PARTITION/OFFSET] (--url U | --data-dir D [--config F]) [--max N] [--json]
       vitalog dead-letter retry (--all | PARTITION/OFFSET...) [--reason R] (--url U | --data-dir D)

  list                    what could not be used: place, stage, source, item, reason; `retried` names where it went
  show PARTITION/OFFSET   one of them with the original bytes
  retry                   after a table was corrected: the original bytes go back to their feed, once for each record that
                          was refused, however many of its items were at fault; what was used of it has no second effect.
                          What fails again is a new dead letter, which can be tried again in its turn.

examples:
  vitalog dead-letter list --data-dir /var/lib/vitalog
  vitalog dead-letter retry --all --reason "unit added" --data-dir /var/lib/vitalog
)";

struct RetriedItem {
    std::string_view letter;
    std::string_view source;
    std::string_view placed;
    std::string_view reason;
    template <class V>
    void members(V& v) {
        v.required("letter", letter);
        v("source", source);
        v("placed", placed);
        v("reason", reason);
    }
};

struct RetriedShape {
    std::int64_t retried = 0;
    std::int64_t left = 0;
    std::vector<RetriedItem> items;
    template <class V>
    void members(V& v) {
        v.required("retried", retried);
        v("left", left);
        v("items", items);
    }
};

/// Where each record that was tried again stands now, by where it stood.
Result<std::map<std::string, std::string>> retried(RecordLines& source) {
    constexpr std::int64_t kPage = 1'000;
    std::map<std::string, std::string> places;
    schemas::Decoder decoder;
    VITALOG_TRY(const auto topic, find_topic(source, "feed.operation"));
    for (std::int64_t from = 0;;) {
        VITALOG_TRY(const auto lines, source.read(topic.name, 0, from, kPage));
        for (const auto& line : lines) {
            from = line.offset + 1;
            const auto operation = schemas::decode<schemas::Operation>(line.value, decoder);
            if (operation && operation->kind == schemas::OperationKind::Retry)
                places[std::string(operation->name)] = operation->placed;
        }
        if (static_cast<std::int64_t>(lines.size()) < kPage) return places;
    }
}

Result<void> list(RecordLines& source, const Arguments& arguments) {
    VITALOG_TRY(const auto partitions, chosen_partitions(source, arguments, "dead-letter"));
    VITALOG_TRY(const auto topic, find_topic(source, "dead-letter"));
    VITALOG_TRY(const auto max, number_of(arguments, "--max", 10'000, 1, 1'000'000));
    VITALOG_TRY(const auto places, retried(source));
    for (const std::uint32_t partition : partitions) {
        VITALOG_TRY(const auto lines, source.read(topic.name, partition, 0, max));
        for (const auto& line : lines) {
            if (arguments.has("--json")) {
                fmt::print("{}\n", line.json);
                continue;
            }
            const auto place = places.find(line.header("source"));
            fmt::print("{}/{} {} stage={} source={} at=\"{}\" reason=\"{}\"{}\n", line.partition,
                       line.offset, line.timestamp, line.header("stage"), line.header("source"),
                       line.header("at"), line.header("reason"),
                       place == places.end() ? "" : " retried=" + place->second);
        }
    }
    return {};
}

Result<void> show(RecordLines& source, const Arguments& arguments, const std::string& place) {
    const std::size_t slash = place.find('/');
    if (slash == std::string::npos)
        return fail(Errc::Configuration,
                    "'" + place + "': write PARTITION/OFFSET as list prints it");
    const auto partition = static_cast<std::uint32_t>(std::strtoul(place.c_str(), nullptr, 10));
    const std::int64_t offset = std::strtoll(place.c_str() + slash + 1, nullptr, 10);
    VITALOG_TRY(const auto topic, find_topic(source, "dead-letter"));
    VITALOG_TRY(const auto lines, source.read(topic.name, partition, offset, 1));
    if (lines.empty() || lines[0].offset != offset)
        return fail(Errc::NotFound, "there is no dead letter at " + place);
    print_record(lines[0], arguments.has("--json"));
    return {};
}

Result<void> retry(const Arguments& arguments) {
    VITALOG_TRY(SiteClient site, open_site(arguments));
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.field("all", arguments.has("--all"));
    json.key("letters");
    json.begin_array();
    for (std::size_t i = 1; i < arguments.words().size(); ++i) json.value(arguments.words()[i]);
    json.end_array();
    json.field("reason", arguments.value_or("--reason", ""));
    json.end_object();
    VITALOG_TRY(const std::string answer, site.post("/admin/dead-letter/retry", body));
    schemas::Decoder decoder;
    VITALOG_TRY(const auto shape, schemas::decode<RetriedShape>(answer, decoder));
    for (const auto& item : shape.items) {
        if (!item.placed.empty())
            fmt::print("{} {} again as {}\n", item.letter, item.source, item.placed);
        else if (!arguments.has("--all"))
            fmt::print("{} {} not again: {}\n", item.letter, item.source, item.reason);
    }
    fmt::print("retried {}, left {}\n", shape.retried, shape.left);
    return {};
}

Result<void> look(const Arguments& arguments) {
    VITALOG_TRY(const auto source, open_record_lines(arguments));
    return arguments.words()[0] == "list" ? list(*source, arguments)
                                          : show(*source, arguments, arguments.words()[1]);
}

int run(const std::vector<std::string>& words) {
    constexpr std::size_t kWordsMax = 1'000;
    const auto arguments = Arguments::parse(
        words,
        {source_flags({"--max", "--partition", "--reason"}), {"--json", "--all"}, kWordsMax});
    if (!arguments) return report_usage("dead-letter", arguments.error());
    const auto& plain = arguments->words();
    const std::string action = plain.empty() ? "" : plain[0];
    const bool good = (action == "list" && plain.size() == 1) ||
                      (action == "show" && plain.size() == 2) ||
                      (action == "retry" && (plain.size() > 1) != arguments->has("--all"));
    if (!good)
        return report_usage(
            "dead-letter",
            Error(Errc::Configuration,
                  "say list, show PARTITION/OFFSET, retry --all or retry PARTITION/OFFSET"));
    const auto done = action == "retry" ? retry(*arguments) : look(*arguments);
    return done ? kStopped : report("dead-letter", done.error());
}

}  // namespace

const Command kDeadLetter{"dead-letter", "look at what could not be used, and try it again", kHelp,
                          run};

}  // namespace vitalog::topology::cli
