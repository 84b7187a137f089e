#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog {

/// What was made of the texts that came last, for those that many parts of a process read: tables,
/// rules and templates are parsed once, not once by every shard. `text` is what `make` depends on, and
/// nothing else, or a digest of it; what it refuses is not remembered. Thread-safe.
template <class Value>
class Remembered {
  public:
    template <class Make>  // Result<std::shared_ptr<const Value>>()
    Result<std::shared_ptr<const Value>> get(std::string_view text, Make make) {
        {
            const std::lock_guard lock(mutex_);
            for (const Entry& entry : entries_)
                if (entry.text == text) return entry.value;
        }
        VITALOG_TRY(auto made, make());
        const std::lock_guard lock(mutex_);
        entries_.push_front({std::string(text), made});
        bytes_ += text.size();
        while (entries_.size() > kEntriesMax || (bytes_ > kBytesMax && entries_.size() > 1)) {
            bytes_ -= entries_.back().text.size();
            entries_.pop_back();
        }
        return made;
    }

  private:
    static constexpr std::size_t kEntriesMax = 32;
    static constexpr std::size_t kBytesMax = std::size_t{8} << 20;  // of texts
    struct Entry {
        std::string text;
        std::shared_ptr<const Value> value;
    };

    std::mutex mutex_;
    std::list<Entry> entries_;  // the newest first
    std::size_t bytes_ = 0;
};

}  // namespace vitalog
