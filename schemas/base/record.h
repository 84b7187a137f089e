#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/base/time.h"

namespace vitalog {

/// Record headers in their stored form: a sequence of (varint length, name, varint length, value).
/// A view: valid as long as the bytes behind it.
class Headers {
  public:
    Headers() = default;
    explicit Headers(std::string_view encoded) : encoded_(encoded) {}

    /// The first value of that name; empty when there is none.
    std::string_view find(std::string_view name) const;
    /// All headers in order. Bytes that do not follow the grammar end the list.
    std::vector<std::pair<std::string_view, std::string_view>> all() const;
    std::string_view encoded() const { return encoded_; }

    /// Appends one header to an encoded list.
    static void append(std::string& encoded, std::string_view name, std::string_view value);

  private:
    std::string_view encoded_;
};

/// Header names. CloudEvents in Kafka binary mode, plus where a record comes from.
namespace header {
inline constexpr std::string_view kId = "ce_id";
inline constexpr std::string_view kType = "ce_type";
inline constexpr std::string_view kTime = "ce_time";
inline constexpr std::string_view kSource = "ce_source";
inline constexpr std::string_view kSpecVersion = "ce_specversion";
inline constexpr std::string_view kContentType = "content-type";
inline constexpr std::string_view kRoot = "root";    ///< id of the feed record at the root
inline constexpr std::string_view kCause = "cause";  ///< id of the record that caused this one
inline constexpr std::string_view kReceived =
    "received";  ///< root's received time, microseconds since epoch
inline constexpr std::string_view kEndpoint =
    "endpoint";  ///< feed records: configured name of the door
inline constexpr std::string_view kFormat =
    "format";  ///< feed records: "hl7v2", "json", "aliyun-report"
/// Feed records tried again: the root of the record refused, by which what has no number of its own
/// is still known.
inline constexpr std::string_view kRetriedRoot = "retried_root";
/// Feed records in a cluster: the entry of the ledger of repeats that was written with the record.
inline constexpr std::string_view kRepeatKey = "repeat_key";
inline constexpr std::string_view kRepeatBody = "repeat_body";      ///< hash, decimal
inline constexpr std::string_view kRepeatAnswer = "repeat_answer";  ///< what a repeat gets
inline constexpr std::string_view kReason = "reason";  ///< dead-letter: why
inline constexpr std::string_view kStage = "stage";    ///< dead-letter: who refused it
inline constexpr std::string_view kDeadSource =
    "source";                                  ///< dead-letter: "topic/partition/offset"
inline constexpr std::string_view kAt = "at";  ///< dead-letter: the segment or item at fault
inline constexpr std::string_view kSize =
    "size";  ///< dead-letter: bytes that came, where not all were kept
inline constexpr std::string_view kCut =
    "cut";  ///< dead-letter: kept so many bytes, the first ones
inline constexpr std::string_view kUrgent =
    "urgent";  ///< present on an alert or task of priority high
}  // namespace header

/// A record as read from a partition. A view: valid while the RecordBatch that holds it lives.
struct RecordView {
    Offset offset;
    LogTime timestamp;
    std::string_view key;
    std::string_view value;
    Headers headers;
};

/// A record to be appended. Owns its bytes.
struct NewRecord {
    std::string key;
    std::string value;
    std::string headers;  ///< encoded, see Headers
    LogTime timestamp;
};

/// Consecutive records of one partition, with whatever memory they point into.
struct RecordBatch {
    std::vector<std::shared_ptr<const void>>
        owners;  // shared: a block serves several readers at once
    std::vector<RecordView> records;
    Offset next;  ///< where to read on

    void clear() {
        records.clear();
        owners.clear();
    }
};

}  // namespace vitalog
