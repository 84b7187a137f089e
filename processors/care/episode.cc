#include "processors/care/episode.h"

#include <algorithm>

namespace vitalog::processors::care {
namespace {

void write_id(BinaryWriter& out, const RecordId& id) {
    for (const auto byte : id.bytes) out.u8(byte);
}
RecordId read_id(BinaryReader& in) {
    RecordId id;
    for (auto& byte : id.bytes) byte = in.u8();
    return id;
}
void write_time(BinaryWriter& out, const ZonedTime& time) {
    out.signed_varint(time.at.micros());
    out.signed_varint(time.offset_minutes);
    out.u8(static_cast<std::uint8_t>(time.precision));
}
bool read_time(BinaryReader& in, ZonedTime& time) {
    time.at = EventTime(in.signed_varint());
    time.offset_minutes = static_cast<std::int16_t>(in.signed_varint());
    const auto precision = in.u8();
    time.precision = static_cast<Precision>(precision);
    return precision <= static_cast<std::uint8_t>(Precision::Fraction);
}
template <class E>
bool read_enum(BinaryReader& in, E& value) {
    const auto number = in.u8();
    value = static_cast<E>(number);
    return number < schemas::EnumNames<E>::names.size();
}

// episode = alert revision rule priority band problem rank flags since ended task n { id }
//           n { fact } [action user at]
// fact    = id event loinc unit display source text [value] at
//
// Before, in persons of version 2:
// episode = alert revision rule priority band problem rank open retrospective told since task
//           n { id } [action user at]

constexpr std::uint8_t kOpen = 1, kRetrospective = 2, kTold = 4, kWantsTask = 8, kSharesTask = 16;

std::uint8_t flags_of(const Episode& episode) {
    unsigned flags = 0;
    if (episode.open) flags |= kOpen;
    if (episode.retrospective) flags |= kRetrospective;
    if (episode.told) flags |= kTold;
    if (episode.wants_task) flags |= kWantsTask;
    if (episode.shares_task) flags |= kSharesTask;
    return static_cast<std::uint8_t>(flags);
}

void set_flags(Episode& episode, unsigned flags) {
    episode.open = (flags & kOpen) != 0;
    episode.retrospective = (flags & kRetrospective) != 0;
    episode.told = (flags & kTold) != 0;
    episode.wants_task = (flags & kWantsTask) != 0;
    episode.shares_task = (flags & kSharesTask) != 0;
}

void write_fact(BinaryWriter& out, const SampleFact& fact) {
    write_id(out, fact.id);
    write_id(out, fact.event);
    for (const auto* text : {&fact.loinc, &fact.unit, &fact.display, &fact.source, &fact.text})
        out.text(*text);
    out.boolean(fact.value.has_value());
    if (fact.value) out.real(*fact.value);
    write_time(out, fact.at);
}

bool read_decided(BinaryReader& in, std::optional<Decided>& decided) {
    if (!in.boolean()) return true;
    Decided& decision = decided.emplace();
    const bool valid = read_enum(in, decision.action);
    decision.user = in.text();
    decision.at = ReceivedTime(in.signed_varint());
    return valid;
}

bool read_fact(BinaryReader& in, SampleFact& fact) {
    fact.id = read_id(in);
    fact.event = read_id(in);
    for (auto* text : {&fact.loinc, &fact.unit, &fact.display, &fact.source, &fact.text})
        text->assign(in.text());
    if (in.boolean()) fact.value = in.real();
    return read_time(in, fact.at);
}

}  // namespace

bool Episode::rests_on(const RecordId& result) const {
    return std::find(evidence.begin(), evidence.end(), result) != evidence.end();
}

void Episode::add_evidence(const RecordId& result) {
    if (rests_on(result)) return;
    if (evidence.size() == kEvidencePerEpisodeMax) evidence.erase(evidence.begin());
    evidence.push_back(result);
}

bool Episode::add_fact(const SampleFact& fact) {
    if (std::any_of(facts.begin(), facts.end(),
                    [&](const SampleFact& known) { return known.id == fact.id; }))
        return false;
    if (facts.size() == kEvidencePerEpisodeMax) facts.erase(facts.begin() + 1);
    facts.push_back(fact);
    return true;
}

std::size_t Episode::heap_bytes() const {
    std::size_t bytes = sizeof(schemas::Rule) + rule->problem.size() + rule->source.size() +
                        rule->bands.capacity() * sizeof(schemas::RuleBand) +
                        rule->conditions.capacity() * sizeof(schemas::Rule) +
                        rule->loinc.capacity() * sizeof(std::string) + problem.capacity() +
                        evidence.capacity() * sizeof(RecordId) +
                        facts.capacity() * sizeof(SampleFact);
    for (const auto& fact : facts) bytes += fact.display.capacity() + fact.text.capacity();
    return bytes;
}

void Episode::encode(BinaryWriter& out) const {
    write_id(out, alert);
    out.signed_varint(revision);
    schemas::encode_rule(out, *rule);
    out.u8(static_cast<std::uint8_t>(priority));
    out.text(band);
    out.text(problem);
    out.signed_varint(rank);
    out.u8(flags_of(*this));
    write_time(out, since);
    out.signed_varint(ended.micros());
    write_id(out, task);
    out.varint(evidence.size());
    for (const auto& id : evidence) write_id(out, id);
    out.varint(facts.size());
    for (const auto& fact : facts) write_fact(out, fact);
    out.boolean(decided.has_value());
    if (!decided) return;
    out.u8(static_cast<std::uint8_t>(decided->action));
    out.text(decided->user);
    out.signed_varint(decided->at.micros());
}

bool Episode::decode(BinaryReader& in) {
    alert = read_id(in);
    revision = in.signed_varint();
    rule = std::make_shared<const schemas::Rule>(schemas::decode_rule(in));
    bool valid = read_enum(in, priority);
    band = in.text();
    problem = in.text();
    rank = static_cast<int>(in.signed_varint());
    const unsigned flags = in.u8();
    if (flags > (kOpen | kRetrospective | kTold | kWantsTask | kSharesTask)) return false;
    set_flags(*this, flags);
    valid = read_time(in, since) && valid;
    ended = EventTime(in.signed_varint());
    task = read_id(in);
    const std::size_t results = in.count();
    if (results > kEvidencePerEpisodeMax) return false;
    for (std::size_t i = 0; i < results; ++i) evidence.push_back(read_id(in));
    const std::size_t samples = in.count();
    if (samples > kEvidencePerEpisodeMax) return false;
    for (std::size_t i = 0; i < samples; ++i) valid = read_fact(in, facts.emplace_back()) && valid;
    return read_decided(in, decided) && valid && in.ok();
}

bool Episode::decode_form_2(BinaryReader& in) {
    alert = read_id(in);
    revision = in.signed_varint();
    rule = std::make_shared<const schemas::Rule>(schemas::decode_rule_form_2(in));
    bool valid = read_enum(in, priority);
    band = in.text();
    problem = in.text();
    rank = static_cast<int>(in.signed_varint());
    open = in.boolean();
    retrospective = in.boolean();
    told = in.boolean();
    valid = read_time(in, since) && valid;
    task = read_id(in);
    wants_task = has_task();
    if (!open) ended = since.at;  // its rule knew no cool-down
    const std::size_t results = in.count();
    if (results > kEvidencePerEpisodeMax) return false;
    for (std::size_t i = 0; i < results; ++i) evidence.push_back(read_id(in));
    return read_decided(in, decided) && valid && in.ok();
}

}  // namespace vitalog::processors::care
