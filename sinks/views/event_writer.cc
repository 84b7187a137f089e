#include "sinks/views/event_writer.h"

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

/// The record that counts highest is the last word, whatever partition it comes from.
constexpr const char* kLater = " WHERE excluded.revision>revision";

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
    VITALOG_TRY(writer.risk_,
                connection.prepare(
                    "INSERT INTO risk VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"
                    "?17,?18,1,?16,?19) ON CONFLICT(person,id) DO UPDATE SET "
                    "version=?4,status=?5,value=?6,unit=?7,band=?8,missing=?9,reason=?10,"
                    "occurred=?11,occurred_us=?12,basis=?13,hidden=?14,merged_into=?15,"
                    "detail=?17,composite=?18,"
                    "revision=revision+1,updated_us=?16,record=?19 WHERE merged_into IS NULL"));
    VITALOG_TRY(
        writer.alert_,
        connection.prepare(
            std::string("INSERT INTO alert VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) "
                        "ON CONFLICT(id) DO UPDATE SET person=?2,rule=?3,priority=?4,state=?5,"
                        "since_us=?6,body=?7,revision=?8,updated_us=?9,record=?10") +
            kLater));
    VITALOG_TRY(
        writer.task_,
        connection.prepare(
            std::string("INSERT INTO task VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13) "
                        "ON CONFLICT(id) DO UPDATE SET person=?2,alert=?3,team=?4,owner=?5,"
                        "status=?6,priority=?7,opened_us=?8,deadline_us=?9,body=?10,revision=?11,"
                        "updated_us=?12,record=?13") +
            kLater));
    VITALOG_TRY(writer.task_version_,
                connection.prepare("INSERT OR REPLACE INTO task_version VALUES(?1,?2,?3,?4,?5)"));
    VITALOG_TRY(
        writer.delivery_,
        connection.prepare(
            std::string(
                "INSERT INTO delivery VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,NULL,NULL,?10,?11,?12,?13) "
                "ON CONFLICT(id) DO UPDATE SET person=?2,recipient=?3,task=?4,episode=?5,state=?6,"
                "fhir_status=?7,purpose=?8,created_us=?9,body=?10,revision=?11,updated_us=?12,"
                "record=?13") +
            kLater));
    VITALOG_TRY(
        writer.delivery_times_,
        connection.prepare("UPDATE delivery SET sent_us=min(coalesce(sent_us,?2),?2),"
                           "received_us=coalesce(min(received_us,?3),received_us,?3) WHERE id=?1"));
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
                     source.record());
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
    VITALOG_CHECK(delivery_.run(event.intent, Blob{person}, event.recipient, event.task,
                                event.episode, schemas::name_of_enum(event.state),
                                communication_status(event.state, event.attempts), event.purpose,
                                event.created.micros(), body, event.revision, source.at_us,
                                source.record()));
    const bool delivered = event.state == DeliveryState::Delivered;
    if (event.state != DeliveryState::Accepted && !delivered) return {};
    const std::int64_t at = event.changed.micros();
    return delivery_times_.run(event.intent, at,
                               delivered ? std::optional(at) : std::optional<std::int64_t>());
}

}  // namespace vitalog::sinks::views
