#include "sinks/fhir/shadow_api.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <set>
#include <utility>

#include "schemas/events/care.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::DeliveryState;

constexpr std::int64_t kMaxUsual = 1'000;
constexpr std::int64_t kMaxMost = 10'000;
constexpr std::size_t kIdsAtOnce = 500;
constexpr std::size_t kIdDigits = 8;
constexpr std::int64_t kMicrosPerSecond = 1'000'000;

/// What of an alert and its task is told.
struct Cause {
    std::string rule, alert, task, decided_by, decided_how;
    bool own_words = false;  ///< the doctor wrote what the patient reads
};

struct Line {
    std::string recipient, person, task, episode, purpose, channel, state, template_name;
    std::string text, reason, priority;
    std::int64_t created = 0;
};

std::string shortened(const std::string& id) {
    return id.substr(0, kIdDigits);
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(text.size(), width), ' ');
    return text + ' ';
}

Line line_of(const schemas::Delivery& delivery) {
    Line line;
    line.recipient = delivery.recipient;
    line.person = delivery.person;
    line.task = delivery.task;
    line.episode = delivery.episode;
    line.purpose = delivery.purpose;
    line.channel = delivery.channel;
    line.state = schemas::name_of_enum(delivery.state);
    line.template_name = delivery.template_name;
    line.text = delivery.text;
    line.reason = delivery.reason;
    line.priority = schemas::name_of_enum(delivery.priority);
    line.created = delivery.created.micros();
    return line;
}

views::Query by_ids(const std::vector<std::string>& ids, std::size_t from) {
    views::Query query;
    views::Term term{"id", views::Op::In, {}};
    for (std::size_t i = from; i < std::min(from + kIdsAtOnce, ids.size()); ++i)
        term.values.emplace_back(ids[i]);
    query.limit = static_cast<std::int64_t>(term.values.size());
    query.conditions = {{{std::move(term)}}};
    query.count = false;
    return query;
}

Result<std::vector<Line>> lines_between(const views::ViewReader& reader, std::int64_t from_us,
                                        std::int64_t to_us, std::int64_t max) {
    views::Query query;
    // What was decided since `from` was also written since then: the index on that is used.
    query.conditions = {{{views::Term{"updated_us", views::Op::AtLeast, {from_us}},
                          views::Term{"created_us", views::Op::AtLeast, {from_us}},
                          views::Term{"created_us", views::Op::Less, {to_us}}}}};
    query.order = {{"created_us"}};
    query.limit = max;
    query.count = false;
    VITALOG_TRY(const auto page, reader.deliveries(query));
    std::vector<Line> lines;
    schemas::Decoder decoder;
    for (const auto& row : page.rows) {
        VITALOG_TRY(const auto delivery, schemas::decode<schemas::Delivery>(row.body, decoder));
        lines.push_back(line_of(delivery));
    }
    return lines;
}

/// Why, by episode: the alert, and what became of its task.
class Causes {
  public:
    Result<void> read(const views::ViewReader& reader, const std::vector<Line>& lines) {
        std::set<std::string> episodes;
        for (const auto& line : lines)
            if (!line.episode.empty()) episodes.insert(line.episode);
        VITALOG_CHECK(read_alerts(reader, {episodes.begin(), episodes.end()}));
        std::vector<std::string> tasks;
        for (const auto& [task, episode] : episode_of_) tasks.push_back(task);
        return read_tasks(reader, tasks);
    }
    const Cause* find(const std::string& episode) const {
        const auto found = causes_.find(episode);
        return found == causes_.end() ? nullptr : &found->second;
    }

  private:
    Result<void> read_alerts(const views::ViewReader& reader, const std::vector<std::string>& ids) {
        schemas::Decoder decoder;
        for (std::size_t from = 0; from < ids.size(); from += kIdsAtOnce) {
            VITALOG_TRY(const auto page, reader.alerts(by_ids(ids, from)));
            for (const auto& row : page.rows) {
                VITALOG_TRY(const auto alert,
                            schemas::decode<schemas::AlertEvent>(row.body, decoder));
                Cause& cause = causes_[row.id];
                cause.rule = std::string(alert.rule) + "@" + std::string(alert.rule_version);
                cause.alert = row.id;
                cause.task = alert.task;
                if (!cause.task.empty()) episode_of_[cause.task] = row.id;
            }
        }
        return {};
    }
    Result<void> read_tasks(const views::ViewReader& reader, const std::vector<std::string>& ids) {
        schemas::Decoder decoder;
        for (std::size_t from = 0; from < ids.size(); from += kIdsAtOnce) {
            VITALOG_TRY(const auto page, reader.tasks(by_ids(ids, from)));
            for (const auto& row : page.rows) {
                VITALOG_TRY(const auto task,
                            schemas::decode<schemas::TaskState>(row.body, decoder));
                if (!task.outcome) continue;
                Cause& cause = causes_[episode_of_[row.id]];
                cause.decided_by = task.outcome->user;
                cause.decided_how = schemas::name_of_enum(task.outcome->action);
                cause.own_words = !task.outcome->text.empty();
            }
        }
        return {};
    }

    std::map<std::string, Cause> causes_;            // by alert
    std::map<std::string, std::string> episode_of_;  // by task
};

/// Doctors who are told the same thing at the same time share a line.
std::vector<Line> gathered(std::vector<Line> lines) {
    std::vector<Line> out;
    const auto same = [](const Line& a, const Line& b) {
        return a.person.empty() && b.person.empty() && a.created == b.created &&
               a.episode == b.episode && a.purpose == b.purpose && a.channel == b.channel &&
               a.state == b.state && a.template_name == b.template_name && a.reason == b.reason;
    };
    for (auto& line : lines) {
        if (!out.empty() && same(out.back(), line))
            out.back().recipient += ", " + line.recipient;
        else
            out.push_back(std::move(line));
    }
    return out;
}

std::string_view means(const std::string& state) {
    if (state == "suppressed") return "would go";
    if (state == "waiting" || state == "decided") return "waits";
    if (state == "failed") return "would not go";
    return state;
}

std::string_view purpose_text(const std::string& purpose) {
    static const std::map<std::string_view, std::string_view> texts{
        {"alert", "the patient is told"},
        {"task", "a new task"},
        {"reminder", "the task is due soon and undecided"},
        {"escalation", "the task is undecided and handed up"},
        {"breach", "the task is undecided past its deadline"},
        {"correction", "what was decided on has been corrected"}};
    const auto found = texts.find(purpose);
    return found == texts.end() ? std::string_view(purpose) : found->second;
}

/// A doctor's own words are for the archive: a patient's text is shown where the decision brought
/// none.
bool is_template_text(const Line& line, const Cause* cause) {
    return line.person.empty() ||
           (cause != nullptr && !cause->decided_by.empty() && !cause->own_words);
}

class Text {
  public:
    explicit Text(const schemas::ZoneRule& zone) : zone_(zone) {}

    void head(std::int64_t day, const std::string& zone_name,
              const std::vector<views::MessageCount>& counts) {
        out_ = "Messages of " + to_string(civil_from_days(day)) + ", " + zone_name +
               ": what was decided, to whom, and why.\n";
        std::map<std::pair<std::string, std::string>, std::int64_t> tallies;
        std::int64_t all = 0;
        for (const auto& count : counts) {
            tallies[{count.channel, count.state}] += count.count;
            all += count.count;
        }
        out_ += std::to_string(all) + " messages\n";
        for (const auto& [key, number] : tallies)
            out_ += "  " + padded(key.first.empty() ? "no channel" : key.first, 10) +
                    padded(key.second, 11) + padded(std::string(means(key.second)), 13) +
                    std::to_string(number) + '\n';
        if (tallies.contains({"sms", "suppressed"}) || tallies.contains({"wechat", "suppressed"}) ||
            tallies.contains({"wecom", "suppressed"}))
            out_ += "Nothing of what would go was sent: notify.mode was off.\n";
    }

    void add(const Line& line, const Cause* cause) {
        const bool patient = !line.person.empty();
        out_ += '\n' + clock_time(line.created) + "  " + padded(line.priority, 6) +
                padded(std::string(means(line.state)), 13) +
                padded(line.channel.empty() ? "-" : line.channel, 7) +
                (patient ? "patient " + shortened(line.person) : line.recipient) + '\n';
        out_ += "    " + std::string(purpose_text(line.purpose));
        if (!line.template_name.empty()) out_ += ", template " + line.template_name;
        out_ += '\n';
        if (cause != nullptr) add_cause(*cause);
        if (!line.reason.empty() && line.state != "suppressed")
            out_ += "    because " + line.reason + '\n';
        if (!line.template_name.empty() && !line.text.empty() && is_template_text(line, cause))
            texts_.emplace(line.template_name, line.text);
    }

    std::string finish(std::int64_t left) {
        if (left > 0) out_ += "\nand " + std::to_string(left) + " more: ask with a larger max\n";
        if (!texts_.empty()) out_ += "\nTexts\n";
        for (const auto& [name, text] : texts_) out_ += "  " + padded(name, 24) + text + '\n';
        return std::move(out_);
    }

  private:
    void add_cause(const Cause& cause) {
        out_ += "    rule " + cause.rule + ", alert " + cause.alert;
        if (!cause.task.empty()) out_ += ", task " + shortened(cause.task);
        if (!cause.decided_by.empty())
            out_ += " (" + cause.decided_how + " by " + cause.decided_by + ")";
        out_ += '\n';
    }
    std::string clock_time(std::int64_t micros) const {
        const int minute = zone_.minute_at(micros);
        char text[16];
        std::snprintf(text, sizeof text, "%02d:%02d:%02d", minute / 60 % 24, minute % 60,
                      static_cast<int>(micros / kMicrosPerSecond % 60));
        return text;
    }

    const schemas::ZoneRule& zone_;
    std::string out_;
    std::map<std::string, std::string> texts_;  // by template
};

Result<std::int64_t> max_of(const HttpRequest& request) {
    const auto text = request.query_value("max");
    if (!text) return kMaxUsual;
    std::int64_t max = 0;
    const auto [rest, error] = std::from_chars(text->data(), text->data() + text->size(), max);
    if (error != std::errc() || rest != text->data() + text->size() || max < 1 || max > kMaxMost)
        return fail(Errc::Malformed,
                    "max must be a whole number in 1.." + std::to_string(kMaxMost));
    return max;
}

}  // namespace

void ShadowApi::register_routes(Router& router) {
    router.route(
        "GET", "/admin/shadow", [this](const HttpRequest& request, const Respond& respond) {
            if (request.caller.role.empty() || request.caller.role == "operator")
                return answer(request, respond);
            respond(outcome(403, "role '" + request.caller.role + "' may not; an operator may"));
        });
}

Result<std::int64_t> ShadowApi::day_of(const HttpRequest& request) const {
    const std::int64_t today = options_.zone.day_at(clock_.now().micros());
    const auto text = request.query_value("day");
    if (!text || *text == "today") return today;
    if (*text == "yesterday") return today - 1;
    const auto date = parse_date(*text);
    if (!date || text->size() != 10)
        return fail(Errc::Malformed, "day must be such as 2026-11-20, today or yesterday");
    return days_from_civil(date->year, date->month, date->day);
}

void ShadowApi::answer(const HttpRequest& request, const Respond& respond) const {
    const auto day = day_of(request);
    const auto max = max_of(request);
    if (!day) return respond(outcome(400, day.error().message()));
    if (!max) return respond(outcome(400, max.error().message()));
    const std::int64_t from = options_.zone.instant_of(*day, 0);
    const std::int64_t to = options_.zone.instant_of(*day + 1, 0);
    const auto counts = reader_.message_counts(from, to);
    if (!counts) return respond(outcome(counts.error()));
    const auto lines = lines_between(reader_, from, to, *max);
    if (!lines) return respond(outcome(lines.error()));
    Causes causes;
    if (const auto read = causes.read(reader_, *lines); !read)
        return respond(outcome(read.error()));
    Text text(options_.zone);
    text.head(*day, options_.zone_name, *counts);
    std::int64_t left = -static_cast<std::int64_t>(lines->size());
    for (const auto& count : *counts) left += count.count;
    Audit::Read read{"Shadow", {}, static_cast<std::int64_t>(lines->size())};
    for (const auto& line : gathered(*lines)) {
        text.add(line, causes.find(line.episode));
        read.persons.push_back(line.person);
    }
    HttpResponse response;
    response.content_type = "text/plain; charset=utf-8";
    response.body = text.finish(left);
    audit_.answer(request, std::move(read), std::move(response), respond);
}

}  // namespace vitalog::sinks::fhir
