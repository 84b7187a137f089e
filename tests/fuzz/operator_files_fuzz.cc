#include <cstddef>
#include <cstdint>
#include <string_view>

#include "temporary_folder.h"
#include "topology/audit/chain_audit.h"
#include "topology/backtest/backtest_record.h"
#include "topology/operator/backup.h"

// Files that an operator keeps: the anchor of an audit, the manifest of a backup, what a back-test
// came to.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::topology;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto anchor = Anchor::read(fuzz::write_file("anchor", text))) {
        const auto path = fuzz::temporary_folder() / "again";
        VITALOG_ASSERT(anchor->write(path).has_value(), "an anchor is written");
        const auto again = Anchor::read(path);
        VITALOG_ASSERT(again && again->digest().view() == anchor->digest().view(),
                       "and reads as it was");
    }
    fuzz::write_file(std::string(kManifestFile).c_str(), text);
    (void)check_backup(fuzz::temporary_folder());
    if (const auto record = BacktestRecord::parse(text))
        VITALOG_ASSERT(BacktestRecord::parse(record->to_json()).has_value(), "a record reads back");
    return 0;
}
