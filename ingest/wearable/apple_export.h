#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "schemas/base/result.h"
#include "schemas/tables/measures.h"

namespace vitalog::ingest::wearable {

/// What a reading of export.xml has come to.
struct AppleExportCounts {
    std::uint64_t records = 0;
    std::uint64_t points = 0;  ///< given on
    std::uint64_t others =
        0;  ///< of types that the table of measures does not know, or no measurement
    std::uint64_t repeated = 0;  ///< that a Correlation repeats
    std::uint64_t unreadable = 0;
};

/// Reads Apple Health's export.xml in pieces, however long it is, and gives each record that the
/// table of measures knows on as an Open mHealth data point of namespace "apple" (one JSON object,
/// without a user: who sends it says whose it is). A record that stands in a Correlation and by
/// itself is given on once. Used by one thread.
class AppleExport {
  public:
    using Take = std::function<Result<void>(std::string_view point)>;

    AppleExport(const schemas::MeasureTable& measures, Take take);
    ~AppleExport();
    AppleExport(const AppleExport&) = delete;
    AppleExport& operator=(const AppleExport&) = delete;

    /// The next piece of the file. Malformed: not XML, or not Apple Health's; and whatever `take`
    /// says.
    Result<void> read(std::string_view piece);
    /// After the last piece. Malformed when the file ends too early.
    Result<void> finish();
    const AppleExportCounts& counts() const;

  private:
    class Parser;  // hides the XML library
    std::unique_ptr<Parser> parser_;
};

/// "2016-05-28 18:41:38 -0400" as "2016-05-28T18:41:38-04:00". Malformed.
Result<std::string> apple_time(std::string_view text);

}  // namespace vitalog::ingest::wearable
