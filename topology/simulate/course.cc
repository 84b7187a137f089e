#include "topology/simulate/course.h"

#include <utility>

namespace vitalog::topology::simulate {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Kind = Step::Kind;

constexpr std::uint64_t kLateInThousand = 60;
constexpr std::uint64_t kSwappedInThousand = 30;
constexpr std::uint64_t kUpdateInThousand = 300;

class Writer {
  public:
    explicit Writer(Dice& dice) : dice_(dice) {}

    void event(Kind kind, minutes age = minutes(0)) { steps_.push_back({kind, age, {}}); }

    /// An order of the laboratory; gives its number.
    int laboratory(std::vector<Measured> values, minutes age) {
        Step step{Kind::Laboratory, age, std::move(values)};
        step.order = ++orders_;
        steps_.push_back(std::move(step));
        return orders_;
    }
    /// Of a healthy kidney, unless `creatinine` says otherwise.
    int panel(std::int64_t creatinine, minutes age) {
        return laboratory({{&analyte::kCreatinine, creatinine},
                           {&analyte::kUrea, dice_.about(35, 78)},
                           {&analyte::kPotassium, dice_.about(36, 51)},
                           {&analyte::kSodium, dice_.about(136, 146)},
                           {&analyte::kGlucose, dice_.about(42, 75)},
                           {&analyte::kHaemoglobin, dice_.about(110, 165)}},
                          age);
    }
    void correct(int order, Measured value, minutes age) {
        Step step{Kind::Laboratory, age, {value}};
        step.order = order;
        step.correction = true;
        steps_.push_back(std::move(step));
    }
    /// `severity` 0: as one is; 1: the first signs; 2: an emergency.
    void vitals(int severity) {
        const std::int64_t worse = severity;
        Step step{Kind::Vitals,
                  minutes(0),
                  {{&analyte::kRespiration, dice_.about(12, 19) + 5 * worse},
                   {&analyte::kSaturation, dice_.about(96, 99) - 3 * worse},
                   {&analyte::kOxygen, worse == 2 ? 2 : 0},
                   {&analyte::kSystolic, dice_.about(112, 138) - 12 * worse},
                   {&analyte::kDiastolic, dice_.about(66, 86) - 6 * worse},
                   {&analyte::kPulse, dice_.about(60, 88) + 20 * worse},
                   {&analyte::kTemperature, dice_.about(362, 372) + 9 * worse}}};
        step.order = ++orders_;
        if (severity == 2) step.state = "V";
        steps_.push_back(std::move(step));
    }
    minutes usual_age() {
        return dice_.chance(kLateInThousand) ? minutes(dice_.between(180, 600))
                                             : minutes(dice_.between(10, 60));
    }
    /// Now and then two neighbours that carry results come in the wrong order.
    std::vector<Step> finish() {
        const auto carries = [&](std::size_t i) {
            return steps_[i].kind == Kind::Laboratory || steps_[i].kind == Kind::Vitals;
        };
        for (std::size_t i = 1; i + 1 < steps_.size(); ++i) {
            if (!carries(i) || !carries(i + 1) || steps_[i + 1].correction) continue;
            if (!dice_.chance(kSwappedInThousand)) continue;
            steps_[i].age += minutes(15);
            std::swap(steps_[i], steps_[i + 1]);
        }
        return std::move(steps_);
    }

  private:
    Dice& dice_;
    std::vector<Step> steps_;
    int orders_ = 0;
};

std::int64_t healthy_creatinine(Dice& dice) {
    return dice.about(55, 95);
}

void checkup(Dice& dice, Writer& write, Course&) {
    write.event(Kind::Visit);
    if (dice.chance(kUpdateInThousand)) write.event(Kind::Update);
    write.panel(healthy_creatinine(dice), write.usual_age());
}

void ward(Dice& dice, Writer& write, Course& course) {
    course.inpatient = true;
    write.event(Kind::Admit);
    write.panel(healthy_creatinine(dice), write.usual_age());
    for (auto rounds = dice.between(2, 5); rounds > 0; --rounds) write.vitals(0);
    if (dice.chance(kUpdateInThousand)) write.event(Kind::Transfer);
    write.vitals(0);
    write.event(Kind::Discharge);
}

/// Yesterday's creatinine arrives with the admission; today's is two to four times as high.
void kidney(Dice& dice, Writer& write, Course& course) {
    course.inpatient = true;
    const std::int64_t before = healthy_creatinine(dice);
    write.event(Kind::Admit);
    write.panel(before, hours(dice.between(26, 40)));
    write.vitals(0);
    write.panel(before * dice.between(200, 260) / 100, write.usual_age());
    write.vitals(static_cast<int>(dice.between(0, 1)));
    write.panel(before * dice.between(310, 420) / 100, minutes(10));
    write.event(Kind::Transfer);
    write.panel(before * dice.between(110, 140) / 100, minutes(5));
    write.event(Kind::Discharge);
}

/// Of a haemolysed sample: a critical potassium that was none.
void corrected(Dice& dice, Writer& write, Course&) {
    write.event(Kind::Visit);
    const minutes age(dice.between(20, 50));
    const int order = write.laboratory(
        {{&analyte::kPotassium, dice.between(65, 78)}, {&analyte::kSodium, dice.about(136, 146)}},
        age);
    write.correct(order, {&analyte::kPotassium, dice.about(38, 50)}, age);
}

void worsening(Dice&, Writer& write, Course& course) {
    course.inpatient = true;
    write.event(Kind::Admit);
    for (const int severity : {0, 1, 2, 2, 1, 0, 0}) write.vitals(severity);
    write.event(Kind::Discharge);
}

/// Brought in without papers; known after the first results.
void unknown(Dice& dice, Writer& write, Course& course) {
    course.number = Course::Number::Provisional;
    course.inpatient = true;
    write.event(Kind::Visit);
    write.vitals(1);
    write.panel(healthy_creatinine(dice), minutes(15));
    write.event(Kind::Merge);
    write.vitals(0);
    write.event(Kind::Discharge);
}

/// At another window, where only the card is looked at.
void registered_twice(Dice& dice, Writer& write, Course& course) {
    course.number = Course::Number::Second;
    write.event(Kind::Visit);
    write.panel(healthy_creatinine(dice), write.usual_age());
}

struct Story {
    unsigned in_thousand;
    void (*tell)(Dice&, Writer&, Course&);
};
constexpr std::array<Story, 7> kStories{{{500, checkup},
                                         {300, ward},
                                         {50, kidney},
                                         {50, corrected},
                                         {30, worsening},
                                         {40, unknown},
                                         {30, registered_twice}}};

}  // namespace

Course course_of(Dice& dice) {
    Course course;
    Writer write(dice);
    std::uint64_t at = dice.below(1000);
    for (const auto& story : kStories) {
        if (at < story.in_thousand) {
            story.tell(dice, write, course);
            break;
        }
        at -= story.in_thousand;
    }
    course.steps = write.finish();
    return course;
}

}  // namespace vitalog::topology::simulate
