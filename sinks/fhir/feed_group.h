#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "schemas/base/ports.h"

namespace vitalog::sinks::fhir {

/// Appends records together and calls `done` once, with all receipts in order or the first error:
/// all of them are on disk, or some are not.
inline void append_group(FeedAppender& log, std::vector<FeedRecord> records,
                         std::function<void(Result<std::vector<AppendReceipt>>)> done) {
    struct Group {
        std::mutex mutex;
        std::vector<AppendReceipt> receipts;  // guarded by mutex, as are the next two
        std::optional<Error> error;
        std::size_t left = 0;
        std::function<void(Result<std::vector<AppendReceipt>>)> done;
    };
    if (records.empty()) return done(std::vector<AppendReceipt>());
    auto group =
        std::make_shared<Group>();  // shared by the callbacks, which come from a thread of the log
    group->receipts.resize(records.size());
    group->left = records.size();
    group->done = std::move(done);
    for (std::size_t i = 0; i < records.size(); ++i)
        log.append(std::move(records[i]), [group, i](Result<AppendReceipt> receipt) {
            {
                const std::lock_guard lock(group->mutex);
                if (receipt)
                    group->receipts[i] = std::move(*receipt);
                else if (!group->error)
                    group->error = receipt.error();
                if (--group->left > 0) return;
            }
            if (group->error)
                group->done(tl::unexpected(*group->error));
            else
                group->done(std::move(group->receipts));
        });
}

}  // namespace vitalog::sinks::fhir
