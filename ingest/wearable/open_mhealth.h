#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ingest/wearable/point_sink.h"

namespace vitalog::ingest::wearable {

inline constexpr std::string_view kOpenMhealth = "open-mhealth";

/// Reads Open mHealth data points: {"header":{...},"body":{...}}. What a member of the body means,
/// the table of measures says, by the schema's name. Its time is the end of the body's
/// effective_time_frame; without one (the first versions of the schemas have it optional) the time
/// at which the source, else anybody, wrote the point down. One thread.
class OpenMhealthReader {
  public:
    OpenMhealthReader();
    ~OpenMhealthReader();

    /// Reads one data point and gives it to the sink: taken, or refused.
    void read(std::string_view item, const schemas::Tables& tables, PointSink& sink);
    /// header.user_id of the last point; empty where it has none. A view, until the next read().
    std::string_view user_id() const;
    /// Whose measures the last point's schema is of: "open-mhealth", or the schema's namespace.
    std::string_view provider() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::ingest::wearable
