#pragma once

#include <optional>
#include <utility>

#include "processors/care/person.h"
#include "processors/care/turn.h"

namespace vitalog::processors::care {

/// Other rules to judge a record by, beside those in force: what they concluded of its person so
/// far, and where their outputs go.
struct Beside {
    const rules::RulesInForce& rules;
    Conclusions& conclusions;
    Context& out;
};

/// Gives everything to two contexts. Each of them numbers its outputs by itself.
class ToBoth final : public Context {
  public:
    ToBoth(Context& one, Context& other) : one_(one), other_(other) {}

    void emit(schemas::Topic topic, std::string_view key, std::string_view type,
              std::string_view json, EmitOptions options) override;
    /// Never asked for: what both are told of names itself by what it is about.
    RecordId next_id() const override;
    void forward(schemas::Topic topic, std::string_view key) override;
    void broadcast(schemas::Topic topic, const schemas::Control& control) override;
    void dead_letter(const Error& error, std::string_view at) override;
    void set_timer(std::string_view name, ReceivedTime due) override;
    void cancel_timer(std::string_view name) override;
    void remove_entity() override;
    void count(std::string_view metric, Labels labels) override;

  private:
    Context& one_;
    Context& other_;
};

/// One record in hand, judged by the rules in force and, in a trial, by others beside them. What is
/// known of the person does not depend on rules: it is folded once, and told to both. Lives for one
/// call; it stays where it is.
class Sides {
  public:
    /// The rules in force alone, as in a site.
    explicit Sides(const Turn& ours) : known_(ours) {}
    Sides(const Turn& ours, const Beside& beside)
        : out_(&ours.out),
          beside_(beside),
          both_(std::in_place, ours.out, beside.out),
          known_(turn(ours, ours.person, ours.rules, *both_)) {}
    Sides(const Sides&) = delete;
    Sides& operator=(const Sides&) = delete;

    /// For what is known: nothing in it may look at rules or conclusions.
    Turn& known() { return known_; }

    /// For what each set of rules concludes: nothing in it may change what is known.
    template <class Do>
    void each(Do conclude) {
        if (!beside_) return conclude(known_);
        Turn ours = turn(known_, known_.person, known_.rules, *out_);
        conclude(ours);
        known_.person.exchange(beside_->conclusions);
        Turn theirs = turn(known_, known_.person, beside_->rules, beside_->out);
        conclude(theirs);
        known_.person.exchange(beside_->conclusions);
    }

    /// For what computes indices while it judges: each begins with the results there were.
    template <class Do>
    void each_computes(Do conclude) {
        if (!beside_) return conclude(known_);
        const IndexResults before = known_.person.index_results;
        bool first = true;
        each([&](Turn& turn) {
            if (!std::exchange(first, false)) begin_again(turn, before);
            conclude(turn);
        });
    }

    /// For what changes the person as a whole: each begins with the person there was. Both refuse,
    /// or neither.
    template <class Do>
    Result<void> each_whole(Do change) {
        if (!beside_) return change(known_);
        Person other = known_.person;
        Turn ours = turn(known_, known_.person, known_.rules, *out_);
        VITALOG_CHECK(change(ours));
        known_.computed.clear();
        other.exchange(beside_->conclusions);
        Turn theirs = turn(known_, other, beside_->rules, beside_->out);
        auto changed = change(theirs);
        other.exchange(beside_->conclusions);
        return changed;
    }

  private:
    static Turn turn(const Turn& like, Person& person, const rules::RulesInForce& rules,
                     Context& out);
    static void begin_again(Turn& turn, const IndexResults& before) {
        turn.person.index_results = before;
        turn.computed.clear();
    }

    Context* out_ = nullptr;
    std::optional<Beside> beside_;
    std::optional<ToBoth> both_;
    Turn known_;
};

}  // namespace vitalog::processors::care
