#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/base/time.h"

namespace vitalog::topology::simulate {

/// Who issues the hospital's numbers, and those of watches.
inline constexpr std::string_view kHospital = "HZ1Y";
inline constexpr std::string_view kWatches = "HUAWEI";

/// A department: a team of doctors, and wards.
struct Department {
    std::string_view team;
    std::string_view name;
};
inline constexpr std::array kDepartments = std::to_array<Department>({
    {"neike", "内科"},
    {"xinneike", "心内科"},
    {"shenneike", "肾内科"},
    {"waike", "外科"},
    {"jizhen", "急诊科"},
});

struct Person {
    std::uint64_t number = 0;
    std::string record_number;  ///< the hospital's
    std::string national_id;
    std::string family, given;
    bool male = true;
    Date birth;
    std::string phone;
    std::string address;
    std::string watch;           ///< account; empty: wears none
    std::size_t department = 0;  ///< of kDepartments: who looks after them
};

/// The people of a city. Nobody is stored: each is computed from the seed and their number, so that
/// a city of millions costs nothing.
class City {
  public:
    static constexpr std::uint64_t kPersonsMax = 10'000'000;  ///< their national numbers differ

    City(std::uint64_t seed, std::uint64_t persons) : seed_(seed), persons_(persons) {}

    std::uint64_t seed() const { return seed_; }
    std::uint64_t persons() const { return persons_; }
    /// `number` is below persons().
    Person person(std::uint64_t number) const;
    /// The persons with numbers below this wear a watch: three of five.
    std::uint64_t wearers() const { return (persons_ * 3 + 4) / 5; }

    /// Lines for POST /directory: a department's doctors; a person's team, telephone, consent and
    /// watch.
    std::string team_line(std::size_t department) const;
    std::string person_line(const Person& person) const;

  private:
    std::uint64_t seed_;
    std::uint64_t persons_;
};

}  // namespace vitalog::topology::simulate
