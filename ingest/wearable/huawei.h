#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ingest/wearable/point_sink.h"

namespace vitalog::ingest::wearable {

inline constexpr std::string_view kHuawei = "huawei";

/// Reads an answer of Huawei Health Kit's sampleSet:polymerize. An item is a sample point.
///
///     answer := {"group":[{"sampleSet":[set...]}...],"account"?} |
///     {"sampleSet":[set...],"account"?} set    :=
///     {"dataCollectorId"?,"dataTypeName"?,"samplePoints":[point...]} point  :=
///     {"startTime","endTime"?,"dataTypeName"?,"originalDataCollectorId"?,"timeZone"?,
///                "value":[{"fieldName","integerValue"|"longValue"|"floatValue"|"doubleValue"}...]}
///
/// Members may come in any order; others are ignored, and so are fields that the table of measures
/// does not know, as long as it knows one of the point's. One thread.
class HuaweiReader {
  public:
    HuaweiReader();
    ~HuaweiReader();

    /// Calls `sink` for every point. `answer` is followed by simdjson's padding. Malformed when it
    /// is not such an answer: points before the fault have gone to the sink.
    Result<void> read(std::string_view answer, const schemas::Tables& tables, PointSink& sink);
    /// Whose the last answer says it is: what its sender wrote beside `group`; empty otherwise. A
    /// view into the answer.
    std::string_view account() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Tells an answer from a data point, by the first of their members that is there.
bool is_huawei_answer(std::string_view text);

}  // namespace vitalog::ingest::wearable
