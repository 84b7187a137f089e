#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "schemas/base/ids.h"
#include "schemas/base/result.h"
#include "state/entity.h"

namespace vitalog::processors::identity {

/// Pairs of clashing persons remembered, so that each is recorded once; the oldest are forgotten
/// first.
inline constexpr std::size_t kClashesRemembered = 4096;

/// The forest of merges. Its nodes are persons, each named by the key of the identifier that
/// founded it; a person that was never merged is the root of its own tree. Beside the forest it
/// keeps what hospitals stated, so that the answer to a contradiction does not depend on merges
/// that came about by themselves.
///
/// Stored form, version 1:
///     u8 'M', u8 version, signed varint merges, varint n, n x {text loser, text survivor}
///     (forest), varint n, n x {text loser, varint m, m x text survivor}  (stated), varint n, n x
///     16 bytes (clashes)
class MergesEntity final : public state::Entity {
  public:
    /// The survivor of all merges that `founder` went through.
    std::string_view root(std::string_view founder) const;
    /// Puts one tree under another and gives the merge its number, from 1. Both are roots, and
    /// differ.
    std::int64_t merge(std::string_view loser, std::string_view survivor);

    /// Whether hospitals said that `loser`, perhaps by way of others, became `survivor`.
    bool is_stated(std::string_view loser, std::string_view survivor) const;
    void state(std::string_view loser, std::string_view survivor);

    /// False when this pair, in either order, is remembered.
    bool remember_clash(std::string_view founder, std::string_view other);

    void encode(std::string& out) const override;
    Result<void> decode(std::string_view bytes);
    std::size_t memory_bytes() const override;

  private:
    using Key = std::string;

    std::map<Key, Key, std::less<>> survivor_of_;
    std::map<Key, std::set<Key, std::less<>>, std::less<>> stated_;
    std::deque<RecordId> clashes_;
    std::int64_t merges_ = 0;
    std::size_t text_bytes_ = 0;
};

}  // namespace vitalog::processors::identity
