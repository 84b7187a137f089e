#include "ingest/hl7/batch.h"

#include <algorithm>

#include "ingest/hl7/message.h"

namespace vitalog::ingest::hl7 {
namespace {

constexpr std::string_view kBlanks("\r\n \t\0", 5);
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr char kUsualSeparator = '|';
constexpr std::string_view kUsualEncoding = "^~\\&";

std::string_view without_lead(std::string_view bytes) {
    if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
    return bytes.substr(std::min(bytes.find_first_not_of(kBlanks), bytes.size()));
}

bool is_blank(std::string_view line) {
    return line.find_first_not_of(kBlanks) == std::string_view::npos;
}

char separator_of(std::string_view line) {
    return line.size() > 3 ? line[3] : kUsualSeparator;
}

/// Field n of an envelope segment. FHS-1 and BHS-1 are the separator itself.
std::string_view field(std::string_view line, std::size_t n) {
    const char separator = separator_of(line);
    if (line.starts_with("FHS") || line.starts_with("BHS")) --n;
    for (; n > 0; --n) {
        const std::size_t at = line.find(separator);
        if (at == std::string_view::npos) return {};
        line.remove_prefix(at + 1);
    }
    return line.substr(0, line.find(separator));
}

/// FHS and BHS of an answer: sender and receiver swapped, field 12 the control id of what is
/// answered.
void append_header(std::string& out, std::string_view id, std::string_view sent,
                   std::string_view control_id, std::string_view time) {
    const char separator = separator_of(sent);
    const std::string_view encoding = field(sent, 2).empty() ? kUsualEncoding : field(sent, 2);
    out.append(id);
    for (const std::string_view text :
         {encoding, field(sent, 5), field(sent, 6), field(sent, 3), field(sent, 4), time,
          std::string_view(), std::string_view(), std::string_view(), control_id, field(sent, 11)})
        out.append(1, separator).append(text);
    out.push_back('\r');
}

}  // namespace

bool is_batch_segment(std::string_view line) {
    const std::string_view id = line.substr(0, 3);
    return id == "FHS" || id == "BHS" || id == "BTS" || id == "FTS";
}

bool is_batch(std::string_view bytes) {
    const std::string_view start = without_lead(bytes).substr(0, 3);
    return start == "FHS" || start == "BHS";
}

void Batch::take_envelope(std::string_view line) {
    if (line.starts_with("FHS")) file_ = line;
    if (line.starts_with("BHS")) groups_.push_back({std::string(line), messages_.size(), 0, {}});
    if (line.starts_with("BTS") && !groups_.empty()) groups_.back().said = field(line, 1);
}

Result<Batch> Batch::split(std::string_view bytes, std::size_t messages_max) {
    Batch batch;
    const std::string_view text = without_lead(bytes);
    SegmentWalk walk(text, separator_of(text));
    std::string_view line;
    bool open = false;  // inside a message
    while (walk.next(line)) {
        if (is_blank(line)) continue;
        if (is_batch_segment(line)) {
            batch.take_envelope(line);
            open = false;
        } else if (line.starts_with("MSH")) {
            if (batch.messages_.size() == messages_max)
                return fail(Errc::TooLarge, "the batch holds more than " +
                                                std::to_string(messages_max) +
                                                " messages; send it in parts");
            if (batch.groups_.empty()) batch.groups_.push_back({});
            ++batch.groups_.back().count;
            batch.messages_.push_back(line);
            open = true;
        } else if (!open) {
            return fail(Errc::Malformed, "the batch holds a segment in front of a message's MSH");
        }
        if (open) {
            // The segments of a message lie side by side.
            std::string_view& message = batch.messages_.back();
            const char* const end =
                std::min(line.data() + line.size() + 1, text.data() + text.size());
            message = {message.data(), static_cast<std::size_t>(end - message.data())};
        }
    }
    if (batch.groups_.empty()) batch.groups_.push_back({});
    return batch;
}

std::string Batch::answer(const std::vector<std::string>& answers, ControlIds& ids,
                          std::string_view time) const {
    const bool silence =
        !answers.empty() &&
        std::all_of(answers.begin(), answers.end(), [](const auto& one) { return one.empty(); });
    if (silence) return {};
    std::string out;
    if (!file_.empty()) append_header(out, "FHS", file_, ids.next(), time);
    for (const Group& group : groups_) {
        const std::string_view sent = group.header.empty() ? std::string_view(file_) : group.header;
        const char separator = separator_of(sent);
        append_header(out, "BHS", sent, ids.next(), time);
        std::size_t count = 0;
        for (std::size_t i = group.first; i < group.first + group.count; ++i) {
            out.append(answers[i]);
            count += answers[i].empty() ? 0 : 1;
        }
        out.append("BTS").append(1, separator).append(std::to_string(count));
        if (!group.said.empty() && group.said != std::to_string(group.count))
            out.append(1, separator)
                .append("BTS-1 said " + group.said + " messages, " + std::to_string(group.count) +
                        " came");
        out.push_back('\r');
    }
    if (!file_.empty())
        out.append("FTS")
            .append(1, separator_of(file_))
            .append(std::to_string(groups_.size()) + "\r");
    return out;
}

}  // namespace vitalog::ingest::hl7
