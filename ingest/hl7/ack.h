#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/hl7/header.h"

namespace vitalog::ingest::hl7 {

/// Message control ids for our answers: rising numbers. Thread-safe.
class ControlIds {
  public:
    explicit ControlIds(std::uint64_t first) : next_(first) {}
    std::string next() { return std::to_string(next_.fetch_add(1, std::memory_order_relaxed)); }

  private:
    std::atomic<std::uint64_t> next_;
};

/// MSA-1 of a message's answer: AA, AE, AR in the original mode, CA, CE, CR in the enhanced one.
std::string_view ack_code(const Header& header, const std::optional<Fault>& fault);

/// False where MSH-15 asks for silence: NE always, ER after success, SU after an error. The
/// original mode answers always.
bool wants_ack(const Header& header, const std::optional<Fault>& fault);

/// The answer to a message in its own delimiters: MSH with sender and receiver swapped, MSA, and
/// for a fault ERR in the layout of the message's version (2.5 brought the present one). UTF-8,
/// segments end in CR, no framing. `control_id` becomes MSH-10, `time` MSH-7.
std::string build_ack(const Header& header, const std::optional<Fault>& fault,
                      std::string_view control_id, std::string_view time);

/// What a client reads in an answer.
struct Acknowledgement {
    std::string code;        ///< MSA-1
    std::string control_id;  ///< MSA-2
    std::string text;        ///< the reason: MSA-3, else ERR-8, ERR-7 or ERR-3

    bool accepted() const { return code == "AA" || code == "CA"; }
};
/// Malformed when it has no MSA.
Result<Acknowledgement> read_ack(std::string_view bytes);

}  // namespace vitalog::ingest::hl7
