#pragma once

#include <string>

#include "schemas/base/ports.h"
#include "sinks/fhir/audit.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::fhir {

/// GET /series/{person}/{code}: the samples of a person's wearables, as they are or by steps of
/// time, by whoever may read the archive. Borrows what it is given; handlers run on the server's
/// threads.
class SeriesApi {
  public:
    SeriesApi(const views::ViewReader& reader, FeedAppender& log, const Clock& clock,
              std::string zone, const schemas::TopicNames& topics)
        : reader_(reader), clock_(clock), zone_(std::move(zone)), audit_(log, clock, topics) {}

    void register_routes(Router& router);

    static constexpr std::int64_t kSamplesMax = 100'000;  ///< of one answer; `next` goes on
    static constexpr std::int64_t kStepsMax = 10'000;

  private:
    void answer(const HttpRequest& request, const Respond& respond) const;

    const views::ViewReader& reader_;
    const Clock& clock_;
    const std::string zone_;  ///< of dates said without one
    const Audit audit_;
};

}  // namespace vitalog::sinks::fhir
