#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "schemas/base/binary.h"
#include "schemas/base/time.h"
#include "schemas/events/clinical.h"
#include "schemas/rules.h"

namespace vitalog::processors::care {

inline constexpr std::size_t kOpenEncountersMax = 8;

/// Why a person's devices should be heard: an account bound by the directory, encounters that go
/// on. Part of the person; same thread.
class Watched {
  public:
    void bind(ReceivedTime at) {
        if (!bound_) bound_ = at;
    }
    /// An admission or registration opens an encounter, a discharge or a cancel ends it; of one
    /// encounter the later event has the word.
    void encounter(const schemas::EncounterEvent& event);

    /// Since when something is expected: the last that was heard, or the beginning of what wants
    /// it; nothing while nothing is. Of an encounter samples alone are expected from the first one
    /// in it: not every patient wears a device.
    std::optional<EventTime> since(schemas::Watch watch, schemas::Awaits awaits,
                                   std::optional<EventTime> last) const;

    /// Rules whose timer is set, by hash.
    bool armed(std::string_view rule) const;
    void arm(std::string_view rule);
    void disarm(std::string_view rule);
    std::vector<std::uint64_t>& armed() { return armed_; }
    const std::vector<std::uint64_t>& armed() const { return armed_; }

    void absorb(const Watched& other);
    void encode(BinaryWriter& out) const;
    bool decode(BinaryReader& in);
    std::size_t heap_bytes() const {
        return encounters_.capacity() * sizeof(Encounter) + armed_.capacity() * 8;
    }

  private:
    struct Encounter {
        std::uint64_t visit = 0;  ///< hash of the visit number
        EventTime at;             ///< of the event that said so
        bool open = false;
        bool inpatient = false;
    };

    std::optional<ReceivedTime> bound_;
    std::vector<Encounter> encounters_;
    std::vector<std::uint64_t> armed_;
};

}  // namespace vitalog::processors::care
