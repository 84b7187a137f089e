#include "ingest/http/stream.h"

#include <shared_mutex>

#include "ingest/http/session.h"

namespace vitalog::ingest::http_detail {

ResponseStream::ResponseStream(std::shared_ptr<Gate> gate, std::weak_ptr<Session> session)
    : gate_(std::move(gate)), session_(std::move(session)) {}

bool ResponseStream::write(std::string_view bytes) {
    {
        const std::lock_guard lock(mutex_);
        if (ended_ || closed_) return false;
        queued_.append(bytes);
    }
    wake();
    return true;
}

std::size_t ResponseStream::pending() const {
    const std::lock_guard lock(mutex_);
    return queued_.size() + flying_;
}

void ResponseStream::end() {
    {
        const std::lock_guard lock(mutex_);
        if (ended_ || closed_) return;
        ended_ = true;
    }
    wake();
}

bool ResponseStream::closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

bool ResponseStream::take(std::string& out) {
    const std::lock_guard lock(mutex_);
    if (queued_.empty()) return false;
    out.clear();
    out.swap(queued_);
    flying_ = out.size();
    return true;
}

void ResponseStream::sent() {
    const std::lock_guard lock(mutex_);
    flying_ = 0;
}

bool ResponseStream::ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
}

void ResponseStream::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    queued_.clear();
    flying_ = 0;
}

void ResponseStream::wake() {
    const std::shared_lock lock(gate_->mutex);
    if (!gate_->open) return close();
    if (const auto session = session_.lock()) session->stream_changed();
}

}  // namespace vitalog::ingest::http_detail
