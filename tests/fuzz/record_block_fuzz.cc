#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "topology/log/record_block.h"
#include "topology/log/stored_position.h"

// Any bytes as a stored block, as the records of one (behind the checksum that would stop most of
// them), and as stored positions. A block that is read must give as many records as it says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::topology;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    RecordBatch batch;
    if (const auto block = decode_block(Offset(0), bytes);
        block && append_views(*block, Offset(0), block->count, batch) &&
        batch.records.size() != block->count)
        std::abort();

    RecordBlock records;
    records.count = size == 0 ? 0 : data[0];
    records.raw = std::string(bytes.substr(size == 0 ? 0 : 1)) + std::string(kBlockPadding, '\0');
    batch.clear();
    const auto appended = append_views(records, Offset(records.count / 4), 1000, batch);
    for (const RecordView& record : batch.records) {
        const std::string_view whole = records.records();
        if (record.value.data() < whole.data() || record.value.end() > whole.end()) std::abort();
    }
    if (appended && batch.records.size() != records.count - records.count / 4u) std::abort();

    (void)decode_shard_position(bytes);
    (void)decode_reader_position(bytes);
    (void)parse_position_key(bytes);
    return 0;
}
