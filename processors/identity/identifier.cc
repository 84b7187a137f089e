#include "processors/identity/identifier.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "schemas/base/binary.h"
#include "schemas/base/stored_version.h"

namespace vitalog::processors::identity {
namespace {

constexpr std::uint8_t kMagic = 'I';
constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kOldestVersion = 1;

void write(BinaryWriter& writer, const std::vector<std::string>& keys) {
    writer.varint(keys.size());
    for (const auto& key : keys) writer.text(key);
}

std::vector<std::string> read_keys(BinaryReader& reader) {
    std::vector<std::string> keys(reader.count());
    for (auto& key : keys) key = reader.text();
    return keys;
}

void write(BinaryWriter& writer, const WaitingRecord& record) {
    writer.boolean(record.samples);
    writer.text(record.value);
    for (const std::uint8_t byte : record.root.bytes) writer.u8(byte);
    writer.boolean(record.event_time.has_value());
    if (record.event_time) writer.signed_varint(record.event_time->micros());
}

WaitingRecord read_waiting(BinaryReader& reader, std::uint8_t version) {
    WaitingRecord record;
    if (version >= 2) record.samples = reader.boolean();
    record.value = reader.text();
    for (auto& byte : record.root.bytes) byte = reader.u8();
    if (reader.boolean()) record.event_time = EventTime(reader.signed_varint());
    return record;
}

std::size_t memory_of(const std::vector<std::string>& keys) {
    std::size_t bytes = keys.capacity() * sizeof(std::string);
    for (const auto& key : keys) bytes += key.capacity();
    return bytes;
}

}  // namespace

bool is_key_of(std::string_view key, const schemas::Identifier& identifier) {
    const std::size_t authority = identifier.authority.size();
    return key.size() == authority + 1 + identifier.value.size() &&
           key.starts_with(identifier.authority) && key[authority] == '|' &&
           key.ends_with(identifier.value);
}

std::string person_founded_by(std::string_view key) {
    return IdHash().part("person").part(key).finish().to_string();
}

schemas::Identifier IdentifierEntity::identifier(std::string_view key) const {
    const std::size_t authority = authority_size_ < key.size() ? authority_size_ : key.find('|');
    return {key.substr(0, authority), key.substr(std::min(authority + 1, key.size())), type_};
}

void IdentifierEntity::see(const schemas::Identifier& identifier) {
    if (authority_size_ == 0) authority_size_ = identifier.authority.size();
    if (type_.empty()) type_ = identifier.type;
}

void IdentifierEntity::set_current(std::string_view founder) {
    current_ = founder;
    person_ = person_founded_by(founder);
}

void IdentifierEntity::bind(std::string_view founder) {
    VITALOG_ASSERT(!bound(), "an identifier is bound once");
    home_ = founder;
    set_current(founder);
}

bool IdentifierEntity::adopt(std::string_view founder, std::int64_t merge) {
    VITALOG_ASSERT(bound(), "only an identifier with a person hears of merges");
    if (merge <= merge_) return false;
    merge_ = merge;
    set_current(founder);
    return true;
}

bool IdentifierEntity::has_linked(const schemas::Identifier& identifier) const {
    return std::any_of(linked_.begin(), linked_.end(),
                       [&](const auto& key) { return is_key_of(key, identifier); });
}

void IdentifierEntity::remember_linked(const schemas::Identifier& identifier) {
    if (linked_.size() < kLinkedMax) linked_.push_back(identifier.key());
}

bool IdentifierEntity::list(std::string_view key) {
    const auto place = std::lower_bound(listed_.begin(), listed_.end(), key);
    if (place != listed_.end() && *place == key) return false;
    listed_.emplace(place, key);
    return true;
}

bool IdentifierEntity::has_room_for(std::string_view value) const {
    std::size_t bytes = value.size();
    for (const auto& record : waiting_) bytes += record.value.size();
    return waiting_.size() < kWaitingRecordsMax && bytes <= kWaitingBytesMax;
}

void IdentifierEntity::wait(WaitingRecord record) {
    waiting_.push_back(std::move(record));
}

std::vector<WaitingRecord> IdentifierEntity::take_waiting() {
    return std::exchange(waiting_, {});
}

void IdentifierEntity::encode(std::string& out) const {
    BinaryWriter writer(out);
    writer.u8(kMagic);
    writer.u8(kVersion);
    writer.varint(authority_size_);
    writer.text(type_);
    writer.boolean(account_);
    writer.text(home_);
    writer.text(current_);
    writer.signed_varint(merge_);
    write(writer, linked_);
    write(writer, listed_);
    writer.varint(waiting_.size());
    for (const auto& record : waiting_) write(writer, record);
}

Result<void> IdentifierEntity::decode(std::string_view bytes) {
    BinaryReader reader(bytes);
    if (reader.u8() != kMagic) return fail(Errc::Damaged, "identifier: not the stored form of one");
    const std::uint8_t version = reader.u8();
    if (version < kOldestVersion || version > kVersion)
        return other_version("a stored identifier", version, kVersion);
    authority_size_ = reader.varint();
    type_ = reader.text();
    account_ = reader.boolean();
    home_ = reader.text();
    current_ = reader.text();
    merge_ = reader.signed_varint();
    linked_ = read_keys(reader);
    listed_ = read_keys(reader);
    waiting_.resize(reader.count());
    for (auto& record : waiting_) record = read_waiting(reader, version);
    VITALOG_CHECK(reader.finish("identifier"));
    if (home_.empty() != current_.empty() || !std::is_sorted(listed_.begin(), listed_.end()))
        return fail(Errc::Damaged, "identifier: the stored parts contradict each other");
    if (bound()) person_ = person_founded_by(current_);
    return {};
}

std::size_t IdentifierEntity::memory_bytes() const {
    std::size_t bytes = sizeof *this + type_.capacity() + home_.capacity() + current_.capacity() +
                        person_.capacity() + memory_of(linked_) + memory_of(listed_);
    for (const auto& record : waiting_) bytes += sizeof record + record.value.capacity();
    return bytes;
}

}  // namespace vitalog::processors::identity
