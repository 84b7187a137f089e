#include "sinks/views/event_writer.h"

#include <algorithm>

namespace vitalog::sinks::views {
namespace {

using schemas::DeliveryState;
using sql::Blob;

/// Person ids are bytes where there is one; notices to doctors have none.
Result<std::string> maybe_person(std::string_view person) {
    if (person.empty()) return std::string();
    return sql::id_bytes(person, "person");
}

std::string array_of(const std::vector<std::string_view>& items) {
    std::string out;
    schemas::JsonWriter json(out);
    json.begin_array();
    for (const auto item : items) json.value(item);
    json.end_array();
    return out;
}

/// Writes whole rows; the record that counts highest is the last word, whatever partition it comes
/// from.
sql::Upsert latest(const std::string& table, const std::string& columns, const std::string& key) {
    std::string rule;
    for (std::size_t begin = 0; begin < columns.size();) {
        const std::size_t end = std::min(columns.find(',', begin), columns.size());
        const std::string column = columns.substr(begin, end - begin);
        if (column != key)
            rule += (rule.empty() ? "UPDATE SET " : ",") + column + "=excluded." + column;
        begin = end + 1;
    }
    return {table, columns, key, rule + " WHERE excluded.revision>" + table + ".revision"};
}

/// The same for messages, whose first times of acceptance and delivery stand whichever record came
/// last.
sql::Upsert latest_delivery() {
    sql::Upsert upsert{"delivery",
                       "id,person,recipient,task,episode,state,fhir_status,purpose,created_us,"
                       "sent_us,received_us,body,revision,updated_us,record",
                       "id", "UPDATE SET "};
    for (const std::string column :
         {"person", "recipient", "task", "episode", "state", "fhir_status", "purpose", "created_us",
          "body", "updated_us", "record", "revision"})
        upsert.rule += column + "=CASE WHEN excluded.revision>delivery.revision THEN excluded." +
                       column + " ELSE delivery." + column + " END,";
    for (const std::string column : {"sent_us", "received_us"})
        upsert.rule += column + "=CASE WHEN delivery." + column + " IS NULL OR excluded." + column +
                       "<delivery." + column + " THEN excluded." + column + " ELSE delivery." +
                       column + " END" + (column == "sent_us" ? "," : "");
    return upsert;
}

}  // namespace

std::string_view communication_status(DeliveryState state, int attempts) {
    switch (state) {
        case DeliveryState::Decided:
            return "preparation";
        case DeliveryState::Waiting:
            return attempts > 0 ? "in-progress" : "preparation";
        case DeliveryState::Sending:
        case DeliveryState::Accepted:
            return "in-progress";
        case DeliveryState::Delivered:
            return "completed";
        case DeliveryState::Suppressed:
            return "not-done";
        case DeliveryState::Failed:
            return "stopped";
        case DeliveryState::Unknown:
            return "unknown";
        case DeliveryState::Expired:
        case DeliveryState::Cancelled:
            return attempts > 0 ? "stopped" : "not-done";
    }
    return "unknown";
}

Result<EventWriter> EventWriter::open(sql::Connection& connection) {
    EventWriter writer;
    VITALOG_TRY(
        writer.risk_,
        connection.prepare(sql::Upsert{
            "risk",
            "person,id,method,version,status,value,unit,band,missing,reason,occurred,occurred_us,"
            "basis,hidden,merged_into,updated_us,detail,composite,record,revision",
            "person,id",
            "UPDATE SET version=excluded.version,status=excluded.status,value=excluded.value,"
            "unit=excluded.unit,band=excluded.band,missing=excluded.missing,"
            "reason=excluded.reason,occurred=excluded.occurred,occurred_us=excluded.occurred_us,"
            "basis=excluded.basis,hidden=excluded.hidden,merged_into=excluded.merged_into,"
            "detail=excluded.detail,composite=excluded.composite,revision=risk.revision+1,"
            "updated_us=excluded.updated_us,record=excluded.record WHERE risk.merged_into IS "
            "NULL"}));
    VITALOG_TRY(
        writer.alert_,
        connection.prepare(latest(
            "alert", "id,person,rule,priority,state,since_us,body,revision,updated_us,record",
            "id")));
    VITALOG_TRY(writer.task_,
                connection.prepare(latest("task",
                                          "id,person,alert,team,owner,status,priority,opened_us,"
                                          "deadline_us,body,revision,updated_us,record",
                                          "id")));
    VITALOG_TRY(writer.task_version_,
                connection.prepare(sql::Upsert{
                    "task_version", "task,version,person,body,updated_us", "task,version",
                    "UPDATE SET person=excluded.person,body=excluded.body,updated_us=excluded."
                    "updated_us"}));
    VITALOG_TRY(writer.delivery_, connection.prepare(latest_delivery()));
    return writer;
}

Result<void> EventWriter::risk(const schemas::RiskEvent& event, const Source& source) {
    VITALOG_TRY(const std::string person, sql::id_bytes(event.person, "person"));
    VITALOG_TRY(const std::string id, sql::id_bytes(event.id, "risk"));
    VITALOG_TRY(const std::string merged_into, maybe_person(event.merged_into));
    return risk_.run(Blob{person}, Blob{id}, event.method, event.version,
                     schemas::name_of_enum(event.status), event.value, event.unit, event.band,
                     array_of(event.missing), event.reason, to_string(event.occurred),
                     event.occurred.at.micros(), array_of(event.basis), event.retracted,
                     Blob{merged_into}, source.at_us, event.detail, event.composite,
                     source.record(), 1);
}

Result<void> EventWriter::alert(const schemas::AlertEvent& event, std::string_view body,
                                const Source& source) {
    VITALOG_TRY(const std::string person, sql::id_bytes(event.person, "person"));
    return alert_.run(event.id, Blob{person}, event.rule, schemas::name_of_enum(event.priority),
                      schemas::name_of_enum(event.state), event.since.at.micros(), body,
                      event.revision, source.at_us, source.record());
}

Result<void> EventWriter::task(const schemas::TaskState& event, std::string_view body,
                               const Source& source) {
    VITALOG_TRY(const std::string person, maybe_person(event.person));
    VITALOG_CHECK(task_version_.run(event.task, event.version, Blob{person}, body, source.at_us));
    return task_.run(event.task, Blob{person}, event.alert, event.team, event.owner,
                     schemas::name_of_enum(event.status), static_cast<int>(event.priority),
                     event.opened.micros(), event.deadline.micros(), body, event.version,
                     source.at_us, source.record());
}

Result<void> EventWriter::delivery(const schemas::Delivery& event, std::string_view body,
                                   const Source& source) {
    VITALOG_TRY(const std::string person, maybe_person(event.person));
    const bool delivered = event.state == DeliveryState::Delivered;
    std::optional<std::int64_t> sent_us, received_us;
    if (delivered || event.state == DeliveryState::Accepted) sent_us = event.changed.micros();
    if (delivered) received_us = event.changed.micros();
    return delivery_.run(event.intent, Blob{person}, event.recipient, event.task, event.episode,
                         schemas::name_of_enum(event.state),
                         communication_status(event.state, event.attempts), event.purpose,
                         event.created.micros(), sent_us, received_us, body, event.revision,
                         source.at_us, source.record());
}

}  // namespace vitalog::sinks::views
