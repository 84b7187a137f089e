// Two sets of rules over one course of records, judged side by side, against two stages of their
// own that each see one set: what comes out is the same, byte for byte.
#include "topology/backtest/care_sides.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "schemas/base/base64.h"
#include "schemas/embed.h"
#include "schemas/events/clinical.h"
#include "schemas/events/directory.h"
#include "schemas/events/identity.h"
#include "schemas/events/task.h"
#include "schemas/events/wearable.h"
#include "schemas/json_decode.h"

namespace vitalog::topology {
namespace {

using schemas::ObservationStatus;
using schemas::Topic;
using std::chrono::hours;
using std::chrono::minutes;

constexpr ReceivedTime kStart(1'600'000'000'000'000);
constexpr std::uint64_t kSeeds = 8;
constexpr int kPersons = 6;
constexpr int kRecords = 700;
constexpr int kDraftFrom = 200;

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

/// What the built-in packs lack.
const std::string kOverTime = R"(format: 1
pack: over-time
version: 1
rules:
  - {id: bleeds, version: "1", kind: sequence, problem: Bleeds, within: 12h, priority: high, max_age: 48h, source: test, conditions: [
     {kind: threshold, loinc: 718-7, unit: g/L, low: 90, clear: {low: 95}},
     {kind: threshold, loinc: 8867-4, unit: /min, high: 120, clear: {high: 100}}]}
  - {id: rises, version: "1", kind: change, problem: Rises, within: 24h, loinc: 14682-9, unit: umol/L, direction: rise, by: 30,
     priority: medium, max_age: 48h, source: test, cool_down: 6h}
  - {id: quiet, version: "1", kind: silence, problem: Nothing heard, loinc: 8867-4, after: 5h, while: binding, priority: medium,
     max_age: 24h, source: test}
)";

struct Pack {
    std::string name;
    std::string text;
};

std::vector<Pack> packs_in_force() {
    std::vector<Pack> packs{{"over-time.yaml", kOverTime}};
    for (const auto& file : schemas::builtin_files())
        if (file.kind == "rules") packs.push_back({std::string(file.name), std::string(file.text)});
    return packs;
}

/// The same rules with other limits; `follow`: open episodes go over to them.
std::vector<Pack> drafts(bool follow) {
    auto packs = packs_in_force();
    for (auto& pack : packs) {
        for (const auto& [what, by] : std::initializer_list<std::pair<const char*, const char*>>{
                 {"version: \"1\"", "version: \"2\""},
                 {"high: 6.2\n", "high: 5.9\n"},
                 {"clear: {low: 3.0, high: 6.0}", "clear: {low: 3.0, high: 5.7}"},
                 {"high: 120", "high: 110"},
                 {"by: 30", "by: 20"},
                 {"after: 5h", "after: 3h"},
                 {"below: 88", "below: 89"}})
            pack.text = replaced(pack.text, what, by);
        if (follow)
            pack.text = replaced(pack.text, "format: 1\n", "format: 1\nopen_episodes: follow\n");
    }
    return packs;
}

/// What one side wrote.
struct Written {
    std::vector<std::string> lines;
    std::vector<std::string> raised;  ///< alerts

    TakeOutput take() {
        return [this](const StageOutput& output) {
            lines.push_back(std::string(schemas::name_of(output.topic)) + " " +
                            std::string(output.key) + " " + std::string(output.type) + " " +
                            output.id.to_string() + " " + output.root.to_string() + " " +
                            std::to_string(output.received.micros()) + " " +
                            std::string(output.json));
            if (output.topic != Topic::Alert) return;
            const auto alert = schemas::decode<schemas::AlertEvent>(output.json, decoder_);
            if (alert && alert->state == schemas::AlertState::Raised)
                raised.emplace_back(alert->id);
        };
    }

  private:
    schemas::Decoder decoder_;
};

/// One course of records, played to the sides together and to each by itself.
class Course {
  public:
    Course(std::uint64_t seed, bool follow) : random_(seed), follow_(follow) {
        for (const auto& pack : packs_in_force())
            for (CareSides* sides : {&both_, &alone_, &draft_alone_}) {
                EXPECT_TRUE(sides->in_force({"rules", pack.name, "1", pack.text}));
                EXPECT_TRUE(sides->draft({"rules", pack.name, "1", pack.text}));
            }
    }

    void play() {
        for (int i = 0; i < kRecords; ++i) {
            if (i == kDraftFrom) begin_draft();
            now_ = now_ + minutes(below(90));
            for (CareSides* sides : {&both_, &alone_, &draft_alone_}) sides->fire_due(now_);
            record();
        }
        now_ = now_ + hours(48);
        for (CareSides* sides : {&both_, &alone_, &draft_alone_}) sides->fire_due(now_);
    }

    Written ours, theirs, ours_alone, theirs_alone;
    std::size_t ours_before = 0;  ///< lines of ours when the draft began

  private:
    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
    bool one_in(int n) { return below(n) == 0; }
    static std::string person(int n) {
        return IdHash().part("person").part(std::int64_t{n}).finish().to_string();
    }

    void begin_draft() {
        theirs_alone.lines.clear();  // what was said before has no other side
        ours_before = ours.lines.size();
        both_.begin_draft();
        for (const auto& pack : drafts(follow_)) {
            EXPECT_TRUE(both_.draft({"rules", pack.name, "2", pack.text}));
            EXPECT_TRUE(draft_alone_.in_force({"rules", pack.name, "2", pack.text}));
        }
    }

    template <class E>
    void say(const std::string& key, const E& event) {
        const std::string json = schemas::encode(event);
        processors::Input input;
        input.id = IdHash().part("record").part(++written_).finish();
        input.root = input.id;
        input.type = E::kType;
        input.key = key;
        input.value = json;
        input.received = now_;
        input.topic = Topic::Person;
        const bool taken = both_.apply(input);
        EXPECT_EQ(taken, alone_.apply(input));
        EXPECT_EQ(taken, draft_alone_.apply(input));
    }

    void record() {
        const std::string key = person(below(kPersons));
        const int what = below(100);
        if (what < 60) return results(key);
        if (what < 85) return samples(key);
        if (what < 91) return binding(key);
        if (what < 97) return decision(key);
        if (what < 99) return moved(key);
        if (one_in(3)) merged(person(kPersons + below(3)));
    }

    void add(schemas::Report& report, std::string_view loinc, std::string_view unit, double value) {
        auto& o = report.observations.emplace_back();
        std::string id = IdHash().part("result").part(++results_).finish().to_string();
        if (!known_.empty() && one_in(12)) {  // once more, with another value or taken back
            id = known_[random_() % known_.size()];
            o.status = one_in(2) ? ObservationStatus::Corrected : ObservationStatus::Deleted;
        } else {
            known_.push_back(id);
        }
        o.id = texts_.emplace_back(std::move(id));
        o.loinc = loinc;
        o.unit = unit;
        o.kind = schemas::ValueKind::Quantity;
        o.value = value;
        o.effective = {now_.as<EventTime>() - minutes(below(one_in(20) ? 4000 : 30)), 480,
                       Precision::Second};
    }

    void results(const std::string& key) {
        schemas::PersonClinical record;
        record.person = key;
        auto& event = record.event;
        event.trigger = "ORU^R01";
        event.occurred = {now_.as<EventTime>(), 480, Precision::Second};
        if (one_in(4)) {
            auto& patient = event.patient.emplace();
            if (one_in(2)) patient.birth_date = *parse_date("1950-01-01");
            patient.sex = one_in(2) ? "male" : "female";
            patient.deceased = one_in(25);
        }
        if (one_in(5)) {
            auto& encounter = event.encounter.emplace();
            encounter.visit = "V1";
            encounter.trigger = one_in(2) ? "A01" : "A03";
            encounter.occurred = event.occurred;
        }
        auto& report = event.reports.emplace_back();
        if (one_in(2)) add(report, "14682-9", "umol/L", 60 + below(200));
        if (one_in(2)) add(report, "2823-3", "mmol/L", 5.0 + below(16) * 0.1);
        if (one_in(3)) add(report, "718-7", "g/L", 80 + below(40));
        if (one_in(3)) add(report, "8867-4", "/min", 80 + below(60));
        if (one_in(3)) add(report, "9279-1", "/min", 12 + below(16));
        if (one_in(3)) add(report, "59408-5", "%", 86 + below(14));
        if (one_in(4)) add(report, "8480-6", "mm[Hg]", 85 + below(60));
        if (one_in(4)) add(report, "8310-5", "Cel", 35 + below(50) * 0.1);
        if (one_in(40)) add(report, "2823-3", "mg/dL", 20);  // no rule judges that unit
        say(key, record);
        texts_.clear();
    }

    void samples(const std::string& key) {
        schemas::PersonSamples record;
        record.person = key;
        const bool rate = one_in(2);
        auto& series = record.event.series.emplace_back();
        series.loinc = rate ? "8867-4" : "59408-5";
        series.unit = rate ? "/min" : "%";
        series.source = "watch";
        series.start = (now_ - minutes(30 + below(60))).as<EventTime>().millis();
        const int level = rate ? 100 + below(70) : 84 + below(14);
        for (int i = 0; i < 40; ++i) {
            series.steps.push_back(i == 0 ? 0 : 20'000);
            series.values.push_back(level + below(4));
        }
        say(key, record);
    }

    void binding(const std::string& key) {
        schemas::PersonBinding record;
        record.person = key;
        record.entry.patient = "MRN|1";
        if (one_in(2)) record.entry.accounts = {"WATCH|1"};
        if (one_in(2)) record.entry.team = "ward";
        if (one_in(3)) record.entry.spo2_scale = 1 + below(3);  // 3 is refused
        if (one_in(3)) {
            record.entry.limits.emplace();
            record.entry.limits->push_back({.rule = "potassium-critical", .low = 2.5, .high = 5.4});
        }
        say(key, record);
    }

    /// About an alert of one of the sides, or of neither.
    void decision(const std::string& key) {
        const auto& raised = one_in(2) ? ours_alone.raised : theirs_alone.raised;
        if (raised.empty()) return;
        const std::string alert = raised[random_() % raised.size()];
        const auto action =
            one_in(2) ? schemas::DecisionAction::Confirm : schemas::DecisionAction::Reject;
        say(key, schemas::PersonDecision{.person = key,
                                         .task = alert,
                                         .alert = alert,
                                         .action = action,
                                         .user = "dr.li",
                                         .text = "come in",
                                         .decided = now_});
    }

    /// Another person's state comes over.
    void moved(const std::string& key) {
        processors::care::Person loser;
        loser.id = RecordId::parse(person(99));
        loser.sex = processors::care::Sex::Female;
        std::vector<processors::care::Touched> touched;
        processors::care::Reported reported{
            .loinc = "14682-9", .unit = "umol/L", .display = "c", .sample = {}, .range = {}};
        reported.sample.id = IdHash().part("result").part(++results_).finish();
        reported.sample.at = now_.as<EventTime>() - hours(below(72));
        reported.sample.value = 60 + below(300);
        reported.sample.digest = 1;
        loser.results.report(reported, now_.as<EventTime>(), touched);
        std::string state;
        loser.encode(state);
        const std::string from = person(99), text = base64_encode(state);
        say(key, schemas::PersonMoved{.survivor = key, .loser = from, .state = text});
    }

    void merged(const std::string& key) {
        const std::string survivor = person(0);
        say(key, schemas::PersonMerged{.survivor = survivor, .loser = key, .reason = {}});
    }

    std::mt19937_64 random_;
    const bool follow_;
    ReceivedTime now_ = kStart;
    std::int64_t written_ = 0, results_ = 0;
    std::vector<std::string> known_;
    std::deque<std::string> texts_;
    CareSides both_{ours.take(), theirs.take()};
    CareSides alone_{ours_alone.take(), {}};
    CareSides draft_alone_{theirs_alone.take(), {}};
};

void expect_same(const std::vector<std::string>& one, const std::vector<std::string>& other) {
    for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i)
        ASSERT_EQ(one[i], other[i]) << "output " << i;
    EXPECT_EQ(one.size(), other.size());
}

TEST(CareSides, EachSideIsWhatAStageOfItsOwnWouldWrite) {
    std::uint64_t raised = 0, differ = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Course course(seed, seed % 2 == 0);
        course.play();
        expect_same(course.ours.lines, course.ours_alone.lines);
        expect_same(course.theirs.lines, course.theirs_alone.lines);
        if (HasFatalFailure()) return;
        raised += course.theirs.raised.size();
        const auto since =
            course.ours.lines.begin() + static_cast<std::ptrdiff_t>(course.ours_before);
        differ += std::vector<std::string>(since, course.ours.lines.end()) != course.theirs.lines;
    }
    EXPECT_GT(raised, 60U);
    EXPECT_EQ(differ, kSeeds);
}

}  // namespace
}  // namespace vitalog::topology
