#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "processors/care/turn.h"
#include "processors/risk/aki.h"

namespace vitalog::processors::care {

/// Creatinine in serum or plasma as intake's tables give it, mass concentrations (LOINC 2160-0)
/// converted.
inline constexpr std::string_view kCreatinine = "14682-9";
inline constexpr std::string_view kCreatinineUnit = "umol/L";

inline constexpr std::size_t kReevaluatedMax = 128;
inline constexpr std::size_t kBasisMax = 64;

/// An index result that is new or says something else than before.
struct Judged {
    RecordId result;  ///< the observation evaluated
    std::string_view method;
    std::string_view band;
    bool complete = true;
    std::vector<RecordId> decisive;  ///< baseline results that decided, the observation itself last
};

/// The band that an index last gave a sample.
struct StoredBand {
    std::string_view band;
    bool complete = true;
};
std::optional<StoredBand> stored_band(const Sample& sample);

/// Computes the indices as of the record in hand and writes what changed to `risk`: one result per
/// observation evaluated, named by person, method and observation, so that a later one replaces it.
class Indices {
  public:
    explicit Indices(Turn& turn) : turn_(turn) {}

    /// Evaluates the touched results and the later ones whose windows they touch, oldest first, at
    /// most kReevaluatedMax of the latter (the newest). Appends to `judged`.
    void evaluate(std::span<const Touched> touched, Occasion occasion, std::vector<Judged>& judged);
    /// Takes back what was written under `person`, this one or one merged into it, for a result.
    void retract(std::string_view person, const Sample& sample);

  private:
    void evaluate_aki(std::uint32_t series, std::uint32_t index, bool tell,
                      std::vector<Judged>& judged);
    void evaluate_egfr(std::uint32_t series, std::uint32_t index);
    std::optional<int> age_at(const Sample& sample) const;
    std::uint32_t encode(const schemas::RiskEvent& event);

    Turn& turn_;
    std::vector<aki::Creatinine> earlier_;
    std::string json_;
};

}  // namespace vitalog::processors::care
