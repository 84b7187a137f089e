#pragma once

#include <string>

#include "schemas/base/ports.h"
#include "sinks/fhir/audit.h"
#include "sinks/fhir/bundle.h"
#include "sinks/fhir/provenance.h"
#include "sinks/fhir/search.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::fhir {

struct FhirOptions {
    std::string zone = "Asia/Shanghai";  ///< site.zone, for dates said without one
    std::string version = "0";           ///< of the software, for the CapabilityStatement
    schemas::TopicNames topics = {};
    RecordTrace trace = {};  ///< for Provenance
};

/// The FHIR R4 read API: reads and searches over the views, Patient/$everything, Provenance,
/// metadata. Borrows what it is given; handlers run on the server's threads.
class FhirApi {
  public:
    FhirApi(const views::ViewReader& reader, FeedAppender& log, const Clock& clock,
            FhirOptions options = {});

    /// GET /fhir/metadata, /fhir/{type}, /fhir/{type}/{id}, /fhir/Patient/{id}/$everything.
    void register_routes(Router& router);

    /// One resource by id. NotFound.
    Result<Entry> read(std::string_view type, const std::string& id) const;
    /// A task as it was in that version. NotFound.
    Result<Entry> read_task(const std::string& id, std::int64_t version) const;
    const schemas::TopicNames& topics() const { return options_.topics; }

  private:
    void metadata(const HttpRequest& request, const Respond& respond) const;
    void answer_search(const HttpRequest& request, const Respond& respond) const;
    void answer_read(const HttpRequest& request, const Respond& respond) const;
    void answer_everything(const HttpRequest& request, const Respond& respond) const;
    Result<Found> everything(const HttpRequest& request) const;
    Result<Found> search(const std::string& type, const QueryParams& params,
                         std::vector<std::string>& named) const;
    Result<Found> search_provenance(const QueryParams& params) const;
    Result<void> add_included(const SearchRequest& search, Found& found) const;
    Result<Found> run(const ResourceSpec& spec, const SearchRequest& search) const;

    const views::ViewReader& reader_;
    const Clock& clock_;
    const FhirOptions options_;
    const Provenances provenances_;
    const Audit audit_;
};

/// Doctors, operators and hospital systems may read; gateways may not. An answer where the caller
/// may not.
bool may_read(const Caller& caller);

}  // namespace vitalog::sinks::fhir
