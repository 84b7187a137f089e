#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "sinks/blobs/file_digest.h"
#include "topology/audit/stage_audit.h"
#include "topology/cli/audit_source.h"
#include "topology/cli/cli.h"
#include "topology/cli/load_config.h"

// audit: what was decided is decided again, and compared.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog audit verify --stage S (--data-dir D | --set log.brokers=HOST:PORT) [FLAGS]

Recomputes what a stage made of its logged input, with the rules, tables and settings that were in force then, and
compares every record byte for byte with what the log has. Follows the chain of digests that the log's blocks are, of
everything the stage reads and writes: a record that was edited, taken out, or swapped with another is found, also where
its checksum was made anew. Prints what was checked, and the first difference with its cause.

D is the data directory of a stopped site, which is held and not changed. Of a running one, take a copy, which costs it
next to nothing, and verify that: vitalog backup TO --url U; vitalog audit verify --data-dir TO. Of a cluster, running
or not, committed records are read; it keeps no chain of ours: there an anchor says whether records were changed.

  --stage S      intake, identity, care, desk, notify; or all, one after another
  --from T       only what the log took from T on, RFC 3339; the state before it is still built from the beginning
  --to T         and before T
  --person P     only this person (the stage care): as long as reading the topic takes
  --entity K     only the entity K of the stage: a person, an identifier "AUTHORITY|VALUE", a task, a recipient
  --report F     write what was checked and found as JSON, with the digest of each partition
  --anchor F     compare with what F says of the last time, and, where everything agrees, write it anew. Keep it where
                 nobody who can write to D can write: a record changed and the chain computed anew is found by it
  --scratch DIR  where state goes that does not fit in memory; the machine's folder for temporary files else
  --memory SIZE  for entities (1GiB)

A stage is recomputed from the beginning of its input, so its input must be there: person, which care reads, is kept for
ever; what other stages read only as long as log.retention says. Where something is missing, what is missing is said.

exit codes: 0 every output agrees; 1 a difference, or it could not be read; 2 usage; 3 the data directory is in use or
not usable; 4 nothing differs, but not everything could be recomputed: the log's front was dropped by retention.

examples:
  vitalog audit verify --stage care --data-dir /var/lib/vitalog --anchor /mnt/elsewhere/vitalog.anchor
  vitalog audit verify --stage all --set log.brokers=kafka-1:9092 --from 2026-11-01T00:00:00Z
)";

constexpr int kNotRecomputable = 4;

Result<std::vector<Stage>> stages_of(const std::string& name) {
    std::vector<Stage> stages;
    std::string known;
    for (Stage& stage : all_stages()) {
        if (!stage.make_processor) continue;
        known += fmt::format("{}, ", stage.name);
        if (name == "all" || name == stage.name) stages.push_back(std::move(stage));
    }
    if (stages.empty()) return fail(Errc::Configuration, fmt::format("--stage is one of {}all", known));
    return stages;
}

Result<AuditOptions> options_of(const Arguments& arguments) {
    AuditOptions options;
    VITALOG_TRY(options.from, time_flag(arguments, "--from"));
    VITALOG_TRY(options.to, time_flag(arguments, "--to"));
    options.scratch = arguments.value_or("--scratch", "");
    VITALOG_TRY(const auto memory, parse_bytes(arguments.value_or("--memory", "1GiB")));
    options.memory_bytes = memory;
    const auto person = arguments.value("--person");
    if (person && arguments.value("--stage") != "care")
        return fail(Errc::Configuration,
                    "--person goes with --stage care: another stage's entities are no persons; say --entity");
    options.entity = person ? *person : arguments.value_or("--entity", "");
    if (!options.entity.empty() && arguments.value("--stage") == "all")
        return fail(Errc::Configuration, "--entity goes with one stage");
    return options;
}

void print(const AuditReport& report) {
    fmt::print("stage {} logic {}\n", report.stage, report.logic);
    for (const auto& chain : report.chains) {
        if (!chain.fault.empty())
            fmt::print("  chain   {}: BROKEN: {}\n", to_string(chain.tp, chain.fault_at.value_or(chain.begin)), chain.fault);
        else if (!chain.entries.empty() && chain.end > chain.begin)
            fmt::print("  chain   {} {}..{} holds, head {}\n", to_string(chain.tp), chain.begin.value(),
                       chain.end.value(), chain.head.hex());
        if (!chain.note.empty()) fmt::print("          {}\n", chain.note);
    }
    for (const auto& shard : report.shards) {
        if (!shard.not_recomputable.empty()) fmt::print("  input   NOT RECOMPUTED: {}\n", shard.not_recomputable);
        if (shard.records > 0)
            fmt::print("  input   {} {}..{}: {} records, {} in the stretch\n", to_string(shard.input),
                       shard.begin.value(), shard.end.value(), shard.records, shard.in_stretch);
    }
    for (const auto& output : report.outputs)
        if (output.agreed + output.differences > 0)
            fmt::print("  output  {}: {} agree, {} differ\n", to_string(output.tp), output.agreed, output.differences);
    fmt::print("{}: {} outputs of {} records agree, {} differ\n", report.stage, report.agreed(),
               report.input_records(), report.difference_count());
    if (!report.failure.empty()) fmt::print("it could not be recomputed to the end: {}\n", report.failure);
    if (!report.differences.empty()) fmt::print("first difference: {}\n", to_text(report.differences.front()));
    if (!report.cause.empty()) fmt::print("cause: {}\n", report.cause);
}

int exit_of(const std::vector<AuditReport>& reports) {
    if (!std::ranges::all_of(reports, &AuditReport::agrees)) return kFailed;
    return std::ranges::all_of(reports, &AuditReport::recomputed_all) ? kStopped : kNotRecomputable;
}

/// Written where everything agrees: an anchor stands for a log that was good.
Result<void> keep_anchor(const std::string& path, Anchor anchor, const std::vector<AuditReport>& reports) {
    for (const auto& report : reports)
        for (const auto& chain : report.chains) anchor.replace(chain.tp, chain.entries);
    VITALOG_CHECK(anchor.write(path));
    fmt::print("anchor {}: {} entries, sha256 {}\n", path, anchor.entries.size(), anchor.digest().hex());
    return {};
}

Result<void> write_report(const std::string& path, const std::vector<AuditReport>& reports) {
    std::string json = "[";
    for (const auto& report : reports) json += (json.size() > 1 ? "," : "") + report.to_json();
    json += "]\n";
    return sinks::write_file_durably(path, json);
}

Result<int> verify(const Arguments& arguments) {
    VITALOG_TRY(const auto stages, stages_of(arguments.value_or("--stage", "")));
    VITALOG_TRY(AuditOptions options, options_of(arguments));
    const auto anchor = arguments.value("--anchor");
    if (anchor) {
        VITALOG_TRY(options.anchor, Anchor::read(*anchor));
        options.digest_records = true;
    }
    VITALOG_TRY(const auto log, open_audit_log(arguments));
    std::vector<AuditReport> reports;
    for (const Stage& stage : stages) {
        VITALOG_TRY(auto report, audit_stage(stage, *log, options));
        print(report);
        reports.push_back(std::move(report));
    }
    if (const auto path = arguments.value("--report")) VITALOG_CHECK(write_report(*path, reports));
    const int code = exit_of(reports);
    if (anchor && code != kFailed) VITALOG_CHECK(keep_anchor(*anchor, options.anchor, reports));
    if (code == kNotRecomputable)
        fmt::print("not everything could be recomputed: retention has dropped a part of the input\n");
    return code;
}

int run_audit(const std::vector<std::string>& words) {
    const auto arguments =
        Arguments::parse(words, {config_flags({"--stage", "--data-dir", "--from", "--to", "--person", "--entity",
                                               "--report", "--anchor", "--scratch", "--memory"}),
                                 {}, 1});
    if (!arguments) return report_usage("audit", arguments.error());
    if (arguments->words().size() != 1 || arguments->words()[0] != "verify")
        return report_usage("audit", Error(Errc::Configuration, "say audit verify"));
    const auto code = verify(*arguments);
    return code ? *code : report("audit", code.error());
}

}  // namespace

const Command kAudit{"audit", "recompute what was decided, and compare", kHelp, run_audit};

}  // namespace vitalog::topology::cli
