#include "schemas/tables/measures.h"

#include <algorithm>
#include <utility>

#include "schemas/tables/tables.h"

namespace vitalog::schemas {
namespace {

constexpr double kDecimalsMax = 6;
constexpr double kRankMax = 1'000;

/// ASCII only: other letters are compared as they are.
std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_whole(double number, double most) {
    return number >= 0 && number <= most && number == static_cast<double>(static_cast<int>(number));
}

Result<const Observable*> numeric_observable(const std::string& loinc,
                                             const MeasureTable::Known& known,
                                             const TablePlace& place) {
    const Observable* observable = known.observable(loinc);
    if (observable == nullptr)
        return wrong_table(place, "LOINC code " + in_quotes(loinc) +
                                      " is no observable of any code table in force; define it "
                                      "under 'observables' and publish that first");
    if (observable->unit == nullptr)
        return wrong_table(place, in_quotes(loinc) + " has no unit and so is no measure");
    return observable;
}

}  // namespace

Result<void> MeasureTable::add_measures(TableEntry& top, const Known& known) {
    VITALOG_TRY(auto kept, top.entries("measures"));
    for (auto& entry : kept) VITALOG_CHECK(add_kept(entry, known));
    VITALOG_TRY(auto clock, top.entry("clock"));
    if (clock) VITALOG_CHECK(add_clock(*clock));
    return {};
}

Result<void> MeasureTable::add_fields(TableEntry& top, const Known& known) {
    VITALOG_TRY(auto providers, top.entries("providers"));
    for (auto& entry : providers) {
        VITALOG_TRY(const std::string provider, entry.required_text("provider"));
        VITALOG_TRY(auto fields, entry.entries("fields"));
        VITALOG_CHECK(entry.finish());
        for (auto& field : fields) VITALOG_CHECK(add_field(field, provider, known));
    }
    VITALOG_TRY(auto sources, top.entries("sources"));
    for (auto& entry : sources) VITALOG_CHECK(add_source(entry, known));
    return top.finish();
}

Result<void> MeasureTable::add_clock(TableEntry& entry) {
    const TablePlace place = entry.place();
    VITALOG_TRY(const auto tolerance, entry.duration("tolerance"));
    VITALOG_TRY(const auto limit, entry.duration("limit"));
    VITALOG_CHECK(entry.finish());
    if (std::exchange(clock_said_, true))
        return wrong_table(place, "'clock' is given by another file too; remove one");
    if (tolerance) clock_.tolerance = *tolerance;
    if (limit) clock_.limit = *limit;
    if (clock_.limit < clock_.tolerance)
        return wrong_table(place, "'limit' must not be below 'tolerance'");
    return {};
}

Result<void> MeasureTable::add_kept(TableEntry& entry, const Known& known) {
    Kept kept;
    kept.place = entry.place();
    VITALOG_TRY(const std::string loinc, entry.required_text("loinc"));
    VITALOG_TRY(const auto decimals, entry.number("decimals"));
    VITALOG_TRY(kept.total, entry.flag("total"));
    VITALOG_CHECK(entry.finish());
    VITALOG_CHECK(numeric_observable(loinc, known, kept.place));
    if (!is_whole(decimals.value_or(0), kDecimalsMax))
        return wrong_table(kept.place, "decimals must be a whole number from 0 to 6");
    kept.decimals = static_cast<int>(decimals.value_or(0));
    const auto [at, fresh] = kept_.try_emplace(loinc, kept);
    if (!fresh)
        return wrong_table(kept.place, in_quotes(loinc) + " is a measure already (" +
                                           at->second.place.file + ":" +
                                           std::to_string(at->second.place.line) + "); remove one");
    return {};
}

Result<void> MeasureTable::add_where(TableEntry& entry, Measure& measure) {
    VITALOG_TRY(auto where, entry.entry("where"));
    if (!where) return {};
    VITALOG_TRY(measure.where_member, where->required_text("member"));
    VITALOG_TRY(measure.where_text, where->required_text("text"));
    return where->finish();
}

Result<void> MeasureTable::add_field(TableEntry& entry, const std::string& provider,
                                     const Known& known) {
    const TablePlace place = entry.place();
    Measure measure;
    VITALOG_TRY(auto types, entry.texts("type"));
    VITALOG_TRY(const std::string field, entry.required_text("field"));
    VITALOG_TRY(const std::string loinc, entry.required_text("loinc"));
    VITALOG_TRY(const std::string unit, entry.text("unit"));
    VITALOG_TRY(const auto factor, entry.number("factor"));
    VITALOG_CHECK(add_where(entry, measure));
    VITALOG_CHECK(entry.finish());
    if (types.empty())
        return wrong_table(place, "write 'type: ...'; [\"\"] for points that come without type");
    VITALOG_TRY(measure.observable, numeric_observable(loinc, known, place));
    const auto kept = kept_.find(loinc);
    if (kept == kept_.end())
        return wrong_table(place, in_quotes(loinc) + " is not listed under 'measures'; add it");
    measure.decimals = kept->second.decimals;
    measure.total = kept->second.total;
    measure.factor = factor.value_or(1);
    if (measure.factor <= 0) return wrong_table(place, "factor must be above 0");
    if (!unit.empty()) {
        measure.unit = known.unit(unit);
        if (measure.unit == nullptr)
            return wrong_table(place, "unit " + in_quotes(unit) +
                                          " is in no unit table; add it to units.yaml and publish "
                                          "that first");
        if (!convert(1, *measure.unit, *measure.observable->unit, measure.observable->substance))
            return wrong_table(place, "unit " + in_quotes(unit) + " does not convert to " +
                                          in_quotes(measure.observable->unit->ucum));
    }
    for (auto& type : types) {
        Measure& one = measures_.emplace_back(measure);
        VITALOG_CHECK(add_key({keep(provider), keep(std::move(type)), keep(field)}, one, place));
    }
    return {};
}

/// Rows for one field form a chain, in the order of the file; only the last may hold everywhere.
Result<void> MeasureTable::add_key(const Key& key, Measure& measure, const TablePlace& place) {
    types_.try_emplace({key[0], key[1], {}}, true);
    const auto [at, first] = by_field_.try_emplace(key, &measure);
    if (first) return {};
    Measure* last = at->second;
    for (;; last = last->otherwise) {
        if (last->where_member.empty())
            return wrong_table(place, "field " + in_quotes(key[2]) + " of type " +
                                          in_quotes(key[1]) +
                                          " means something already; remove one, or write the "
                                          "row with 'where' first");
        if (last->otherwise == nullptr) break;
    }
    last->otherwise = &measure;
    return {};
}

Result<void> MeasureTable::add_source(TableEntry& entry, const Known& known) {
    SourceRow row;
    const TablePlace place = entry.place();
    VITALOG_TRY(const auto rank, entry.number("rank"));
    VITALOG_TRY(row.named, entry.texts("named"));
    VITALOG_TRY(const auto codes, entry.texts("loinc"));
    VITALOG_CHECK(entry.finish());
    if (!rank || !is_whole(*rank, kRankMax))
        return wrong_table(place, "write 'rank: N', a whole number from 0 to 1000");
    row.rank = static_cast<int>(*rank);
    if (row.named.empty())
        return wrong_table(place, "write 'named: [...]': parts of the sources' names");
    for (auto& name : row.named) name = lower(name);
    for (const auto& loinc : codes) {
        VITALOG_TRY(const Observable* observable, numeric_observable(loinc, known, place));
        row.observables.push_back(observable);
    }
    sources_.push_back(std::move(row));
    return {};
}

const Measure* MeasureTable::find(std::string_view provider, std::string_view type,
                                  std::string_view field) const {
    const auto found = by_field_.find({provider, type, field});
    return found == by_field_.end() ? nullptr : found->second;
}

bool MeasureTable::knows_type(std::string_view provider, std::string_view type) const {
    return types_.contains({provider, type, {}});
}

int MeasureTable::rank(std::string_view source, const Observable& observable) const {
    const std::string name = lower(source);
    for (const auto& row : sources_) {
        if (!row.observables.empty() && std::find(row.observables.begin(), row.observables.end(),
                                                  &observable) == row.observables.end())
            continue;
        for (const auto& part : row.named)
            if (name.find(part) != std::string::npos) return row.rank;
    }
    return static_cast<int>(kRankMax) + 1;
}

}  // namespace vitalog::schemas
