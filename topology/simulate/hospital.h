#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ingest/hl7/charset.h"
#include "ingest/hl7/time.h"
#include "topology/simulate/city.h"
#include "topology/simulate/course.h"

namespace vitalog::topology::simulate {

/// The hospital of the city as a stream of HL7 v2.5 messages in GB 18030: registration and ward
/// (HIS, enhanced acknowledgement), laboratory (LIS, original mode). Some dozen stays go on at
/// once; their messages come mixed, each stay's in order. One message in fifty comes once more, the
/// same bytes. The same city and start give the same bytes. One thread.
class Hospital {
  public:
    Hospital(const City& city, EventTime start, ingest::hl7::SiteZone zone);

    /// The next message, as sent at `now`: event times are taken from it.
    std::string next(EventTime now);

  private:
    struct Stay {
        Person person;
        Course course;
        std::string record_number;  ///< under which it is told now
        std::string provisional;    ///< until the merge; empty: none
        std::string visit;
        EventTime since;
        std::vector<EventTime> ordered;  ///< when each order was measured
        std::size_t at = 0;
    };

    Stay admit(EventTime now);
    std::string message(Stay& stay, const Step& step, EventTime now);
    std::string adt(const Stay& stay, const Step& step, EventTime at) const;
    std::string results(Stay& stay, const Step& step, EventTime at) const;
    std::string header(std::string_view sender, std::string_view type, std::string_view mode,
                       EventTime now);

    const City& city_;
    const ingest::hl7::SiteZone zone_;
    const std::string mark_;  ///< of the start: numbers of two runs differ
    Dice dice_;
    ingest::hl7::Decoder charset_;
    std::vector<Stay> stays_;
    std::uint64_t messages_ = 0;
    std::uint64_t visits_ = 0;
    std::string last_;
};

}  // namespace vitalog::topology::simulate
