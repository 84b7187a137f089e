#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/tables/measures.h"

namespace vitalog::schemas {

/// How a unit converts within its dimension: (value + offset) * numerator / denominator is the
/// dimension's base.
struct Unit {
    std::string ucum;
    std::uint32_t dimension = 0;
    double numerator = 1;
    double denominator = 1;
    double offset = 0;
};

/// A concentration known by mass and by amount: one `from` is numerator / denominator of `to`.
struct Substance {
    std::string name;
    const Unit* from = nullptr;
    const Unit* to = nullptr;
    double numerator = 1;
    double denominator = 1;
};

/// An answer to a coded observable, and the number by which indices know it.
struct Answer {
    double number = 0;
    std::string display;
    std::vector<std::string> spellings;  ///< codes and words as sent
};

/// The unit that stands with the number of an answer.
inline constexpr std::string_view kAnswerUnit = "{answer}";

/// What is measured, by its LOINC code, and the unit its values are kept in.
struct Observable {
    std::string loinc;
    std::string display;
    const Unit* unit = nullptr;  ///< null: text or coded, never a number
    std::optional<double> minimum;
    std::optional<double> maximum;
    const Substance* substance = nullptr;
    std::vector<Answer> answers;  ///< of a coded observable whose answers count

    /// By a spelling, whatever the case of its ASCII letters; null when it is none.
    const Answer* find_answer(std::string_view spelling) const;
};

/// A code as a hospital sends it.
struct MappedCode {
    const Observable* observable = nullptr;  ///< null: known, without a LOINC code
    std::string display;
    const Substance* substance = nullptr;  ///< the observable's, or the code's own
    bool dimensionless = false;            ///< a value without unit is in the observable's
};

/// The code, unit and measure tables in force: which LOINC code a local code means, which UCUM unit
/// a spelling, how values convert, and what a wearable's fields mean. Fed with table files (YAML;
/// the formats are described in schemas/tables/*.yaml), changed as a whole or not at all. Pointers
/// it gives out live until the next load(). Used by one thread.
class Tables {
  public:
    Tables();
    ~Tables();
    Tables(Tables&&) noexcept;
    Tables& operator=(Tables&&) noexcept;

    /// Puts a file in force, in place of the one of that kind ("units", "codes", "measures") and
    /// name; an empty text retires it. Configuration when the files then in force would not fit
    /// together: the message names file and line and what to write instead, and everything stays as
    /// it was. Units come before the codes that use them, and these before the measures.
    Result<void> load(std::string_view kind, std::string_view name, std::string_view text);
    /// What load() would say, and nothing changed.
    Result<void> check(std::string_view kind, std::string_view name, std::string_view text) const;

    /// The entry for (system, code), else for (system, name); null when there is none.
    const MappedCode* find_code(std::string_view system, std::string_view code,
                                std::string_view name) const;
    /// The unit that a message spells so; null when unknown. Spaces around it are ignored.
    const Unit* find_unit(std::string_view spelling) const;
    const Observable* find_observable(std::string_view loinc) const;
    /// Of every observable, in the order of the tables.
    std::vector<std::string> loinc_codes() const;
    const MeasureTable& measures() const;

    /// Stamp of the tables in force: the same files give the same 16 hex digits.
    std::string_view version() const { return version_; }
    std::size_t code_count() const;

  private:
    struct InForce;
    using Files = std::map<std::pair<std::string, std::string>, std::string>;

    static Result<Files> changed(Files files, std::string_view kind, std::string_view name,
                                 std::string_view text);
    static Result<std::shared_ptr<const InForce>> build(const Files& files);
    static Result<std::shared_ptr<const InForce>> build_anew(const Files& files);
    /// 32 hex digits: equal for equal files.
    static std::string digest(const Files& files);

    Files files_;  ///< text by kind and name
    std::shared_ptr<const InForce> in_force_;
    std::string version_;
};

/// `value` in `to`, the unit of a result whose own unit is `from`; between mass and amount by way
/// of `substance`. Nothing when the dimensions differ. An unchanged unit gives an unchanged value;
/// a converted one is rounded to 12 significant digits, which is more than any analyser reports and
/// hides binary fractions.
std::optional<double> convert(double value, const Unit& from, const Unit& to,
                              const Substance* substance);

}  // namespace vitalog::schemas
