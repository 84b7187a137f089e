#include "sinks/views/person_writer.h"

#include <algorithm>
#include <array>

#include "schemas/base/ids.h"
#include "sinks/views/details.h"

namespace vitalog::sinks::views {
namespace {

using schemas::ObservationStatus;
using sql::Blob;

std::string bytes_of(const RecordId& id) {
    return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

std::optional<std::string> text_of(const std::optional<ZonedTime>& time) {
    if (!time) return std::nullopt;
    return to_string(*time);
}
std::optional<std::int64_t> micros_of(const std::optional<ZonedTime>& time) {
    if (!time) return std::nullopt;
    return time->at.micros();
}

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

/// What the row of a person holds of a Patient.
struct Demographics {
    static constexpr std::size_t kDeleted = 8;  // holds until somebody says something newer
    std::array<std::string, 9> said;            // in the order of kNames
    static constexpr std::array<std::string_view, 9> kNames{"family",   "given",       "birth_date",
                                                            "sex",      "phone",       "address",
                                                            "deceased", "deceased_at", "deleted"};
};

Demographics demographics_of(const schemas::Patient& patient) {
    return {{std::string(patient.family), std::string(patient.given),
             patient.birth_date ? to_string(*patient.birth_date) : "", std::string(patient.sex),
             std::string(patient.phone), std::string(patient.address),
             patient.deceased || patient.deceased_at ? "1" : "",
             patient.deceased_at ? to_string(*patient.deceased_at) : "",
             patient.deleted ? "1" : ""}};
}

bool nobody(const schemas::Practitioner& person) {
    return person.id.empty() && person.name.empty();
}

/// Empty where there is nothing to say.
std::string details_of(const schemas::Observation& o) {
    if (nobody(o.performer) && o.producer.empty() && o.notes.empty() && !o.attachment) return {};
    return schemas::encode(ObservationDetails{o.performer, o.producer, o.notes, o.attachment});
}

/// A document's lines are read together.
constexpr std::size_t kTextMax = 256 * 1024;

std::string details_of(const schemas::Report& report) {
    ReportDetails details{report.performer, report.interpreter, {}, report.order,
                          report.notes,     report.document,    {}, {}};
    std::string text;
    for (const auto& one : report.observations) {
        if (details.producer.empty()) details.producer = one.producer;
        if (one.attachment) {
            details.documents.push_back(
                {one.id, one.code.display, one.attachment->content_type, one.attachment->size});
        } else if (report.document && text.size() + one.text.size() < kTextMax) {
            text.append(one.text).push_back('\n');
        }
    }
    details.text = text;
    std::string json = schemas::encode(details);
    return json == "{}" ? std::string() : json;
}

}  // namespace

/// What the rows of one clinical event have in common.
struct PersonWriter::Placing {
    std::string person;
    std::string encounter;
    std::int64_t said_us = 0;
    std::int64_t at_us = 0;
    std::int64_t record = 0;
};

std::string encounter_id(std::string_view person, std::string_view key) {
    return bytes_of(IdHash().part("encounter").part(person).part(key).finish());
}

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
    VITALOG_CHECK(writer.prepare_person(connection));
    VITALOG_CHECK(writer.prepare_encounter(connection));
    VITALOG_CHECK(writer.prepare_report(connection));
    VITALOG_CHECK(writer.prepare_observation(connection));
    return writer;
}

Result<void> PersonWriter::prepare_person(sql::Connection& connection) {
    // Who was never described comes from the first record, whatever partition is read first.
    const std::string first_record =
        "record=CASE WHEN said_us IS NULL THEN min(record,excluded.record) ELSE record END";
    VITALOG_TRY(
        touch_person_,
        connection.prepare(
            "INSERT INTO person(person,updated_us,record) VALUES(?1,?2,?3) ON CONFLICT(person) DO "
            "UPDATE SET updated_us=max(updated_us,excluded.updated_us)," +
            first_record));
    VITALOG_TRY(
        load_person_,
        connection.prepare("SELECT family,given,birth_date,sex,phone,address,deceased,deceased_at,"
                           "deleted,said_us "
                           "FROM person WHERE person=?1"));
    VITALOG_TRY(save_person_,
                connection.prepare("INSERT INTO "
                                   "person(person,family,given,birth_date,sex,phone,address,"
                                   "deceased,deceased_at,deleted,said_us,updated_us,record) "
                                   "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13) ON "
                                   "CONFLICT(person) "
                                   "DO UPDATE SET family=?2,given=?3,"
                                   "birth_date=?4,sex=?5,phone=?6,address=?7,deceased=?8,deceased_"
                                   "at=?9,deleted=?10,said_us=?11,updated_us=?12,record=?13"));
    VITALOG_TRY(bind_team_,
                connection.prepare(
                    "INSERT INTO person(person,team,updated_us,record) VALUES(?1,?2,?3,?4) ON "
                    "CONFLICT(person) DO UPDATE SET "
                    "team=excluded.team,updated_us=max(updated_us,excluded.updated_us)," +
                    first_record));
    VITALOG_TRY(
        identify_,
        connection.prepare(
            "INSERT INTO identifier VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(value,authority) DO "
            "UPDATE SET "
            "type=coalesce(excluded.type,type),person=excluded.person,partition=excluded.partition,"
            "updated_us=excluded.updated_us WHERE partition=excluded.partition OR "
            "(excluded.updated_us,excluded.partition)>(updated_us,partition)"));
    VITALOG_TRY(clash_,
                connection.prepare("INSERT OR IGNORE INTO clash VALUES(?1,?2,?3,?4,?5,?6)"));
    return {};
}

Result<void> PersonWriter::prepare_encounter(sql::Connection& connection) {
    VITALOG_TRY(load_encounter_,
                connection.prepare("SELECT history FROM encounter WHERE person=?1 AND id=?2"));
    VITALOG_TRY(
        save_encounter_,
        connection.prepare("INSERT INTO encounter VALUES(?1,?2,?3,?4,?5,?6,?7,?8,NULL,0,?9,?10) ON "
                           "CONFLICT(person,id) DO UPDATE SET "
                           "status=?4,class=?5,start_us=?6,end_us=?7,history=?8,updated_us=?9,"
                           "record=?10"));
    VITALOG_TRY(
        settle_encounter_,
        connection.prepare(
            "UPDATE encounter SET status=?3,class=?4,start_us=?5,end_us=?6,merged=?7,hidden=?8 "
            "WHERE person=?1 AND id=?2"));
    VITALOG_TRY(encounter_keys_, connection.prepare("SELECT visit FROM encounter WHERE person=?1"));
    return {};
}

Result<void> PersonWriter::prepare_report(sql::Connection& connection) {
    VITALOG_TRY(load_results_,
                connection.prepare("SELECT results,said_us FROM report WHERE person=?1 AND id=?2"));
    VITALOG_TRY(
        save_report_,
        connection.prepare(
            "INSERT INTO report "
            "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,1,?17,?18,?19) "
            "ON CONFLICT(person,id) DO UPDATE SET results=excluded.results,"
            "placer=coalesce(excluded.placer,placer),filler=coalesce(excluded.filler,filler),"
            "status=CASE WHEN excluded.said_us>=said_us THEN excluded.status ELSE status END,"
            "effective=CASE WHEN excluded.said_us>=said_us THEN "
            "coalesce(excluded.effective,effective) ELSE effective END,"
            "effective_us=CASE WHEN excluded.said_us>=said_us THEN "
            "coalesce(excluded.effective_us,effective_us) "
            "ELSE effective_us END,section=coalesce(excluded.section,section),"
            "orderer_id=coalesce(excluded.orderer_id,orderer_id),"
            "orderer_name=coalesce(excluded.orderer_name,orderer_name),"
            "encounter=coalesce(excluded.encounter,encounter),"
            "details=CASE WHEN excluded.said_us>=said_us THEN coalesce(excluded.details,details) "
            "ELSE coalesce(details,excluded.details) END,"
            "said_us=max(said_us,excluded.said_us),"
            "revision=revision+1,updated_us=excluded.updated_us,"
            "record=CASE WHEN excluded.said_us>=said_us THEN excluded.record ELSE record END"));
    return {};
}

Result<void> PersonWriter::prepare_observation(sql::Connection& connection) {
    // Whether a repeat says anything new; only evaluated where the row exists.
    const std::string changed =
        "(excluded.status,excluded.kind,excluded.value,excluded.unit,excluded.comparator,excluded."
        "text,"
        "excluded.raw_value,excluded.low,excluded.high,excluded.range,excluded.flags,"
        "excluded.details) IS NOT "
        "(status,kind,value,unit,comparator,text,raw_value,low,high,range,flags,details)";
    VITALOG_TRY(
        save_observation_,
        connection.prepare(
            "INSERT INTO observation "
            "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,"
            "?20,?21,?22,?23,?24,?25,1,?26,NULL,?28,?29,?27,?30) ON "
            "CONFLICT(person,effective_us,id) DO "
            "UPDATE SET "
            "revision=revision+(" +
            changed + "),updated_us=CASE WHEN " + changed +
            " THEN excluded.updated_us ELSE updated_us END,record=CASE WHEN " + changed +
            " THEN excluded.record ELSE record "
            "END,status=excluded.status,kind=excluded.kind,value=excluded.value,unit=excluded.unit,"
            "comparator=excluded.comparator,text=excluded.text,raw_value=excluded.raw_value,"
            "raw_unit=excluded.raw_unit,low=excluded.low,high=excluded.high,range=excluded.range,"
            "flags=excluded.flags,details=excluded.details,report=excluded.report,encounter="
            "coalesce(excluded.encounter,"
            "encounter),"
            "said_us=excluded.said_us,corrects=max(corrects,excluded.corrects),"
            "hidden=(excluded.hidden OR replaced_by IS NOT NULL) WHERE excluded.said_us>=said_us"));
    // A result that lost its value is withdrawn; one that never had one keeps its place unseen, so
    // that an older message about it does not bring it back.
    VITALOG_TRY(
        empty_observation_,
        connection.prepare(
            "INSERT INTO observation "
            "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,"
            "?20,?21,?22,?23,?24,?25,1,?26,NULL,2,?28,?27,?29) ON CONFLICT(person,effective_us,id) "
            "DO "
            "UPDATE SET revision=revision+(hidden=0),"
            "updated_us=CASE hidden WHEN 0 THEN excluded.updated_us ELSE updated_us END,"
            "record=CASE hidden WHEN 0 THEN excluded.record ELSE record END,"
            "status=CASE hidden WHEN 2 THEN status ELSE 'entered-in-error' END,"
            "hidden=max(hidden,1),said_us=excluded.said_us,corrects=max(corrects,excluded.corrects)"
            " WHERE excluded.said_us>=said_us"));
    VITALOG_TRY(find_observation_,
                connection.prepare(
                    "SELECT 1 FROM observation WHERE person=?1 AND effective_us=?2 AND id=?3"));
    VITALOG_TRY(shown_observation_,
                connection.prepare("SELECT 1 FROM observation WHERE person=?1 AND effective_us=?2 "
                                   "AND id=?3 AND kind<>'missing' AND hidden<>2"));
    VITALOG_TRY(
        newest_of_series_,
        connection.prepare(
            "SELECT effective_us,id FROM observation WHERE person=?1 AND series=?2 AND id<>?3 AND "
            "said_us<?4 "
            "AND (replaced_by IS NULL OR replaced_by=?3) ORDER BY effective_us DESC,id LIMIT 1"));
    VITALOG_TRY(
        retire_,
        connection.prepare(
            "UPDATE observation SET "
            "replaced_by=?4,hidden=1,status='entered-in-error',revision=revision+1,"
            "updated_us=?5 WHERE person=?1 AND effective_us=?2 AND id=?3 AND replaced_by IS NULL"));
    VITALOG_TRY(corrections_,
                connection.prepare(
                    "SELECT series,id,said_us FROM observation WHERE person=?1 AND corrects=1"));
    return {};
}

Result<void> PersonWriter::clinical(const schemas::PersonClinical& event, const Source& source) {
    Placing placing;
    VITALOG_TRY(placing.person, sql::id_bytes(event.person, "person"));
    placing.said_us = event.event.occurred.at.micros();
    placing.at_us = source.at_us;
    placing.record = source.record();
    if (event.event.patient)
        VITALOG_CHECK(demographics(placing.person, *event.event.patient, placing.said_us, source));
    if (event.event.encounter) {
        VITALOG_TRY(placing.encounter, encounter(placing.person, *event.event.encounter, source));
    }
    for (const auto& one : event.event.reports) VITALOG_CHECK(report(one, placing));
    return {};
}

Result<void> PersonWriter::demographics(const std::string& person, const schemas::Patient& patient,
                                        std::int64_t said_us, const Source& source) {
    Demographics now;
    std::int64_t known_us = INT64_MIN;
    load_person_.bind(Blob{person});
    VITALOG_TRY(const bool known, load_person_.next());
    if (known) {
        for (std::size_t i = 0; i < now.said.size(); ++i)
            now.said[i] = load_person_.string(static_cast<int>(i));
        known_us = load_person_.maybe_integer(9).value_or(INT64_MIN);
        load_person_.reset();
    }
    const Demographics before = now;
    const Demographics says = demographics_of(patient);
    const bool newer = said_us >= known_us;
    if (newer) now.said[Demographics::kDeleted].clear();
    for (std::size_t i = 0; i < now.said.size(); ++i) {
        const bool cleared = std::find(patient.cleared.begin(), patient.cleared.end(),
                                       Demographics::kNames[i]) != patient.cleared.end();
        if (cleared && newer) now.said[i].clear();
        if (!says.said[i].empty() && (newer || now.said[i].empty())) now.said[i] = says.said[i];
    }
    if (known && before.said == now.said && said_us <= known_us) return {};
    const auto& s = now.said;
    const auto flag = [](const std::string& said) {
        return said.empty() ? std::nullopt : std::optional<std::int64_t>(1);
    };
    return save_person_.run(Blob{person}, s[0], s[1], s[2], s[3], s[4], s[5], flag(s[6]), s[7],
                            flag(s[Demographics::kDeleted]), std::max(said_us, known_us),
                            source.at_us, source.record());
}

Result<void> PersonWriter::identified(const schemas::PersonIdentified& event,
                                      const Source& source) {
    VITALOG_TRY(const std::string person, sql::id_bytes(event.person, "person"));
    VITALOG_CHECK(touch_person_.run(Blob{person}, source.at_us, source.record()));
    return identify_.run(event.identifier.value, event.identifier.authority, event.identifier.type,
                         Blob{person}, source.partition, source.at_us);
}

Result<void> PersonWriter::bound(std::string_view person, std::string_view team,
                                 const Source& source) {
    VITALOG_TRY(const std::string id, sql::id_bytes(person, "person"));
    return bind_team_.run(Blob{id}, team, source.at_us, source.record());
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
    VITALOG_CHECK(touch_person_.run(Blob{survivor}, source.at_us, source.record()));
    VITALOG_CHECK(touch_person_.run(Blob{loser}, source.at_us, source.record()));
    VITALOG_CHECK(links_.add(loser, survivor, event.reason, source.at_us));
    VITALOG_TRY(const auto group, links_.group_of(survivor));
    VITALOG_CHECK(finish());
    std::vector<std::string> keys;
    for (const auto& person : group) {
        encounter_keys_.bind(Blob{person});
        for (;;) {
            VITALOG_TRY(const bool more, encounter_keys_.next());
            if (!more) break;
            keys.push_back(encounter_keys_.string(0));
        }
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (const auto& key : keys) VITALOG_CHECK(settle_encounter(group, key));
    return correct_across(group, source.at_us);
}

Result<std::string> PersonWriter::encounter(const std::string& person,
                                            const schemas::EncounterEvent& event,
                                            const Source& source) {
    std::string key = schemas::encounter_key(event);
    if (key.empty()) return std::string();
    std::string id = encounter_id(person, key);
    VITALOG_TRY(OpenEncounter* const open, open_encounter({person, std::move(key)}));
    if (open->history.add(event)) {
        open->changed = true;
        open->at_us = std::max(open->at_us, source.at_us);
        open->record = source.record();
    }
    return id;
}

Result<PersonWriter::OpenEncounter*> PersonWriter::open_encounter(const EncounterPlace& place) {
    const auto found = encounters_.find(place);
    if (found != encounters_.end()) return &found->second;
    OpenEncounter open;
    const std::string id = encounter_id(place.first, place.second);
    load_encounter_.bind(Blob{place.first}, Blob{id});
    VITALOG_TRY(const bool known, load_encounter_.next());
    if (known) {
        VITALOG_TRY(open.history,
                    schemas::EncounterHistory::decode(load_encounter_.text(0), decoder_));
        load_encounter_.reset();
    }
    return &encounters_.emplace(place, std::move(open)).first->second;
}

Result<void> PersonWriter::write_encounter(const EncounterPlace& place, const OpenEncounter& open) {
    const auto state = open.history.state();
    const std::string id = encounter_id(place.first, place.second);
    const std::string history = open.history.encode();
    VITALOG_CHECK(save_encounter_.run(Blob{place.first}, Blob{id}, place.second, state.status,
                                      state.class_code, micros_of(state.start),
                                      micros_of(state.end), history, open.at_us, open.record));
    if (!links_.linked(place.first)) return {};
    VITALOG_TRY(const auto group, links_.group_of(place.first));
    return settle_encounter(group, place.second);
}

Result<void> PersonWriter::settle_encounter(const std::vector<std::string>& group,
                                            const std::string& key) {
    schemas::EncounterHistory all;
    std::vector<std::string> told;  // those of the group who have it, the survivor first
    for (const auto& person : group) {
        const std::string id = encounter_id(person, key);
        load_encounter_.bind(Blob{person}, Blob{id});
        VITALOG_TRY(const bool known, load_encounter_.next());
        if (!known) continue;
        VITALOG_TRY(const auto history,
                    schemas::EncounterHistory::decode(load_encounter_.text(0), decoder_));
        load_encounter_.reset();
        all.merge(history);
        told.push_back(person);
    }
    if (told.size() < 2) return {};
    const auto state = all.state();
    const std::string merged = all.encode();
    for (const auto& person : told)
        VITALOG_CHECK(settle_encounter_.run(Blob{person}, Blob{encounter_id(person, key)},
                                            state.status, state.class_code, micros_of(state.start),
                                            micros_of(state.end), merged, person != told.front()));
    return {};
}

Result<void> PersonWriter::finish() {
    for (const auto& [place, open] : encounters_)
        if (open.changed) VITALOG_CHECK(write_encounter(place, open));
    encounters_.clear();
    return {};
}

Result<void> PersonWriter::rolled_back() {
    encounters_.clear();
    return links_.reload();
}

Result<void> PersonWriter::report(const schemas::Report& report, const Placing& placing) {
    VITALOG_TRY(const std::string id, sql::id_bytes(report.id, "report"));
    for (const auto& one : report.observations) VITALOG_CHECK(observation(one, id, placing));
    VITALOG_TRY(const std::string results, merged_results(report, placing, id));
    VITALOG_CHECK(save_report_.run(
        Blob{placing.person}, Blob{id}, report.placer, report.filler, report.code.code,
        report.code.system, report.code.display, report.status, text_of(report.effective),
        micros_of(report.effective), report.section, report.orderer.id, report.orderer.name,
        Blob{results}, Blob{placing.encounter}, placing.said_us, placing.at_us, details_of(report),
        placing.record));
    return {};
}

/// The results a report lists: each once, in the order they came, and only those with a value.
Result<std::string> PersonWriter::merged_results(const schemas::Report& report,
                                                 const Placing& placing, const std::string& id) {
    std::string results;
    bool late = false;
    load_results_.bind(Blob{placing.person}, Blob{id});
    VITALOG_TRY(const bool known, load_results_.next());
    if (known) {
        results = load_results_.blob(0);
        late = load_results_.integer(1) > placing.said_us;
        load_results_.reset();
    }
    for (const auto& one : report.observations) {
        VITALOG_TRY(const std::string bytes, sql::id_bytes(one.id, "observation"));
        std::size_t at = 0;
        while (at < results.size() && results.compare(at, bytes.size(), bytes) != 0)
            at += bytes.size();
        bool shown = one.kind != schemas::ValueKind::Missing;
        if (late) {  // a later message may have said otherwise about this result
            VITALOG_TRY(shown, has_value(placing.person, one.effective.at.micros(), bytes));
        }
        if (!shown && at < results.size())
            results.erase(at, bytes.size());
        else if (shown && at >= results.size())
            results += bytes;
    }
    return results;
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
    const auto save = [&](sql::Statement& statement, auto... rest) {
        return statement.run(Blob{placing.person}, effective_us, Blob{id}, Blob{series},
                             Blob{report}, Blob{placing.encounter}, status,
                             is_vital_sign(o.loinc, o.code.system, o.code.code), o.loinc,
                             o.code.code, o.code.system, o.code.display, to_string(o.effective),
                             schemas::name_of_enum(o.kind), o.value, o.unit, o.comparator, o.text,
                             o.raw_value, o.raw_unit, o.low, o.high, o.range, o.flags,
                             placing.said_us, corrects, details, rest...);
    };
    if (o.kind == schemas::ValueKind::Missing) {
        VITALOG_CHECK(save(empty_observation_, placing.at_us, placing.record));
    } else {
        VITALOG_CHECK(
            save(save_observation_, status == "entered-in-error", placing.at_us, placing.record));
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
