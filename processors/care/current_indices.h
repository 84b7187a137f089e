#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "processors/care/current_values.h"
#include "processors/care/index_kinds.h"
#include "processors/care/index_results.h"
#include "processors/care/indices.h"
#include "processors/care/turn.h"

namespace vitalog::processors::care {

/// Computes the indices over current values (index_kinds.h) for the record in hand: one result per
/// index and distinct moment at which one of its inputs was measured, from the newest value of each
/// input at or before that moment that is still fresh. Written to `risk` when it says something
/// else than before as of the same moment; named by person, method and moment, so that a later one
/// replaces it.
class CurrentIndices {
  public:
    /// `samples` may be null.
    explicit CurrentIndices(Turn& turn, const LatestSamples* samples = nullptr)
        : turn_(turn), values_(turn.person.results, samples) {}

    /// Evaluates the moments of the touched results, and the later ones in which they may count (at
    /// most kReevaluatedMax of each index, the newest), oldest first. Appends to `judged` what is
    /// new or has another band.
    void evaluate(std::span<const Touched> touched, Occasion occasion, std::vector<Judged>& judged);
    /// Evaluates the moment of the newest of a wearable's samples, for the indices that read one of
    /// these items. Says nothing that the newest result of the index did not say already.
    void sampled(Items changed, const ZonedTime& moment, std::vector<Judged>& judged);

    /// Takes over what was said of a person merged into this one: takes it back under the old
    /// name, and keeps the bands.
    void take_over(std::string_view loser, const IndexResults& theirs);

  private:
    /// A moment to look at: measured in this turn, or reached by what was.
    struct Moment {
        EventTime at;
        bool own;
    };

    void collect(std::uint8_t kind, Occasion occasion);
    void evaluate_at(std::uint8_t kind, const Moment& moment, bool tell,
                     std::vector<Judged>& judged);
    /// Writes what an index came to; judges it where the moment is one of this turn, or the band
    /// is another.
    void say(std::uint8_t kind, const Moment& moment, const IndexInputs& inputs,
             const Assessment& assessment, std::vector<Judged>& judged);
    bool wanted(const IndexKind& kind) const;
    IndexInputs inputs_at(const IndexKind& kind, EventTime moment) const;
    bool speaks(const IndexKind& kind, const IndexInputs& inputs) const;
    void write(std::uint8_t kind, const IndexInputs& inputs, const Assessment& assessment,
               const ZonedTime& at, IndexResult& result);
    void judge(const IndexKind& kind, const IndexInputs& inputs, const Assessment& assessment,
               std::vector<Judged>& judged) const;
    void retract(std::string_view person, const IndexResult& result);

    Turn& turn_;
    CurrentValues values_;
    std::vector<std::pair<EventTime, Items>> changes_;
    std::vector<EventTime> own_;
    std::vector<Moment> moments_;
    std::string json_;
    std::string text_;
};

/// What an index over current values last said as of a moment: its band; nothing where it said
/// nothing or gave no band.
std::optional<std::string_view> band_at(const IndexResults& results, std::string_view method,
                                        EventTime at);

/// The moment of the newest result of a rule's index, when that closes an episode that was raised
/// at `since`: its band is one of those that clear, and what is open in it can't change that.
/// Inputs that were missing all along need not come: it has to know what was known whenever the
/// rule was met.
std::optional<EventTime> cleared_at(const IndexResults& results, const schemas::Rule& rule,
                                    EventTime since);

/// The observation of an index's inputs that was made at a moment; null where there is none.
const Sample* observation_at(const Results& results, const IndexKind& kind, EventTime at);

}  // namespace vitalog::processors::care
