#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "sinks/effects/provider.h"

namespace vitalog::sinks {

/// Looks once more, before each call, whether it is still this process that sends: one that was
/// stopped for a while may go on with what others have taken over.
class OnDutyProvider final : public Provider {
  public:
    OnDutyProvider(std::unique_ptr<Provider> provider, std::function<bool()> on_duty)
        : provider_(std::move(provider)), on_duty_(std::move(on_duty)) {}
    std::string_view name() const override { return provider_->name(); }
    SendOutcome send(const Attempt& attempt) override {
        if (on_duty_()) return provider_->send(attempt);
        return {.state = schemas::ReceiptState::NotSent, .code = "not-on-duty", .retryable = true};
    }
    QueryOutcome query(const Attempt& attempt, LogTime taken) override {
        return provider_->query(attempt, taken);
    }
    bool can_query() const override { return provider_->can_query(); }
    void abort() override { provider_->abort(); }

  private:
    const std::unique_ptr<Provider> provider_;
    const std::function<bool()> on_duty_;
};

}  // namespace vitalog::sinks
