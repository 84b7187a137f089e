#pragma once

#include "schemas/base/ports.h"

namespace vitalog::tests {

/// Numbers that nobody reads.
class NoMetrics : public Metrics {
  public:
    void count(std::string_view, const Labels&, double) override {}
    void gauge(std::string_view, const Labels&, double) override {}
    void observe(std::string_view, const Labels&, double) override {}
};

}  // namespace vitalog::tests
