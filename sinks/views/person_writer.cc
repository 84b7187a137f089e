#include "sinks/views/person_writer.h"

#include <algorithm>
#include <array>

#include "schemas/base/ids.h"
#include "sinks/views/details.h"

namespace vitalog::sinks::views {
namespace {

using schemas::ObservationStatus;
using sql::Blob;

/// FHIR R4 observation-status.
std::string_view fhir_status(ObservationStatus status) {
    const bool withdrawn =
        status == ObservationStatus::Deleted || status == ObservationStatus::WrongPatient;
    return withdrawn ? "entered-in-error" : schemas::name_of_enum(status);
}

bool may_replace(ObservationStatus status) {
    return status == ObservationStatus::Corrected || status == ObservationStatus::Deleted ||
           status == ObservationStatus::WrongPatient;
}

/// `hidden` of an observation.
enum Hidden : int { kShown, kHidden, kNeverHadAValue };

bool nobody(const schemas::Practitioner& person) {
    return person.id.empty() && person.name.empty();
}

/// Empty where there is nothing to say.
std::string details_of(const schemas::Observation& o) {
    if (nobody(o.performer) && o.producer.empty() && o.notes.empty() && !o.attachment) return {};
    return schemas::encode(ObservationDetails{o.performer, o.producer, o.notes, o.attachment});
}

}  // namespace

bool is_vital_sign(std::string_view loinc, std::string_view code_system, std::string_view code) {
    // The codes of the FHIR R4 vital-signs profiles, and what a ward charts beside them.
    static constexpr std::array<std::string_view, 19> kVitalSigns{
        "85353-1", "9279-1",  "8867-4",  "2708-6",  "59408-5", "8310-5", "8302-2",
        "9843-4",  "29463-7", "39156-5", "85354-9", "8480-6",  "8462-4", "8478-0",
        "40443-4", "3150-6",  "3151-8",  "67775-7", "72514-3"};
    return std::find(kVitalSigns.begin(), kVitalSigns.end(), loinc) != kVitalSigns.end() ||
           code_system == "MDC" || code.starts_with("MDC_");
}

Result<PersonWriter> PersonWriter::open(sql::Connection& connection) {
    VITALOG_TRY(LinkTable links, LinkTable::open(connection));
    VITALOG_CHECK(links.reload());
    PersonWriter writer(std::move(links));
    VITALOG_TRY(writer.persons_, PersonTable::open(connection));
    VITALOG_TRY(writer.encounters_, EncounterTable::open(connection));
    VITALOG_TRY(writer.reports_, ReportTable::open(connection));
    VITALOG_CHECK(writer.prepare_identifier(connection));
    VITALOG_CHECK(writer.prepare_observation(connection));
    VITALOG_CHECK(writer.prepare_corrections(connection));
    return writer;
}

Result<void> PersonWriter::prepare_identifier(sql::Connection& connection) {
    VITALOG_TRY(
        identify_,
        connection.prepare(sql::Upsert{
            "identifier", "value,authority,type,person,partition,updated_us", "value,authority",
            "UPDATE SET type=coalesce(excluded.type,identifier.type),person=excluded.person,"
            "partition=excluded.partition,updated_us=excluded.updated_us WHERE "
            "identifier.partition=excluded.partition OR (excluded.updated_us,excluded.partition)>"
            "(identifier.updated_us,identifier.partition)"}));
    VITALOG_TRY(clash_, connection.prepare(
                            sql::Upsert{"clash", "person,other,authority,value,named_by,updated_us",
                                        "person,other", "NOTHING"}));
    return {};
}

Result<void> PersonWriter::prepare_observation(sql::Connection& connection) {
    constexpr const char* kColumns =
        "person,effective_us,id,series,report,encounter,status,vital,loinc,code,code_system,"
        "display,effective,kind,value,unit,comparator,text,raw_value,raw_unit,low,high,range,flags,"
        "said_us,corrects,details,revision,hidden,updated_us,record";
    constexpr const char* kKey = "person,effective_us,id";
    const std::string corrects =
        "corrects=CASE WHEN excluded.corrects>observation.corrects THEN excluded.corrects ELSE "
        "observation.corrects END";
    // Whether a repeat says anything new; only evaluated where the row exists.
    const std::string changed =
        "(excluded.status,excluded.kind,excluded.value,excluded.unit,excluded.comparator,excluded."
        "text,excluded.raw_value,excluded.low,excluded.high,excluded.range,excluded.flags,excluded."
        "details) IS DISTINCT FROM (observation.status,observation.kind,observation.value,"
        "observation.unit,observation.comparator,observation.text,observation.raw_value,"
        "observation.low,observation.high,observation.range,observation.flags,"
        "observation.details)";
    VITALOG_TRY(
        save_observation_,
        connection.prepare(sql::Upsert{
            "observation", kColumns, kKey,
            "UPDATE SET revision=observation.revision+CASE WHEN " + changed +
                " THEN 1 ELSE 0 END,updated_us=CASE WHEN " + changed +
                " THEN excluded.updated_us ELSE observation.updated_us END,record=CASE WHEN " +
                changed +
                " THEN excluded.record ELSE observation.record END,status=excluded.status,kind="
                "excluded.kind,value=excluded.value,unit=excluded.unit,comparator=excluded."
                "comparator,text=excluded.text,raw_value=excluded.raw_value,raw_unit=excluded."
                "raw_unit,low=excluded.low,high=excluded.high,range=excluded.range,flags=excluded."
                "flags,details=excluded.details,report=excluded.report,encounter=coalesce(excluded."
                "encounter,observation.encounter),said_us=excluded.said_us," +
                corrects +
                ",hidden=CASE WHEN excluded.hidden<>0 OR observation.replaced_by IS NOT NULL THEN "
                "1 ELSE 0 END WHERE excluded.said_us>=observation.said_us"}));
    // A result that lost its value is withdrawn; one that never had one keeps its place unseen, so
    // that an older message about it does not bring it back.
    VITALOG_TRY(
        empty_observation_,
        connection.prepare(sql::Upsert{
            "observation", kColumns, kKey,
            "UPDATE SET revision=observation.revision+CASE observation.hidden WHEN 0 THEN 1 ELSE 0 "
            "END,updated_us=CASE observation.hidden WHEN 0 THEN excluded.updated_us ELSE "
            "observation.updated_us END,record=CASE observation.hidden WHEN 0 THEN excluded.record "
            "ELSE observation.record END,status=CASE observation.hidden WHEN 2 THEN "
            "observation.status ELSE 'entered-in-error' END,hidden=CASE observation.hidden WHEN 0 "
            "THEN 1 ELSE observation.hidden END,said_us=excluded.said_us," +
                corrects + " WHERE excluded.said_us>=observation.said_us"}));
    return {};
}

Result<void> PersonWriter::prepare_corrections(sql::Connection& connection) {
    VITALOG_TRY(find_observation_,
                connection.prepare(
                    "SELECT 1 FROM observation WHERE person=?1 AND effective_us=?2 AND id=?3",
                    {"observation", 3}));
    VITALOG_TRY(shown_observation_,
                connection.prepare("SELECT 1 FROM observation WHERE person=?1 AND effective_us=?2 "
                                   "AND id=?3 AND kind<>'missing' AND hidden<>2",
                                   {"observation", 3}));
    VITALOG_TRY(
        newest_of_series_,
        connection.prepare(
            "SELECT effective_us,id FROM observation WHERE person=?1 AND series=?2 AND id<>?3 AND "
            "said_us<?4 "
            "AND (replaced_by IS NULL OR replaced_by=?3) ORDER BY effective_us DESC,id LIMIT 1",
            {"observation", 1}));
    VITALOG_TRY(
        retire_,
        connection.prepare(
            "UPDATE observation SET "
            "replaced_by=?4,hidden=1,status='entered-in-error',revision=revision+1,"
            "updated_us=?5 WHERE person=?1 AND effective_us=?2 AND id=?3 AND replaced_by IS NULL",
            {"observation", 3}));
    VITALOG_TRY(corrections_,
                connection.prepare(
                    "SELECT series,id,said_us FROM observation WHERE person=?1 AND corrects=1",
                    {"observation", 1}));
    return {};
}

Result<void> PersonWriter::clinical(const schemas::PersonClinical& event, const Source& source) {
    Placing placing;
    VITALOG_TRY(placing.person, sql::id_bytes(event.person, "person"));
    placing.said_us = event.event.occurred.at.micros();
    placing.at_us = source.at_us;
    placing.record = source.record();
    if (event.event.patient)
        VITALOG_CHECK(
            persons_.describe(placing.person, *event.event.patient, placing.said_us, source));
    if (event.event.encounter) {
        VITALOG_TRY(placing.encounter,
                    encounters_.add(placing.person, *event.event.encounter, source));
    }
    for (const auto& one : event.event.reports) VITALOG_CHECK(report(one, placing));
    return {};
}

Result<void> PersonWriter::identified(const schemas::PersonIdentified& event,
                                      const Source& source) {
    VITALOG_TRY(const std::string person, sql::id_bytes(event.person, "person"));
    VITALOG_CHECK(persons_.seen(person, source));
    return identify_.run(event.identifier.value, event.identifier.authority, event.identifier.type,
                         Blob{person}, source.partition, source.at_us);
}

Result<void> PersonWriter::bound(std::string_view person, std::string_view team,
                                 const Source& source) {
    VITALOG_TRY(const std::string id, sql::id_bytes(person, "person"));
    return persons_.assign(id, team, source);
}

Result<void> PersonWriter::clash(const schemas::PersonClash& event, const Source& source) {
    VITALOG_TRY(const std::string person, sql::id_bytes(event.person, "person"));
    VITALOG_TRY(const std::string other, sql::id_bytes(event.other, "person"));
    return clash_.run(Blob{person}, Blob{other}, event.identifier.authority, event.identifier.value,
                      event.named_by.key(), source.at_us);
}

Result<void> PersonWriter::merged(const schemas::PersonMerged& event, const Source& source) {
    VITALOG_TRY(const std::string survivor, sql::id_bytes(event.survivor, "survivor"));
    VITALOG_TRY(const std::string loser, sql::id_bytes(event.loser, "loser"));
    VITALOG_CHECK(persons_.seen(survivor, source));
    VITALOG_CHECK(persons_.seen(loser, source));
    VITALOG_CHECK(links_.add(loser, survivor, event.reason, source.at_us));
    VITALOG_TRY(const auto group, links_.group_of(survivor));
    VITALOG_CHECK(finish());
    VITALOG_CHECK(encounters_.settle(group));
    return correct_across(group, source.at_us);
}

void PersonWriter::expect(const schemas::PersonClinical& event) {
    const auto person = sql::id_bytes(event.person, "person");
    if (!person) return;
    if (event.event.patient) persons_.expect(*person);
    if (event.event.encounter) encounters_.expect(*person, *event.event.encounter);
    for (const auto& report : event.event.reports)
        if (const auto id = sql::id_bytes(report.id, "report")) reports_.expect(*person, *id);
}

void PersonWriter::expect(const schemas::PersonIdentified& event) {
    if (const auto person = sql::id_bytes(event.person, "person")) persons_.expect(*person);
}

Result<void> PersonWriter::fetch() {
    VITALOG_CHECK(persons_.fetch());
    VITALOG_CHECK(encounters_.fetch());
    return reports_.fetch();
}

Result<void> PersonWriter::finish() {
    VITALOG_CHECK(encounters_.finish(links_));
    reports_.forget();
    return persons_.finish();
}

Result<void> PersonWriter::rolled_back() {
    encounters_.forget();
    reports_.forget();
    persons_.forget();
    return links_.reload();
}

Result<void> PersonWriter::report(const schemas::Report& report, const Placing& placing) {
    VITALOG_TRY(const std::string id, sql::id_bytes(report.id, "report"));
    for (const auto& one : report.observations) VITALOG_CHECK(observation(one, id, placing));
    return reports_.add(report, id, placing,
                        [&](const schemas::Observation& one, const std::string& result) {
                            return has_value(placing.person, one.effective.at.micros(), result);
                        });
}

Result<bool> PersonWriter::knows(const std::string& person, std::int64_t effective_us,
                                 const std::string& id) {
    find_observation_.bind(Blob{person}, effective_us, Blob{id});
    VITALOG_TRY(const bool found, find_observation_.next());
    if (found) find_observation_.reset();
    return found;
}

Result<bool> PersonWriter::has_value(const std::string& person, std::int64_t effective_us,
                                     const std::string& id) {
    shown_observation_.bind(Blob{person}, effective_us, Blob{id});
    VITALOG_TRY(const bool found, shown_observation_.next());
    if (found) shown_observation_.reset();
    return found;
}

Result<void> PersonWriter::observation(const schemas::Observation& o, const std::string& report,
                                       const Placing& placing) {
    VITALOG_TRY(const std::string id, sql::id_bytes(o.id, "observation"));
    std::string series;
    if (!o.series.empty()) {
        VITALOG_TRY(series, sql::id_bytes(o.series, "series"));
    }
    const std::int64_t effective_us = o.effective.at.micros();
    bool corrects = false;
    if (may_replace(o.status) && !series.empty()) {
        VITALOG_TRY(const bool known, knows(placing.person, effective_us, id));
        corrects = !known;
    }
    const std::string_view status = fhir_status(o.status);
    const std::string details = details_of(o);
    const auto save = [&](sql::Statement& statement, int hidden) {
        return statement.run(
            Blob{placing.person}, effective_us, Blob{id}, Blob{series}, Blob{report},
            Blob{placing.encounter}, status, is_vital_sign(o.loinc, o.code.system, o.code.code),
            o.loinc, o.code.code, o.code.system, o.code.display, to_string(o.effective),
            schemas::name_of_enum(o.kind), o.value, o.unit, o.comparator, o.text, o.raw_value,
            o.raw_unit, o.low, o.high, o.range, o.flags, placing.said_us, corrects, details, 1,
            hidden, placing.at_us, placing.record);
    };
    if (o.kind == schemas::ValueKind::Missing) {
        VITALOG_CHECK(save(empty_observation_, kNeverHadAValue));
    } else {
        VITALOG_CHECK(save(save_observation_, status == "entered-in-error" ? kHidden : kShown));
        ++observations_;
    }
    if (!corrects) return {};
    std::vector<std::string> group{placing.person};
    if (links_.linked(placing.person)) {
        VITALOG_TRY(group, links_.group_of(placing.person));
    }
    return retire_predecessor(group, series, id, placing.said_us, placing.at_us);
}

Result<void> PersonWriter::retire_predecessor(const std::vector<std::string>& group,
                                              const std::string& series,
                                              const std::string& successor, std::int64_t said_us,
                                              std::int64_t at_us) {
    std::string person, id;
    std::int64_t effective_us = INT64_MIN;
    for (const auto& candidate : group) {
        newest_of_series_.bind(Blob{candidate}, Blob{series}, Blob{successor}, said_us);
        VITALOG_TRY(const bool found, newest_of_series_.next());
        if (!found) continue;
        if (newest_of_series_.integer(0) > effective_us) {
            effective_us = newest_of_series_.integer(0);
            id = newest_of_series_.blob(1);
            person = candidate;
        }
        newest_of_series_.reset();
    }
    if (person.empty()) return {};
    return retire_.run(Blob{person}, effective_us, Blob{id}, Blob{successor}, at_us);
}

Result<void> PersonWriter::correct_across(const std::vector<std::string>& group,
                                          std::int64_t at_us) {
    struct Correction {
        std::string series, id;
        std::int64_t said_us;
    };
    std::vector<Correction> corrections;
    for (const auto& person : group) {
        corrections_.bind(Blob{person});
        for (;;) {
            VITALOG_TRY(const bool more, corrections_.next());
            if (!more) break;
            corrections.push_back({std::string(corrections_.blob(0)),
                                   std::string(corrections_.blob(1)), corrections_.integer(2)});
        }
    }
    for (const auto& correction : corrections)
        VITALOG_CHECK(
            retire_predecessor(group, correction.series, correction.id, correction.said_us, at_us));
    return {};
}

}  // namespace vitalog::sinks::views
