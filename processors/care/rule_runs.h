#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "processors/rules/run.h"
#include "schemas/base/binary.h"

namespace vitalog::processors::care {

/// The stretches that a rule of duration has begun on one code: towards its alert, and in an open
/// episode towards its end.
struct RuleRun {
    std::uint64_t key = 0;
    rules::Run raise;
    rules::Run clear;
};

inline constexpr std::size_t kRuleRunsMax = 64;

/// Those of one person that are under way: none, where all values lie within limits. Part of the
/// person; same thread.
class RuleRuns {
  public:
    static std::uint64_t key_of(std::string_view rule, std::string_view loinc);

    const RuleRun* find(std::uint64_t key) const;
    /// Keeps it while one of its stretches goes on; beyond kRuleRunsMax the one that was longest
    /// without a value gives way.
    void put(const RuleRun& run);

    void encode(BinaryWriter& out) const;
    /// False when the bytes do not follow the format.
    bool decode(BinaryReader& in);
    std::size_t heap_bytes() const { return runs_.capacity() * sizeof(RuleRun); }

  private:
    std::vector<RuleRun> runs_;
};

}  // namespace vitalog::processors::care
