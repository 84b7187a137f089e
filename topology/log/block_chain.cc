#include "topology/log/block_chain.h"

#include "schemas/base/binary.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace vitalog::topology {
namespace {

constexpr std::size_t kPlaceBytes = Digest::kBytes + 8 + 1;
constexpr std::size_t kPlaceBytesMax = kPlaceBytes + Digest::kBytes;

tl::unexpected<Error> damaged(std::string_view what) {
    return fail(Errc::Damaged, "record block: " + std::string(what));
}

Digest link_of(Sha256& sha, const Digest& before, Offset base, const Digest& content) {
    sha.add(before.view());
    sha.add_number(static_cast<std::uint64_t>(base.value()));
    sha.add(content.view());
    return sha.finish();
}

/// One for each thread: making one allocates.
Sha256& own_sha() {
    thread_local Sha256 sha;
    return sha;
}

/// XXH3 of the digests, and of the body's first bytes, in which its own checksum lies.
std::uint64_t checksum_of(std::string_view digests, std::string_view body) {
    constexpr std::size_t kHeaderBytesMax = 48;
    std::string summed(digests);
    summed.append(body.substr(0, kHeaderBytesMax));
    return XXH3_64bits(summed.data(), summed.size());
}

}  // namespace

PackedBlock pack_block(const RecordBlockBuilder& builder) {
    PackedBlock block{encode_block(builder), {}};
    own_sha().add(block.stored);
    block.content = own_sha().finish();
    block.stored.reserve(block.stored.size() + kPlaceBytesMax);
    return block;
}

Digest seal_block(PackedBlock& block, Offset base, const Digest& before, bool begins_segment) {
    const Digest link = link_of(own_sha(), before, base, block.content);
    std::string digests(link.view());
    if (begins_segment) digests.append(before.view());
    const std::uint64_t checksum = checksum_of(digests, block.stored);
    block.stored.append(digests);
    BinaryWriter writer(block.stored);
    writer.fixed64(checksum);
    writer.u8(static_cast<std::uint8_t>(begins_segment ? kPlaceBytesMax : kPlaceBytes));
    return link;
}

Digest chain_begin(const TopicPartition& tp) {
    own_sha().add(to_string(tp));
    return own_sha().finish();
}

Result<SealedBlock> open_seal(std::string_view stored) {
    if (stored.empty()) return damaged("is empty");
    if (stored.starts_with(kUnplacedMagic)) return SealedBlock{stored, {}, {}, false};
    const std::size_t size = static_cast<std::uint8_t>(stored.back());
    if ((size != kPlaceBytes && size != kPlaceBytesMax) || size > stored.size())
        return damaged("does not end with its place in the chain");
    SealedBlock block{stored.substr(0, stored.size() - size), {}, {}};
    const std::string_view place = stored.substr(block.body.size());
    const std::string_view digests = place.substr(0, size - 9);
    if (BinaryReader(place.substr(digests.size())).fixed64() != checksum_of(digests, block.body))
        return damaged("fails the checksum of its place in the chain");
    block.link = Digest::from_bytes(digests);
    if (size == kPlaceBytesMax) block.before = Digest::from_bytes(digests.substr(Digest::kBytes));
    return block;
}

Result<void> BlockChain::add(Offset base, std::string_view stored) {
    VITALOG_TRY(const SealedBlock block, open_seal(stored));
    VITALOG_TRY(const BlockHeader header, peek_block(stored));
    if (!block.placed) return add_unplaced(base, stored);
    any_placed_ = true;
    if (!head_) head_ = begin_ == Offset() ? chain_begin(tp_) : block.before;
    if (!head_) return damaged("does not say what it follows, and is the first that is kept");
    // A loss of power may leave a gap before a segment; its first block says what it follows.
    if (base < end_ || (base > end_ && block.before != head_))
        return damaged("comes where offset " + std::to_string(end_.value()) +
                       " should: what lay between was taken out, or put elsewhere");
    if (block.before && block.before != head_)
        return damaged("follows another block than the one before it");
    sha_.add(block.body);
    const Digest content = sha_.finish();
    head_ = link_of(sha_, *head_, base, content);
    if (block.link != *head_)
        return damaged(
            "is not what its link says: its records, its place, or a block before it were changed");
    end_ = Offset(base.value() + header.count);
    return {};
}

/// Nothing but its checksum speaks for it until a placed block says what it follows.
Result<void> BlockChain::add_unplaced(Offset base, std::string_view body) {
    if (any_placed_) return damaged("has no place in the chain, behind blocks that have one");
    if (base < end_)
        return damaged("comes where offset " + std::to_string(end_.value()) + " should");
    VITALOG_TRY(const RecordBlock block, decode_block(base, body));
    end_ = block.end();
    if (begin_ != Offset()) return {};  // what it follows was dropped
    sha_.add(body);
    const Digest content = sha_.finish();
    head_ = link_of(sha_, head_.value_or(chain_begin(tp_)), base, content);
    return {};
}

}  // namespace vitalog::topology
