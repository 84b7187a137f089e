#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "schemas/base/ports.h"

namespace vitalog::ingest::http_detail {

struct Gate;
class Session;

/// One answer's body between whoever writes it and the connection that sends it.
class ResponseStream final : public Stream {
  public:
    ResponseStream(std::shared_ptr<Gate> gate, std::weak_ptr<Session> session);

    bool write(std::string_view bytes) override;
    std::size_t pending() const override;
    void end() override;
    bool closed() const override;

    // The session's side.
    /// Moves what is queued into `out`; false when there is nothing.
    bool take(std::string& out);
    /// What take() gave is sent.
    void sent();
    bool ended() const;
    /// Nobody reads any more.
    void close();

  private:
    /// Lets the session look.
    void wake();

    const std::shared_ptr<Gate> gate_;  // shared: a stream may outlive the server
    const std::weak_ptr<Session> session_;
    mutable std::mutex mutex_;
    std::string queued_;      // guarded by mutex_, as the next
    std::size_t flying_ = 0;  // taken and not sent
    bool ended_ = false;
    bool closed_ = false;
};

}  // namespace vitalog::ingest::http_detail
