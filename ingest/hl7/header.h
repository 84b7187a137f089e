#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/hl7/message.h"

namespace vitalog::ingest::hl7 {

/// What an answer needs of a message's MSH, as sent (not unescaped). Views of the message's text.
struct Header {
    Delimiters delimiters;
    std::string_view sending_application;    ///< MSH-3
    std::string_view sending_facility;       ///< MSH-4
    std::string_view receiving_application;  ///< MSH-5
    std::string_view receiving_facility;     ///< MSH-6
    std::string_view code;                   ///< MSH-9.1, "ORU"
    std::string_view event;                  ///< MSH-9.2, "R01"
    std::string_view control_id;             ///< MSH-10
    std::string_view processing;             ///< MSH-11
    std::string_view version;                ///< MSH-12
    std::string_view accept_ack;             ///< MSH-15
    std::string_view application_ack;        ///< MSH-16
    std::string_view charset;                ///< MSH-18

    /// Enhanced acknowledgement mode: MSH-15 or MSH-16 is valued.
    bool enhanced() const;
};

Header read_header(const Segment& msh);

/// The same from bytes that can't be read as a message: finds MSH wherever it stands and takes what
/// is there. Default delimiters and empty members for what is not.
Header salvage_header(std::string_view bytes);

/// Why a message is not accepted, as MSA and ERR say it.
struct Fault {
    enum class Kind : std::uint8_t { Error, Refused };  // AE or CE; AR or CR

    Kind kind = Kind::Error;
    std::string_view reason{};   ///< fixed word for dead letters and metrics
    std::string_view segment{};  ///< at fault; empty when it is the whole message
    int field = 0;               ///< at fault; 0 when it is the whole segment
    int code = 207;              ///< HL7 table 0357
    std::string text{};          ///< one sentence

    /// "PID", "MSH-18", or empty.
    std::string at() const;
};

/// The words of Fault::reason.
namespace reason {
inline constexpr std::string_view kNoMsh = "no-usable-msh";
inline constexpr std::string_view kProcessing = "unsupported-processing-id";
inline constexpr std::string_view kVersion = "unsupported-version";
inline constexpr std::string_view kNoPid = "missing-pid";
inline constexpr std::string_view kNoMrg = "missing-mrg";
inline constexpr std::string_view kTooLarge = "too-large";
inline constexpr std::string_view kCharset = "undecodable-charset";
inline constexpr std::string_view kReusedId = "reused-control-id";
inline constexpr std::string_view kBusy = "busy";
inline constexpr std::string_view kIo = "not-stored";
inline constexpr std::string_view kUnframed = "no-mllp-frame";
inline constexpr std::string_view kTruncated = "truncated-frame";
inline constexpr std::string_view kJunk = "junk-between-frames";
}  // namespace reason

/// What the listener looks at: MSH, the first PID, whether there is an MRG. Reads no further than
/// it must. Reused for message after message; its views live until the next read() and as long as
/// the text.
class Skim {
  public:
    /// Malformed when there is no usable MSH.
    Result<void> read(const DecodedText& decoded);

    const Header& header() const { return header_; }
    Segment msh() const { return head_.msh(); }
    /// May not exist.
    Segment pid() const { return head_.segment("PID"); }
    bool has_mrg() const { return has_mrg_; }

  private:
    Message head_;  // MSH up to the first PID
    Header header_;
    bool has_mrg_ = false;
};

/// The rules of acceptance: MSH-9 and MSH-10 valued; MSH-11 one of P, T, D; MSH-12 from 2.3 to 2.8
/// with any third number; PID in ADT and ORU; MRG in A34 and A40. Nothing: accepted.
std::optional<Fault> check(const Skim& skim);

}  // namespace vitalog::ingest::hl7
