#include "topology/simulate/city.h"

#include <fmt/format.h>

#include "schemas/base/national_id.h"
#include "topology/simulate/dice.h"
#include "topology/simulate/names.h"

namespace vitalog::topology::simulate {
namespace {

// County codes under Hangzhou (3301) that GB/T 2260 does not give out, and a prefix of mobile
// numbers that nobody was assigned: the city's people are nobody.
constexpr std::array<std::string_view, 3> kCounties{"330197", "330198", "330199"};
constexpr std::string_view kPhonePrefix = "161";
constexpr std::array<std::string_view, 6> kStreets{"解放路",   "中山北路", "文三路",
                                                   "人民大道", "建设街",   "西湖大道"};
constexpr int kBirthYearLeast = 1932;
constexpr int kBirthYearMost = 2008;
constexpr std::uint64_t kDayStep = 7919;  // shares no factor with the days: each comes up in turn
constexpr std::uint64_t kFirstRecordNumber = 4'000'000'000;
constexpr std::uint64_t kUnreachableInThousand = 50;
constexpr std::uint64_t kConsentInThousand = 900;

/// Where a person stands among all: no two have the same day and rank, so that no two have the same
/// national number.
struct Place {
    Date birth;
    std::uint64_t rank;  ///< among those of the day
};

Place place_of(std::uint64_t seed, std::uint64_t number) {
    const auto first = days_from_civil(kBirthYearLeast, 1, 1);
    const auto days = static_cast<std::uint64_t>(days_from_civil(kBirthYearMost + 1, 1, 1) - first);
    const std::uint64_t turn = Dice(seed, "birthdays").below(days);
    const std::uint64_t day = (number * kDayStep + turn) % days;
    return {civil_from_days(first + static_cast<std::int64_t>(day)), number / days};
}

/// Six digits of region, the birthday, three digits whose last is odd for men, the check character.
std::string national_id_of(const Place& place, bool male) {
    const std::uint64_t sequence = place.rank / kCounties.size() % 500 * 2 + (male ? 1 : 0);
    std::string digits =
        fmt::format("{}{:04}{:02}{:02}{:03}", kCounties[place.rank % kCounties.size()],
                    place.birth.year, place.birth.month, place.birth.day, sequence);
    digits += national_id_check_character(digits);
    return digits;
}

}  // namespace

Person City::person(std::uint64_t number) const {
    Dice dice(seed_, "person", number);
    Person person;
    person.number = number;
    person.record_number = fmt::format("{}", kFirstRecordNumber + number);
    person.male = dice.chance(500);
    const Name name = name_of(dice, person.male);
    person.family = name.family;
    person.given = name.given;
    const Place place = place_of(seed_, number);
    person.birth = place.birth;
    person.national_id = national_id_of(place, person.male);
    if (!dice.chance(kUnreachableInThousand))
        person.phone = fmt::format("{}{:08}", kPhonePrefix, dice.below(100'000'000));
    person.address = fmt::format("杭州市{}{}号", dice.pick(kStreets), dice.between(1, 400));
    if (number < wearers()) person.watch = fmt::format("{}|w{:07}", kWatches, number);
    person.department = static_cast<std::size_t>(dice.below(kDepartments.size()));
    return person;
}

std::string City::team_line(std::size_t department) const {
    const Department& place = kDepartments[department];
    Dice dice(seed_, "team", department);
    std::string members;
    for (int i = 1; i <= 3; ++i) {
        const Name name = name_of(dice, dice.chance(500));
        members += fmt::format(R"({}{{"user":"{}.{}","name":"{}{}","phone":"{}{:08}"}})",
                               i == 1 ? "" : ",", place.team, i, name.family, name.given,
                               kPhonePrefix, dice.below(100'000'000));
    }
    return fmt::format(
        R"({{"team":"{0}","name":"{1}","members":[{2}],"duty_doctor":"{0}.1","duty_group":"{0}"}})",
        place.team, place.name, members);
}

std::string City::person_line(const Person& person) const {
    Dice dice(seed_, "consent", person.number);
    std::string line = fmt::format(R"({{"patient":"{}|{}","team":"{}")", kHospital,
                                   person.record_number, kDepartments[person.department].team);
    if (!person.phone.empty()) line += fmt::format(R"(,"phone":"{}")", person.phone);
    if (dice.chance(kConsentInThousand)) line += R"(,"consent":{"alert":["sms"]})";
    if (!person.watch.empty()) line += fmt::format(R"(,"accounts":["{}"])", person.watch);
    return line + "}";
}

}  // namespace vitalog::topology::simulate
