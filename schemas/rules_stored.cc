#include "schemas/rules.h"

// rule = members in the order of whole(), texts with their length, numbers as varints,
//        optional ones after a flag, lists after their count; conditions are rules
// before, in persons of version 2: the members that there were, in the order of
//        decode_rule_form_2(), patient_within -1 where there is none, limits never strict

namespace vitalog::schemas {
namespace {

constexpr int kDepthMax = 2;  // a rule and its conditions

struct Writer {
    BinaryWriter& out;

    void text(const std::string& value) { out.text(value); }
    void flag(const bool& value) { out.boolean(value); }
    void number(const std::int64_t& value) { out.signed_varint(value); }
    void time(const std::chrono::microseconds& value) { out.signed_varint(value.count()); }
    void real(const double& value) { out.real(value); }
    template <class E>
    void word(const E& value) {
        out.u8(static_cast<std::uint8_t>(value));
    }
    template <class T, class Each>
    void optional(const std::optional<T>& value, Each each) {
        out.boolean(value.has_value());
        if (value) each(*value);
    }
    template <class T, class Each>
    void list(const std::vector<T>& items, Each each) {
        out.varint(items.size());
        for (const auto& item : items) each(item);
    }
};

struct Reader {
    BinaryReader& in;

    void text(std::string& value) { value.assign(in.text()); }
    void flag(bool& value) { value = in.boolean(); }
    void number(std::int64_t& value) { value = in.signed_varint(); }
    void time(std::chrono::microseconds& value) {
        value = std::chrono::microseconds(in.signed_varint());
    }
    void real(double& value) { value = in.real(); }
    /// An enumerator by number; the first one where the number is none, so that a damaged rule
    /// stays a rule.
    template <class E>
    void word(E& value) {
        const std::uint8_t number = in.u8();
        value = number < EnumNames<E>::names.size() ? static_cast<E>(number) : E{};
    }
    template <class T, class Each>
    void optional(std::optional<T>& value, Each each) {
        value.reset();
        if (in.boolean()) each(value.emplace());
    }
    template <class T, class Each>
    void list(std::vector<T>& items, Each each) {
        items.clear();
        for (std::size_t left = in.count(); left > 0 && in.ok(); --left) each(items.emplace_back());
    }
};

/// One order of members for both directions.
template <class Form, class Rule>
void head(Form& form, Rule& rule) {
    for (auto* text :
         {&rule.id, &rule.version, &rule.pack, &rule.pack_version, &rule.problem, &rule.source,
          &rule.patient_purpose, &rule.patient_template, &rule.group, &rule.unit, &rule.index})
        form.text(*text);
    form.word(rule.kind);
    form.word(rule.priority);
    form.flag(rule.task);
    form.flag(rule.personal);
    for (auto* time : {&rule.max_age, &rule.cool_down, &rule.hold, &rule.clear_hold, &rule.max_gap,
                       &rule.within, &rule.covers, &rule.per})
        form.time(*time);
    form.optional(rule.patient_within, [&](auto& time) { form.time(time); });
    for (auto* texts : {&rule.inhibits, &rule.loinc, &rule.clear_bands})
        form.list(*texts, [&](auto& text) { form.text(text); });
}

template <class Form, class Rule>
void numbers(Form& form, Rule& rule) {
    for (auto* limit : {&rule.low, &rule.high, &rule.clear_low, &rule.clear_high})
        form.optional(*limit, [&](auto& at) {
            form.real(at.value);
            form.flag(at.strict);
        });
    for (auto* value : {&rule.by, &rule.ratio, &rule.clear_by, &rule.clear_ratio})
        form.optional(*value, [&](auto& number) { form.real(number); });
    form.list(rule.bands, [&](auto& band) {
        form.text(band.band);
        form.text(band.problem);
        form.word(band.priority);
        form.flag(band.task);
    });
    form.word(rule.direction);
    form.word(rule.window);
    form.number(rule.points);
    form.word(rule.statistic);
    form.word(rule.watch);
    form.word(rule.awaits);
}

template <class Form, class Rule>
void whole(Form& form, Rule& rule, int depth) {
    head(form, rule);
    numbers(form, rule);
    if (depth < kDepthMax)
        form.list(rule.conditions, [&](auto& condition) { whole(form, condition, depth + 1); });
}

}  // namespace

void encode_rule(BinaryWriter& out, const Rule& rule) {
    Writer form{out};
    whole(form, rule, 1);
}

Rule decode_rule(BinaryReader& in) {
    Rule rule;
    Reader form{in};
    whole(form, rule, 1);
    return rule;
}

Rule decode_rule_form_2(BinaryReader& in) {
    Rule rule;
    Reader form{in};
    for (auto* text :
         {&rule.id, &rule.version, &rule.pack, &rule.pack_version, &rule.problem, &rule.source,
          &rule.patient_purpose, &rule.patient_template, &rule.unit, &rule.index})
        form.text(*text);
    form.word(rule.kind);
    form.word(rule.priority);
    form.flag(rule.task);
    form.time(rule.max_age);
    std::chrono::microseconds within{};
    form.time(within);
    if (within.count() >= 0) rule.patient_within = within;
    for (auto* texts : {&rule.loinc, &rule.clear_bands})
        form.list(*texts, [&](auto& text) { form.text(text); });
    form.list(rule.bands, [&](auto& band) {
        form.text(band.band);
        form.text(band.problem);
        form.word(band.priority);
        form.flag(band.task);
    });
    for (auto* limit : {&rule.low, &rule.high, &rule.clear_low, &rule.clear_high})
        form.optional(*limit, [&](auto& at) { form.real(at.value); });
    for (auto* value : {&rule.by, &rule.ratio, &rule.clear_by, &rule.clear_ratio})
        form.optional(*value, [&](auto& number) { form.real(number); });
    form.word(rule.direction);
    form.time(rule.within);
    return rule;
}

}  // namespace vitalog::schemas
