#include "ingest/mllp/admission.h"

#include <array>
#include <utility>

namespace vitalog::ingest::mllp {
namespace {

using hl7::Fault;

constexpr char kLedgerSeparator = '\x1f';  // occurs in no MSH field

std::string ledger_key(std::string_view endpoint, const hl7::Header& header) {
    std::string key(endpoint);
    for (const auto part :
         {header.sending_application, header.sending_facility, header.control_id}) {
        key.push_back(kLedgerSeparator);
        key.append(part);
    }
    return key;
}

Fault whole_message_fault(Fault::Kind kind, std::string_view reason, std::string text) {
    return {kind, reason, "", 0, 207, std::move(text)};
}

Fault frame_fault(const Frame& frame) {
    const std::string size = std::to_string(frame.size) + " bytes";
    switch (frame.kind) {
        case Frame::Kind::TooLarge:
            return whole_message_fault(
                Fault::Kind::Error, hl7::reason::kTooLarge,
                "the message is too large: " + size + ", see hl7.max_message");
        case Frame::Kind::Unframed:
            return {Fault::Kind::Refused,
                    hl7::reason::kUnframed,
                    "",
                    0,
                    207,
                    "the message came without an MLLP frame: send 0x0B first and 0x1C 0x0D last"};
        case Frame::Kind::Truncated:
            return whole_message_fault(Fault::Kind::Error, hl7::reason::kTruncated,
                                       "the frame broke off after " + size);
        default:
            return whole_message_fault(Fault::Kind::Error, hl7::reason::kJunk,
                                       size + " between frames");
    }
}

/// Where decoding failed: at MSH-18 either way, which names the set or should.
Fault charset_fault(const Error& error) {
    return {Fault::Kind::Error, hl7::reason::kCharset, "MSH", 18, 102, error.message()};
}

Fault append_fault(const Error& error) {
    const bool busy = error.code() == Errc::Busy;
    return whole_message_fault(Fault::Kind::Error, busy ? hl7::reason::kBusy : hl7::reason::kIo,
                               busy ? "not stored, try again later: " + error.message()
                                    : "not stored: " + error.message());
}

std::string_view msh_line(std::string_view content) {
    const std::size_t start = std::min(content.find("MSH"), content.size());
    return content.substr(start, content.find_first_of("\r\n", start) - start);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
    static constexpr std::array<std::string_view, kOutcomeCount> kNames{
        "accepted", "duplicate", "reused", "error", "refused", "busy", "unreadable"};
    return kNames[static_cast<std::size_t>(outcome)];
}

Admission::Admission(const EndpointSettings& settings, const hl7::SiteZone& zone,
                     hl7::ControlIds& ids, const Clock& clock)
    : settings_(settings), zone_(zone), ids_(ids), clock_(clock), decoder_(settings.charset) {
    Headers::append(feed_headers_, header::kEndpoint, settings_.name);
    Headers::append(feed_headers_, header::kFormat, "hl7v2");
}

Judgement Admission::judge(const Frame& frame) {
    const LogTime now = clock_.now();
    if (frame.kind == Frame::Kind::Message) return judge_message(frame.content, now);
    return reject_unread(frame, frame_fault(frame), now);
}

Judgement Admission::judge_unsplit(const Frame& frame, const Error& why) {
    const bool too_large = why.code() == Errc::TooLarge;
    return reject_unread(frame,
                         {too_large ? Fault::Kind::Error : Fault::Kind::Refused,
                          too_large ? hl7::reason::kTooLarge : hl7::reason::kNoMsh, "", 0,
                          too_large ? 207 : 100, why.message()},
                         clock_.now());
}

Judgement Admission::judge_message(std::string_view content, LogTime now) {
    const Frame frame{Frame::Kind::Message, content, content.size()};
    const auto decoded = decoder_.decode(content);
    if (!decoded) return reject_unread(frame, charset_fault(decoded.error()), now);
    if (const auto read = skim_.read(*decoded); !read) {
        return reject_unread(
            frame,
            {Fault::Kind::Refused, hl7::reason::kNoMsh, "MSH", 0, 100, read.error().message()},
            now);
    }
    const Reply reply{skim_.header(), decoded->charset, now};
    if (const auto fault = hl7::check(skim_)) return reject(frame, reply, *fault);
    return accept(content, reply);
}

std::string Admission::primary_key() {
    arena_.clear();
    identifiers_.clear();
    hl7::read_identifiers(skim_.pid(), hl7::sending_facility(skim_.msh(), arena_), arena_,
                          identifiers_);
    const auto* identifier = hl7::primary(identifiers_, settings_.authorities);
    return identifier == nullptr ? settings_.name : identifier->key();
}

Judgement Admission::accept(std::string_view content, const Reply& reply) {
    Judgement judged;
    judged.answer = answer(reply, std::nullopt);
    judged.kept_msh = msh_line(content);
    if (settings_.on_reused == OnReusedId::Refuse) judged.kept_content = content;
    judged.record =
        FeedRecord{.topic = settings_.feed,
                   .key = primary_key(),
                   .value = std::string(content),
                   .headers = feed_headers_,
                   .received = reply.now,
                   .ledger = LedgerEntry{ledger_key(settings_.name, reply.header), hash64(content),
                                         judged.answer, settings_.on_reused}};
    return judged;
}

Judgement Admission::reject(const Frame& frame, const Reply& reply, const Fault& fault) {
    Judgement judged;
    judged.outcome = fault.kind == Fault::Kind::Error ? Outcome::Error : Outcome::Refused;
    judged.reason = fault.reason;
    judged.record = dead_letter(frame, fault, reply.now);
    judged.answer = answer(reply, fault);
    return judged;
}

/// The text could not be taken as a message: the answer is made of what can be found in its bytes.
Judgement Admission::reject_unread(const Frame& frame, Fault fault, LogTime now) {
    const hl7::Header header = hl7::salvage_header(frame.content);
    // UTF-8 as the set: the salvaged bytes go back as they came.
    Judgement judged = reject(frame, {header, hl7::Charset::Utf8, now}, fault);
    const bool is_answerable = frame.kind == Frame::Kind::Message ||
                               frame.kind == Frame::Kind::TooLarge ||
                               frame.kind == Frame::Kind::Unframed;
    if (!is_answerable) judged.answer.clear();  // whoever sent it does not wait for an answer to it
    if (frame.kind != Frame::Kind::Message && frame.kind != Frame::Kind::TooLarge)
        judged.outcome = Outcome::Unreadable;
    return judged;
}

Settlement Admission::settle(Judgement judged, Result<AppendReceipt> appended) {
    if (!appended) {
        const Fault fault = append_fault(appended.error());
        return {answer_to_kept(judged.kept_msh, fault), Outcome::Busy, fault.reason, std::nullopt};
    }
    switch (appended->outcome) {
        case Appended::Repeat:
            return {std::move(appended->answer), Outcome::Duplicate, {}, std::nullopt};
        case Appended::Reused:
            return {std::move(judged.answer), Outcome::Reused, {}, std::nullopt};
        case Appended::Refused:
            return refuse_reused(std::move(judged));
        case Appended::New:
            break;
    }
    return {std::move(judged.answer), Outcome::Accepted, {}, std::nullopt};
}

Settlement Admission::refuse_reused(Judgement judged) {
    const Fault fault{Fault::Kind::Error,
                      hl7::reason::kReusedId,
                      "MSH",
                      10,
                      205,
                      "MSH-10 was used by another message before; see hl7.reused_id"};
    const Frame frame{Frame::Kind::Message, judged.kept_content, judged.kept_content.size()};
    return {answer_to_kept(judged.kept_msh, fault), Outcome::Error, fault.reason,
            dead_letter(frame, fault, clock_.now())};
}

std::string Admission::answer(const Reply& reply, const std::optional<Fault>& fault) {
    if (!hl7::wants_ack(reply.header, fault)) return {};
    const std::string text = hl7::build_ack(reply.header, fault, ids_.next(),
                                            hl7::format_time(reply.now.as<EventTime>(), zone_));
    return decoder_.encode(text, reply.charset);
}

std::string Admission::answer_to_kept(const std::string& msh, const Fault& fault) {
    // In the bytes as they came: our own words are ASCII, which every set of table 0211 shares.
    return answer({hl7::salvage_header(msh), hl7::Charset::Utf8, clock_.now()}, fault);
}

FeedRecord Admission::dead_letter(const Frame& frame, const Fault& fault, LogTime now) const {
    FeedRecord record{.topic = settings_.dead_letter,
                      .key = settings_.name,
                      .value = std::string(frame.content),
                      .headers = {},
                      .received = now,
                      .ledger = std::nullopt};
    Headers::append(record.headers, header::kReason, std::string(fault.reason) + ": " + fault.text);
    Headers::append(record.headers, header::kStage, "mllp");
    Headers::append(record.headers, header::kDeadSource, "mllp/" + settings_.name);
    Headers::append(record.headers, header::kAt, fault.at());
    Headers::append(record.headers, header::kEndpoint, settings_.name);
    Headers::append(record.headers, header::kFormat, "hl7v2");
    if (frame.size > frame.content.size()) {
        Headers::append(record.headers, header::kSize, std::to_string(frame.size));
        Headers::append(record.headers, header::kCut, std::to_string(frame.content.size()));
    }
    return record;
}

}  // namespace vitalog::ingest::mllp
