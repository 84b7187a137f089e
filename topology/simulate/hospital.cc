#include "topology/simulate/hospital.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace vitalog::topology::simulate {
namespace {

using ingest::hl7::format_time;
using Kind = Step::Kind;

constexpr std::uint64_t kStays = 60;  ///< at once
constexpr std::uint64_t kRepeatInThousand = 20;
constexpr std::string_view kNobody = "无名氏";

struct Trigger {
    std::string_view event, structure;
};

Trigger trigger_of(Kind kind) {
    switch (kind) {
        case Kind::Admit:
            return {"A01", "ADT_A01"};
        case Kind::Visit:
            return {"A04", "ADT_A01"};
        case Kind::Transfer:
            return {"A02", "ADT_A02"};
        case Kind::Discharge:
            return {"A03", "ADT_A03"};
        case Kind::Merge:
            return {"A40", "ADT_A39"};
        default:
            return {"A08", "ADT_A01"};
    }
}

std::string number_text(const Measured& measured) {
    if (measured.what->decimals == 0) return fmt::format("{}", measured.value);
    return fmt::format("{}.{}", measured.value / 10, measured.value % 10);
}

/// A patient's identity as the hospital knows it at the time.
std::string pid(const Person& person, std::string_view number, bool unknown) {
    if (unknown)
        return fmt::format("PID|1||{}^^^{}^MR||{}|||{}\r", number, kHospital, kNobody,
                           person.male ? 'M' : 'F');
    return fmt::format("PID|1||{}^^^{}^MR~{}^^^GB11643^NI||{}^{}||{:04}{:02}{:02}|{}|||{}||{}\r",
                       number, kHospital, person.national_id, person.family, person.given,
                       person.birth.year, person.birth.month, person.birth.day,
                       person.male ? 'M' : 'F', person.address, person.phone);
}

std::string pv1(const Person& person, bool inpatient, bool moved, std::string_view visit) {
    const Department& place = kDepartments[person.department];
    return fmt::format("PV1|1|{}|{}^{}^{}^{}||||{}.1^{}医生||||||||||||{}\r", inpatient ? 'I' : 'O',
                       place.name, 300 + person.department + (moved ? 100 : 0),
                       person.number % 40 + 1, kHospital, place.team, place.name, visit);
}

}  // namespace

Hospital::Hospital(const City& city, EventTime start, ingest::hl7::SiteZone zone)
    : city_(city),
      zone_(std::move(zone)),
      mark_(fmt::format("{:x}", start.millis() / 1000)),
      dice_(city.seed(), "hospital") {}

std::string Hospital::next(EventTime now) {
    if (!last_.empty() && dice_.chance(kRepeatInThousand)) return std::exchange(last_, {});
    const std::uint64_t open = std::min(kStays, city_.persons() / 2 + 1);
    while (stays_.size() < open) stays_.push_back(admit(now));
    const std::size_t place = dice_.below(stays_.size());
    Stay& stay = stays_[place];
    last_ = message(stay, stay.course.steps[stay.at], now);
    if (++stay.at == stay.course.steps.size())
        stays_.erase(std::next(stays_.begin(), static_cast<std::ptrdiff_t>(place)));
    return last_;
}

Hospital::Stay Hospital::admit(EventTime now) {
    std::uint64_t number = dice_.below(city_.persons());
    const auto is_here = [&] {
        return std::any_of(stays_.begin(), stays_.end(),
                           [&](const Stay& stay) { return stay.person.number == number; });
    };
    while (is_here()) number = dice_.below(city_.persons());
    Stay stay;
    stay.person = city_.person(number);
    stay.course = course_of(dice_);
    stay.visit = fmt::format("V{}-{}", mark_, ++visits_);
    stay.record_number = stay.person.record_number;
    if (stay.course.number == Course::Number::Provisional)
        stay.provisional = fmt::format("J{}-{}", mark_, visits_);
    if (stay.course.number == Course::Number::Second)
        stay.record_number = fmt::format("9{}", stay.person.record_number);
    stay.since = now;
    return stay;
}

std::string Hospital::message(Stay& stay, const Step& step, EventTime now) {
    const EventTime at = now - step.age;
    std::string text;
    if (step.kind == Kind::Laboratory || step.kind == Kind::Vitals) {
        text = header(step.kind == Kind::Vitals ? "NIS" : "LIS", "ORU^R01^ORU_R01", "||||", now);
        text += results(stay, step, at);
    } else {
        const Trigger trigger = trigger_of(step.kind);
        text = header("HIS", fmt::format("ADT^{}^{}", trigger.event, trigger.structure), "||AL|NE|",
                      now);
        text += adt(stay, step, at);
        if (step.kind == Kind::Merge) stay.provisional.clear();
    }
    return charset_.encode(text, ingest::hl7::Charset::Gb18030);
}

std::string Hospital::header(std::string_view sender, std::string_view type, std::string_view mode,
                             EventTime now) {
    return fmt::format("MSH|^~\\&|{}|{}|VITALOG|{}|{}||{}|S{}-{}|P|2.5|{}CHN|GB 18030-2000\r",
                       sender, kHospital, kHospital, format_time(now, zone_), type, mark_,
                       ++messages_, mode);
}

std::string Hospital::adt(const Stay& stay, const Step& step, EventTime at) const {
    std::string text =
        fmt::format("EVN|{}|{}\r", trigger_of(step.kind).event, format_time(at, zone_));
    const bool merge = step.kind == Kind::Merge;
    const bool unknown = !stay.provisional.empty() && !merge;
    text += pid(stay.person, unknown ? stay.provisional : stay.record_number, unknown);
    if (merge) return text + fmt::format("MRG|{}^^^{}^MR\r", stay.provisional, kHospital);
    return text + pv1(stay.person, stay.course.inpatient, step.kind == Kind::Transfer, stay.visit);
}

std::string Hospital::results(Stay& stay, const Step& step, EventTime at) const {
    const auto order = static_cast<std::size_t>(step.order);
    if (stay.ordered.size() < order) stay.ordered.resize(order);
    EventTime& measured = stay.ordered[order - 1];
    if (!step.correction) measured = at;
    const std::string time = format_time(measured, zone_);
    const bool unknown = !stay.provisional.empty();
    const char status = step.correction ? 'C' : 'F';
    const bool vitals = step.kind == Kind::Vitals;
    std::string text = pid(stay.person, unknown ? stay.provisional : stay.record_number, unknown);
    text += pv1(stay.person, stay.course.inpatient, false, stay.visit);
    text +=
        fmt::format("OBR|1||{}-{}^{}|{}^L|||{}||||||||||||||||||{}\r", stay.visit, step.order,
                    vitals ? "NIS" : "LIS", vitals ? "VS^生命体征" : "BIO^急诊生化", time, status);
    std::size_t number = 0;
    for (const auto& one : step.values)
        text += fmt::format("OBX|{}|NM|{}^{}^LN||{}|{}|{}||||{}|||{}\r", ++number, one.what->loinc,
                            one.what->name, number_text(one), one.what->unit, one.what->reference,
                            status, time);
    if (vitals)
        text +=
            fmt::format("OBX|{}|CWE|67775-7^意识^LN||{}||||||F|||{}\r", ++number, step.state, time);
    return text;
}

}  // namespace vitalog::topology::simulate
