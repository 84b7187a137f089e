#pragma once

#include <cstdint>
#include <string>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"
#include "schemas/zone_rule.h"
#include "sinks/fhir/audit.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::fhir {

/// GET /admin/shadow?day=2026-11-20&max=N: a day's messages as a text that an operator reads: what
/// was decided, to whom it goes or would have gone, and why. `day` is on the site's clock, also
/// "today" (when left out) and "yesterday"; the first `max` messages (1000) are told one by one,
/// all are counted. text/plain in UTF-8.
///
/// It names patients by the first digits of their id, and says no name, number, address, diagnosis,
/// value, or word of a doctor's own: rule, task and alert lead whoever may read more to it. Audited
/// as a read of every patient it tells of. Operators only.
class ShadowApi {
  public:
    struct Options {
        schemas::TopicNames topics;
        std::string zone_name = "Asia/Shanghai";
        schemas::ZoneRule zone;
    };
    ShadowApi(const views::ViewReader& reader, FeedAppender& log, const Clock& clock,
              Options options)
        : reader_(reader),
          clock_(clock),
          options_(std::move(options)),
          audit_(log, clock, options_.topics) {}
    void register_routes(Router& router);

  private:
    void answer(const HttpRequest& request, const Respond& respond) const;
    Result<std::int64_t> day_of(const HttpRequest& request) const;

    const views::ViewReader& reader_;
    const Clock& clock_;
    const Options options_;
    const Audit audit_;
};

}  // namespace vitalog::sinks::fhir
