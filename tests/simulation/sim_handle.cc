#include "tests/simulation/sim_handle.h"

namespace vitalog::simulation {
namespace {

constexpr std::uint64_t kNobodys = UINT64_MAX;  // of no membership

}  // namespace

Result<void> SimBackend::get_many(std::span<const std::string_view> keys,
                                  std::vector<std::optional<std::string>>& values) const {
    at_("read state");
    std::vector<std::optional<std::string>> known(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
        if (const auto found = entries.find(keys[i]); found != entries.end())
            known[i] = found->second;
    if (real_ == nullptr) {
        values = std::move(known);
        return {};
    }
    VITALOG_CHECK(read_real_([&] { return real_->get_many(keys, values); }));
    if (values == known) return {};
    return fail(Errc::Conflict, "stored state is read as nobody wrote it");
}

Result<void> SimBackend::scan(
    std::string_view prefix,
    const std::function<Result<void>(std::string_view, std::string_view)>& visit) const {
    if (real_ != nullptr) return real_->scan(prefix, visit);
    for (auto at = entries.lower_bound(prefix);
         at != entries.end() && at->first.starts_with(prefix); ++at)
        VITALOG_CHECK(visit(at->first, at->second));
    return {};
}

SimLog::Handle::Handle(SimLog& log, Shard& shard, int process, std::unique_ptr<ShardLog> real,
                       std::function<void(std::string_view)> at)
    : log_(log),
      shard_(shard),
      process_(process),
      // Who was asleep takes a shard for its own that has gone: its membership is an old one.
      epoch_(log.one_machine() || shard.owner == process ? shard.epoch : kNobodys),
      crashes_(log.crashes_),
      position_(shard.position),
      real_(std::move(real)),
      backend_(
          shard.entries, real_ ? &real_->state() : nullptr,
          [&log](const auto& read) { return log.read_real(Stored::State, read); }, at),
      at_(std::move(at)) {}

CommitOutcome SimLog::Handle::commit(const Commit& commit, std::optional<Error>& error) {
    at_("commit");
    const CommitOutcome outcome = real_                ? log_.commit_to_real(*this, commit, error)
                                  : log_.one_machine() ? log_.commit_to_disk(*this, commit, error)
                                                       : in_transaction(commit, error);
    if (outcome == CommitOutcome::Committed) {
        apply_writes(backend_.entries, commit.state);
        at_("committed");
    }
    return outcome;
}

CommitOutcome SimLog::Handle::in_transaction(const Commit& commit, std::optional<Error>& error) {
    if (!submitted_) {
        log_.submit(*this, commit);
        submitted_ = true;
    }
    if (!outcome_) return CommitOutcome::Pending;
    const CommitOutcome outcome = *outcome_;
    if (!why_.empty()) error = Error(Errc::Busy, why_);
    outcome_.reset();
    submitted_ = false;
    return outcome;
}

}  // namespace vitalog::simulation
