#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ingest/hl7/charset.h"
#include "schemas/topic_names.h"
#include "sinks/blobs/blob_worker.h"
#include "topology/config.h"

namespace vitalog::topology {

/// Finds the documents in HL7 messages as intake reads them. `charset`: hl7.charset.
sinks::FindDocuments hl7_documents(std::optional<ingest::hl7::Charset> charset);

/// The feeds whose records may be HL7, by the site's names.
std::vector<std::string> hl7_feeds(const Config& config, const schemas::TopicNames& topics);

}  // namespace vitalog::topology
