#include "processors/care/person.h"

#include <algorithm>

#include "schemas/base/binary.h"

namespace vitalog::processors::care {
namespace {

constexpr std::uint8_t kMagic = 'P';
constexpr std::uint8_t kVersion = 4;

// person  = magic version flags [year month day] sex team merged_into results
//           index_results spo2_scales n { episode }
// episode = alert revision rule priority band problem rank flags since task n { id } [action user
// at]

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

void write_episode(BinaryWriter& out, const Episode& episode) {
    write_id(out, episode.alert);
    out.signed_varint(episode.revision);
    schemas::encode_rule(out, *episode.rule);
    out.u8(static_cast<std::uint8_t>(episode.priority));
    out.text(episode.band);
    out.text(episode.problem);
    out.signed_varint(episode.rank);
    out.boolean(episode.open);
    out.boolean(episode.retrospective);
    out.boolean(episode.told);
    write_time(out, episode.since);
    write_id(out, episode.task);
    out.varint(episode.evidence.size());
    for (const auto& id : episode.evidence) write_id(out, id);
    out.boolean(episode.decided.has_value());
    if (!episode.decided) return;
    out.u8(static_cast<std::uint8_t>(episode.decided->action));
    out.text(episode.decided->user);
    out.signed_varint(episode.decided->at.micros());
}

bool read_episode(BinaryReader& in, Episode& episode) {
    episode.alert = read_id(in);
    episode.revision = in.signed_varint();
    episode.rule = std::make_shared<const schemas::Rule>(schemas::decode_rule(in));
    bool valid = read_enum(in, episode.priority);
    episode.band = in.text();
    episode.problem = in.text();
    episode.rank = static_cast<int>(in.signed_varint());
    episode.open = in.boolean();
    episode.retrospective = in.boolean();
    episode.told = in.boolean();
    valid = read_time(in, episode.since) && valid;
    episode.task = read_id(in);
    const std::size_t evidence = in.count();
    if (evidence > kEvidencePerEpisodeMax) return false;
    for (std::size_t i = 0; i < evidence; ++i) episode.evidence.push_back(read_id(in));
    if (in.boolean()) {
        auto& decided = episode.decided.emplace();
        valid = read_enum(in, decided.action) && valid;
        decided.user = in.text();
        decided.at = ReceivedTime(in.signed_varint());
    }
    return valid && in.ok();
}

tl::unexpected<Error> damaged() {
    return fail(Errc::Damaged, "a person's state does not follow its format");
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

void Person::encode(std::string& out) const {
    BinaryWriter writer(out);
    writer.u8(kMagic);
    writer.u8(kVersion);
    writer.boolean(birth_date.has_value());
    if (birth_date) {
        writer.signed_varint(birth_date->year);
        writer.u8(birth_date->month);
        writer.u8(birth_date->day);
    }
    writer.u8(static_cast<std::uint8_t>(sex));
    writer.boolean(deceased);
    writer.text(team);
    writer.text(merged_into);
    results.encode(out);
    index_results.encode(writer);
    spo2_scales.encode(writer);
    writer.varint(episodes.size());
    for (const auto& episode : episodes) write_episode(writer, episode);
}

Result<void> Person::decode(std::string_view bytes) {
    BinaryReader in(bytes);
    if (in.u8() != kMagic) return damaged();
    if (const auto version = in.u8(); version != kVersion)
        return fail(Errc::Damaged, "a person's state has version " + std::to_string(version) +
                                       ", this program reads up to " + std::to_string(kVersion));
    if (in.boolean()) {
        Date& date = birth_date.emplace();
        date.year = static_cast<std::int16_t>(in.signed_varint());
        date.month = in.u8();
        date.day = in.u8();
    }
    const auto sex_number = in.u8();
    if (sex_number > static_cast<std::uint8_t>(Sex::Other)) return damaged();
    sex = static_cast<Sex>(sex_number);
    deceased = in.boolean();
    team = in.text();
    merged_into = in.text();
    if (!results.decode(in) || !index_results.decode(in) || !spo2_scales.decode(in))
        return damaged();
    const std::size_t count = in.count();
    for (std::size_t i = 0; i < count; ++i)
        if (!read_episode(in, episodes.emplace_back())) return damaged();
    return in.finish("a person's state");
}

std::size_t Person::memory_bytes() const {
    std::size_t bytes = sizeof(*this) + results.heap_bytes() + index_results.heap_bytes() +
                        spo2_scales.heap_bytes() +
                        episodes.capacity() * sizeof(Episode) + team.capacity() +
                        merged_into.capacity();
    for (const auto& episode : episodes)
        bytes += sizeof(schemas::Rule) + episode.rule->problem.size() +
                 episode.rule->source.size() +
                 episode.rule->bands.capacity() * sizeof(schemas::RuleBand) +
                 episode.rule->loinc.capacity() * sizeof(std::string) + episode.problem.capacity() +
                 episode.evidence.capacity() * sizeof(RecordId);
    return bytes;
}

Episode* Person::open_episode(std::string_view rule) {
    for (auto& episode : episodes)
        if (episode.open && episode.rule->id == rule) return &episode;
    return nullptr;
}

Episode* Person::episode_of(const RecordId& alert) {
    for (auto& episode : episodes)
        if (episode.alert == alert) return &episode;
    return nullptr;
}

void Person::forget_old_episodes() {
    std::erase_if(episodes, [](const Episode& e) { return !e.open && !e.has_task(); });
    auto closed = static_cast<std::size_t>(
        std::count_if(episodes.begin(), episodes.end(), [](const Episode& e) { return !e.open; }));
    for (auto it = episodes.begin(); it != episodes.end() && closed > kClosedEpisodesMax;) {
        if (it->open) {
            ++it;
            continue;
        }
        it = episodes.erase(it);
        --closed;
    }
}

}  // namespace vitalog::processors::care
