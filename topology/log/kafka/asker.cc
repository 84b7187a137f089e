#include "topology/log/kafka/asker.h"

namespace vitalog::topology::kafka {
namespace {

// A client lives so long at least: while a coordinator is elected, another one learns no more.
constexpr std::chrono::seconds kLifeMin{1};

bool coordinator_moved(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
           code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
}

}  // namespace

Result<Asker::Client> Asker::client() {
    const std::lock_guard lock(mutex_);
    if (!client_) {
        VITALOG_TRY(auto made, make_client(RD_KAFKA_CONSUMER, properties_));
        client_ = std::move(made);
        made_ = std::chrono::steady_clock::now();
    }
    return client_;
}

/// The next who asks gets another one. Ends no client here: `used` still holds it.
void Asker::drop(const Client& used) {
    const std::lock_guard lock(mutex_);
    if (client_ == used && std::chrono::steady_clock::now() - made_ >= kLifeMin) client_.reset();
}

Result<std::optional<Asker::Answer>> Asker::ask(const GroupQuestion& question) {
    VITALOG_TRY(const Client asked, client());
    auto event =
        admin_call(asked.get(), question.answer, question.op, question.what,
                   [&](auto* options, auto* queue) { question.call(asked.get(), options, queue); });
    if (!event) {
        const Errc failed = event.error().code();
        if (failed == Errc::Busy || failed == Errc::Io) drop(asked);
        if (failed == Errc::Busy) return std::nullopt;
        return tl::unexpected(event.error());
    }
    const auto code = question.error_of(event->get());
    if (coordinator_moved(code)) drop(asked);
    if (passing(code)) return std::nullopt;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected(to_error(code, question.what));
    return Answer{asked, *std::move(event)};
}

}  // namespace vitalog::topology::kafka
