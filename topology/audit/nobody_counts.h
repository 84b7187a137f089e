#pragma once

#include "schemas/base/ports.h"

namespace vitalog::topology {

/// The numbers of a recomputation: those of the original stand elsewhere.
class NobodyCounts final : public Metrics {
  public:
    void count(std::string_view, const Labels&, double) override {}
    void gauge(std::string_view, const Labels&, double) override {}
    void observe(std::string_view, const Labels&, double) override {}
};

}  // namespace vitalog::topology
