#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"
#include "schemas/zone_rule.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::fhir {

struct MessagesOptions {
    schemas::TopicNames topics;
    std::string zone_name = "Asia/Shanghai";  ///< whose days /stats/messages counts
    schemas::ZoneRule zone;
};

/// For operators.
///
/// POST /admin/resend {"intent","reason","user","not_after"}: a new attempt at a message, with its
/// reason, through `feed.receipt` and the stage that decides. `user` counts only where there are no
/// tokens; `not_after` is an hour from now when left out. Answers once the attempt is decided, with
/// the message as it is then; 404, 409 when it was delivered or is under way.
///
/// GET /stats/messages?from=2026-11-01&to=2026-11-21: by day of their decision and channel, how
/// many messages are in which state, and the share delivered of those that were attempted and are
/// settled (delivered, failed, unknown, expired).
class MessagesApi {
  public:
    /// Calls back once everything in the log is applied and shown.
    using WhenApplied = std::function<void(std::function<void()>)>;

    MessagesApi(const views::ViewReader& reader, FeedAppender& log, const Clock& clock,
                WhenApplied when_applied, MessagesOptions options)
        : reader_(reader),
          log_(log),
          clock_(clock),
          when_applied_(std::move(when_applied)),
          options_(std::move(options)) {}
    void register_routes(Router& router);

  private:
    void resend(const HttpRequest& request, Respond respond) const;
    void answer_resend(const std::string& intent, std::int64_t before,
                       const Respond& respond) const;
    Result<std::optional<views::BodyRow>> message(const std::string& intent) const;
    HttpResponse stats(const HttpRequest& request) const;

    const views::ViewReader& reader_;
    FeedAppender& log_;
    const Clock& clock_;
    const WhenApplied when_applied_;
    const MessagesOptions options_;
};

}  // namespace vitalog::sinks::fhir
