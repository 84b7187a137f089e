#pragma once

#include "schemas/base/result.h"
#include "sinks/views/reader_pool.h"
#include "sinks/views/series.h"

namespace vitalog::sinks::views {

/// Reads packed hours, a day at a time. Gives what there is of sources, also when no sample was in
/// range.
Result<std::vector<SeriesSource>> read_samples(Reader& reader, const SeriesQuery& query,
                                               const SeriesVisitor& visit);

}  // namespace vitalog::sinks::views
