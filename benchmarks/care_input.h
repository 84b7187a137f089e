#pragma once

#include <string>

#include "benchmarks/care_records.h"
#include "benchmarks/person_topic.h"

namespace vitalog::benchmarks {

inline constexpr std::int64_t kReceived = 1'700'000'000'000'000 + 20LL * 86'400'000'000;

/// Encoded `person` records of five results, as identity writes them.
class CareInput {
  public:
    CareInput(StageHarness& harness, std::uint64_t seed) : topic_(harness), records_(seed) {}

    void controls() { topic_.builtin_rules("acute-core.yaml", kReceived); }
    void clinical(std::size_t person, std::size_t round) {
        topic_.add(Records::person_id(person), schemas::PersonClinical::kType,
                   records_.make(person, round), kReceived);
    }
    void flush() { topic_.flush(); }

  private:
    PersonTopic topic_;
    Records records_;
};

}  // namespace vitalog::benchmarks
