#include "ingest/hl7/header.h"

#include <algorithm>
#include <charconv>

namespace vitalog::ingest::hl7 {
namespace {

bool valued(std::string_view field) {
    return !field.empty() && field != "\"\"";
}

bool needs_mrg(const Header& header) {
    return header.code == "ADT" && (header.event == "A34" || header.event == "A40");
}

/// 2.3 to 2.8; senders write any third number ("2.5.1", "2.3.2").
bool is_supported_version(std::string_view version) {
    if (!version.starts_with("2.")) return false;
    version.remove_prefix(2);
    const std::string_view minor = version.substr(0, version.find('.'));
    if (minor.size() != 1 || minor.front() < '3' || minor.front() > '8') return false;
    version.remove_prefix(1);
    if (version.empty()) return true;
    const std::string_view patch = version.substr(1);
    return !patch.empty() && patch.size() <= 2 &&
           std::all_of(patch.begin(), patch.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Fault refused(std::string_view reason, int field, int code, std::string text) {
    return {Fault::Kind::Refused, reason, "MSH", field, code, std::move(text)};
}

std::optional<Fault> check_msh(const Header& header) {
    if (!valued(header.code)) return refused(reason::kNoMsh, 9, 101, "MSH-9 names no message type");
    if (!valued(header.control_id))
        return refused(reason::kNoMsh, 10, 101, "MSH-10 holds no message control id");
    if (header.processing != "P" && header.processing != "T" && header.processing != "D")
        return refused(reason::kProcessing, 11, valued(header.processing) ? 202 : 101,
                       "MSH-11 must be P, T or D");
    if (!is_supported_version(header.version))
        return refused(reason::kVersion, 12, valued(header.version) ? 203 : 101,
                       "MSH-12 must be a version from 2.3 to 2.8");
    return std::nullopt;
}

}  // namespace

bool Header::enhanced() const {
    return valued(accept_ack) || valued(application_ack);
}

std::string Fault::at() const {
    std::string place(segment);
    if (field > 0) place.append("-").append(std::to_string(field));
    return place;
}

Header read_header(const Segment& msh) {
    Header header;
    header.sending_application = msh.field(3).raw();
    header.sending_facility = msh.field(4).raw();
    header.receiving_application = msh.field(5).raw();
    header.receiving_facility = msh.field(6).raw();
    header.code = msh.field(9).component(1).raw();
    header.event = msh.field(9).component(2).raw();
    header.control_id = msh.field(10).raw();
    header.processing = msh.field(11).component(1).raw();
    header.version = msh.field(12).component(1).raw();
    header.accept_ack = msh.field(15).raw();
    header.application_ack = msh.field(16).raw();
    header.charset = msh.field(18).raw();
    return header;
}

Header salvage_header(std::string_view bytes) {
    const std::size_t start = bytes.find("MSH");
    if (start == std::string_view::npos) return {};
    bytes.remove_prefix(start);
    bytes = bytes.substr(0, bytes.find_first_of("\r\n\v\x1c"));
    Message message;
    if (message.parse(bytes)) {
        Header header = read_header(message.msh());
        header.delimiters = message.encoding().delimiters;
        return header;
    }
    // MSH-2 is unusable; with the separator that is there and the usual encoding characters most of
    // it can still be read.
    if (bytes.size() < 5) return {};
    Header header;
    const char separator = bytes[3];
    const auto field = [&](std::size_t n) {
        std::string_view rest = bytes.substr(4);
        for (; n > 2; --n) {
            const std::size_t end = rest.find(separator);
            if (end == std::string_view::npos) return std::string_view();
            rest.remove_prefix(end + 1);
        }
        return rest.substr(0, rest.find(separator));
    };
    header.sending_application = field(3);
    header.sending_facility = field(4);
    header.receiving_application = field(5);
    header.receiving_facility = field(6);
    header.control_id = field(10);
    header.processing = field(11);
    header.version = field(12);
    header.accept_ack = field(15);
    header.application_ack = field(16);
    return header;
}

namespace {

/// As Message takes a segment: a longer name is another segment's.
bool has_id(std::string_view line, std::string_view id, const Delimiters& delimiters) {
    return line.starts_with(id) && (line.size() == id.size() || line[id.size()] == delimiters.field);
}

}  // namespace

Result<void> Skim::read(const DecodedText& decoded) {
    const std::size_t start = std::min(decoded.text.find("MSH"), decoded.text.size());
    const std::string_view text = decoded.text.substr(start);
    const bool only_blanks_before = decoded.text.substr(0, start).find_first_not_of(
                                        std::string_view(" \r\n\t\0", 5)) == std::string_view::npos;
    if (!only_blanks_before) return fail(Errc::Malformed, "the message does not begin with MSH");
    VITALOG_TRY(const Delimiters delimiters, read_delimiters(text));
    SegmentWalk walk(text, delimiters.field);
    std::string_view line;
    walk.next(line);
    VITALOG_CHECK(head_.parse(line, decoded.charset));
    header_ = read_header(head_.msh());
    header_.delimiters = delimiters;
    has_mrg_ = false;
    std::size_t head_end = 0;
    const bool look_for_mrg = needs_mrg(header_);
    while ((head_end == 0 || (look_for_mrg && !has_mrg_)) && walk.next(line)) {
        if (head_end == 0 && has_id(line, "PID", delimiters)) head_end = walk.position();
        if (has_id(line, "MRG", delimiters)) has_mrg_ = true;
    }
    return head_.parse(text.substr(0, head_end == 0 ? walk.position() : head_end), decoded.charset);
}

std::optional<Fault> check(const Skim& skim) {
    const Header& header = skim.header();
    if (auto fault = check_msh(header)) return fault;
    const bool about_a_person = header.code == "ADT" || header.code == "ORU";
    if (about_a_person && !skim.pid().exists())
        return Fault{Fault::Kind::Error,
                     reason::kNoPid,
                     "PID",
                     0,
                     100,
                     "segment PID is required in " + std::string(header.code)};
    if (needs_mrg(header) && !skim.has_mrg())
        return Fault{Fault::Kind::Error,
                     reason::kNoMrg,
                     "MRG",
                     0,
                     100,
                     "segment MRG is required in ADT^" + std::string(header.event)};
    return std::nullopt;
}

}  // namespace vitalog::ingest::hl7
