#pragma once

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "ingest/allowance.h"

namespace vitalog::ingest::mllp {

/// Slows a sender that is too fast: it is read later, nothing is refused. On the strand of its
/// connection.
class Pace {
  public:
    /// 0: no limit.
    Pace(const boost::asio::any_io_executor& strand, double messages_per_second)
        : timer_(strand), allowance_(messages_per_second) {}

    /// Nothing is to be read now.
    bool paused() const { return paused_; }
    /// A message was read. Where that was the last for now, `resume` is called when the next may
    /// be read.
    template <class Resume>
    void spend(Resume resume) {
        const auto now = std::chrono::steady_clock::now();
        allowance_.spend(now);
        const auto wait = allowance_.wait(now);
        if (wait.count() == 0) return;
        paused_ = true;
        timer_.expires_after(wait);
        timer_.async_wait([this, resume = std::move(resume)](const boost::system::error_code&) {
            paused_ = false;
            resume();
        });
    }

  private:
    boost::asio::steady_timer timer_;
    Allowance allowance_;
    bool paused_ = false;
};

}  // namespace vitalog::ingest::mllp
