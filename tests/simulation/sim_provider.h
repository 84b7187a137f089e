#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/effects/provider.h"
#include "tests/simulation/sim_base.h"

namespace vitalog::simulation {

/// What a provider does wrong, in per mille of its calls.
struct ProviderFaults {
    unsigned silent_after = 0;   ///< sends, and does not answer
    unsigned silent_before = 0;  ///< does neither
    unsigned limit = 0;          ///< refuses for now
    unsigned fails = 0;          ///< refuses for good
    unsigned no_books = 0;       ///< a question is not answered
    unsigned trails = 0;         ///< its books do not show a message at the first question
};

/// A provider of messages with books of what it sent, which the simulation reads at the end.
class SimProvider final : public sinks::Provider {
  public:
    struct Sent {
        std::string id;
        std::string recipient;
        std::string intent;
        std::string attempt;
        std::string to;
        bool resend = false;
        bool on_disk = true;  ///< no crash could take back the record of the attempt
        bool trails = false;  ///< the books do not show it at the first question
        int reported = 0;     ///< reports pushed so far
    };

    /// `on_disk` says of an attempt whether its record is there to stay.
    SimProvider(std::string name, std::uint64_t seed, Trace& trace,
                std::function<bool(std::string_view attempt)> on_disk)
        : name_(std::move(name)), random_(seed), trace_(trace), on_disk_(std::move(on_disk)) {}

    std::string_view name() const override { return name_; }
    sinks::SendOutcome send(const sinks::Attempt& attempt) override;
    sinks::QueryOutcome query(const sinks::Attempt& attempt, LogTime taken) override;
    void abort() override {}

    void set_faults(const ProviderFaults& faults) { faults_ = faults; }
    std::vector<Sent>& sent() { return sent_; }

  private:
    const std::string name_;
    Random random_;
    Trace& trace_;
    const std::function<bool(std::string_view)> on_disk_;
    ProviderFaults faults_;
    std::vector<Sent> sent_;
};

}  // namespace vitalog::simulation
