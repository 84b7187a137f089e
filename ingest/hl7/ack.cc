#include "ingest/hl7/ack.h"

#include <array>
#include <utility>

namespace vitalog::ingest::hl7 {
namespace {

/// HL7 table 0357.
std::string_view condition_text(int code) {
    static constexpr std::array kTexts = std::to_array<std::pair<int, std::string_view>>({
        {0, "Message accepted"},
        {100, "Segment sequence error"},
        {101, "Required field missing"},
        {102, "Data type error"},
        {103, "Table value not found"},
        {200, "Unsupported message type"},
        {201, "Unsupported event code"},
        {202, "Unsupported processing id"},
        {203, "Unsupported version id"},
        {204, "Unknown key identifier"},
        {205, "Duplicate key identifier"},
        {206, "Application record locked"},
        {207, "Application internal error"},
    });
    for (const auto& [known, text] : kTexts)
        if (known == code) return text;
    return "Application internal error";
}

/// ERR-1 was replaced by ERR-2 to ERR-8 in version 2.5.
bool has_old_err(std::string_view version) {
    return version.starts_with("2.1") || version.starts_with("2.2") || version.starts_with("2.3") ||
           version.starts_with("2.4");
}

/// A fault is fatal to the message unless the same bytes may be taken later.
std::string_view severity(const Fault& fault) {
    return fault.kind == Fault::Kind::Refused ? "F" : "E";
}

/// Joins pieces of one segment with a message's delimiters.
class SegmentWriter {
  public:
    SegmentWriter(std::string& out, const Delimiters& delimiters)
        : out_(out), delimiters_(delimiters) {}

    SegmentWriter& raw(std::string_view text) {
        out_.append(text);
        return *this;
    }
    SegmentWriter& field(std::string_view text = {}) { return separated(delimiters_.field, text); }
    SegmentWriter& component(std::string_view text) {
        return separated(delimiters_.component, text);
    }
    SegmentWriter& subcomponent(std::string_view text) {
        return separated(delimiters_.subcomponent == '\0' ? ' ' : delimiters_.subcomponent, text);
    }
    void end() { out_.push_back('\r'); }

  private:
    SegmentWriter& separated(char separator, std::string_view text) {
        out_.push_back(separator);
        out_.append(text);
        return *this;
    }
    std::string& out_;
    const Delimiters& delimiters_;
};

void append_msh(std::string& out, const Header& header, std::string_view control_id,
                std::string_view time) {
    const Delimiters& d = header.delimiters;
    SegmentWriter msh(out, d);
    msh.raw("MSH").field();
    for (const char code : {d.component, d.repetition, d.escape, d.subcomponent, d.truncation})
        if (code != '\0') out.push_back(code);
    msh.field(header.receiving_application).field(header.receiving_facility);
    msh.field(header.sending_application).field(header.sending_facility);
    msh.field(time).field().field("ACK");
    if (!header.event.empty()) msh.component(header.event).component("ACK");
    msh.field(control_id).field(header.processing.empty() ? "P" : header.processing);
    msh.field(header.version.empty() ? "2.5" : header.version);
    if (!header.charset.empty()) {
        for (int n = 13; n < 18; ++n) msh.field();
        msh.field(header.charset);
    }
    msh.end();
}

void append_err(std::string& out, const Header& header, const Fault& fault, std::string_view text) {
    SegmentWriter err(out, header.delimiters);
    const std::string code = std::to_string(fault.code);
    const std::string field = fault.field > 0 ? std::to_string(fault.field) : "";
    err.raw("ERR");
    if (has_old_err(header.version)) {
        err.field(fault.segment).component(fault.segment.empty() ? "" : "1").component(field);
        err.component(code).subcomponent(condition_text(fault.code)).subcomponent("HL70357").end();
        return;
    }
    err.field().field(fault.segment);
    if (!fault.segment.empty()) err.component("1");
    if (!field.empty()) err.component(field);
    err.field(code).component(condition_text(fault.code)).component("HL70357");
    err.field(severity(fault)).field().field().field().field(text).end();
}

std::string first_text(std::initializer_list<Component> candidates) {
    std::string scratch;
    for (const Component& candidate : candidates)
        if (candidate.has_value()) return std::string(candidate.text(scratch));
    return {};
}

}  // namespace

std::string_view ack_code(const Header& header, const std::optional<Fault>& fault) {
    const bool enhanced = header.enhanced();
    if (!fault) return enhanced ? "CA" : "AA";
    if (fault->kind == Fault::Kind::Error) return enhanced ? "CE" : "AE";
    return enhanced ? "CR" : "AR";
}

bool wants_ack(const Header& header, const std::optional<Fault>& fault) {
    if (!header.enhanced()) return true;
    if (header.accept_ack == "NE") return false;
    if (header.accept_ack == "ER") return fault.has_value();
    if (header.accept_ack == "SU") return !fault.has_value();
    return true;
}

std::string build_ack(const Header& header, const std::optional<Fault>& fault,
                      std::string_view control_id, std::string_view time) {
    std::string out;
    out.reserve(256);
    append_msh(out, header, control_id, time);
    SegmentWriter msa(out, header.delimiters);
    msa.raw("MSA").field(ack_code(header, fault)).field(header.control_id);
    const std::string text = fault ? escape(fault->text, header.delimiters) : std::string();
    if (fault) msa.field(text);
    msa.end();
    if (fault) append_err(out, header, *fault, text);
    return out;
}

Result<Acknowledgement> read_ack(std::string_view bytes) {
    Message message;
    VITALOG_CHECK(message.parse(bytes));
    const Segment msa = message.segment("MSA");
    if (!msa) return fail(Errc::Malformed, "the answer has no MSA segment");
    const Segment err = message.segment("ERR");
    std::string scratch;
    return Acknowledgement{std::string(msa.field(1).component(1).text(scratch)),
                           std::string(msa.field(2).text(scratch)),
                           first_text({msa.field(3).component(1), err.field(8).component(1),
                                       err.field(7).component(1), err.field(3).component(2)})};
}

}  // namespace vitalog::ingest::hl7
