#include "tests/support/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "tests/support/scenario_inputs.h"
#include "tests/support/scenario_outputs.h"
#include "tests/support/scenario_site.h"

namespace vitalog::tests {
namespace {

using schemas::Topic;

/// Kinds of which every output must be expected, in order. Of the others an expectation finds the
/// next that fits.
constexpr std::array<std::string_view, 4> kStrict{"alert", "task", "message", "dead-letter"};

constexpr std::size_t kShownMax = 8;  // outputs in one complaint

bool is_strict(std::string_view kind) {
    return std::find(kStrict.begin(), kStrict.end(), kind) != kStrict.end();
}

struct Mode {
    std::string_view name;
    std::uint32_t partitions;
    bool crashes;
};
constexpr std::array<Mode, 3> kModes{
    {{"three partitions", 3, false}, {"crashes", 3, true}, {"one partition", 1, false}}};

/// One pass through a script.
class Run {
  public:
    Run(const Script& script, Mode mode) : script_(script), mode_(mode) {}

    /// Runs to the end or to the first line that can't be done; false then.
    bool execute() {
        auto opened = open();
        if (!opened) {
            complain(script_.lines.front(), opened.error().message());
            return false;
        }
        const auto& lines = script_.lines;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            shown_ += lines[i].text + "\n";
            const auto done = step(i);
            if (done) continue;
            complain(lines[i], done.error().message());
            return false;
        }
        const auto checked = check_what_was_shown();
        if (!checked) complain(lines.back(), checked.error().message());
        return checked.has_value();
    }

    const std::vector<std::string>& failures() const { return failures_; }
    const Outputs& outputs() const { return outputs_; }
    const std::vector<Seen>& records() const { return records_; }
    const std::string& shown() const { return shown_; }

  private:
    Result<void> open() {
        ScenarioSite::Settings settings;
        for (const auto& line : script_.lines)
            if (line.verb == Verb::Setting)
                settings[line.kind.empty() ? line.bare(0) : line.kind] = line.bare(1);
        VITALOG_TRY(site_, ScenarioSite::open(settings, mode_.partitions, site_time::start()));
        inputs_.emplace(*site_, outputs_, std::move(settings));
        return {};
    }

    Result<void> step(std::size_t i) {
        const Line& line = script_.lines[i];
        switch (line.verb) {
            case Verb::Input:
                return input(i);
            case Verb::Wait:
                return site_->move_clock(line.at, [this] { return collect(); });
            case Verb::Crash:
                VITALOG_CHECK(site_->crash());
                VITALOG_CHECK(site_->settle());
                return collect();
            case Verb::Expect:
                return expect(line);
            case Verb::Nothing:
                expect_nothing(line);
                return {};
            default:
                return {};  // a setting, or delivered with the input before it
        }
    }

    Result<void> input(std::size_t i) {
        const auto& lines = script_.lines;
        VITALOG_CHECK(site_->move_clock(lines[i].at, [this] { return collect(); }));
        VITALOG_CHECK(inputs_->deliver(lines[i]));
        for (std::size_t next = i + 1; next < lines.size() && lines[next].verb == Verb::More;
             ++next)
            VITALOG_CHECK(inputs_->deliver(lines[next]));
        if (mode_.crashes) {
            VITALOG_CHECK(site_->step(lines[i].number % 6));  // early in some lines, late in others
            VITALOG_CHECK(site_->crash());
            VITALOG_CHECK(site_->settle());
            VITALOG_CHECK(site_->crash());
        }
        VITALOG_CHECK(site_->settle());
        return collect();
    }

    Result<void> collect() {
        VITALOG_TRY(auto news, site_->news());
        records_.insert(records_.end(), news.begin(), news.end());
        const std::size_t before = outputs_.list().size();
        VITALOG_CHECK(outputs_.add(std::move(news)));
        for (std::size_t n = before; n < outputs_.list().size(); ++n)
            shown_ += "    " + outputs_.list()[n].text() + "\n";
        return {};
    }

    Result<void> expect(const Line& line) {
        if (line.kind == "encounter" || line.kind == "patient") return expect_state(line);
        std::vector<Output*> left;
        for (auto& output : outputs_.list())
            if (output.kind == line.kind && !output.consumed) left.push_back(&output);
        if (left.empty()) {
            complain(line, "nothing came");
            return {};
        }
        VITALOG_CHECK(check_fields(*left.front(), line));
        const auto found = is_strict(line.kind)
                               ? left.begin()
                               : std::find_if(left.begin(), left.end(),
                                              [&](Output* o) { return matches(*o, line); });
        if (found != left.end() && matches(**found, line)) {
            (*found)->consumed = true;
            return {};
        }
        std::string came;
        for (std::size_t i = 0; i < std::min(left.size(), kShownMax); ++i)
            came += "\n    came: " + left[i]->text();
        if (left.size() > kShownMax)
            came += fmt::format("\n    and {} more", left.size() - kShownMax);
        complain(line, "something else" + came);
        if (is_strict(line.kind)) left.front()->consumed = true;
        return {};
    }

    Result<void> expect_state(const Line& line) {
        const auto state = line.kind == "encounter"
                               ? outputs_.encounter(line.value("patient"), line.value("visit"))
                               : outputs_.patient(line.value("patient"));
        if (!state) {
            complain(line, "nobody knows it");
            return {};
        }
        VITALOG_CHECK(check_fields(*state, line));
        if (!matches(*state, line)) complain(line, "\n    is: " + state->text());
        return {};
    }

    void expect_nothing(const Line& line) {
        std::string came;
        for (const auto& output : outputs_.list()) {
            const bool named =
                std::any_of(line.words.begin(), line.words.end(),
                            [&](const Word& word) { return word.value == output.kind; });
            if (!output.consumed && (line.words.empty() ? is_strict(output.kind) : named))
                came += "\n    came: " + output.text();
        }
        if (!came.empty()) complain(line, came);
    }

    /// What was seen before a crash must still be there after it.
    Result<void> check_what_was_shown() {
        VITALOG_TRY(auto all, site_->everything());
        const auto place = [](const Seen& a, const Seen& b) {
            return std::tuple(a.topic, a.partition) < std::tuple(b.topic, b.partition);
        };
        std::stable_sort(records_.begin(), records_.end(), place);
        std::stable_sort(all.begin(), all.end(), place);
        if (records_ == all) return {};
        return fail(Errc::Conflict,
                    "what is in the log at the end is not what was seen on the way");
    }

    void complain(const Line& line, const std::string& what) {
        failures_.push_back(
            fmt::format("line {} ({}): {}\n    {}", line.number, mode_.name, line.text, what));
    }

    const Script& script_;
    const Mode mode_;
    std::unique_ptr<ScenarioSite> site_;
    Outputs outputs_;
    std::optional<Inputs> inputs_;
    std::vector<Seen> records_;
    std::vector<std::string> failures_;
    std::string shown_;
};

using Sequences = std::map<std::string, std::vector<std::string>>;

/// Records by topic and key, byte for byte.
Sequences by_key(const Run& run) {
    Sequences sequences;
    for (const auto& r : run.records())
        sequences[fmt::format("{} {}", schemas::name_of(r.topic), r.key)].push_back(
            fmt::format("{} {} {} {}", r.type, r.id, r.value, r.reason));
    return sequences;
}

/// Outputs by kind and person, in the words of scenarios: ids depend on partitions, and with them
/// the quarter by which waits between attempts differ.
Sequences by_person(const Run& run) {
    Sequences sequences;
    for (Output output : run.outputs().list()) {
        if (output.kind == "message")
            std::erase_if(output.fields, [](const auto& f) { return f.first == "at"; });
        sequences[output.kind + " of " + output.whose].push_back(output.text());
    }
    return sequences;
}

void compare(const Sequences& first, const Sequences& second, std::string_view mode,
             std::vector<std::string>& failures) {
    std::set<std::string> keys;
    for (const auto* sequences : {&first, &second})
        for (const auto& [key, list] : *sequences) keys.insert(key);
    for (const auto& key : keys) {
        const auto at = [&](const Sequences& sequences) {
            const auto found = sequences.find(key);
            return found == sequences.end() ? std::vector<std::string>() : found->second;
        };
        const auto a = at(first);
        const auto b = at(second);
        for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
            const std::string one = i < a.size() ? a[i] : "nothing";
            const std::string other = i < b.size() ? b[i] : "nothing";
            if (one == other) continue;
            failures.push_back(fmt::format(
                "{}: output {} of '{}' differs\n    undisturbed: {}\n    here:        {}", mode,
                i + 1, key, one, other));
            break;
        }
    }
}

}  // namespace

std::vector<std::string> run_scenario(const Script& script) {
    std::vector<std::string> failures;
    Run undisturbed(script, kModes[0]);
    undisturbed.execute();
    for (std::size_t i = 0; i < kModes.size(); ++i) {
        if (i == 0) {
            failures = undisturbed.failures();
            if (!failures.empty()) return failures;
            continue;
        }
        Run run(script, kModes[i]);
        run.execute();
        failures.insert(failures.end(), run.failures().begin(), run.failures().end());
        if (kModes[i].crashes)
            compare(by_key(undisturbed), by_key(run), kModes[i].name, failures);
        else
            compare(by_person(undisturbed), by_person(run), kModes[i].name, failures);
    }
    return failures;
}

std::string show_scenario(const Script& script) {
    Run run(script, kModes[0]);
    run.execute();
    std::string text = run.shown();
    for (const auto& failure : run.failures()) text += "\n" + failure + "\n";
    return text;
}

}  // namespace vitalog::tests
