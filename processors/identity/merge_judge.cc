#include "processors/identity/merge_judge.h"

#include <string>

#include "processors/identity/identifier.h"

namespace vitalog::processors::identity {
namespace {

using schemas::Topic;

void count(Context& out, std::string_view outcome) {
    out.count("vitalog_identity_merges_total", {{"outcome", outcome}});
}

/// Joins two trees and tells everybody whom it concerns.
void merge(MergesEntity& merges, std::string_view loser, std::string_view survivor,
           std::string_view reason, Context& out) {
    const std::string lost(loser);  // both may point into the forest
    const std::string kept(survivor);
    const std::int64_t number = merges.merge(lost, kept);
    const std::string lost_person = person_founded_by(lost);
    const std::string kept_person = person_founded_by(kept);

    const schemas::PersonMerged merged{kept_person, lost_person, reason};
    out.emit_event(Topic::Person, lost_person, merged);
    out.emit_event(Topic::Person, kept_person, merged);
    const schemas::MergeOrder order{kept, lost, number};
    out.emit_event(Topic::Subject, lost, order);
    out.emit_event(Topic::Subject, kept, order);
}

}  // namespace

Result<void> ask_whose(const schemas::MergeRequest& request, Context& out) {
    if (request.survivor.value.empty() || request.loser.value.empty())
        return fail(Errc::Malformed, std::string(request.trigger) +
                                         ": a merge needs an identifier in PID-3 and in MRG-1");
    const std::string loser = request.loser.key();
    if (loser == request.survivor.key())
        return fail(Errc::Conflict, std::string(request.trigger) + ": MRG-1 and PID-3 are both " +
                                        loser + "; a merge needs two identifiers");
    out.emit_event(Topic::Subject, loser, schemas::MergeInquiry{request, {}, {}});
    return {};
}

Result<void> judge(MergesEntity& merges, const schemas::MergeInquiry& inquiry, Context& out) {
    const std::string_view loser = inquiry.loser_founder;
    const std::string_view survivor = inquiry.survivor_founder;
    if (loser == survivor || merges.is_stated(loser, survivor)) {
        count(out, "repeated");
        return {};
    }
    if (merges.is_stated(survivor, loser)) {
        count(out, "refused");
        const auto& [kept, lost, trigger, occurred] = inquiry.request;
        return fail(Errc::Conflict,
                    std::string(trigger) + " merges " + lost.key() + " into " + kept.key() +
                        ", but " + kept.key() + " was merged into " + lost.key() +
                        " before; if that merge was wrong it has to be corrected at the hospital");
    }
    const std::string lost_root(merges.root(loser));
    const std::string kept_root(merges.root(survivor));
    merges.state(loser, survivor);
    if (lost_root == kept_root) {
        count(out, "already_one");
        return {};
    }
    merge(merges, lost_root, kept_root, inquiry.request.trigger, out);
    count(out, "requested");
    return {};
}

Result<void> settle(MergesEntity& merges, const schemas::IdentityClash& clash,
                    const SitePolicy& policy, Context& out) {
    std::string_view kept = merges.root(clash.holder);
    std::string_view lost = merges.root(clash.claimant);
    if (kept == lost) return {};  // they became one while the clash was under way
    if (!policy.survives(kept, lost)) std::swap(kept, lost);

    if (clash.trusted) {
        const std::string reason = "link over " + std::string(clash.identifier.authority);
        merge(merges, lost, kept, reason, out);
        count(out, "linked");
        return {};
    }
    if (!merges.remember_clash(kept, lost)) return {};
    const std::string person = person_founded_by(kept);
    const std::string other = person_founded_by(lost);
    out.emit_event(Topic::Person, person,
                   schemas::PersonClash{person, other, clash.identifier, clash.named_by});
    out.count("vitalog_identity_clashes_total", {{"authority", clash.identifier.authority}});
    return {};
}

}  // namespace vitalog::processors::identity
