#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "topology/simulate/city.h"
#include "topology/simulate/dice.h"

namespace vitalog::topology::simulate {

/// What the laboratory and the ward measure.
struct Analyte {
    std::string_view loinc;
    std::string_view name;
    std::string_view unit;       ///< as the laboratory sends it
    std::string_view reference;  ///< range
    int decimals = 0;
};

namespace analyte {
inline constexpr Analyte kCreatinine{"14682-9", "肌酐", "umol/L", "57-97", 0};
inline constexpr Analyte kPotassium{"2823-3", "钾", "mmol/L", "3.5-5.3", 1};
inline constexpr Analyte kSodium{"2951-2", "钠", "mmol/L", "137-147", 0};
inline constexpr Analyte kUrea{"22664-7", "尿素", "mmol/L", "3.1-8.0", 1};
inline constexpr Analyte kGlucose{"14749-6", "葡萄糖", "mmol/L", "3.9-6.1", 1};
inline constexpr Analyte kHaemoglobin{"718-7", "血红蛋白", "g/L", "115-175", 0};
inline constexpr Analyte kRespiration{"9279-1", "呼吸", "/min", "12-20", 0};
inline constexpr Analyte kSaturation{"59408-5", "血氧饱和度", "%", "96-100", 0};
inline constexpr Analyte kSystolic{"8480-6", "收缩压", "mm[Hg]", "90-139", 0};
inline constexpr Analyte kDiastolic{"8462-4", "舒张压", "mm[Hg]", "60-89", 0};
inline constexpr Analyte kPulse{"8867-4", "脉搏", "/min", "60-100", 0};
inline constexpr Analyte kTemperature{"8310-5", "体温", "Cel", "36.0-37.2", 1};
inline constexpr Analyte kOxygen{"3151-8", "吸氧流量", "L/min", "", 0};
}  // namespace analyte

struct Measured {
    const Analyte* what = nullptr;
    std::int64_t value = 0;  ///< in units of the last decimal
};

/// One message of a stay.
struct Step {
    enum class Kind : std::uint8_t {
        Admit,      ///< ADT^A01
        Visit,      ///< ADT^A04, out-patient or emergency
        Transfer,   ///< ADT^A02
        Update,     ///< ADT^A08
        Discharge,  ///< ADT^A03
        Merge,      ///< ADT^A40 of the provisional number into the person's own
        Laboratory,
        Vitals
    };
    Kind kind = Kind::Visit;
    std::chrono::minutes age{0};  ///< how long before it is sent it happened
    std::vector<Measured> values;
    int order = 0;                 ///< of the stay; a correction names the order it corrects
    bool correction = false;       ///< OBX-11 C
    std::string_view state = "A";  ///< Vitals: ACVPU
};

/// A stay from its first message to its last.
struct Course {
    enum class Number : std::uint8_t {
        Own,
        Provisional,  ///< unknown at first: under a number of the emergency department, merged
                      ///< later
        Second        ///< registered once more under another number, with the national number
    };
    Number number = Number::Own;
    bool inpatient = false;
    std::vector<Step> steps;
};

/// What happens to a person: mostly nothing worse than a check-up; some come with a failing kidney,
/// a critical potassium that is corrected afterwards, or get worse on the ward; some are not known
/// at first or registered twice. Results come hours late or in another order now and then.
Course course_of(Dice& dice);

}  // namespace vitalog::topology::simulate
