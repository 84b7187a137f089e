#include "processors/care/person.h"

#include <algorithm>
#include <utility>

#include "schemas/base/binary.h"
#include "schemas/base/planted.h"
#include "schemas/base/stored_version.h"

namespace vitalog::processors::care {
namespace {

constexpr std::uint8_t kMagic = 'P';
constexpr std::uint8_t kVersion = 7;
constexpr std::uint8_t kFirstVersion = 2;  // of a data directory VLOG 1; those between never lasted

// person  = magic version flags [year month day] sex team merged_into results
//           index_results spo2_scales windows
//           n { episode } runs limits watched
// version 2: magic version flags [year month day] sex team merged_into results n { episode }

tl::unexpected<Error> damaged() {
    return fail(Errc::Damaged, "a person's state does not follow its format");
}

}  // namespace

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
    windows.encode(writer);
    writer.varint(planted("store-less") ? 0 : episodes.size());
    for (const auto& episode : episodes)
        if (!planted("store-less")) episode.encode(writer);
    runs.encode(writer);
    encode_limits(writer, limits);
    watched.encode(writer);
}

Result<void> Person::decode(std::string_view bytes) {
    BinaryReader in(bytes);
    if (in.u8() != kMagic) return damaged();
    const std::uint8_t version = in.u8();
    if (version != kVersion && version != kFirstVersion)
        return other_version("a stored person", version, kVersion);
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
    if (version == kFirstVersion) return decode_form_2(in);
    if (!results.decode(in) || !index_results.decode(in) || !spo2_scales.decode(in) ||
        !windows.decode(in))
        return damaged();
    const std::size_t count = in.count();
    for (std::size_t i = 0; i < count; ++i)
        if (!episodes.emplace_back().decode(in)) return damaged();
    if (!runs.decode(in) || !decode_limits(in, limits) || !watched.decode(in)) return damaged();
    return in.finish("a person's state");
}

/// What it did not have begins empty.
Result<void> Person::decode_form_2(BinaryReader& in) {
    if (!results.decode_form_2(in)) return damaged();
    for (std::size_t left = in.count(); left > 0; --left)
        if (!episodes.emplace_back().decode_form_2(in)) return damaged();
    return in.finish("a person's state");
}

std::size_t Person::memory_bytes() const {
    std::size_t bytes = sizeof(*this) + results.heap_bytes() + index_results.heap_bytes() +
                        spo2_scales.heap_bytes() + windows.heap_bytes() + runs.heap_bytes() +
                        watched.heap_bytes() + limits.capacity() * sizeof(PersonalLimit) +
                        episodes.capacity() * sizeof(Episode) + team.capacity() +
                        merged_into.capacity();
    for (const auto& episode : episodes) bytes += episode.heap_bytes();
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

void Person::exchange(Conclusions& other) {
    std::swap(episodes, other.episodes);
    std::swap(runs, other.runs);
    std::swap(watched.armed(), other.armed);
}

void Person::forget_old_episodes(EventTime now) {
    std::erase_if(episodes, [&](const Episode& e) {
        return !e.open && !e.has_task() && e.ended + e.rule->cool_down <= now;
    });
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
