#pragma once

#include "processors/identity/identifier.h"
#include "processors/identity/merges.h"
#include "processors/identity/site_policy.h"
#include "processors/processor.h"
#include "schemas/events/directory.h"
#include "schemas/events/identity.h"
#include "schemas/events/wearable.h"

namespace vitalog::processors::identity {

/// Whose is it: finds the person of every record, links identifiers and merges persons. Its
/// entities are one per identifier, and "merges", which alone decides what persons are one. They
/// talk by records on `subject` (docs/decisions/0001-merges.md shows the messages), so that it does
/// not matter which shards they live in, and what they end up with does not depend on how those
/// records interleave.
class IdentityProcessor final : public Processor {
  public:
    std::string_view stage() const override { return "identity"; }
    std::uint32_t logic() const override { return 2; }

    std::unique_ptr<state::Entity> create(std::string_view key) const override;
    Result<std::unique_ptr<state::Entity>> decode(std::string_view key,
                                                  std::string_view bytes) const override;
    Result<void> on_record(state::Entity* entity, const Input& input, Context& out) override;
    void on_timer(state::Entity*, const Timer&, Context&) override {}
    /// Kind "settings", name "site": site.authorities, site.linking, site.accounts. Others pass.
    Result<void> on_control(const schemas::Control& control, const Input& input) override;

  private:
    /// What an identifier's handlers have in hand.
    struct Call {
        IdentifierEntity& self;
        const Input& input;
        Context& out;
    };
    template <class Event>
    using Handler = Result<void> (IdentityProcessor::*)(const Call&, const Event&);

    Result<void> on_identifier(const Call& call);
    /// Decodes the record and hands it on.
    template <class Event>
    Result<void> dispatch(const Call& call, Handler<Event> handler);

    Result<void> on_clinical(const Call& call, const schemas::ClinicalHead& head);
    Result<void> on_samples(const Call& call, const schemas::ClinicalHead& head);
    Result<void> on_directory(const Call& call, const schemas::PatientEntry& entry);
    Result<void> on_link(const Call& call, const schemas::IdentityLink& link);
    Result<void> on_joined(const Call& call, const schemas::IdentityJoined& joined);
    Result<void> on_news(const Call& call, const schemas::IdentityNews& news);
    Result<void> on_order(const Call& call, const schemas::MergeOrder& order);
    Result<void> on_inquiry(const Call& call, const schemas::MergeInquiry& inquiry);

    /// A first sight: the identifier founds a person.
    void found(const Call& call, const schemas::Identifier& identifier);
    Result<void> wait_for_binding(const Call& call, const schemas::Identifier& account,
                                  bool samples);
    /// What waited for the identifier's person flows, in the order in which it came.
    void release_waiting(const Call& call);
    Result<void> bind(const Call& call, const schemas::IdentityLink& link);
    void link_accounts(const Call& call, const schemas::Identifier& patient,
                       const schemas::PatientEntry& entry);
    /// Sends a link to an identifier that was named beside this one, unless that was done before.
    void link(const Call& call, schemas::IdentityLink link);

    Result<void> on_merges(MergesEntity& merges, const Input& input, Context& out);

    SitePolicy policy_;
    schemas::Decoder decoder_;
};

}  // namespace vitalog::processors::identity

namespace vitalog::processors {
using identity::IdentityProcessor;
}
