#include <cstddef>
#include <cstdint>

#include "schemas/base/binary.h"
#include "topology/log/repeat_ledger.h"

// The ledger of repeats over any bytes where its entries, its order and its range should be: it
// judges, forgets and writes, or gives an Error; and what it wrote it knows again.

namespace {

using namespace vitalog;
using namespace vitalog::topology;

/// Gives the bytes for everything that is asked for, and the range as it is.
class AnyBytes final : public state::Backend {
  public:
    AnyBytes(std::string range, std::string_view bytes) : range_(std::move(range)), bytes_(bytes) {}
    Result<void> get_many(std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) const override {
        values.clear();
        for (const auto key : keys)
            values.emplace_back(key == "range" ? range_ : std::string(bytes_));
        return {};
    }
    Result<void> scan(
        std::string_view,
        const std::function<Result<void>(std::string_view, std::string_view)>&) const override {
        return {};
    }

  private:
    const std::string range_;
    const std::string_view bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    RepeatLedger stored({});
    (void)stored.open(AnyBytes(std::string(bytes), bytes));

    BinaryReader reader(bytes);
    const std::uint64_t oldest = reader.u8();
    std::string range;
    BinaryWriter(range).varint(oldest);
    BinaryWriter(range).varint(oldest + reader.u8());
    const AnyBytes backend(range, reader.rest());
    RepeatLedger ledger({.entries_max = 100});
    VITALOG_ASSERT(ledger.open(backend).has_value(), "a range is read");
    FeedRecord record;
    record.ledger = LedgerEntry{"message", 7, "answer", OnReusedId::Accept};
    if (!ledger.begin_group(backend, {&record, 1})) return 0;
    (void)ledger.judge(*record.ledger, LogTime(1));
    const auto again = ledger.judge(*record.ledger, LogTime(1));
    VITALOG_ASSERT(again.outcome == Appended::Repeat, "what was learnt is known");
    std::vector<state::Write> writes;
    (void)ledger.finish_group(backend, LogTime(2), writes);
    return 0;
}
