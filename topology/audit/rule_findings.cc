#include "topology/audit/rule_findings.h"

namespace vitalog::topology {
namespace {

using processors::care::Judgement;

Found found_of(const Judgement& judgement) {
    Found found;
    found.of = judgement.of;
    found.met = judgement.met;
    found.at = judgement.at;
    found.value = judgement.value;
    found.what = judgement.what;
    found.run = judgement.run;
    found.least = judgement.least;
    found.most = judgement.most;
    found.count = judgement.count;
    found.covered = judgement.covered;
    found.until = judgement.until;
    found.rule = judgement.rule;
    return found;
}

}  // namespace

void RuleFindings::judged(const Judgement& judgement) {
    if (judgement.rule.id == id_) {
        combination_ = nullptr;
        if (newest_ && judgement.at < newest_->at) return;
        // That it is withheld says nothing new of the conditions that were met.
        auto parts = newest_ && judgement.of == Found::Of::CoolDown ? std::move(newest_->parts)
                                                                    : decltype(Found::parts)();
        newest_ = found_of(judgement);
        newest_->parts = std::move(parts);
        return;
    }
    if (combination_ == nullptr) return;
    for (std::size_t i = 0; i < combination_->conditions.size(); ++i) {
        if (&combination_->conditions[i] != &judgement.rule) continue;
        if (judgement.of == Found::Of::TooOld)
            newest_->parts[i].too_old = true;
        else
            newest_->parts[i] = found_of(judgement);
    }
}

void RuleFindings::combines(const schemas::Rule& rule, EventTime as_of) {
    combination_ = rule.id == id_ && (!newest_ || as_of >= newest_->at) ? &rule : nullptr;
    if (combination_ == nullptr) return;
    newest_.emplace();
    newest_->at = as_of;
    newest_->rule = rule;
}

}  // namespace vitalog::topology
