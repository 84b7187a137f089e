#include "sinks/views/report_table.h"

#include <algorithm>
#include <vector>

#include "sinks/views/details.h"

namespace vitalog::sinks::views {
namespace {

using sql::Blob;

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

Result<ReportTable> ReportTable::open(sql::Connection& connection) {
    ReportTable table;
    VITALOG_TRY(table.load_,
                connection.prepare("SELECT results,said_us FROM report WHERE person=?1 AND id=?2",
                                   {"report", 2}));
    if (connection.remote()) {
        VITALOG_TRY(
            table.load_many_,
            connection.prepare("SELECT r.person,r.id,r.results,r.said_us FROM "
                               "unnest(?1::bytea[],?2::bytea[]) AS k(person,id) JOIN report r ON "
                               "r.person=k.person AND r.id=k.id",
                               {"report"}));
    }
    VITALOG_TRY(
        table.save_,
        connection.prepare(sql::Upsert{
            "report",
            "person,id,placer,filler,code,code_system,display,status,effective,effective_us,"
            "section,orderer_id,orderer_name,results,encounter,said_us,revision,updated_us,details,"
            "record",
            "person,id",
            "UPDATE SET results=excluded.results,"
            "placer=coalesce(excluded.placer,report.placer),"
            "filler=coalesce(excluded.filler,report.filler),"
            "status=CASE WHEN excluded.said_us>=report.said_us THEN excluded.status ELSE "
            "report.status END,"
            "effective=CASE WHEN excluded.said_us>=report.said_us THEN "
            "coalesce(excluded.effective,report.effective) ELSE report.effective END,"
            "effective_us=CASE WHEN excluded.said_us>=report.said_us THEN "
            "coalesce(excluded.effective_us,report.effective_us) ELSE report.effective_us END,"
            "section=coalesce(excluded.section,report.section),"
            "orderer_id=coalesce(excluded.orderer_id,report.orderer_id),"
            "orderer_name=coalesce(excluded.orderer_name,report.orderer_name),"
            "encounter=coalesce(excluded.encounter,report.encounter),"
            "details=CASE WHEN excluded.said_us>=report.said_us THEN "
            "coalesce(excluded.details,report.details) ELSE "
            "coalesce(report.details,excluded.details) END,"
            "record=CASE WHEN excluded.said_us>=report.said_us THEN excluded.record ELSE "
            "report.record END,"
            "said_us=CASE WHEN excluded.said_us>report.said_us THEN excluded.said_us ELSE "
            "report.said_us END,"
            "revision=report.revision+1,updated_us=excluded.updated_us"}));
    return table;
}

Result<void> ReportTable::add(const schemas::Report& report, const std::string& id,
                              const Placing& placing, const Shown& shown) {
    VITALOG_TRY(Known* const now, known(placing.person, id));
    VITALOG_CHECK(merge_results(report, placing, *now, shown));
    now->said_us = std::max(now->said_us.value_or(INT64_MIN), placing.said_us);
    const auto& effective = report.effective;
    return save_.run(Blob{placing.person}, Blob{id}, report.placer, report.filler, report.code.code,
                     report.code.system, report.code.display, report.status,
                     effective ? to_string(*effective) : std::string(),
                     effective ? std::optional(effective->at.micros()) : std::nullopt,
                     report.section, report.orderer.id, report.orderer.name, Blob{now->results},
                     Blob{placing.encounter}, placing.said_us, 1, placing.at_us, details_of(report),
                     placing.record);
}

void ReportTable::expect(const std::string& person, const std::string& id) {
    expected_.emplace(person, id);
}

Result<void> ReportTable::fetch() {
    if (expected_.empty()) return {};
    std::vector<std::string> persons, ids;
    for (const auto& [person, id] : expected_) {
        persons.push_back(person);
        ids.push_back(id);
        known_.try_emplace(person + id);
    }
    expected_.clear();
    const std::string all_persons = sql::array_of(persons), all_ids = sql::array_of(ids);
    load_many_.bind(all_persons, all_ids);
    for (;;) {
        VITALOG_TRY(const bool more, load_many_.next());
        if (!more) return {};
        std::string place(load_many_.blob(0));
        place += load_many_.blob(1);
        known_[place] = {std::string(load_many_.blob(2)), load_many_.integer(3)};
    }
}

void ReportTable::forget() {
    known_.clear();
    expected_.clear();
}

Result<ReportTable::Known*> ReportTable::known(const std::string& person, const std::string& id) {
    const auto [place, fresh] = known_.try_emplace(person + id);
    Known& report = place->second;
    if (!fresh) return &report;
    load_.bind(Blob{person}, Blob{id});
    VITALOG_TRY(const bool found, load_.next());
    if (!found) return &report;
    report.results = load_.blob(0);
    report.said_us = load_.integer(1);
    load_.reset();
    return &report;
}

/// The results a report lists: each once, in the order they came, and only those with a value.
Result<void> ReportTable::merge_results(const schemas::Report& report, const Placing& placing,
                                        Known& known, const Shown& shown_now) {
    std::string& results = known.results;
    const bool late = known.said_us && *known.said_us > placing.said_us;
    for (const auto& one : report.observations) {
        VITALOG_TRY(const std::string bytes, sql::id_bytes(one.id, "observation"));
        std::size_t at = 0;
        while (at < results.size() && results.compare(at, bytes.size(), bytes) != 0)
            at += bytes.size();
        bool shown = one.kind != schemas::ValueKind::Missing;
        if (late) {  // a later message may have said otherwise about this result
            VITALOG_TRY(shown, shown_now(one, bytes));
        }
        if (!shown && at < results.size())
            results.erase(at, bytes.size());
        else if (shown && at >= results.size())
            results += bytes;
    }
    return {};
}

}  // namespace vitalog::sinks::views
