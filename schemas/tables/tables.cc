#include "schemas/tables/tables.h"

#include <yaml-cpp/exceptions.h>

#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <set>

#include "schemas/base/ids.h"
#include "schemas/base/remembered.h"
#include "schemas/tables/table_file.h"

namespace vitalog::schemas {
namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

/// A pair of texts as a hash key without building a string.
struct PairKey {
    std::string_view system;
    std::string_view code;
    friend bool operator==(const PairKey&, const PairKey&) = default;
};
struct PairHash {
    std::size_t operator()(const PairKey& key) const {
        return hash64(key.system) * 0x9e3779b97f4a7c15ULL ^ hash64(key.code);
    }
};
struct TextHash {
    std::size_t operator()(std::string_view text) const { return hash64(text); }
};

}  // namespace

const Answer* Observable::find_answer(std::string_view spelling) const {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    const std::string_view wanted = trimmed(spelling);
    for (const auto& answer : answers)
        for (const auto& known : answer.spellings)
            if (std::equal(known.begin(), known.end(), wanted.begin(), wanted.end(),
                           [&](char a, char b) { return lower(a) == lower(b); }))
                return &answer;
    return nullptr;
}

/// The tables as they are looked up. Deques keep the addresses that the indexes and the entries
/// point to.
struct Tables::InForce {
    std::deque<Unit> units;
    std::deque<Substance> substances;
    std::deque<Observable> observables;
    std::deque<MappedCode> codes;
    std::deque<std::string> texts;
    std::map<std::string, std::uint32_t> dimensions;
    std::map<std::string, const Substance*> substance_by_name;
    std::unordered_map<std::string_view, const Unit*, TextHash> unit_by_spelling;
    std::unordered_map<std::string_view, const Observable*, TextHash> observable_by_loinc;
    std::unordered_map<PairKey, const MappedCode*, PairHash> by_code;
    std::unordered_map<PairKey, const MappedCode*, PairHash> by_name;
    std::map<const void*, TablePlace> places;
    MeasureTable measures;

    std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
    const Unit* find_unit(std::string_view spelling) const {
        const auto found = unit_by_spelling.find(trimmed(spelling));
        return found == unit_by_spelling.end() ? nullptr : found->second;
    }
    const Observable* find_observable(std::string_view loinc) const {
        const auto found = observable_by_loinc.find(loinc);
        return found == observable_by_loinc.end() ? nullptr : found->second;
    }
    std::string defined_at(const void* what) const {
        const auto found = places.find(what);
        return found == places.end()
                   ? ""
                   : found->second.file + ":" + std::to_string(found->second.line);
    }

    Result<void> add_units(TableEntry& top);
    Result<void> add_unit(TableEntry& entry);
    Result<void> add_spelling(std::string_view spelling, const Unit& unit, const TablePlace& place);
    Result<void> add_substance(TableEntry& entry);
    Result<void> add_observables(TableEntry& top);
    Result<void> add_observable(TableEntry& entry);
    Result<void> add_answers(TableEntry& entry, Observable& observable) const;
    Result<void> add_systems(TableEntry& top);
    Result<void> add_code(TableEntry& entry, const std::vector<std::string>& systems);
    Result<void> add_key(bool by_name, std::string_view system, std::string_view code,
                         const MappedCode& mapped, const TablePlace& place);
    Result<const Unit*> unit_named(const std::string& ucum, const TablePlace& place) const;
    Result<const Substance*> substance_named(const std::string& name,
                                             const TablePlace& place) const;
};

Result<const Unit*> Tables::InForce::unit_named(const std::string& ucum,
                                                const TablePlace& place) const {
    const auto found = unit_by_spelling.find(ucum);
    if (found == unit_by_spelling.end())
        return wrong_table(place,
                           "unit " + in_quotes(ucum) +
                               " is in no unit table; add it to units.yaml and publish that first");
    if (found->second->ucum != ucum)
        return wrong_table(place, "write the UCUM unit " + in_quotes(found->second->ucum) +
                                      " instead of " + in_quotes(ucum));
    return found->second;
}

Result<const Substance*> Tables::InForce::substance_named(const std::string& name,
                                                          const TablePlace& place) const {
    if (name.empty()) return static_cast<const Substance*>(nullptr);
    const auto found = substance_by_name.find(name);
    if (found == substance_by_name.end())
        return wrong_table(place,
                           "substance " + in_quotes(name) +
                               " is in no unit table; add it under 'substances' in units.yaml");
    return found->second;
}

Result<void> Tables::InForce::add_spelling(std::string_view spelling, const Unit& unit,
                                           const TablePlace& place) {
    if (trimmed(spelling).empty())
        return wrong_table(place, "a spelling of " + in_quotes(unit.ucum) +
                                      " is empty; leave it out, and declare the codes that "
                                      "come without unit 'dimensionless: true'");
    const auto [at, fresh] =
        unit_by_spelling.try_emplace(keep(std::string(trimmed(spelling))), &unit);
    if (fresh || at->second == &unit) return {};
    return wrong_table(place, in_quotes(spelling) + " already means " +
                                  in_quotes(at->second->ucum) + " (" + defined_at(at->second) +
                                  "); remove it from one of them");
}

Result<void> Tables::InForce::add_unit(TableEntry& entry) {
    Unit unit;
    VITALOG_TRY(unit.ucum, entry.required_text("ucum"));
    VITALOG_TRY(const std::string dimension, entry.required_text("dimension"));
    VITALOG_TRY(const Ratio factor, entry.ratio("factor"));
    VITALOG_TRY(const auto offset, entry.number("offset"));
    VITALOG_TRY(const auto spellings, entry.texts("spellings"));
    VITALOG_CHECK(entry.finish());
    unit.dimension =
        dimensions.try_emplace(dimension, static_cast<std::uint32_t>(dimensions.size()))
            .first->second;
    unit.numerator = factor.numerator;
    unit.denominator = factor.denominator;
    unit.offset = offset.value_or(0);
    const Unit& kept = units.emplace_back(std::move(unit));
    places[&kept] = entry.place();
    VITALOG_CHECK(add_spelling(kept.ucum, kept, entry.place()));
    for (const auto& spelling : spellings)
        VITALOG_CHECK(add_spelling(spelling, kept, entry.place()));
    return {};
}

Result<void> Tables::InForce::add_substance(TableEntry& entry) {
    Substance substance;
    const TablePlace place = entry.place();
    VITALOG_TRY(substance.name, entry.required_text("name"));
    VITALOG_TRY(const std::string from, entry.required_text("from"));
    VITALOG_TRY(const std::string to, entry.required_text("to"));
    VITALOG_TRY(const Ratio factor, entry.ratio("factor"));
    VITALOG_CHECK(entry.finish());
    VITALOG_TRY(substance.from, unit_named(from, place));
    VITALOG_TRY(substance.to, unit_named(to, place));
    if (substance.from->dimension == substance.to->dimension)
        return wrong_table(place, in_quotes(from) + " and " + in_quotes(to) +
                                      " convert without a substance; remove this entry");
    substance.numerator = factor.numerator;
    substance.denominator = factor.denominator;
    const Substance& kept = substances.emplace_back(std::move(substance));
    if (!substance_by_name.try_emplace(kept.name, &kept).second)
        return wrong_table(place,
                           "substance " + in_quotes(kept.name) + " is named twice; remove one");
    return {};
}

Result<void> Tables::InForce::add_units(TableEntry& top) {
    VITALOG_TRY(auto list, top.entries("units"));
    for (auto& entry : list) VITALOG_CHECK(add_unit(entry));
    VITALOG_TRY(auto named, top.entries("substances"));
    for (auto& entry : named) VITALOG_CHECK(add_substance(entry));
    return top.finish();
}

Result<void> Tables::InForce::add_answers(TableEntry& entry, Observable& observable) const {
    VITALOG_TRY(auto list, entry.entries("answers"));
    for (auto& item : list) {
        Answer answer;
        VITALOG_TRY(const auto number, item.number("number"));
        VITALOG_TRY(answer.display, item.required_text("display"));
        VITALOG_TRY(answer.spellings, item.texts("spellings"));
        VITALOG_CHECK(item.finish());
        if (!number) return wrong_table(item.place(), "write 'number: ...': it is required");
        answer.number = *number;
        answer.spellings.push_back(answer.display);
        for (const auto& spelling : answer.spellings)
            if (const auto* other = observable.find_answer(spelling))
                return wrong_table(item.place(), in_quotes(spelling) + " already means " +
                                                     in_quotes(other->display) +
                                                     "; remove it from one of them");
        observable.answers.push_back(std::move(answer));
    }
    return {};
}

Result<void> Tables::InForce::add_observable(TableEntry& entry) {
    Observable observable;
    const TablePlace place = entry.place();
    VITALOG_TRY(observable.loinc, entry.required_text("loinc"));
    VITALOG_TRY(observable.display, entry.required_text("display"));
    VITALOG_TRY(const std::string unit, entry.text("unit"));
    VITALOG_TRY(observable.minimum, entry.number("minimum"));
    VITALOG_TRY(observable.maximum, entry.number("maximum"));
    VITALOG_TRY(const std::string substance, entry.text("substance"));
    VITALOG_CHECK(add_answers(entry, observable));
    VITALOG_CHECK(entry.finish());
    if (!unit.empty() && !observable.answers.empty())
        return wrong_table(
            place, in_quotes(observable.loinc) + " has a unit and answers; remove one of them");
    if (!unit.empty()) {
        VITALOG_TRY(observable.unit, unit_named(unit, place));
        if (!observable.minimum)
            return wrong_table(place,
                               in_quotes(observable.loinc) +
                                   " has a unit and no minimum; write 'minimum: 0' or what is "
                                   "the least that can be measured");
    } else if (observable.minimum || observable.maximum || !substance.empty()) {
        return wrong_table(place, in_quotes(observable.loinc) +
                                      " has limits or a substance and no unit; write 'unit: ...'");
    }
    if (observable.maximum && *observable.maximum <= *observable.minimum)
        return wrong_table(place, in_quotes(observable.loinc) + ": maximum must be above minimum");
    VITALOG_TRY(observable.substance, substance_named(substance, place));
    const Observable& kept = observables.emplace_back(std::move(observable));
    places[&kept] = place;
    const auto [at, fresh] = observable_by_loinc.try_emplace(kept.loinc, &kept);
    if (!fresh)
        return wrong_table(place, in_quotes(kept.loinc) + " is defined already (" +
                                      defined_at(at->second) + "); remove one");
    return {};
}

Result<void> Tables::InForce::add_observables(TableEntry& top) {
    VITALOG_TRY(auto list, top.entries("observables"));
    for (auto& entry : list) VITALOG_CHECK(add_observable(entry));
    return {};
}

Result<void> Tables::InForce::add_key(bool is_name, std::string_view system, std::string_view code,
                                      const MappedCode& mapped, const TablePlace& place) {
    auto& index = is_name ? by_name : by_code;
    const auto [at, fresh] =
        index.try_emplace({keep(std::string(system)), keep(std::string(code))}, &mapped);
    if (fresh) return {};
    return wrong_table(place, in_quotes(code) + " of system " + in_quotes(system) +
                                  " is mapped already (" + defined_at(at->second) +
                                  "); remove one");
}

Result<void> Tables::InForce::add_code(TableEntry& entry, const std::vector<std::string>& systems) {
    MappedCode mapped;
    const TablePlace place = entry.place();
    VITALOG_TRY(const std::string code, entry.text("code"));
    VITALOG_TRY(const std::string name, entry.text("name"));
    VITALOG_TRY(const std::string loinc, entry.text("loinc"));
    VITALOG_TRY(mapped.display, entry.text("display"));
    VITALOG_TRY(const std::string substance, entry.text("substance"));
    VITALOG_TRY(mapped.dimensionless, entry.flag("dimensionless"));
    VITALOG_CHECK(entry.finish());
    if (code.empty() == name.empty())
        return wrong_table(place, "write either 'code: ...' (OBX-3.1) or 'name: ...' (OBX-3.2)");
    if (!loinc.empty()) {
        const auto found = observable_by_loinc.find(loinc);
        if (found == observable_by_loinc.end())
            return wrong_table(
                place,
                "LOINC code " + in_quotes(loinc) +
                    " is no observable of any table in force; define it under 'observables'");
        mapped.observable = found->second;
        mapped.substance = found->second->substance;
        if (mapped.display.empty()) mapped.display = found->second->display;
    }
    if (mapped.dimensionless &&
        (mapped.observable == nullptr || mapped.observable->unit == nullptr))
        return wrong_table(place, "'dimensionless' needs an observable that has a unit");
    if (!substance.empty()) {
        VITALOG_TRY(mapped.substance, substance_named(substance, place));
    }
    const MappedCode& kept = codes.emplace_back(std::move(mapped));
    places[&kept] = place;
    for (const auto& system : systems)
        VITALOG_CHECK(add_key(code.empty(), system, code.empty() ? name : code, kept, place));
    return {};
}

Result<void> Tables::InForce::add_systems(TableEntry& top) {
    VITALOG_TRY(auto list, top.entries("systems"));
    for (auto& entry : list) {
        const TablePlace place = entry.place();
        VITALOG_TRY(const auto systems, entry.texts("system"));
        VITALOG_TRY(const bool own, entry.flag("own"));
        VITALOG_TRY(auto entries, entry.entries("codes"));
        VITALOG_CHECK(entry.finish());
        if (systems.empty())
            return wrong_table(
                place,
                "write 'system: [NAME]' as OBX-3.3 names it; [\"\"] for codes that come "
                "without system");
        for (auto& code : entries) VITALOG_CHECK(add_code(code, systems));
        if (!own) continue;
        for (const auto& observable : observables) {
            const MappedCode& kept = codes.emplace_back(
                MappedCode{&observable, observable.display, observable.substance, false});
            places[&kept] = place;
            for (const auto& system : systems)
                VITALOG_CHECK(add_key(false, system, observable.loinc, kept, place));
        }
    }
    return {};
}

Tables::Tables() : in_force_(std::make_shared<InForce>()), version_("none") {}
Tables::~Tables() = default;
Tables::Tables(Tables&&) noexcept = default;
Tables& Tables::operator=(Tables&&) noexcept = default;

Result<Tables::Files> Tables::changed(Files files, std::string_view kind, std::string_view name,
                                      std::string_view text) {
    if (kind != "units" && kind != "codes" && kind != "measures")
        return fail(Errc::Configuration,
                    "table kind " + in_quotes(kind) + " must be units, codes or measures");
    const std::pair<std::string, std::string> key{kind, name};
    if (text.empty())
        files.erase(key);
    else
        files[key] = std::string(text);
    return files;
}

Result<std::shared_ptr<const Tables::InForce>> Tables::build(const Files& files) {
    static Remembered<InForce> remembered;
    return remembered.get(digest(files), [&] { return build_anew(files); });
}

Result<std::shared_ptr<const Tables::InForce>> Tables::build_anew(const Files& files) {
    auto fresh = std::make_shared<InForce>();
    const auto of_kind = [&](std::string_view kind,
                             std::string_view format) -> Result<std::vector<TableEntry>> {
        std::vector<TableEntry> tops;
        for (const auto& [key, text] : files) {
            if (key.first != kind) continue;
            VITALOG_TRY(auto top, TableEntry::parse(key.second, text, format));
            tops.push_back(std::move(top));
        }
        return tops;
    };
    VITALOG_TRY(auto units, of_kind("units", "vitalog.units.v1"));
    for (auto& top : units) VITALOG_CHECK(fresh->add_units(top));
    VITALOG_TRY(auto codes, of_kind("codes", "vitalog.codes.v1"));
    for (auto& top : codes) VITALOG_CHECK(fresh->add_observables(top));
    for (auto& top : codes) {
        VITALOG_CHECK(fresh->add_systems(top));
        VITALOG_CHECK(top.finish());
    }
    VITALOG_TRY(auto measures, of_kind("measures", "vitalog.measures.v1"));
    const MeasureTable::Known known{
        [&](std::string_view spelling) { return fresh->find_unit(spelling); },
        [&](std::string_view loinc) { return fresh->find_observable(loinc); }};
    for (auto& top : measures) VITALOG_CHECK(fresh->measures.add_measures(top, known));
    for (auto& top : measures) VITALOG_CHECK(fresh->measures.add_fields(top, known));
    return fresh;
}

std::string Tables::digest(const Files& files) {
    IdHash hash;
    for (const auto& [key, text] : files) hash.part(key.first).part(key.second).part(text);
    return hash.finish().to_string();
}

Result<void> Tables::load(std::string_view kind, std::string_view name, std::string_view text) {
    VITALOG_TRY(auto files, changed(files_, kind, name, text));
    try {
        VITALOG_TRY(in_force_, build(files));
    } catch (const YAML::Exception& error) {
        return wrong_table({std::string(name), error.mark.line + 1},
                           "not readable as a table: " + error.msg);
    }
    files_ = std::move(files);
    version_ = files_.empty() ? "none" : digest(files_).substr(0, 16);
    return {};
}

Result<void> Tables::check(std::string_view kind, std::string_view name,
                           std::string_view text) const {
    VITALOG_TRY(const auto files, changed(files_, kind, name, text));
    try {
        VITALOG_CHECK(build(files));
    } catch (const YAML::Exception& error) {
        return wrong_table({std::string(name), error.mark.line + 1},
                           "not readable as a table: " + error.msg);
    }
    return {};
}

const MappedCode* Tables::find_code(std::string_view system, std::string_view code,
                                    std::string_view name) const {
    if (const auto found = in_force_->by_code.find({system, code});
        found != in_force_->by_code.end())
        return found->second;
    if (const auto found = in_force_->by_name.find({system, name});
        found != in_force_->by_name.end())
        return found->second;
    if (const auto found = in_force_->by_name.find({system, code});
        found != in_force_->by_name.end())
        return found->second;
    return nullptr;
}

const Unit* Tables::find_unit(std::string_view spelling) const {
    return in_force_->find_unit(spelling);
}

std::vector<std::string> Tables::loinc_codes() const {
    std::vector<std::string> codes;
    for (const auto& observable : in_force_->observables) codes.push_back(observable.loinc);
    return codes;
}

const Observable* Tables::find_observable(std::string_view loinc) const {
    return in_force_->find_observable(loinc);
}

const MeasureTable& Tables::measures() const {
    return in_force_->measures;
}

std::size_t Tables::code_count() const {
    return in_force_->by_code.size() + in_force_->by_name.size();
}

namespace {

double within_dimension(double value, const Unit& from, const Unit& to) {
    return (value + from.offset) * (from.numerator * to.denominator) /
               (from.denominator * to.numerator) -
           to.offset;
}

double rounded(double value) {
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                   std::chars_format::scientific, 11)
                         .ptr;
    std::from_chars(text.data(), end, value);
    return value;
}

}  // namespace

std::optional<double> convert(double value, const Unit& from, const Unit& to,
                              const Substance* substance) {
    if (&from == &to) return value;
    if (from.dimension == to.dimension) return rounded(within_dimension(value, from, to));
    if (substance == nullptr) return std::nullopt;
    if (from.dimension == substance->from->dimension && to.dimension == substance->to->dimension) {
        const double amount = within_dimension(value, from, *substance->from) *
                              substance->numerator / substance->denominator;
        return rounded(within_dimension(amount, *substance->to, to));
    }
    if (from.dimension == substance->to->dimension && to.dimension == substance->from->dimension) {
        const double mass = within_dimension(value, from, *substance->to) * substance->denominator /
                            substance->numerator;
        return rounded(within_dimension(mass, *substance->from, to));
    }
    return std::nullopt;
}

}  // namespace vitalog::schemas
