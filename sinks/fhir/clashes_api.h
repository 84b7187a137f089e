#pragma once

#include "schemas/base/ports.h"
#include "sinks/fhir/audit.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::fhir {

/// GET /clashes?max=&from=: pairs of persons who share an identifier that does not merge them by
/// itself, oldest first, until they are one. For operators and hospital systems, who merge them
/// (A40) or correct one. Borrows what it is given; handlers run on the server's threads.
class ClashesApi {
  public:
    ClashesApi(const views::ViewReader& reader, FeedAppender& log, const Clock& clock,
               const schemas::TopicNames& topics)
        : reader_(reader), audit_(log, clock, topics) {}

    void register_routes(Router& router);

  private:
    void answer(const HttpRequest& request, const Respond& respond) const;

    const views::ViewReader& reader_;
    const Audit audit_;
};

}  // namespace vitalog::sinks::fhir
