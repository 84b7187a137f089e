#include "topology/audit/replay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "schemas/json.h"
#include "sinks/blobs/file_digest.h"
#include "topology/audit/replay_roots.h"
#include "topology/audit/stage_audit.h"
#include "topology/cli/audit_source.h"
#include "topology/cli/cli.h"
#include "topology/cli/load_config.h"

// replay: history again, in a place of its own.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog replay (--data-dir D | --set log.brokers=HOST:PORT) --into NEW [WHAT] [--compare]

Runs this program's stages again over what a log took in, and writes what they make of it into the data directory NEW: in
the order in which the original's stages met each record and each tick, with its log times and ids. Nothing is sent: a
replay has stages and a log, and no effect worker, no provider and no listener is part of it; vitalog run refuses
NEW. Look at it with vitalog topic show TOPIC --data-dir NEW.

D is the data directory of a stopped site, which is held and not changed, or a backup of a running one. Of a cluster whose
site goes on, say --to a time some minutes ago.

WHAT is played with all that came of it; where nothing is said, all feeds from the beginning. What is not played stays as
the original has it: a person's earlier results count, and a doctor's other tasks.
  --topic T      what lies in this topic, through the stages behind it; more than once: a feed, subject, person, task or
                 notification
  --from T       what the log took from T on, RFC 3339
  --to T         and before T
  --person P     what came in about this person
  --message M    the HL7 message with this MSH-10, or the feed record with this id (32 hexadecimal digits)
  --record R     what came in with the record TOPIC/PARTITION/OFFSET, or the records TOPIC/PARTITION/FROM..TO

  --compare      compare what is made with the original run, record by record; name the differences
  --report F     write the counts and differences as JSON

exit codes: 0 done, with --compare: and everything agrees; 1 a difference, or it failed; 2 usage; 3 D is in use, or NEW
holds something.

examples:
  vitalog replay --data-dir /var/lib/vitalog --into /tmp/again --compare
  vitalog replay --data-dir /backup/today --into /tmp/one --person b35e9c0a23071e4169cfed1eeae7768f --compare
)";

Result<ReplaySelection> selection_of(const Arguments& arguments, const AuditLog& log) {
    ReplaySelection selection;
    for (const auto& name : arguments.all("--topic")) {
        const auto topic = log.names().topic(name);
        if (!topic)
            return fail(Errc::Configuration,
                        "--topic " + name + ": there is no such topic; vitalog topic list");
        selection.topics.push_back(*topic);
    }
    VITALOG_TRY(selection.from, time_flag(arguments, "--from"));
    VITALOG_TRY(selection.to, time_flag(arguments, "--to"));
    const auto person = arguments.value("--person");
    const auto message = arguments.value("--message");
    const auto record = arguments.value("--record");
    if (person.has_value() + message.has_value() + record.has_value() > 1)
        return fail(Errc::Configuration, "say one of --person, --message and --record");
    if (person) {
        VITALOG_TRY(selection.roots, roots_of_person(log, *person));
    } else if (message) {
        VITALOG_TRY(selection.roots, roots_of_message(log, *message));
    } else if (record) {
        VITALOG_TRY(selection.roots, roots_of_places(log, *record));
    }
    return selection;
}

void write_list(schemas::JsonWriter& json, std::string_view name,
                const std::vector<std::string>& texts) {
    json.key(name);
    json.begin_array();
    for (const auto& text : texts) json.value(text);
    json.end_array();
}

std::string to_json(const ReplayReport& report, bool compared) {
    std::string text;
    schemas::JsonWriter json(text);
    const auto number = [&](std::string_view name, std::uint64_t value) {
        json.field(name, static_cast<std::int64_t>(value));
    };
    json.begin_object();
    number("played", report.played);
    write_list(json, "stages", report.stages);
    write_list(json, "cut_off", report.cut_off);
    if (compared) json.field("agrees", report.agrees());
    json.key("topics");
    json.begin_object();
    for (const auto& [topic, counts] : report.topics) {
        json.key(topic);
        json.begin_object();
        number("made", counts.made);
        if (compared) {
            number("same", counts.same);
            number("changed", counts.changed);
            number("only_replay", counts.only_replay);
            number("only_original", counts.only_original);
            number("no_longer_kept", counts.no_longer_kept);
        }
        json.end_object();
    }
    json.end_object();
    if (compared) {
        json.key("differences");
        json.begin_array();
        for (const auto& [at, difference] : report.differences) {
            json.begin_object();
            json.field("at", to_rfc3339(at));
            json.field("what", to_text(difference));
            json.end_object();
        }
        json.end_array();
    }
    json.end_object();
    return text + "\n";
}

void print(const ReplayReport& report, bool compared) {
    fmt::print("played {} records through {}\n", report.played, fmt::join(report.stages, ", "));
    for (const auto& place : report.cut_off)
        fmt::print(
            "  retention has dropped what lay before {}: what rests on it comes out otherwise\n",
            place);
    for (const auto& [topic, counts] : report.topics) {
        if (!compared && counts.made > 0) fmt::print("  {}: {} made\n", topic, counts.made);
        if (!compared || counts.made + counts.only_original == 0) continue;
        fmt::print(
            "  {}: {} the same, {} with other content, {} only in the replay, {} only in the "
            "original",
            topic, counts.same, counts.changed, counts.only_replay, counts.only_original);
        if (counts.no_longer_kept > 0)
            fmt::print(", {} that the original no longer has", counts.no_longer_kept);
        fmt::print("\n");
    }
    if (!compared) return;
    if (!report.differences.empty()) {
        const auto& [at, difference] = report.differences.front();
        fmt::print("first difference: {} {}\n", to_rfc3339(at), to_text(difference));
    }
    fmt::print("{}\n", report.agrees() ? "the replay agrees" : "the replay differs");
}

Result<int> run(const Arguments& arguments) {
    const auto into = arguments.value("--into");
    if (!into) return fail(Errc::Configuration, "say --into NEW, a folder that does not exist");
    const bool compared = arguments.has("--compare");
    VITALOG_TRY(const auto log, open_audit_log(arguments));
    VITALOG_TRY(const auto selection, selection_of(arguments, *log));
    VITALOG_TRY(const auto done, replay(*log, selection, *into));
    print(done, compared);
    if (const auto path = arguments.value("--report"))
        VITALOG_CHECK(sinks::write_file_durably(*path, to_json(done, compared)));
    return !compared || done.agrees() ? kStopped : kFailed;
}

int run_replay(const std::vector<std::string>& words) {
    const auto arguments =
        Arguments::parse(words, {config_flags({"--data-dir", "--into", "--topic", "--from", "--to",
                                               "--person", "--message", "--record", "--report"}),
                                 {"--compare"},
                                 0});
    if (!arguments) return report_usage("replay", arguments.error());
    const auto code = run(*arguments);
    return code ? *code : report("replay", code.error());
}

}  // namespace

const Command kReplay{"replay", "play history again, in a place of its own", kHelp, run_replay};

}  // namespace vitalog::topology::cli
