#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/hl7/ack.h"
#include "schemas/base/result.h"

// A batch as it may travel in one frame or one file (HL7 chapter 2, batch protocol):
//
//     file    = [FHS] *batch [FTS]        BTS-1 counts messages, FTS-1 counts batches
//     batch   = [BHS] *message [BTS]
//     message = MSH segment *( segment )

namespace vitalog::ingest::hl7 {

/// FHS, BHS, BTS, FTS.
bool is_batch_segment(std::string_view line);
/// True when the bytes begin with FHS or BHS, whatever blanks or byte order mark come first.
bool is_batch(std::string_view bytes);

/// The messages of a batch and what its answer needs of the envelope. The messages are views of the
/// bytes, the rest is owned.
class Batch {
  public:
    /// Malformed where a segment comes before the first MSH; TooLarge beyond `messages_max`.
    static Result<Batch> split(std::string_view bytes, std::size_t messages_max);

    const std::vector<std::string_view>& messages() const { return messages_; }
    /// Drops the views, once the messages are taken and the bytes go.
    void forget_messages() { messages_.clear(); }

    /// The answer: for each batch a batch, whose BHS-12 names the one it answers and whose messages
    /// are the acknowledgements that were asked for, in order; wrapped in FHS and FTS where the
    /// batch was. Empty where there were messages and all of them asked for silence. `answers` has
    /// one entry per message.
    std::string answer(const std::vector<std::string>& answers, ControlIds& ids,
                       std::string_view time) const;

  private:
    struct Group {
        std::string header;     ///< BHS as sent; empty: none
        std::size_t first = 0;  ///< message
        std::size_t count = 0;
        std::string said;  ///< BTS-1
    };
    void take_envelope(std::string_view line);

    std::string file_;  ///< FHS as sent; empty: none
    std::vector<Group> groups_;
    std::vector<std::string_view> messages_;
};

}  // namespace vitalog::ingest::hl7
