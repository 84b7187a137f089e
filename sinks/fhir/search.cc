#include "sinks/fhir/search.h"

#include <date/tz.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "schemas/base/ids.h"
#include "schemas/base/time.h"
#include "schemas/events/care.h"
#include "sinks/fhir/includes.h"
#include "sinks/fhir/parts.h"

namespace vitalog::sinks::fhir {
namespace {

using views::Condition;
using views::Op;
using views::Term;
using views::Value;

constexpr std::int64_t kMicros = 1'000'000;

std::vector<std::string> split(std::string_view text, char by) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size())
            parts.back() += text[++i];  // FHIR: \, \| \$ \\.
        else if (text[i] == by)
            parts.emplace_back();
        else
            parts.back() += text[i];
    }
    return parts;
}

/// SYSTEM|CODE; `system` is absent where there is no bar.
struct Token {
    std::optional<std::string> system;
    std::string code;
};
Token token_of(std::string_view text) {
    const std::size_t bar = text.rfind('|');
    if (bar == std::string_view::npos) return {std::nullopt, std::string(text)};
    return {std::string(text.substr(0, bar)), std::string(text.substr(bar + 1))};
}

/// Microseconds since the epoch of a local time in the zone.
Result<std::int64_t> at_zone(std::int64_t local_us, std::string_view zone) {
    try {
        const auto* found = date::locate_zone(std::string(zone));
        const date::local_time<std::chrono::microseconds> local{
            std::chrono::microseconds(local_us)};
        return found->to_sys(local, date::choose::earliest).time_since_epoch().count();
    } catch (const std::exception&) {
        return fail(Errc::Configuration,
                    "site.zone '" + std::string(zone) + "' is not a known time zone");
    }
}

/// Local microseconds of the end of the year, month or day that begins at `local_us`.
std::int64_t end_of(std::int64_t local_us, Precision precision) {
    constexpr std::int64_t kDay = 86'400 * kMicros;
    const Date day = civil_from_days(local_us / kDay - (local_us % kDay < 0 ? 1 : 0));
    switch (precision) {
        case Precision::Year:
            return days_from_civil(day.year + 1, 1, 1) * kDay;
        case Precision::Month:
            return (day.month == 12 ? days_from_civil(day.year + 1, 1, 1)
                                    : days_from_civil(day.year, day.month + 1U, 1)) *
                   kDay;
        case Precision::Day:
            return local_us + kDay;
        case Precision::Minute:
            return local_us + 60 * kMicros;
        case Precision::Second:
            return local_us + kMicros;
        case Precision::Fraction:
            return local_us + 1;
    }
    return local_us + 1;
}

bool has_zone(std::string_view text) {
    const std::size_t clock = text.find('T');
    return clock != std::string_view::npos &&
           text.find_first_of("Zz+-", clock) != std::string_view::npos;
}

/// Builds the conditions of one search.
class Builder {
  public:
    Builder(const ResourceSpec& spec, const SearchContext& context)
        : spec_(spec), context_(context) {}

    Result<void> add(std::string_view name, const std::string& value) {
        if (name == "_format" || name == "_pretty") return {};
        if (name == "_count") return set_number(name, value, kCountMax, request_.query.limit);
        if (name == "_page") {
            VITALOG_TRY(request_.query.after, views::Cursor::parse(value));
            return {};
        }
        if (name == "_include") return include(name, value, request_.include);
        if (name == "_revinclude") return include(name, value, request_.revinclude);
        if (name == "_sort") return sort(value);
        if (name == "_summary") return summary(value);
        if (name == "_total") return total(value);
        if (name == "_lastUpdated")
            return date({name, ParamKind::Date, "updated_us", "date"}, value);
        for (const auto& param : spec_.params) {
            if (param.name == name) return add_param(param, value);
            const bool by_identifier = param.kind == ParamKind::Patient &&
                                       (name == std::string(param.name) + ".identifier" ||
                                        name == std::string(param.name) + ":identifier");
            if (by_identifier) return patient_identifier(value);
        }
        return fail(Errc::Unsupported, "unknown search parameter '" + std::string(name) + "' for " +
                                           std::string(spec_.type) +
                                           "; /fhir/metadata lists the known ones");
    }

    Result<SearchRequest> finish() {
        auto& query = request_.query;
        if (!spec_.hide.empty())  // 0: shown, 1: for those who ask for it; see the views' schema
            query.conditions.push_back(
                {{{spec_.hide, Op::Less, {std::int64_t{shows_hidden_ ? 2 : 1}}}}});
        if (spec_.type == "Patient" && !query.persons) query.survivors_only = true;
        if (query.order.empty())
            query.order.push_back(query.persons ? spec_.patient_order : spec_.plain_order);
        if (query.limit == 0) request_.count_only = true;
        if (request_.count_only) query.limit = 0;
        if (request_.provenance) query.limit = std::min(query.limit, kProvenanceCountMax);
        return std::move(request_);
    }

    void start() { request_.query.limit = kCountDefault; }

  private:
    Result<void> add_param(const ParamSpec& param, const std::string& value) {
        if (value.empty())
            return fail(Errc::Malformed,
                        "search parameter '" + std::string(param.name) + "' has no value");
        switch (param.kind) {
            case ParamKind::Token:
                return token(param, value);
            case ParamKind::Text:
                return text(param, value);
            case ParamKind::Date:
                return date(param, value);
            case ParamKind::Patient:
                return patients(value);
            case ParamKind::PatientIdentifier:
                return patient_identifier(value);
            case ParamKind::PersonId:
                return person_ids(value);
            case ParamKind::LocatedId:
                return located(param, value);
            case ParamKind::TextId:
                shows_hidden_ = true;
                return reference(param, value);
            case ParamKind::Code:
                return code(param, value);
            case ParamKind::Category:
                return category(param, value);
            case ParamKind::ResultId:
                return result_ids(param, value);
            case ParamKind::Encounter:
                return encounter(param, value);
            case ParamKind::Result:
                return results(param, value);
            case ParamKind::Reference:
                return reference(param, value);
            case ParamKind::Owner:
                return owner(param, value);
            case ParamKind::Recipient:
                return recipient(param, value);
            case ParamKind::Priority:
                return priority(param, value);
        }
        return {};
    }

    Result<void> set_number(std::string_view name, const std::string& value, std::int64_t max,
                            std::int64_t& into) {
        VITALOG_TRY(into, parse_number(name, value, max));
        return {};
    }

    Result<void> include(std::string_view name, const std::string& value,
                         std::vector<const IncludeSpec*>& into) {
        if (name == "_revinclude" && value == "Provenance:target") {
            request_.provenance = true;
            return {};
        }
        VITALOG_TRY(const IncludeSpec* const spec, parse_include(name, value));
        const std::string_view from = name == "_include" ? spec->source : spec->target;
        if (from != spec_.type)
            return fail(Errc::Unsupported, std::string(name) + "=" + value +
                                               " does not belong to a search of " +
                                               std::string(spec_.type));
        into.push_back(spec);
        return {};
    }

    Result<void> summary(const std::string& value) {
        if (value == "count")
            request_.count_only = true;
        else if (value != "false")
            return fail(Errc::Unsupported,
                        "_summary can be 'count' or 'false', not '" + value + "'");
        return {};
    }

    Result<void> total(const std::string& value) {
        if (value != "none" && value != "estimate" && value != "accurate")
            return fail(Errc::Unsupported,
                        "_total can be 'none', 'estimate' or 'accurate', not '" + value + "'");
        request_.query.count = value != "none";
        return {};
    }

    Result<void> sort(const std::string& value) {
        for (const auto& part : split(value, ',')) {
            const bool descending = part.starts_with('-');
            const std::string name = descending ? part.substr(1) : part;
            std::string_view column = name == "_lastUpdated" ? "updated_us" : "";
            for (const auto& param : spec_.params)
                if (param.name == name && !param.column.empty()) column = param.column;
            if (column.empty())
                return fail(Errc::Unsupported,
                            "can't sort " + std::string(spec_.type) + " by '" + name + "'");
            request_.query.order.push_back({column, descending});
        }
        return {};
    }

    void add_in(std::string_view column, std::vector<Value> values, std::string_view also = {}) {
        Condition condition{{{column, Op::In, values}}};
        if (!also.empty()) condition.push_back({{also, Op::In, std::move(values)}});
        request_.query.conditions.push_back(std::move(condition));
    }

    Result<void> token(const ParamSpec& param, const std::string& value) {
        std::vector<Value> values;
        for (const auto& part : split(value, ',')) {
            const std::string word = token_of(part).code;
            if (word.empty())
                return fail(Errc::Malformed,
                            "search parameter '" + std::string(param.name) + "' needs a code");
            if (word == "entered-in-error") shows_hidden_ = true;
            values.emplace_back(word);
        }
        // A visit number may carry its authority.
        if (param.column == "visit")
            for (const auto& part : split(value, ','))
                if (token_of(part).system) {
                    const Token token = token_of(part);
                    values.emplace_back(authority_name(*token.system) + "|" + token.code);
                }
        add_in(param.column, std::move(values), param.also);
        return {};
    }

    Result<void> text(const ParamSpec& param, const std::string& value) {
        Condition condition;
        for (auto& part : split(value, ',')) {
            if (param.type == "date" && part.starts_with("eq")) part.erase(0, 2);
            condition.push_back({{param.column, Op::StartsWith, {part}}});
        }
        request_.query.conditions.push_back(std::move(condition));
        return {};
    }

    Result<void> date(const ParamSpec& param, const std::string& value) {
        Condition condition;
        for (const auto& part : split(value, ',')) {
            std::string_view rest = part;
            std::string_view prefix = "eq";
            if (rest.size() > 2 && rest[0] >= 'a' && rest[0] <= 'z') {
                prefix = rest.substr(0, 2);
                rest.remove_prefix(2);
            }
            auto range = parse_time_range(rest, context_.zone);
            if (!range)
                return fail(range.error().code(), "search parameter '" + std::string(param.name) +
                                                      "': " + range.error().message());
            VITALOG_CHECK(add_range(param, prefix, *range, condition));
        }
        request_.query.conditions.push_back(std::move(condition));
        return {};
    }

    static Result<void> add_range(const ParamSpec& param, std::string_view prefix,
                                  const TimeRange& range, Condition& condition) {
        const Term from{param.column, Op::AtLeast, {range.from_us}};
        const Term before{param.column, Op::Less, {range.from_us}};
        const Term until{param.column, Op::Less, {range.to_us}};
        const Term after{param.column, Op::AtLeast, {range.to_us}};
        if (prefix == "eq" || prefix == "ap")
            condition.push_back({from, until});
        else if (prefix == "ge")
            condition.push_back({from});
        else if (prefix == "gt" || prefix == "sa")
            condition.push_back({after});
        else if (prefix == "le")
            condition.push_back({until});
        else if (prefix == "lt" || prefix == "eb")
            condition.push_back({before});
        else if (prefix == "ne") {
            condition.push_back({before});
            condition.push_back({after});
        } else
            return fail(Errc::Malformed, "search parameter '" + std::string(param.name) +
                                             "': unknown prefix '" + std::string(prefix) + "'");
        return {};
    }

    /// Narrows the search to these persons and those who are one with them.
    Result<void> narrow(const std::vector<std::string>& persons) {
        std::vector<std::string> all;
        for (const auto& person : persons) {
            VITALOG_TRY(const auto group, context_.reader.group_of(person));
            all.insert(all.end(), group.begin(), group.end());
        }
        auto& known = request_.query.persons;
        if (known)
            std::erase_if(all, [&](const auto& person) {
                return std::find(known->begin(), known->end(), person) == known->end();
            });
        known = std::move(all);
        if (known->empty()) request_.nothing = true;
        request_.named.insert(request_.named.end(), persons.begin(), persons.end());
        return {};
    }

    Result<void> patients(const std::string& value) {
        std::vector<std::string> persons;
        for (const auto& part : split(value, ',')) {
            const std::string_view id = reference_id(part);
            if (!RecordId::parse(id).empty()) persons.emplace_back(id);
        }
        return narrow(persons);
    }

    Result<void> patient_identifier(const std::string& value) {
        std::vector<std::string> persons;
        for (const auto& part : split(value, ',')) {
            // The last bar parts authority and value; AUTH|ID as in the contract, or the system's
            // URI.
            const Token token = token_of(part);
            VITALOG_TRY(const auto found,
                        context_.reader.persons_of(
                            token.system ? authority_name(*token.system) : "", token.code));
            persons.insert(persons.end(), found.begin(), found.end());
        }
        if (spec_.type != "Patient") return narrow(persons);
        request_.named = persons;
        request_.query.persons = persons;
        request_.nothing = request_.nothing || persons.empty();
        return {};
    }

    Result<void> person_ids(const std::string& value) {
        std::vector<std::string> persons;
        for (auto& part : split(value, ','))
            if (!RecordId::parse(part).empty()) persons.push_back(std::move(part));
        request_.nothing = request_.nothing || persons.empty();
        request_.query.persons = std::move(persons);
        return {};
    }

    Result<void> located(const ParamSpec& param, const std::string& value) {
        std::vector<std::string> persons;
        std::vector<Value> ids;
        for (const auto& part : split(value, ',')) {
            const auto located = parse_located(part);
            if (!located) continue;
            VITALOG_TRY(const auto found,
                        context_.reader.persons_with_prefix(located->person_prefix));
            persons.insert(persons.end(), found.begin(), found.end());
            ids.emplace_back(views::Id{std::string(located->id)});
        }
        if (ids.empty() || persons.empty()) {
            request_.nothing = true;
            return {};
        }
        shows_hidden_ = true;
        if (!request_.query.persons) request_.query.persons = std::move(persons);
        add_in(param.column, std::move(ids));
        return {};
    }

    Result<void> code(const ParamSpec& param, const std::string& value) {
        Condition condition;
        for (const auto& part : split(value, ',')) {
            const Token token = token_of(part);
            if (token.code.empty())
                return fail(Errc::Malformed, "search parameter 'code' needs a code");
            const std::string system = token.system ? code_system_name(*token.system) : "";
            if (!param.also.empty() && (system.empty() || system == "LN"))
                condition.push_back({{param.also, Op::In, {token.code}}});
            std::vector<Term> local{{param.column, Op::In, {token.code}}};
            if (!system.empty()) local.push_back({"code_system", Op::In, {system}});
            condition.push_back(std::move(local));
        }
        request_.query.conditions.push_back(std::move(condition));
        return {};
    }

    Result<void> category(const ParamSpec& param, const std::string& value) {
        std::vector<Value> values;
        for (const auto& part : split(value, ',')) {
            const std::string word = token_of(part).code;
            if (word == "vital-signs")
                values.emplace_back(std::int64_t{1});
            else if (word == "laboratory")
                values.emplace_back(std::int64_t{0});
            else if (word == "activity")
                values.emplace_back(std::int64_t{2});
        }
        if (values.empty())
            request_.nothing = true;
        else
            add_in(param.column, std::move(values));
        return {};
    }

    Result<void> result_ids(const ParamSpec& param, const std::string& value) {
        std::vector<Value> values;
        for (const auto& part : split(value, ',')) {
            const std::string id = token_of(part).code;
            if (!RecordId::parse(id).empty()) values.emplace_back(views::Id{id});
        }
        if (values.empty())
            request_.nothing = true;
        else
            add_in(param.column, std::move(values));
        return {};
    }

    Result<void> encounter(const ParamSpec& param, const std::string& value) {
        std::vector<Value> values;
        for (const auto& part : split(value, ','))
            if (const auto located = parse_located(reference_id(part)))
                values.emplace_back(views::Id{std::string(located->id)});
        if (values.empty())
            request_.nothing = true;
        else
            add_in(param.column, std::move(values));
        return {};
    }

    /// Reports by an observation among their results.
    Result<void> results(const ParamSpec& param, const std::string& value) {
        views::Query query;
        query.persons.emplace();
        query.limit = kCountMax;
        query.count = false;
        std::vector<Value> ids;
        for (const auto& part : split(value, ',')) {
            const auto located = parse_located(reference_id(part));
            if (!located) continue;
            VITALOG_TRY(const auto found,
                        context_.reader.persons_with_prefix(located->person_prefix));
            query.persons->insert(query.persons->end(), found.begin(), found.end());
            ids.emplace_back(views::Id{std::string(located->id)});
        }
        std::vector<Value> reports;
        if (!ids.empty() && !query.persons->empty()) {
            query.conditions.push_back({{{"id", Op::In, std::move(ids)}}});
            VITALOG_TRY(const auto page, context_.reader.observations(query));
            for (const auto& row : page.rows)
                if (!row.report.empty()) reports.emplace_back(views::Id{row.report});
        }
        if (reports.empty()) {
            request_.nothing = true;
            return {};
        }
        add_in(param.column, std::move(reports));
        return narrow(*query.persons);
    }

    Result<void> reference(const ParamSpec& param, const std::string& value) {
        std::vector<Value> values;
        for (const auto& part : split(value, ','))
            values.emplace_back(std::string(reference_id(token_of(part).code)));
        add_in(param.column, std::move(values));
        return {};
    }

    Result<void> owner(const ParamSpec& param, const std::string& value) {
        Condition condition;
        for (const auto& part : split(value, ',')) {
            const std::string name(reference_id(token_of(part).code));
            if (!part.starts_with("Practitioner/"))
                condition.push_back({{param.column, Op::In, {name}}});
            if (!part.starts_with("CareTeam/")) condition.push_back({{param.also, Op::In, {name}}});
        }
        request_.query.conditions.push_back(std::move(condition));
        return {};
    }

    Result<void> recipient(const ParamSpec& param, const std::string& value) {
        std::vector<Value> values;
        for (const auto& part : split(value, ',')) {
            const std::string name(reference_id(part));
            if (part.starts_with("Practitioner/"))
                values.emplace_back("user:" + name);
            else
                values.emplace_back(name);
        }
        add_in(param.column, std::move(values));
        return {};
    }

    Result<void> priority(const ParamSpec& param, const std::string& value) {
        static constexpr std::array<std::string_view, 3> kWords{"routine", "urgent", "stat"};
        std::vector<Value> values;
        for (const auto& part : split(value, ',')) {
            const auto* found = std::find(kWords.begin(), kWords.end(), token_of(part).code);
            if (found != kWords.end()) values.emplace_back(std::int64_t{found - kWords.begin()});
        }
        if (values.empty())
            request_.nothing = true;
        else
            add_in(param.column, std::move(values));
        return {};
    }

    const ResourceSpec& spec_;
    const SearchContext& context_;
    SearchRequest request_;
    bool shows_hidden_ = false;
};

}  // namespace

std::string_view reference_id(std::string_view reference) {
    const std::size_t slash = reference.rfind('/');
    return slash == std::string_view::npos ? reference : reference.substr(slash + 1);
}

Result<std::int64_t> parse_number(std::string_view name, std::string_view text, std::int64_t max) {
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || rest != text.data() + text.size() || number < 0)
        return fail(Errc::Malformed, "parameter '" + std::string(name) +
                                         "' must be a whole number, not '" + std::string(text) +
                                         "'");
    return std::min(number, max);
}

Result<TimeRange> parse_time_range(std::string_view text, std::string_view zone) {
    std::string said(text);
    // A "+" before the offset that nobody escaped arrives as a space.
    if (said.size() > 16 && said.find('T') != std::string::npos)
        std::replace(said.begin() + 11, said.end(), ' ', '+');
    const bool zoned = has_zone(said);
    if (!zoned && said.find('T') != std::string::npos) said += 'Z';
    VITALOG_TRY(const ZonedTime time, parse_zoned_time(said));
    const std::int64_t at = time.at.micros();
    const std::int64_t end = end_of(at, time.precision);
    if (zoned) return TimeRange{at, end};
    VITALOG_TRY(const std::int64_t from_us, at_zone(at, zone));
    VITALOG_TRY(const std::int64_t to_us, at_zone(end, zone));
    return TimeRange{from_us, to_us};
}

Result<SearchRequest> parse_search(const ResourceSpec& spec, const QueryParams& params,
                                   const SearchContext& context) {
    Builder builder(spec, context);
    builder.start();
    for (const auto& [name, value] : params) VITALOG_CHECK(builder.add(name, value));
    return builder.finish();
}

}  // namespace vitalog::sinks::fhir
