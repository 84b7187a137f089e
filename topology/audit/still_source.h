#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "schemas/base/ports.h"

namespace vitalog::topology {

/// A source, or a whole log, in which nothing comes while it is read: everything is on disk, there
/// is nothing to wait for, and nobody's place is kept. `Source` is RecordSource or Log.
template <class Source>
class StillSource : public Source {
  public:
    Result<void> sync() override { return {}; }
    std::uint64_t activity() const override { return 0; }
    void wait(std::uint64_t, std::chrono::milliseconds) const override {}
    Result<std::optional<Offset>> load_position(std::string_view,
                                                const TopicPartition&) const override {
        return std::nullopt;
    }
    Result<void> store_position(std::string_view, const TopicPartition&, Offset) override {
        return fail(Errc::Unsupported, "a log that is only read keeps nobody's place");
    }
};

}  // namespace vitalog::topology
