#include "topology/audit/why_not.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "processors/care/care_processor.h"
#include "processors/care/episodes.h"
#include "processors/care/person_rules.h"
#include "processors/care/silence.h"
#include "schemas/events/care.h"
#include "schemas/json_decode.h"
#include "topology/audit/person_fold.h"
#include "topology/audit/rule_findings.h"

namespace vitalog::topology {
namespace {

using processors::care::CareProcessor;
using processors::care::Episode;
using processors::care::Person;
using schemas::Rule;
using schemas::RuleKind;
using Reason = WhyNot::Reason;
using vitalog::to_string;  // of durations, too

/// A difference of two decimal numbers, without the digits that binary ones add.
std::string number(double value) {
    return fmt::format("{:.10g}", value);
}

std::string value_text(const processors::Bounds& value) {
    if (value.exact()) return number(value.stated);
    return (value.least < value.stated ? "<" : ">") + number(value.stated);
}

std::string limit_text(const schemas::Limit& limit, bool high) {
    if (high) return (limit.strict ? "above " : "at or above ") + number(limit.value);
    return (limit.strict ? "below " : "at or below ") + number(limit.value);
}

/// How far a number is from the limits that it does not reach.
std::string distance(const Rule& rule, const processors::Bounds& value) {
    std::vector<std::string> texts;
    if (rule.high)
        texts.push_back(fmt::format("{} is {} more", limit_text(*rule.high, true),
                                    number(rule.high->value - value.least)));
    if (rule.low)
        texts.push_back(fmt::format("{} is {} less", limit_text(*rule.low, false),
                                    number(value.most - rule.low->value)));
    return fmt::format("the rule begins {}", fmt::join(texts, ", or "));
}

std::string looked_at(const Rule& rule) {
    if (rule.kind == RuleKind::IndexBand) return "the index " + rule.index;
    if (rule.unit.empty()) return fmt::format("{}", fmt::join(rule.loinc, ", "));
    return fmt::format("{} in {}", fmt::join(rule.loinc, ", "), rule.unit);
}

struct Told {
    Reason reason;
    std::string text;
};

Told tell_value(const Rule& rule, const Found& found) {
    std::string text = fmt::format("{} {} {} of {}", found.what, value_text(found.value), rule.unit,
                                   to_rfc3339(found.at));
    if (!found.met) return {Reason::WithinLimits, text + ": " + distance(rule, found.value)};
    if (rule.hold.count() == 0 || found.run.held(rule.hold))
        return {Reason::Fired, text + ": meets it"};
    return {Reason::Waiting,
            fmt::format("{}: beyond the limit since {}, for {} of {}", text,
                        to_rfc3339(found.run.since), to_string(found.run.last - found.run.since),
                        to_string(rule.hold))};
}

Told tell_change(const Rule& rule, const Found& found) {
    std::string text = fmt::format("{} {} {} of {}", found.what, value_text(found.value), rule.unit,
                                   to_rfc3339(found.at));
    if (found.least > found.most)
        return {Reason::Missing, fmt::format("{}: nothing to compare it with in the {} before",
                                             text, to_string(rule.within))};
    const bool rise = rule.direction == schemas::ChangeDirection::Rise;
    const double from = rise ? found.least : found.most;
    text += fmt::format(": the {} of the {} before was {}", rise ? "smallest" : "largest",
                        to_string(rule.within), number(from));
    if (rule.by)
        text += fmt::format(", it {} by {} of {}", rise ? "rose" : "fell",
                            number(rise ? found.value.least - from : from - found.value.most),
                            number(*rule.by));
    if (rule.ratio && from > 0)
        text += fmt::format(", to {} times it of {}",
                            number((rise ? found.value.least : found.value.most) / from),
                            number(*rule.ratio));
    return {found.met ? Reason::Fired : Reason::WithinLimits, text};
}

Told tell_statistic(const Rule& rule, const Found& found) {
    std::string text =
        fmt::format("{} over {} up to {}: {} values", looked_at(rule),
                    schemas::name_of_enum(rule.window), to_rfc3339(found.at), found.count);
    if (found.count < rule.points)
        return {Reason::TooFew, fmt::format("{} of {}", text, rule.points)};
    if (found.covered < rule.covers)
        return {Reason::TooFew, fmt::format("{} over {} of {}", text, to_string(found.covered),
                                            to_string(rule.covers))};
    if (rule.kind == RuleKind::Trend)
        text += fmt::format(", slope {} per {}; the rule begins at a {} by {}",
                            number(found.value.stated), to_string(rule.per),
                            schemas::name_of_enum(rule.direction), number(rule.by.value_or(0)));
    else
        text += fmt::format(", {} {}: {}", schemas::name_of_enum(rule.statistic),
                            number(found.value.stated), distance(rule, found.value));
    return {found.met ? Reason::Fired : Reason::WithinLimits, text};
}

Told tell_band(const Rule& rule, const Found& found) {
    std::vector<std::string_view> bands;
    for (const auto& band : rule.bands) bands.push_back(band.band);
    return {found.met ? Reason::Fired : Reason::WithinLimits,
            fmt::format("{} band {} of {}: the rule looks for {}", rule.index, found.what,
                        to_rfc3339(found.at), fmt::join(bands, ", "))};
}

Told tell(const Rule& rule, const Found& found) {
    switch (found.of) {
        case Found::Of::Nothing:
            return {Reason::Missing, "nothing was known of " + looked_at(rule)};
        case Found::Of::Value:
            return tell_value(rule, found);
        case Found::Of::Change:
            return tell_change(rule, found);
        case Found::Of::Statistic:
            return tell_statistic(rule, found);
        case Found::Of::Band:
            return tell_band(rule, found);
        case Found::Of::OtherUnit:
            return {Reason::OtherUnit,
                    fmt::format("a value of {} came in {}: refused", looked_at(rule), found.what)};
        case Found::Of::CoolDown:
            return {Reason::Quiet,
                    fmt::format(
                        "met at {}, and quiet until {}, {} after the end of its last episode",
                        to_rfc3339(found.at), to_rfc3339(found.until), to_string(rule.cool_down))};
        case Found::Of::TooOld:
            break;
    }
    return {Reason::Stale, "what is known of " + looked_at(rule) + " is too old"};
}

/// One question to one log. Lives for it.
class Question {
  public:
    Question(const AuditLog& log, std::string person, std::string rule, std::optional<LogTime> at)
        : log_(log),
          person_(std::move(person)),
          rule_(std::move(rule)),
          at_(at),
          findings_(rule_) {}

    Result<WhyNot> answer() {
        PersonFoldSpec spec{
            .person = person_, .to = {}, .make_processor = [this] { return make_processor(); }};
        if (at_) spec.to = *at_ + std::chrono::microseconds(1);
        VITALOG_TRY(result_.inputs,
                    fold_person(log_, std::move(spec),
                                [this](const Fold::Output& output) { return take(output); }));
        if (!findings_.person())
            return fail(Errc::NotFound,
                        "the log has nothing about a person " + person_ + " up to then");
        decide(*findings_.person());
        return std::move(result_);
    }

  private:
    /// Rules in force are kept once the shard is gone.
    class Explaining final : public processors::Processor {
      public:
        explicit Explaining(Question& question) : question_(question) {
            care_.explain_to(question.findings_);
        }
        std::string_view stage() const override { return care_.stage(); }
        std::uint32_t logic() const override { return care_.logic(); }
        std::unique_ptr<state::Entity> create(std::string_view key) const override {
            return care_.create(key);
        }
        Result<std::unique_ptr<state::Entity>> decode(std::string_view key,
                                                      std::string_view bytes) const override {
            return care_.decode(key, bytes);
        }
        Result<void> on_record(state::Entity* entity, const processors::Input& input,
                               processors::Context& out) override {
            return care_.on_record(entity, input, out);
        }
        void on_timer(state::Entity* entity, const processors::Timer& timer,
                      processors::Context& out) override {
            care_.on_timer(entity, timer, out);
        }
        Result<void> on_control(const schemas::Control& control,
                                const processors::Input& input) override {
            const auto taken = care_.on_control(control, input);
            question_.in_force_ = care_.rules().find(question_.rule_);
            return taken;
        }

      private:
        Question& question_;
        CareProcessor care_;
    };
    std::unique_ptr<processors::Processor> make_processor() {
        return std::make_unique<Explaining>(*this);
    }

    /// The newest of the index, of those that the rule looks at; and what became of the rule's
    /// alerts.
    Result<void> take(const Fold::Output& output) {
        if (output.tp.topic != log_.names().name(schemas::Topic::Risk)) return {};
        VITALOG_TRY(const auto event,
                    schemas::decode<schemas::RiskEvent>(output.record.value, decoder_));
        auto& index = indices_[std::string(event.method)];
        if (event.retracted || event.occurred.at < index.at) return {};
        index.at = event.occurred.at;
        index.status = event.status;
        index.missing.assign(event.missing.begin(), event.missing.end());
        return {};
    }

    void decide(const Person& person) {
        if (!person.merged_into.empty())
            return say({Reason::Merged, "the person had become part of " + person.merged_into +
                                            ": ask for that one"});
        const auto open = std::ranges::find_if(person.episodes, [&](const Episode& episode) {
            return episode.open && episode.rule->id == rule_;
        });
        if (open != person.episodes.end()) {
            name(*open->rule);
            return decide_open(person, *open);
        }
        if (!in_force_) return say({Reason::NotInForce, "no pack in force has a rule " + rule_});
        const auto rule = processors::care::as_limited(person, in_force_);
        name(*rule);
        if (rule->kind == RuleKind::Silence) return decide_silence(person, *rule);
        const auto& found = findings_.newest();
        if (!found) return decide_unjudged(*rule);
        if (found->rule.version != rule->version)
            result_.lines.push_back(fmt::format(
                "judged by version {}; nothing that it looks at came since version {} is in force",
                found->rule.version, rule->version));
        if (!found->parts.empty() || found->rule.combines())
            decide_combination(*found);
        else
            say(tell(found->rule, *found));
        add_index(found->rule);
        ended(person);
    }

    void decide_open(const Person& person, const Episode& episode) {
        say({Reason::Fired,
             fmt::format("alert {} is open since {}, priority {}", episode.alert.to_string(),
                         to_string(episode.since), schemas::name_of_enum(episode.priority))});
        if (episode.has_task() || !episode.wants_task) return;
        if (episode.retrospective)
            return say({Reason::NoTask,
                        fmt::format("no task: its values were older than {} when they came",
                                    to_string(episode.rule->max_age))});
        if (person.deceased) return say({Reason::NoTask, "no task: the person died"});
        if (const Episode* other = processors::care::hiding(person, episode))
            say({Reason::Inhibited, fmt::format("no task while alert {} of {} is open",
                                                other->alert.to_string(), other->rule->id)});
    }

    void decide_silence(const Person& person, const Rule& rule) {
        const auto& found = findings_.newest();
        if (found && found->of == Found::Of::CoolDown &&
            (!at_ || at_->as<EventTime>() < found->until))
            return say(tell(found->rule, *found));
        if (!rule.conditions.empty()) return decide_following(person, rule);
        const auto since = processors::care::waits_since(person, rule);
        if (!since)
            return say({Reason::NotWatched,
                        "no device is bound and no encounter goes on that should be heard"});
        std::string text = fmt::format("waits since {}", to_rfc3339(*since));
        if (at_)
            text += fmt::format(", for {} of {}", to_string(at_->as<EventTime>() - *since),
                                to_string(rule.within));
        else
            text += ", for " + to_string(rule.within);
        say({Reason::Heard, std::move(text)});
        ended(person);
    }

    void decide_following(const Person& person, const Rule& rule) {
        const Rule& condition = rule.conditions.front();
        const auto& found = findings_.newest();
        const Found* part = found && found->parts.contains(0) ? &found->parts.at(0) : nullptr;
        if (part == nullptr)
            return say({Reason::Missing,
                        "nothing that its finding looks at has come: " + looked_at(condition)});
        const Told told = tell(condition, *part);
        if (!part->met) return say({told.reason, "no finding: " + told.text});
        const auto heard = processors::care::heard_last(person, rule);
        if (heard && *heard > part->at)
            return say({Reason::Heard,
                        fmt::format("{} came at {}, after the finding of {}", looked_at(rule),
                                    to_rfc3339(*heard), to_rfc3339(part->at))});
        std::string text = fmt::format("nothing of {} came since the finding of {}",
                                       looked_at(rule), to_rfc3339(part->at));
        if (!at_) return say({Reason::Waiting, text + ": waits for " + to_string(rule.within)});
        const auto waited = at_->as<EventTime>() - part->at;
        if (waited < rule.within)
            return say({Reason::Waiting, fmt::format("{}, for {} of {}", text, to_string(waited),
                                                     to_string(rule.within))});
        say({Reason::Stale,
             fmt::format("{}, which was older than {} when it came: it is not waited upon", text,
                         to_string(rule.max_age))});
    }

    void decide_unjudged(const Rule& rule) {
        say({Reason::Missing,
             "nothing that the rule looks at has come: " +
                 (rule.combines() ? std::string("none of its conditions") : looked_at(rule))});
        add_index(rule);
    }

    static Told tell_part(const Found& whole, std::size_t place, const Found& part) {
        const Rule& condition = whole.rule.conditions[place];
        if (whole.rule.kind != RuleKind::Sequence || part.of != Found::Of::Nothing)
            return tell(condition, part);
        return {
            Reason::Missing,
            fmt::format("nothing of {} came before what follows it, in the {} up to {}",
                        looked_at(condition), to_string(whole.rule.within), to_rfc3339(whole.at))};
    }

    void decide_combination(const Found& found) {
        std::optional<Reason> reason;
        const auto& conditions = found.rule.conditions;
        for (std::size_t i = 0; i < conditions.size(); ++i) {
            const auto part = found.parts.find(i);
            if (part == found.parts.end()) continue;
            Told told = tell_part(found, i, part->second);
            if (part->second.too_old)
                told = {Reason::Stale,
                        fmt::format("{}, which is older than {} as of {}", told.text,
                                    to_string(found.rule.within), to_rfc3339(found.at))};
            if (told.reason != Reason::Fired && !reason) reason = told.reason;
            result_.lines.push_back(fmt::format("condition {}: {}", i + 1, told.text));
        }
        result_.reason = reason.value_or(Reason::Missing);
        if (found.of == Found::Of::CoolDown) say(tell(found.rule, found));
    }

    /// What the index said of itself: a band that is lower because something is missing.
    void add_index(const Rule& rule) {
        for (const Rule* each : looked_at_by(rule)) {
            if (each->kind != RuleKind::IndexBand) continue;
            const auto index = indices_.find(each->index);
            if (index == indices_.end()) {
                result_.lines.push_back(each->index + " was never computed for this person");
                continue;
            }
            if (index->second.status == schemas::IndexStatus::Complete) continue;
            std::string text =
                fmt::format("{} of {} is {}", each->index, to_rfc3339(index->second.at),
                            schemas::name_of_enum(index->second.status));
            if (!index->second.missing.empty())
                text += fmt::format(", missing {}", fmt::join(index->second.missing, ", "));
            result_.lines.push_back(std::move(text));
            const bool stale = index->second.status == schemas::IndexStatus::Stale;
            if (result_.reason == Reason::WithinLimits)
                result_.reason = stale ? Reason::Stale : Reason::Missing;
            else if (result_.reason == Reason::Missing && stale && !rule.combines())
                result_.reason = Reason::Stale;
        }
    }

    static std::vector<const Rule*> looked_at_by(const Rule& rule) {
        if (!rule.combines()) return {&rule};
        std::vector<const Rule*> conditions;
        for (const Rule& condition : rule.conditions) conditions.push_back(&condition);
        return conditions;
    }

    /// It did fire before.
    void ended(const Person& person) {
        const Episode* last = nullptr;
        for (const Episode& episode : person.episodes)
            if (!episode.open && episode.rule->id == rule_ &&
                (last == nullptr || episode.ended > last->ended))
                last = &episode;
        if (last != nullptr)
            result_.lines.push_back(fmt::format(
                "its last episode, alert {}, was open from {} to {}", last->alert.to_string(),
                to_string(last->since), to_rfc3339(last->ended)));
    }

    void name(const Rule& rule) {
        result_.rule_version = rule.version;
        result_.pack = rule.pack;
        result_.pack_version = rule.pack_version;
    }
    void say(Told told) {
        result_.reason = told.reason;
        result_.lines.push_back(std::move(told.text));
    }

    struct Index {
        EventTime at{INT64_MIN};
        schemas::IndexStatus status = schemas::IndexStatus::Complete;
        std::vector<std::string> missing;
    };

    const AuditLog& log_;
    const std::string person_, rule_;
    const std::optional<LogTime> at_;
    RuleFindings findings_;
    processors::rules::RulePtr in_force_;
    std::map<std::string, Index> indices_;
    schemas::Decoder decoder_;
    WhyNot result_;
};

}  // namespace

std::string_view to_string(Reason reason) {
    static constexpr std::array<std::string_view, 14> kNames{
        "fired",   "no-task", "inhibited",   "not-in-force",  "merged",
        "missing", "stale",   "other-unit",  "within-limits", "too-few",
        "waiting", "quiet",   "not-watched", "heard"};
    return kNames[static_cast<std::size_t>(reason)];
}

Result<WhyNot> why_not(const AuditLog& log, const std::string& person, const std::string& rule,
                       std::optional<LogTime> at) {
    return Question(log, person, rule, at).answer();
}

}  // namespace vitalog::topology
