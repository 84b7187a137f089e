#include "processors/identity/identity_processor.h"

#include <optional>
#include <string>
#include <utility>

#include "processors/identity/merge_judge.h"
#include "schemas/json_decode.h"

namespace vitalog::processors::identity {
namespace {

using schemas::Identifier;
using schemas::Topic;

constexpr std::string_view kWaitingMetric = "vitalog_identity_waiting_total";

/// "AUTH|ID" as the directory writes it.
std::optional<Identifier> identifier_in(std::string_view key) {
    const std::size_t bar = key.find('|');
    if (bar == std::string_view::npos || bar == 0 || bar + 1 == key.size()) return std::nullopt;
    return Identifier{key.substr(0, bar), key.substr(bar + 1), {}};
}

EmitOptions at(std::optional<EventTime> event_time) {
    return {.event_time = event_time};
}

std::optional<EventTime> event_time_of(const Input& input) {
    const std::string_view text = input.headers.find(header::kTime);
    if (text.empty()) return std::nullopt;
    const auto micros = parse_rfc3339(text);
    if (!micros) return std::nullopt;
    return EventTime(*micros);
}

void say_identified(IdentifierEntity& self, std::string_view key, Context& out) {
    out.emit_event(Topic::Person, self.person(),
                   schemas::PersonIdentified{self.person(), self.identifier(key)});
}

void emit_clinical(const IdentifierEntity& self, std::string_view event, std::string_view waited,
                   std::optional<EventTime> time, Context& out) {
    out.emit_event(Topic::Person, self.person(),
                   schemas::PersonClinicalForward{self.person(), {event}, waited}, at(time));
}

void emit_samples(const IdentifierEntity& self, std::string_view event, std::string_view waited,
                  std::optional<EventTime> time, Context& out) {
    out.emit_event(Topic::Person, self.person(),
                   schemas::PersonSamplesForward{self.person(), {event}, waited}, at(time));
}

void tell(const IdentifierEntity& self, std::string_view listed, Context& out) {
    out.emit_event(Topic::Subject, listed, schemas::IdentityNews{self.current(), self.merge()});
}

/// Takes news of a merge, and passes them on. Older news than what is known say nothing.
void hear(IdentifierEntity& self, std::string_view key, const schemas::IdentityNews& news,
          Context& out) {
    if (!self.adopt(news.founder, news.merge)) return;
    say_identified(self, key, out);
    for (const auto& listed : self.listed()) tell(self, listed, out);
}

Result<void> founder_only(const IdentifierEntity& self, const Input& input) {
    if (self.home() == input.key) return {};
    return fail(Errc::Conflict, std::string(input.key) + " did not found a person, and a " +
                                    std::string(input.type) + " record says it did");
}

}  // namespace

std::unique_ptr<state::Entity> IdentityProcessor::create(std::string_view key) const {
    if (key == schemas::kMergesKey) return std::make_unique<MergesEntity>();
    return std::make_unique<IdentifierEntity>();
}

Result<std::unique_ptr<state::Entity>> IdentityProcessor::decode(std::string_view key,
                                                                 std::string_view bytes) const {
    if (key == schemas::kMergesKey) {
        auto merges = std::make_unique<MergesEntity>();
        VITALOG_CHECK(merges->decode(bytes));
        return merges;
    }
    auto identifier = std::make_unique<IdentifierEntity>();
    VITALOG_CHECK(identifier->decode(bytes));
    return identifier;
}

Result<void> IdentityProcessor::on_control(const schemas::Control& control, const Input&) {
    if (control.kind != "settings" || control.name != "site") return {};
    if (control.body.empty()) {
        policy_ = SitePolicy();
        return {};
    }
    VITALOG_TRY(const auto settings, schemas::Settings::parse(control.body, decoder_));
    policy_ = SitePolicy::from(settings);
    return {};
}

Result<void> IdentityProcessor::on_record(state::Entity* entity, const Input& input, Context& out) {
    if (input.key == schemas::kMergesKey)
        return on_merges(static_cast<MergesEntity&>(*entity), input, out);
    return on_identifier({static_cast<IdentifierEntity&>(*entity), input, out});
}

template <class Event>
Result<void> IdentityProcessor::dispatch(const Call& call, Handler<Event> handler) {
    VITALOG_TRY(const auto event, schemas::decode<Event>(call.input.value, decoder_));
    return (this->*handler)(call, event);
}

Result<void> IdentityProcessor::on_identifier(const Call& call) {
    using P = IdentityProcessor;
    const std::string_view type = call.input.type;
    if (type == schemas::SamplesEvent::kType) return dispatch(call, &P::on_samples);
    if (type == schemas::ClinicalEvent::kType) return dispatch(call, &P::on_clinical);
    if (type == schemas::IdentityLink::kType) return dispatch(call, &P::on_link);
    if (type == schemas::IdentityJoined::kType) return dispatch(call, &P::on_joined);
    if (type == schemas::IdentityNews::kType) return dispatch(call, &P::on_news);
    if (type == schemas::MergeOrder::kType) return dispatch(call, &P::on_order);
    if (type == schemas::MergeInquiry::kType) return dispatch(call, &P::on_inquiry);
    if (type == schemas::PatientEntry::kType) return dispatch(call, &P::on_directory);
    return fail(Errc::Unsupported,
                "an identifier has no use for a record of type '" + std::string(type) + "'");
}

Result<void> IdentityProcessor::on_clinical(const Call& call, const schemas::ClinicalHead& head) {
    auto& [self, input, out] = call;
    if (head.identifiers.empty() || !is_key_of(input.key, head.identifiers.front()))
        return fail(Errc::Malformed, "a clinical event is keyed by its first identifier, not by '" +
                                         std::string(input.key) + "'");
    const Identifier& primary = head.identifiers.front();
    const bool account = self.is_account() || policy_.is_account(primary);
    if (!self.bound()) {
        if (account) return wait_for_binding(call, primary, false);
        found(call, primary);
    }
    emit_clinical(self, input.value, {}, event_time_of(input), out);
    if (account) return {};
    for (const Identifier& further : head.identifiers) {
        if (further.authority.empty() || further.value.empty() || policy_.is_account(further))
            continue;
        link(call, {further, self.current(), primary, false});
    }
    return {};
}

/// Samples never found a person, whatever names them: a stranger's device may claim anything.
Result<void> IdentityProcessor::on_samples(const Call& call, const schemas::ClinicalHead& head) {
    auto& [self, input, out] = call;
    if (head.identifiers.empty() || !is_key_of(input.key, head.identifiers.front()))
        return fail(Errc::Malformed, "a batch of samples is keyed by its account, not by '" +
                                         std::string(input.key) + "'");
    if (!self.bound()) return wait_for_binding(call, head.identifiers.front(), true);
    emit_samples(self, input.value, {}, event_time_of(input), out);
    return {};
}

void IdentityProcessor::found(const Call& call, const Identifier& identifier) {
    call.self.see(identifier);
    call.self.bind(call.input.key);
    say_identified(call.self, call.input.key, call.out);
    release_waiting(call);
}

Result<void> IdentityProcessor::wait_for_binding(const Call& call, const Identifier& account,
                                                 bool samples) {
    auto& [self, input, out] = call;
    if (!self.has_room_for(input.value)) {
        out.count(kWaitingMetric, {{"outcome", "refused"}});
        return fail(Errc::TooLarge,
                    "account " + std::string(input.key) + " belongs to nobody and " +
                        std::to_string(self.waiting().size()) +
                        " records wait already; bind it to a patient in the directory");
    }
    self.see(account);
    // A hospital's number that samples name first is no account for that.
    if (!samples || policy_.is_account(account)) self.see_account();
    self.wait({samples, std::string(input.value), input.root, event_time_of(input)});
    out.count(kWaitingMetric, {{"outcome", "waiting"}});
    return {};
}

void IdentityProcessor::release_waiting(const Call& call) {
    for (const auto& record : call.self.take_waiting()) {
        const std::string waited = record.root.to_string();
        if (record.samples)
            emit_samples(call.self, record.value, waited, record.event_time, call.out);
        else
            emit_clinical(call.self, record.value, waited, record.event_time, call.out);
        call.out.count(kWaitingMetric, {{"outcome", "released"}});
    }
}

void IdentityProcessor::link(const Call& call, schemas::IdentityLink link) {
    auto& [self, input, out] = call;
    if (is_key_of(input.key, link.identifier) || self.has_linked(link.identifier)) return;
    self.remember_linked(link.identifier);
    out.emit_event(Topic::Subject, link.identifier.key(), link);
}

Result<void> IdentityProcessor::on_directory(const Call& call, const schemas::PatientEntry& entry) {
    auto& [self, input, out] = call;
    const auto patient = identifier_in(entry.patient);
    if (!patient || entry.patient != input.key)
        return fail(Errc::Malformed, "directory: patient '" + std::string(entry.patient) +
                                         "' must be written AUTHORITY|ID");
    if (self.is_account() || policy_.is_account(*patient))
        return fail(Errc::Unsupported,
                    "directory: patient " + std::string(entry.patient) +
                        " is an account; name the patient by a hospital's identifier and list the "
                        "account under accounts");
    if (!self.bound()) found(call, *patient);
    out.emit_event(Topic::Person, self.person(), schemas::PersonBinding{self.person(), entry});
    link_accounts(call, *patient, entry);
    return {};
}

void IdentityProcessor::link_accounts(const Call& call, const Identifier& patient,
                                      const schemas::PatientEntry& entry) {
    for (std::size_t i = 0; i < entry.accounts.size(); ++i) {
        auto account = identifier_in(entry.accounts[i]);
        if (!account) {
            call.out.dead_letter(
                Error(Errc::Malformed, "directory: account '" + std::string(entry.accounts[i]) +
                                           "' must be written AUTHORITY|ID"),
                "accounts[" + std::to_string(i) + "]");
            continue;
        }
        account->type = kAccountType;
        link(call, {*account, call.self.current(), patient, true});
    }
    if (!entry.openid.empty())
        link(call,
             {{kOpenidAuthority, entry.openid, kAccountType}, call.self.current(), patient, true});
}

Result<void> IdentityProcessor::on_link(const Call& call, const schemas::IdentityLink& link) {
    auto& [self, input, out] = call;
    if (!is_key_of(input.key, link.identifier) || link.founder.empty())
        return fail(Errc::Malformed, "a link is keyed by the identifier it names");
    if (!self.bound()) return bind(call, link);
    if (link.founder == self.current() || link.founder == self.home()) return {};
    out.emit_event(
        Topic::Subject, schemas::kMergesKey,
        schemas::IdentityClash{link.identifier, self.current(), link.founder, link.named_by,
                               !self.is_account() && policy_.merges_by_itself(link.identifier)});
    return {};
}

Result<void> IdentityProcessor::bind(const Call& call, const schemas::IdentityLink& link) {
    auto& [self, input, out] = call;
    const bool account = self.is_account() || policy_.is_account(link.identifier);
    if (account && !link.directory)
        return fail(Errc::Forbidden, "account " + std::string(input.key) +
                                         " is bound by the directory, not by " +
                                         link.named_by.key() + " naming it");
    if (account) self.see_account();
    self.see(link.identifier);
    self.bind(link.founder);
    say_identified(self, input.key, out);
    out.emit_event(Topic::Subject, link.founder, schemas::IdentityJoined{link.founder, input.key});
    release_waiting(call);
    return {};
}

Result<void> IdentityProcessor::on_joined(const Call& call, const schemas::IdentityJoined& joined) {
    auto& [self, input, out] = call;
    VITALOG_CHECK(founder_only(self, input));
    if (self.listed().size() >= kListedMax)
        return fail(Errc::TooLarge,
                    std::string(input.key) + " lists " + std::to_string(kListedMax) +
                        " identifiers already; " + std::string(joined.member) +
                        " stays with its person, and reaches a survivor by way of it");
    self.list(joined.member);
    if (self.merge() > 0) tell(self, joined.member, out);
    return {};
}

Result<void> IdentityProcessor::on_news(const Call& call, const schemas::IdentityNews& news) {
    auto& [self, input, out] = call;
    if (!self.bound())
        return fail(Errc::Conflict, std::string(input.key) + " has no person to be merged");
    hear(self, input.key, news, out);
    return {};
}

Result<void> IdentityProcessor::on_order(const Call& call, const schemas::MergeOrder& order) {
    auto& [self, input, out] = call;
    VITALOG_CHECK(founder_only(self, input));
    if (order.loser == input.key) {
        hear(self, input.key, {order.survivor, order.merge}, out);
        return {};
    }
    // The loser hears of this merge from "merges", and of every later one from here.
    self.list(order.loser);
    if (self.merge() > 0) tell(self, order.loser, out);
    return {};
}

Result<void> IdentityProcessor::on_inquiry(const Call& call, const schemas::MergeInquiry& inquiry) {
    auto& [self, input, out] = call;
    const bool asks_loser = inquiry.loser_founder.empty();
    const auto& asked = asks_loser ? inquiry.request.loser : inquiry.request.survivor;
    if (!is_key_of(input.key, asked))
        return fail(Errc::Malformed, "a merge inquiry is keyed by the identifier it asks");
    if (self.is_account() || policy_.is_account(asked))
        return fail(Errc::Unsupported, std::string(inquiry.request.trigger) + ": " +
                                           std::string(input.key) +
                                           " is an account; only a patient's identifiers merge");
    if (!self.bound()) found(call, asked);

    schemas::MergeInquiry next = inquiry;
    (asks_loser ? next.loser_founder : next.survivor_founder) = self.home();
    if (asks_loser)
        out.emit_event(Topic::Subject, next.request.survivor.key(), next);
    else
        out.emit_event(Topic::Subject, schemas::kMergesKey, next);
    return {};
}

Result<void> IdentityProcessor::on_merges(MergesEntity& merges, const Input& input, Context& out) {
    if (input.type == schemas::MergeInquiry::kType) {
        VITALOG_TRY(const auto inquiry,
                    schemas::decode<schemas::MergeInquiry>(input.value, decoder_));
        return judge(merges, inquiry, out);
    }
    if (input.type == schemas::IdentityClash::kType) {
        VITALOG_TRY(const auto clash,
                    schemas::decode<schemas::IdentityClash>(input.value, decoder_));
        return settle(merges, clash, policy_, out);
    }
    if (input.type == schemas::MergeRequest::kType) {
        VITALOG_TRY(const auto request,
                    schemas::decode<schemas::MergeRequest>(input.value, decoder_));
        return ask_whose(request, out);
    }
    return fail(Errc::Unsupported,
                "merges has no use for a record of type '" + std::string(input.type) + "'");
}

}  // namespace vitalog::processors::identity
