// Changes a record of a stopped site's log the way somebody would who knows its format: the block's checksum and its own
// link are made anew.
//   tamper_log DATA_DIR edit|remove|swap TOPIC/PARTITION/OFFSET [renew]
// edit changes the last digit of the record's value, swap puts it in the place of the next one. With `renew` the chain is
// computed anew from there to its end.

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "topology/log/partition_log.h"
#include "topology/log/rocks.h"

namespace vitalog::topology {
namespace {

struct OneRecord {
    LogTime timestamp;
    std::string key, headers, value;
};

struct OneBlock {
    SharedColumnFamily family;
    Offset base;
    std::uint32_t count = 0;
    Digest link;
    bool begins_segment = false;
    std::vector<OneRecord> records;
};

template <class T>
T must(Result<T> result) {
    if (result) return *std::move(result);
    fmt::print(stderr, "{}\n", result.error().to_string());
    std::exit(1);
}
void must(bool good, const char* what) {
    if (good) return;
    fmt::print(stderr, "{}\n", what);
    std::exit(1);
}

class Tampering {
  public:
    Tampering(const std::string& data_dir, TopicPartition tp)
        : tp_(std::move(tp)), rocks_(must(Rocks::open(data_dir + "/db", {1 << 20, 1 << 20, 1 << 20, 1}))) {
        for (auto& [name, family] : rocks_->take_logs()) {  // by name, and so by base
            if (must(parse_segment_name(name)).tp == tp_) load(family);
            families_.push_back(std::move(family));
        }
    }

    void edit(Offset offset) {
        std::string& value = find(offset).value;
        const std::size_t digit = value.find_last_of("0123456789");
        must(digit != value.npos, "the value has no digit");
        value[digit] = value[digit] == '9' ? '8' : static_cast<char>(value[digit] + 1);
    }
    void remove(Offset offset) {
        auto& records = block_of(offset).records;
        records.erase(records.begin() + (offset.value() - block_of(offset).base.value()));
    }
    void swap(Offset offset) { std::swap(find(offset), find(next(offset))); }

    /// Writes the blocks from the one that has the offset on: up to the last one touched, or all.
    void write(Offset from, Offset to, bool renew) {
        for (std::size_t i = 0; i < blocks_.size(); ++i) {
            OneBlock& block = blocks_[i];
            if (block.base > to && !renew) break;
            if (Offset(block.base.value() + block.count) <= from) {
                head_ = block.link;
                base_ = Offset(block.base.value() + block.count);
                continue;
            }
            if (!renew) base_ = block.base;
            store(block);
        }
        must(rocks_->db().SyncWAL().ok(), "cannot sync");
    }

  private:
    void load(const SharedColumnFamily& family) {
        const std::unique_ptr<rocksdb::Iterator> at(rocks_->db().NewIterator(topology::iterating(), family->get()));
        for (at->SeekToFirst(); at->Valid(); at->Next()) {
            const std::string_view stored = to_view(at->value());
            std::int64_t base = 0;
            for (const char byte : to_view(at->key())) base = base << 8 | static_cast<std::uint8_t>(byte);
            const RecordBlock block = must(decode_block(Offset(base), stored));
            RecordBatch batch;
            must(append_views(block, Offset(base), block.count, batch).has_value(), "a block can't be read");
            const SealedBlock seal = must(open_seal(stored));
            OneBlock one{family, Offset(base), block.count, seal.link, seal.before.has_value(), {}};
            for (const auto& record : batch.records)
                one.records.push_back({record.timestamp, std::string(record.key),
                                       std::string(record.headers.encoded()), std::string(record.value)});
            blocks_.push_back(std::move(one));
        }
    }
    OneBlock& block_of(Offset offset) {
        const auto found = std::ranges::find_if(blocks_, [&](const OneBlock& block) {
            return block.base <= offset && offset < Offset(block.base.value() + block.count);
        });
        must(found != blocks_.end(), "there is no such record");
        return *found;
    }
    OneRecord& find(Offset offset) {
        OneBlock& block = block_of(offset);
        return block.records[static_cast<std::size_t>(offset.value() - block.base.value())];
    }
    void store(const OneBlock& block) {
        must(rocks_->db().Delete({}, block.family->get(), block_key(block.base)).ok(), "cannot delete");
        if (block.records.empty()) return;
        RecordBlockBuilder builder;
        for (const auto& record : block.records)
            builder.add(record.timestamp, record.key, record.headers, record.value);
        PackedBlock packed = pack_block(builder);
        head_ = seal_block(packed, base_, head_, block.begins_segment);
        must(rocks_->db().Put({}, block.family->get(), block_key(base_), packed.stored).ok(), "cannot put");
        base_ = Offset(base_.value() + builder.count());
    }

    const TopicPartition tp_;
    const std::unique_ptr<Rocks> rocks_;
    std::vector<SharedColumnFamily> families_;
    std::vector<OneBlock> blocks_;
    Digest head_ = chain_begin(tp_);
    Offset base_;
};

int tamper(int argc, char** argv) {
    if (argc < 4) return 2;
    const std::string what = argv[2];
    const std::string place = argv[3];
    const bool renew = argc > 4 && std::string(argv[4]) == "renew";
    const std::size_t last = place.rfind('/');
    const std::size_t middle = place.rfind('/', last - 1);
    const Offset offset(std::strtoll(place.c_str() + last + 1, nullptr, 10));
    Tampering tampering(argv[1],
                        {place.substr(0, middle), Partition(static_cast<std::uint32_t>(
                                                      std::strtoul(place.c_str() + middle + 1, nullptr, 10)))});
    if (what == "edit") tampering.edit(offset);
    else if (what == "remove") tampering.remove(offset);
    else if (what == "swap") tampering.swap(offset);
    else return 2;
    tampering.write(offset, what == "swap" ? next(offset) : offset, renew);
    return 0;
}

}  // namespace
}  // namespace vitalog::topology

int main(int argc, char** argv) {
    return vitalog::topology::tamper(argc, argv);
}
