#pragma once

#include <cstddef>
#include <vector>

#include "processors/risk/news2.h"
#include "schemas/base/binary.h"
#include "schemas/base/time.h"

namespace vitalog::processors::care {

inline constexpr std::size_t kScaleChangesMax = 16;

/// Which of NEWS2's saturation scales was prescribed when: a prescription holds from its receipt
/// on, and never for what was measured before. Scale 1 where nothing was prescribed. Part of the
/// person; same thread.
class Spo2Scales {
  public:
    void prescribe(news2::Scale scale, EventTime from);
    news2::Scale at(EventTime moment) const;
    /// Takes over another person's prescriptions; of one moment the own stays.
    void absorb(const Spo2Scales& other);

    void encode(BinaryWriter& out) const;
    /// False when the bytes do not follow the format.
    bool decode(BinaryReader& in);
    std::size_t heap_bytes() const { return changes_.capacity() * sizeof(Change); }

  private:
    struct Change {
        EventTime from;
        news2::Scale scale;
    };

    std::vector<Change> changes_;  // by time; the newest kScaleChangesMax
};

}  // namespace vitalog::processors::care
