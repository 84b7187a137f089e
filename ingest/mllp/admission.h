#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/hl7/ack.h"
#include "ingest/hl7/charset.h"
#include "ingest/hl7/identifiers.h"
#include "ingest/hl7/time.h"
#include "ingest/mllp/frame.h"
#include "schemas/base/ports.h"

namespace vitalog::ingest::mllp {

/// What one endpoint does with the messages that come in by it.
struct EndpointSettings {
    std::string name = "mllp";      ///< header `endpoint`, key of messages without an identifier
    std::string feed = "feed.his";  ///< mllp.feed
    std::string dead_letter = "dead-letter";    ///< topic of what is not accepted
    std::optional<hl7::Charset> charset;        ///< hl7.charset; nothing: auto
    std::vector<std::string> authorities;       ///< site.authorities
    OnReusedId on_reused = OnReusedId::Accept;  ///< hl7.reused_id
};

/// What became of a frame; the label `result` of vitalog_messages_in_total.
enum class Outcome : std::uint8_t { Accepted, Duplicate, Reused, Error, Refused, Busy, Unreadable };
inline constexpr std::size_t kOutcomeCount = 7;
std::string_view to_string(Outcome outcome);

/// A frame judged. The answer may leave once `record`, if there is one, is on disk; settle() says
/// what it is.
struct Judgement {
    std::optional<FeedRecord> record;  ///< the message, or its dead letter
    Outcome outcome = Outcome::Accepted;
    std::string_view reason;   ///< of a dead letter, one of hl7::reason
    std::string answer;        ///< unframed; empty: silence
    std::string kept_msh;      ///< to build another answer from
    std::string kept_content;  ///< only where a reused id is refused
};

/// What is to happen after the append.
struct Settlement {
    std::string answer;  ///< unframed; empty: silence
    Outcome outcome = Outcome::Accepted;
    std::string_view reason;                ///< why, unless it was taken
    std::optional<FeedRecord> dead_letter;  ///< to be on disk before the answer leaves
};

/// Turns frames into feed records, dead letters and answers by the contract's ACK rules. Looks at
/// MSH and the first PID only. One per connection, one thread; borrows everything it is given.
class Admission {
  public:
    Admission(const EndpointSettings& settings, const hl7::SiteZone& zone, hl7::ControlIds& ids,
              const Clock& clock);

    /// A frame that holds one message, or none.
    Judgement judge(const Frame& frame);
    /// A batch that can't be taken apart, or holds too many messages.
    Judgement judge_unsplit(const Frame& frame, const Error& why);
    /// The answer after the append of an accepted message.
    Settlement settle(Judgement judged, Result<AppendReceipt> appended);

  private:
    struct Reply {
        const hl7::Header& header;
        hl7::Charset charset;
        LogTime now;
    };
    Judgement judge_message(std::string_view content, LogTime now);
    Judgement accept(std::string_view content, const Reply& reply);
    Judgement reject(const Frame& frame, const Reply& reply, const hl7::Fault& fault);
    Judgement reject_unread(const Frame& frame, hl7::Fault fault, LogTime now);
    Settlement refuse_reused(Judgement judged);
    std::string answer(const Reply& reply, const std::optional<hl7::Fault>& fault);
    std::string answer_to_kept(const std::string& msh, const hl7::Fault& fault);
    FeedRecord dead_letter(const Frame& frame, const hl7::Fault& fault, LogTime now) const;
    std::string primary_key();

    const EndpointSettings& settings_;
    const hl7::SiteZone& zone_;
    hl7::ControlIds& ids_;
    const Clock& clock_;
    hl7::Decoder decoder_;
    hl7::Skim skim_;
    hl7::TextArena arena_;
    std::vector<schemas::Identifier> identifiers_;
    std::string feed_headers_;  // the same for every message
};

}  // namespace vitalog::ingest::mllp
