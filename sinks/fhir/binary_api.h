#pragma once

#include <functional>
#include <optional>
#include <string>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"
#include "sinks/fhir/audit.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::fhir {

/// GET /fhir/Binary/{id}: the document that the observation of that id came with. As a FHIR Binary
/// where the Accept header names a JSON type, else the bytes as they are (R4, Binary, "Serving
/// Binary Resources using the RESTful API"). Audited like any read. 503 while the store does not
/// have it yet. Borrows what it is given; handlers run on the server's threads.
class BinaryApi {
  public:
    /// The bytes of a document by its SHA-256; nothing where they are not stored (yet).
    using ReadBlob = std::function<Result<std::optional<std::string>>(std::string_view sha256)>;

    BinaryApi(const views::ViewReader& reader, ReadBlob read, FeedAppender& log, const Clock& clock,
              const schemas::TopicNames& topics);
    void register_routes(Router& router);

  private:
    void answer(const HttpRequest& request, const Respond& respond) const;

    const views::ViewReader& reader_;
    const ReadBlob read_;
    const Audit audit_;
};

}  // namespace vitalog::sinks::fhir
