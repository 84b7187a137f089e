#include <fmt/format.h>

#include <optional>

#include "schemas/base/ids.h"
#include "schemas/json.h"
#include "schemas/json_decode.h"
#include "sinks/http_client.h"
#include "topology/audit/reevaluation.h"
#include "topology/audit/why_not.h"
#include "topology/cli/audit_source.h"
#include "topology/cli/cli.h"
#include "topology/cli/load_config.h"

// explain: GET /alerts/{id}/explain, written down for people.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp = R"(usage: vitalog explain ALERT (--url U [--json] | --data-dir D)
       vitalog explain --person P --rule R [--at T] [--json] --data-dir D

With --url, why an alert was raised and what came of it: the rule as it stood, the inputs, the index, the clock, the decisions,
the messages, and who was not told and why, as they were recorded. Behind each line the records that prove it,
topic/partition/offset.

With --data-dir, whether it had to be raised: what the care stage read about this person is applied again, with the rules
in force then, and must give every record of the alert again, byte for byte.

With --person and --rule, why the rule had not raised an alert by T: the care stage reads the person's records again and
says what it found when it last judged the rule. The answer begins with one word: missing, stale, other-unit,
within-limits (and by how much), too-few, waiting (for a duration, or for what should follow), quiet (after an episode),
not-watched, heard,
not-in-force, merged; or that it did: fired, no-task, inhibited.

  --url U       a running site, for example http://127.0.0.1:8080
  --json        as the site answers
  --person P    32 hexadecimal digits, as `person` and the alerts have them
  --rule R      the rule's id
  --at T        as of what the log took up to T, RFC 3339; all of it else
  --data-dir D  the data directory of a stopped site, or a backup of a running one; or a cluster, by
                --set log.brokers=HOST:PORT

exit codes with ALERT and --data-dir: 0 it comes out the same, 1 it does not.

examples:
  vitalog explain 5f0c0a8d2f6f4bb4a63c2d7b1f7c9e10 --url http://127.0.0.1:8080
  vitalog explain 5f0c0a8d2f6f4bb4a63c2d7b1f7c9e10 --data-dir /backup/today
  vitalog explain --person b35e9c0a23071e4169cfed1eeae7768f --rule potassium-critical --at 2026-11-21T08:00:00+08:00 \
    --data-dir /backup/today
)";

using Places = std::vector<std::string>;

// The answer of the site; see sinks/explain/explanation.h.

struct RuleShape {
    std::string id, version, pack, text, limits;
    Places records;
    template <class V>
    void members(V& v) {
        v("id", id);
        v("version", version);
        v("pack", pack);
        v("text", text);
        v("limits", limits);
        v("records", records);
    }
};

struct ChangeShape {
    std::string state, priority, band, occurred, reason;
    Places records;
    template <class V>
    void members(V& v) {
        v("state", state);
        v("priority", priority);
        v("band", band);
        v("occurred", occurred);
        v("reason", reason);
        v("records", records);
    }
};

struct InputShape {
    std::string name, comparator, text, unit, effective, trend;
    std::optional<double> value, low, high;
    Places records;
    template <class V>
    void members(V& v) {
        v("name", name);
        v("value", value);
        v("comparator", comparator);
        v("text", text);
        v("unit", unit);
        v("effective", effective);
        v("low", low);
        v("high", high);
        v("trend", trend);
        v("records", records);
    }
};

struct IndexShape {
    std::string method, version, status, unit, band, reason, occurred;
    std::optional<double> value;
    std::vector<std::string> missing;
    Places records;
    template <class V>
    void members(V& v) {
        v("method", method);
        v("version", version);
        v("status", status);
        v("value", value);
        v("unit", unit);
        v("band", band);
        v("missing", missing);
        v("reason", reason);
        v("occurred", occurred);
        v("records", records);
    }
};

struct TimerShape {
    std::string name, due;
    bool struck = false;
    template <class V>
    void members(V& v) {
        v("name", name);
        v("due", due);
        v("struck", struck);
    }
};

struct StepShape {
    std::string status, owner, what, at, message;
    std::optional<int> answer;
    Places records;
    template <class V>
    void members(V& v) {
        v("status", status);
        v("owner", owner);
        v("what", what);
        v("at", at);
        v("answer", answer);
        v("message", message);
        v("records", records);
    }
};

struct TaskShape {
    std::string id, team, owner, status, reason, opened;
    std::vector<TimerShape> timers;
    std::vector<StepShape> history;
    template <class V>
    void members(V& v) {
        v("id", id);
        v("team", team);
        v("owner", owner);
        v("status", status);
        v("reason", reason);
        v("opened", opened);
        v("timers", timers);
        v("history", history);
    }
};

struct MessageShape {
    std::string recipient, purpose, channel, state, reason, changed;
    Places records;
    template <class V>
    void members(V& v) {
        v("recipient", recipient);
        v("purpose", purpose);
        v("channel", channel);
        v("state", state);
        v("reason", reason);
        v("changed", changed);
        v("records", records);
    }
};

struct ExplanationShape {
    std::string alert, patient, problem, priority, state, since, basis;
    bool retrospective = false;
    bool complete = false;
    RuleShape rule;
    std::vector<ChangeShape> history;
    std::vector<InputShape> inputs;
    std::vector<IndexShape> indices;
    std::optional<TaskShape> task;
    std::vector<MessageShape> messages;
    std::vector<std::string> not_told;
    template <class V>
    void members(V& v) {
        v.required("alert", alert);
        v("patient", patient);
        v("problem", problem);
        v("priority", priority);
        v("state", state);
        v("since", since);
        v("retrospective", retrospective);
        v("basis", basis);
        v("rule", rule);
        v("history", history);
        v("inputs", inputs);
        v("indices", indices);
        v("task", task);
        v("messages", messages);
        v("not_told", not_told);
        v("complete", complete);
    }
};

/// One line, and behind it the records that prove it.
void line(std::string text, const Places& records) {
    fmt::print("  {}{}\n", text, records.empty() ? "" : fmt::format("  [{}]", fmt::join(records, " <- ")));
}

std::string and_reason(std::string text, const std::string& reason) {
    return reason.empty() ? text : text + ": " + reason;
}

void print_rule(const RuleShape& rule) {
    fmt::print("rule\n");
    line(fmt::format("{} version {}, pack {}", rule.id, rule.version, rule.pack), rule.records);
    std::string_view rest(rule.text);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        fmt::print("    {}\n", rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (!rule.limits.empty()) line("this person's own limits: " + rule.limits, {});
}

void print_inputs(const ExplanationShape& shape) {
    fmt::print("inputs\n");
    for (const auto& input : shape.inputs) {
        std::string text = fmt::format("{} {}", input.effective, input.name);
        if (input.value) text += fmt::format(" {}{} {}", input.comparator, *input.value, input.unit);
        else text += " " + input.text;
        if (input.low || input.high)
            text += fmt::format(" (reference {}-{})", input.low ? fmt::format("{}", *input.low) : "",
                                input.high ? fmt::format("{}", *input.high) : "");
        if (!input.trend.empty()) text += ", " + input.trend;
        line(std::move(text), input.records);
    }
    if (!shape.indices.empty()) fmt::print("index\n");
    for (const auto& index : shape.indices) {
        std::string text = fmt::format("{} {}@{} {}", index.occurred, index.method, index.version, index.status);
        if (!index.band.empty()) text += " band " + index.band;
        if (index.value) text += fmt::format(" value {} {}", *index.value, index.unit);
        if (!index.missing.empty()) text += fmt::format(", missing {}", fmt::join(index.missing, ", "));
        line(and_reason(std::move(text), index.reason), index.records);
    }
}

void print_episode(const ExplanationShape& shape) {
    fmt::print("episode\n");
    for (const auto& change : shape.history) {
        std::string text = fmt::format("{} {} {}", change.occurred, change.state, change.priority);
        if (!change.band.empty()) text += " band " + change.band;
        line(and_reason(std::move(text), change.reason), change.records);
    }
}

void print_task(const TaskShape& task) {
    fmt::print("task\n");
    std::string head = fmt::format("{} {} of team {}", task.id, task.status, task.team);
    if (!task.owner.empty()) head += ", " + task.owner + " has it";
    line(and_reason(std::move(head), task.reason), {});
    for (const auto& timer : task.timers)
        line(fmt::format("{} {}{}", timer.due, timer.name, timer.struck ? ", struck" : ""), {});
    for (const auto& step : task.history) {
        std::string text = step.at.empty() ? "a decision that changed nothing" : step.at + " " + step.what;
        if (step.answer) text += fmt::format(", answered {}", *step.answer);
        line(and_reason(std::move(text), step.message), step.records);
    }
}

void print(const ExplanationShape& shape) {
    fmt::print("alert {}\n", shape.alert);
    line(fmt::format("{}, priority {}, {}, since {}{}", shape.problem, shape.priority, shape.state, shape.since,
                     shape.retrospective ? ", retrospective" : ""), {});
    line("patient " + shape.patient, {});
    print_rule(shape.rule);
    print_inputs(shape);
    print_episode(shape);
    if (shape.task) print_task(*shape.task);
    if (!shape.messages.empty()) fmt::print("messages\n");
    for (const auto& message : shape.messages)
        line(and_reason(fmt::format("{} {} to {}{} {}", message.changed, message.purpose, message.recipient,
                                    message.channel.empty() ? "" : " by " + message.channel, message.state),
                        message.reason),
             message.records);
    if (!shape.not_told.empty()) fmt::print("not told\n");
    for (const auto& reason : shape.not_told) line(reason, {});
    if (shape.basis == "recorded")
        fmt::print("as it was recorded; vitalog explain {} --data-dir D decides it again\n", shape.alert);
    if (!shape.complete) fmt::print("not every record was found: some are no longer kept\n");
}

Result<std::string> fetch(const Arguments& arguments, const std::string& url) {
    sinks::ClientRequest request;
    request.url = url + "/alerts/" + arguments.words()[0] + "/explain";
    if (const std::string token = bearer_token(); !token.empty())
        request.headers.emplace_back("Authorization", "Bearer " + token);
    sinks::HttpClient client;
    auto outcome = client.send(request);
    if (outcome.fate != sinks::HttpFate::Answered) return fail(Errc::Io, url + ": " + outcome.reason);
    if (outcome.response.status == 404)
        return fail(Errc::NotFound, "there is no alert " + arguments.words()[0]);
    if (outcome.response.status != 200)
        return fail(Errc::Io, fmt::format("{}: {} {}", request.url, outcome.response.status, outcome.response.body));
    return std::move(outcome.response.body);
}

void print(const Reevaluation& told) {
    fmt::print("person {}: {} records read again\n", told.person, told.inputs);
    for (const auto& record : told.records) {
        fmt::print("  {} {} {} by {}@{}, pack {}{}: {}\n", record.occurred, record.state, record.priority, record.rule,
                   record.rule_version, record.pack, record.reason.empty() ? "" : ", " + record.reason,
                   record.place.empty() ? "MADE NOW, AND NOT IN THE LOG"
                   : record.same        ? "the same again"
                                        : "NOT WHAT IS MADE NOW");
        if (!record.place.empty()) line("record " + record.id, {record.place});
    }
    fmt::print("{}\n", told.agrees() ? "the alert comes out the same, byte for byte"
                                     : "the alert does not come out the same: vitalog audit verify --stage care says why");
}

int reevaluate(const Arguments& arguments) {
    const auto log = open_audit_log(arguments);
    if (!log) return report("explain", log.error());
    const auto told = reevaluate_alert(**log, arguments.words()[0]);
    if (!told) return report("explain", told.error());
    print(*told);
    return told->agrees() ? kStopped : kFailed;
}

std::string to_json(const WhyNot& told, const Arguments& arguments) {
    std::string text;
    schemas::JsonWriter json(text);
    json.begin_object();
    json.field("person", *arguments.value("--person"));
    json.field("rule", *arguments.value("--rule"));
    json.field("version", told.rule_version);
    json.field("pack", told.pack);
    json.field("pack_version", told.pack_version);
    json.field("fired", told.fired());
    json.field("reason", to_string(told.reason));
    json.key("lines");
    json.begin_array();
    for (const auto& line : told.lines) json.value(line);
    json.end_array();
    json.field("records", told.inputs);
    json.end_object();
    return text;
}

void print(const WhyNot& told, const Arguments& arguments) {
    fmt::print("{}\n", to_string(told.reason));
    for (const auto& line : told.lines) fmt::print("  {}\n", line);
    if (!told.rule_version.empty())
        fmt::print("rule {} version {}, pack {} {}\n", *arguments.value("--rule"), told.rule_version, told.pack,
                   told.pack_version);
    fmt::print("person {}: {} records read again\n", *arguments.value("--person"), told.inputs);
}

Result<int> tell_why_not(const Arguments& arguments) {
    const auto person = arguments.value("--person");
    const auto rule = arguments.value("--rule");
    if (!person || !rule || RecordId::parse(*person).empty())
        return fail(Errc::Configuration, "say --person P (32 hexadecimal digits) and --rule R");
    VITALOG_TRY(const auto at, time_flag(arguments, "--at"));
    VITALOG_TRY(const auto log, open_audit_log(arguments));
    VITALOG_TRY(const auto told, why_not(*log, *person, *rule, at));
    if (arguments.has("--json")) fmt::print("{}\n", to_json(told, arguments));
    else print(told, arguments);
    return kStopped;
}

int run_explain(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(
        words, {config_flags({"--url", "--data-dir", "--person", "--rule", "--at"}), {"--json"}, 1});
    if (!arguments) return report_usage("explain", arguments.error());
    if (arguments->words().empty() && (arguments->value("--person") || arguments->value("--rule"))) {
        const auto code = tell_why_not(*arguments);
        return code ? *code : report("explain", code.error());
    }
    if (arguments->words().size() != 1 || RecordId::parse(arguments->words()[0]).empty())
        return report_usage("explain", Error(Errc::Configuration, "say ALERT (32 hexadecimal digits), or --person and --rule"));
    const auto url = arguments->value("--url");
    if (!url) return reevaluate(*arguments);
    const auto body = fetch(*arguments, *url);
    if (!body) return report("explain", body.error());
    if (arguments->has("--json")) {
        fmt::print("{}\n", *body);
        return kStopped;
    }
    schemas::Decoder decoder;
    const auto shape = schemas::decode<ExplanationShape>(*body, decoder);
    if (!shape) return report("explain", shape.error());
    print(*shape);
    return kStopped;
}

}  // namespace

const Command kExplain{"explain", "why an alert was raised, or was not, and what came of it", kHelp, run_explain};

}  // namespace vitalog::topology::cli
