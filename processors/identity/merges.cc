#include "processors/identity/merges.h"

#include <algorithm>
#include <vector>

#include "schemas/base/binary.h"
#include "schemas/base/stored_version.h"

namespace vitalog::processors::identity {
namespace {

constexpr std::uint8_t kMagic = 'M';
constexpr std::uint8_t kVersion = 1;
/// A map node's overhead, about.
constexpr std::size_t kNodeBytes = 112;

}  // namespace

std::string_view MergesEntity::root(std::string_view founder) const {
    for (auto at = survivor_of_.find(founder); at != survivor_of_.end();
         at = survivor_of_.find(founder))
        founder = at->second;
    return founder;
}

std::int64_t MergesEntity::merge(std::string_view loser, std::string_view survivor) {
    VITALOG_ASSERT(root(loser) == loser && root(survivor) == survivor && loser != survivor,
                   "a merge joins two trees by their roots");
    survivor_of_.emplace(loser, survivor);
    text_bytes_ += loser.size() + survivor.size();
    return ++merges_;
}

bool MergesEntity::is_stated(std::string_view loser, std::string_view survivor) const {
    std::vector<std::string_view> ahead{loser};
    std::set<std::string_view> seen;
    while (!ahead.empty()) {
        const std::string_view at = ahead.back();
        ahead.pop_back();
        const auto found = stated_.find(at);
        if (found == stated_.end() || !seen.insert(at).second) continue;
        if (found->second.contains(survivor)) return true;
        ahead.insert(ahead.end(), found->second.begin(), found->second.end());
    }
    return false;
}

void MergesEntity::state(std::string_view loser, std::string_view survivor) {
    auto found = stated_.find(loser);
    if (found == stated_.end()) {
        found = stated_.emplace(loser, std::set<Key, std::less<>>()).first;
        text_bytes_ += loser.size();
    }
    if (found->second.emplace(survivor).second) text_bytes_ += survivor.size();
}

bool MergesEntity::remember_clash(std::string_view founder, std::string_view other) {
    const auto [first, second] = std::minmax(founder, other);
    const RecordId pair = IdHash().part(first).part(second).finish();
    if (std::find(clashes_.begin(), clashes_.end(), pair) != clashes_.end()) return false;
    if (clashes_.size() == kClashesRemembered) clashes_.pop_front();
    clashes_.push_back(pair);
    return true;
}

void MergesEntity::encode(std::string& out) const {
    BinaryWriter writer(out);
    writer.u8(kMagic);
    writer.u8(kVersion);
    writer.signed_varint(merges_);
    writer.varint(survivor_of_.size());
    for (const auto& [loser, survivor] : survivor_of_) {
        writer.text(loser);
        writer.text(survivor);
    }
    writer.varint(stated_.size());
    for (const auto& [loser, survivors] : stated_) {
        writer.text(loser);
        writer.varint(survivors.size());
        for (const auto& survivor : survivors) writer.text(survivor);
    }
    writer.varint(clashes_.size());
    for (const auto& pair : clashes_)
        for (const std::uint8_t byte : pair.bytes) writer.u8(byte);
}

Result<void> MergesEntity::decode(std::string_view bytes) {
    BinaryReader reader(bytes);
    if (reader.u8() != kMagic) return fail(Errc::Damaged, "merges: not the stored form of them");
    if (const auto version = reader.u8(); version != kVersion)
        return other_version("a stored list of merges", version, kVersion);
    merges_ = reader.signed_varint();
    for (std::size_t left = reader.count(); left > 0; --left) {
        const std::string_view loser = reader.text();
        const std::string_view survivor = reader.text();
        if (root(survivor) == loser || !survivor_of_.emplace(loser, survivor).second)
            return fail(Errc::Damaged, "merges: the stored forest has a cycle");
        text_bytes_ += loser.size() + survivor.size();
    }
    for (std::size_t left = reader.count(); left > 0; --left) {
        const std::string_view loser = reader.text();
        for (std::size_t survivors = reader.count(); survivors > 0; --survivors)
            state(loser, reader.text());
    }
    clashes_.resize(reader.count());
    for (auto& pair : clashes_)
        for (auto& byte : pair.bytes) byte = reader.u8();
    return reader.finish("merges");
}

std::size_t MergesEntity::memory_bytes() const {
    std::size_t nodes = survivor_of_.size() + stated_.size();
    for (const auto& [loser, survivors] : stated_) nodes += survivors.size();
    return sizeof *this + nodes * kNodeBytes + text_bytes_ + clashes_.size() * sizeof(RecordId);
}

}  // namespace vitalog::processors::identity
