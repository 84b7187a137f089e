#include "processors/care/sides.h"

namespace vitalog::processors::care {

void ToBoth::emit(schemas::Topic topic, std::string_view key, std::string_view type,
                  std::string_view json, EmitOptions options) {
    one_.emit(topic, key, type, json, options);
    other_.emit(topic, key, type, json, options);
}

RecordId ToBoth::next_id() const {
    VITALOG_ASSERT(false, "an output of both sides asks for the id that it has on one of them");
    return {};
}

void ToBoth::forward(schemas::Topic topic, std::string_view key) {
    one_.forward(topic, key);
    other_.forward(topic, key);
}

void ToBoth::broadcast(schemas::Topic topic, const schemas::Control& control) {
    one_.broadcast(topic, control);
    other_.broadcast(topic, control);
}

void ToBoth::dead_letter(const Error& error, std::string_view at) {
    one_.dead_letter(error, at);
    other_.dead_letter(error, at);
}

void ToBoth::set_timer(std::string_view name, ReceivedTime due) {
    one_.set_timer(name, due);
    other_.set_timer(name, due);
}

void ToBoth::cancel_timer(std::string_view name) {
    one_.cancel_timer(name);
    other_.cancel_timer(name);
}

void ToBoth::remove_entity() {
    one_.remove_entity();
    other_.remove_entity();
}

void ToBoth::count(std::string_view metric, Labels labels) {
    one_.count(metric, labels);
    other_.count(metric, labels);
}

Turn Sides::turn(const Turn& like, Person& person, const rules::RulesInForce& rules, Context& out) {
    return {.person = person,
            .input = like.input,
            .out = out,
            .rules = rules,
            .notice_limit = like.notice_limit,
            .index_settings = like.index_settings,
            .hex = like.hex,
            .computed = like.computed,
            .trace = like.trace};
}

}  // namespace vitalog::processors::care
