#include "ingest/intake/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "ingest/intake/document.h"
#include "ingest/intake/number.h"

namespace vitalog::ingest {
namespace {

using schemas::MappedCode;
using schemas::Observation;
using schemas::ObservationStatus;
using schemas::Unit;
using schemas::ValueKind;

bool is_blank(std::string_view text) {
    return text.find_first_not_of(' ') == std::string_view::npos;
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

ValueFault fault(Errc code, std::string message, std::string_view field) {
    return {Error(code, std::move(message)), field};
}

/// OBX-3: the code as sent, and what the tables say it means; by the alternate code where the first
/// means nothing.
const MappedCode* map_code(const Scope& scope, const hl7::Field& field, Observation& out) {
    const hl7::Repetition ce = field.repetition(0);
    out.code = {scope.text(ce.component(3)), scope.text(ce.component(1)),
                scope.text(ce.component(2))};
    const MappedCode* mapped =
        scope.tables.find_code(out.code.system, out.code.code, out.code.display);
    if (mapped == nullptr && ce.component(4).has_value())
        mapped = scope.tables.find_code(scope.text(ce.component(6)), scope.text(ce.component(4)),
                                        scope.text(ce.component(5)));
    if (mapped == nullptr) return nullptr;
    if (mapped->observable != nullptr) out.loinc = mapped->observable->loinc;
    if (out.code.display.empty()) out.code.display = mapped->display;
    return mapped;
}

std::string_view describe(const Observation& observation) {
    return observation.code.display.empty() ? observation.code.code : observation.code.display;
}

/// The whole field as text: repetitions are lines, as in TX and FT.
std::string_view text_of(const Scope& scope, const hl7::Field& field) {
    const std::size_t count = field.repetition_count();
    if (count <= 1) return scope.text(field.repetition(0));
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) text.push_back('\n');
        text.append(scope.text(field.repetition(i)));
    }
    return scope.arena.keep(std::move(text));
}

/// A CE or CWE: its words, else its code.
std::string_view coded_text(const Scope& scope, const hl7::Field& field) {
    const hl7::Repetition ce = field.repetition(0);
    for (const std::size_t n : {9, 2, 5, 1, 4}) {
        const std::string_view text = scope.text(ce.component(n));
        if (!text.empty()) return text;
    }
    return {};
}

/// What is said of a document where its text would stand: its kind, and its size as sent.
std::string_view document_note(const Scope& scope, const hl7::Repetition& value,
                               std::string_view type) {
    std::string note = type == "ED" ? "document" : "reference to a document";
    const std::size_t first = type == "ED" ? 2 : 3;
    for (std::size_t n = first; n < first + 2; ++n) {
        const std::string_view part = scope.text(value.component(n));
        if (!part.empty()) note.append(n == first ? ", " : "/").append(part);
    }
    if (type == "ED")
        note.append(", ")
            .append(std::to_string(value.component(5).raw().size()))
            .append(" bytes as sent");
    return scope.arena.keep(std::move(note));
}

bool value_may_be_anything(ObservationStatus status) {
    return status == ObservationStatus::Deleted || status == ObservationStatus::WrongPatient ||
           status == ObservationStatus::Cancelled;
}

/// A numeric result before its unit is looked at, and the mark that came with it. SN: comparator,
/// number.
Result<Number> read_number(const Scope& scope, const hl7::Field& field, bool structured,
                           std::string_view& flag) {
    if (!structured) return parse_marked_number(scope.text(field), flag);
    const hl7::Repetition sn = field.repetition(0);
    if (field.repetition_count() > 1)
        return fail(Errc::Malformed, quoted(field.raw()) + " holds several values");
    return parse_number(scope.text(sn.component(1)), scope.text(sn.component(2)));
}

/// A ratio, range or grade in an SN as people write it: "1:128", "2-5", ">=3+".
std::string_view structured_text(const Scope& scope, const hl7::Repetition& sn) {
    std::string text;
    for (const std::size_t n : {1, 2, 3, 4}) text.append(scope.text(sn.component(n)));
    return scope.arena.keep(std::move(text));
}

struct SentUnit {
    std::string_view spelling;
    const Unit* unit = nullptr;
};

/// OBX-6 by its code, by its words, and as "10^9/L", which many laboratories send unescaped.
SentUnit unit_of(const Scope& scope, const hl7::Field& field) {
    SentUnit sent;
    if (!field.has_value()) return sent;
    const hl7::Repetition ce = field.repetition(0);
    sent.spelling = scope.text(ce.component(1));
    if (is_blank(sent.spelling)) sent.spelling = {};
    if (!sent.spelling.empty()) sent.unit = scope.tables.find_unit(sent.spelling);
    if (sent.unit != nullptr || !ce.component(2).has_value()) return sent;
    const std::string_view words = scope.text(ce.component(2));
    const std::string_view power =
        scope.arena.keep(std::string(sent.spelling).append("^").append(words));
    if (const Unit* unit = scope.tables.find_unit(power)) return {power, unit};
    sent.unit = scope.tables.find_unit(words);
    if (sent.spelling.empty()) sent.spelling = words;
    return sent;
}

std::string number_text(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

/// Converts by the unit that came; never by the code, never by the size of the number.
std::optional<ValueFault> map_mapped(const MappedCode& mapped, const SentUnit& sent,
                                     const Number& number, const Range& range, Observation& out) {
    const schemas::Observable& what = *mapped.observable;
    const Unit* from = sent.unit;
    if (sent.spelling.empty()) {
        if (!mapped.dimensionless)
            return fault(Errc::Missing,
                         "OBX-6 is empty: " + quoted(describe(out)) +
                             " needs a unit that converts to " + quoted(what.unit->ucum) +
                             ", or 'dimensionless: true' in the code table",
                         "OBX-6");
        from = what.unit;
    } else if (from == nullptr) {
        return fault(Errc::Unsupported,
                     "OBX-6 " + quoted(sent.spelling) +
                         " is no known unit; add the spelling to the unit table",
                     "OBX-6");
    }
    const auto in_unit = [&](double value) {
        return convert(value, *from, *what.unit, mapped.substance);
    };
    out.value = in_unit(number.value);
    if (!out.value)
        return fault(Errc::OutOfRange,
                     "wrong dimension: OBX-6 " + quoted(sent.spelling) + " does not convert to " +
                         quoted(what.unit->ucum) + " of " + quoted(describe(out)),
                     "OBX-6");
    const bool below = what.minimum && *out.value < *what.minimum;
    const bool above = what.maximum && *out.value > *what.maximum;
    if (below || above)
        return fault(Errc::OutOfRange,
                     "OBX-5 " + quoted(out.raw_value) + " of " + quoted(describe(out)) + " is " +
                         (below ? "below the minimum " + number_text(*what.minimum)
                                : "above the maximum " + number_text(*what.maximum)) +
                         " " + what.unit->ucum,
                     "OBX-5");
    out.unit = what.unit->ucum;
    if (range.low) out.low = in_unit(*range.low);
    if (range.high) out.high = in_unit(*range.high);
    return std::nullopt;
}

std::optional<ValueFault> map_quantity(const Scope& scope, const hl7::Segment& obx,
                                       const MappedCode* mapped, const Number& number,
                                       Observation& out) {
    const SentUnit sent = unit_of(scope, obx.field(6));
    out.raw_unit = sent.spelling;
    const Range range = out.range.empty() ? Range() : parse_range(out.range);
    out.kind = ValueKind::Quantity;
    out.comparator = number.comparator;
    if (mapped != nullptr && mapped->observable != nullptr && mapped->observable->unit != nullptr)
        return map_mapped(*mapped, sent, number, range, out);
    out.value = number.value;
    out.unit = sent.unit != nullptr ? std::string_view(sent.unit->ucum) : sent.spelling;
    out.low = range.low;
    out.high = range.high;
    return std::nullopt;
}

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

void take_text(std::string_view text, ValueKind kind, Observation& out) {
    out.text = text;
    out.kind = is_blank(text) ? ValueKind::Missing : kind;
}

/// The number of an answer, where its code has answers that count; one that the tables do not know
/// stays the words it was sent as, and is counted.
void take_answer(const Scope& scope, const hl7::Field& field, const MappedCode* mapped,
                 Observation& out) {
    if (mapped == nullptr || mapped->observable == nullptr) return;
    const schemas::Observable& what = *mapped->observable;
    if (what.answers.empty() || out.kind == ValueKind::Missing) return;
    const schemas::Answer* answer = what.find_answer(out.text);
    for (const std::size_t n : {1, 2, 4, 5, 9})
        if (answer == nullptr)
            answer = what.find_answer(scope.text(field.repetition(0).component(n)));
    if (answer == nullptr)
        return scope.out.count("vitalog_unknown_answers_total", {{"loinc", what.loinc}});
    out.value = answer->number;
    out.unit = schemas::kAnswerUnit;
}

bool has_unit(const MappedCode* mapped) {
    return mapped != nullptr && mapped->observable != nullptr &&
           mapped->observable->unit != nullptr;
}

std::optional<ValueFault> map_document_value(const Scope& scope, const hl7::Segment& obx,
                                             std::string_view type, Observation& out) {
    const hl7::Repetition value = obx.field(5).repetition(0);
    take_text(document_note(scope, value, type), ValueKind::Text, out);
    if (type != "ED" || !value.component(5).has_value()) return std::nullopt;
    auto digest = digest_document(value);
    if (!digest) {
        if (value_may_be_anything(out.status)) return std::nullopt;
        return fault(digest.error().code(), "OBX-5 " + digest.error().message(), "OBX-5");
    }
    out.attachment = {scope.arena.keep(std::move(digest->sha256)), digest->size,
                      scope.arena.keep(content_type(value)),
                      scope.arena.keep(std::string(scope.source)),
                      static_cast<std::int64_t>(obx.index())};
    return std::nullopt;
}

/// NM, SN, and what came untyped for a code that is measured.
std::optional<ValueFault> map_numeric(const Scope& scope, const hl7::Segment& obx,
                                      const MappedCode* mapped, std::string_view type,
                                      Observation& out) {
    const hl7::Field field = obx.field(5);
    std::string_view flag;
    out.raw_value = scope.text(field);
    const auto number = read_number(scope, field, type == "SN", flag);
    if (number) {
        auto faulty = map_quantity(scope, obx, mapped, *number, out);
        if (!faulty && out.flags.empty()) out.flags = flag;
        if (!faulty || !value_may_be_anything(out.status)) return faulty;
    } else if (!type.empty() && !value_may_be_anything(out.status) && !is_graded(out.raw_value)) {
        return fault(number.error().code(), "OBX-5 " + number.error().message(), "OBX-5");
    }
    out.value.reset();
    out.comparator = out.unit = {};
    take_text(out.raw_value, ValueKind::Text, out);
    return std::nullopt;
}

/// ST that reads as a number and converts to the unit of its code, or names a known unit itself, is
/// a quantity. Whatever is less certain than that stays the text it was sent as.
bool map_certain_number(const Scope& scope, const hl7::Segment& obx, const MappedCode* mapped,
                        Observation& out) {
    const hl7::Field field = obx.field(5);
    if (field.repetition_count() > 1 || field.repetition(0).component_count() > 1) return false;
    std::string_view flag;
    const auto number = parse_marked_number(scope.text(field), flag);
    if (!number) return false;
    const bool coded = mapped != nullptr && mapped->observable != nullptr;
    if (coded ? !has_unit(mapped) : unit_of(scope, obx.field(6)).unit == nullptr) return false;
    Observation trial = out;
    trial.raw_value = scope.text(field);
    if (map_quantity(scope, obx, mapped, *number, trial)) return false;
    if (trial.flags.empty()) trial.flags = flag;
    out = std::move(trial);
    return true;
}

}  // namespace

std::optional<ValueFault> map_value(const Scope& scope, const hl7::Segment& obx, Observation& out) {
    const MappedCode* mapped = map_code(scope, obx.field(3), out);
    if (out.code.code.empty() && out.code.display.empty())
        return fault(Errc::Missing, "OBX-3 is empty: nobody knows what was observed", "OBX-3");
    const std::string_view type =
        obx.field(2).has_value() ? obx.field(2).raw() : std::string_view();
    const hl7::Field field = obx.field(5);
    out.range = scope.text(obx.field(7));
    out.flags = scope.text(obx.field(8));
    if (obx.field(6).has_value()) out.raw_unit = scope.text(obx.field(6).component(1));
    if (!field.has_value() || is_blank(field.raw())) return std::nullopt;  // missing, not an error

    if (type == "ED" || type == "RP") return map_document_value(scope, obx, type, out);
    if (type == "SN" && !is_blank(field.component(3).raw())) {
        out.raw_value = scope.text(field);
        take_text(structured_text(scope, field.repetition(0)), ValueKind::Text, out);
        return std::nullopt;
    }
    if (type == "NM" || type == "SN" || (type.empty() && has_unit(mapped)))
        return map_numeric(scope, obx, mapped, type, out);
    if (type == "ST" && map_certain_number(scope, obx, mapped, out)) return std::nullopt;
    if (is_one_of(type, {"CE", "CWE", "CNE", "CF", "IS", "ID"})) {
        out.raw_value = scope.text(field.component(1));
        take_text(coded_text(scope, field), ValueKind::Coded, out);
        take_answer(scope, field, mapped, out);
        return std::nullopt;
    }
    take_text(text_of(scope, field), ValueKind::Text, out);
    take_answer(scope, field, mapped, out);
    return std::nullopt;
}

}  // namespace vitalog::ingest
