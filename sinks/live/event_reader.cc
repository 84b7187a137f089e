#include "sinks/live/event_reader.h"

#include <algorithm>

#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"

namespace vitalog::sinks::live {
namespace {

using schemas::Priority;

// Of each event, what its readers hear.

struct AlertHead {
    std::string_view id, person, rule, task;
    Priority priority = Priority::Low;
    schemas::AlertState state = schemas::AlertState::Raised;
    ZonedTime occurred;

    template <class V>
    void members(V& v) {
        v.required("id", id);
        v.required("person", person);
        v.required("rule", rule);
        v.required("priority", priority);
        v.required("state", state);
        v.required("occurred", occurred);
        v("task", task);
    }
};

struct TaskHead {
    std::string_view task, person, rule, team;
    std::int64_t version = 0;
    schemas::TaskStatus status = schemas::TaskStatus::Requested;
    Priority priority = Priority::Low;
    ReceivedTime changed;

    template <class V>
    void members(V& v) {
        v.required("task", task);
        v.required("version", version);
        v.required("person", person);
        v.required("rule", rule);
        v("team", team);
        v.required("status", status);
        v.required("priority", priority);
        v.required("changed", changed);
    }
};

struct MessageHead {
    std::string_view intent, person, task, purpose;
    schemas::DeliveryState state = schemas::DeliveryState::Decided;
    Priority priority = Priority::Low;
    ReceivedTime changed;

    template <class V>
    void members(V& v) {
        v.required("intent", intent);
        v("person", person);
        v("task", task);
        v.required("purpose", purpose);
        v.required("state", state);
        v.required("priority", priority);
        v.required("changed", changed);
    }
};

struct Shown {
    std::string_view id, patient, kind, priority, state;
    std::string at;
};

std::string data_of(const Shown& shown) {
    std::string out;
    schemas::JsonWriter json(out);
    json.begin_object();
    json.field("id", shown.id);
    json.field("patient", shown.patient);
    json.field("kind", shown.kind);
    json.field("priority", shown.priority);
    json.field("state", shown.state);
    json.field("at", shown.at);
    json.end_object();
    return out;
}

}  // namespace

Result<std::vector<LiveEvent>> EventReader::read(schemas::Topic topic,
                                                 const std::vector<RecordView>& records) {
    std::vector<LiveEvent> events;
    for (const auto& record : records) {
        LiveEvent event;
        event.offset = record.offset;
        const auto read = topic == schemas::Topic::Alert       ? alert(record, event)
                          : topic == schemas::Topic::TaskBoard ? task(record, event)
                                                               : message(record, event);
        if (read && *read) events.push_back(std::move(event));
        if (read) continue;
        const bool bad =
            read.error().code() == Errc::Malformed || read.error().code() == Errc::Missing;
        if (!bad) return tl::unexpected(read.error());
        log_line("error", "event_unreadable", {{"error", read.error().to_string()}});
    }
    return events;
}

Result<bool> EventReader::alert(const RecordView& record, LiveEvent& event) {
    if (record.headers.find(header::kType) != schemas::AlertEvent::kType) return false;
    VITALOG_TRY(const auto head, schemas::decode<AlertHead>(record.value, decoder_));
    event.kind = "alert";
    event.person = head.person;
    event.data = data_of({head.id, head.person, head.rule, schemas::name_of_enum(head.priority),
                          schemas::name_of_enum(head.state), to_string(head.occurred)});
    std::string team;
    if (!head.task.empty()) {
        VITALOG_TRY(team, team_of_task(head.task, nullptr));
    }
    if (team.empty()) {
        VITALOG_TRY(team, team_of_person(event.person));
    }
    event.teams.push_back(std::move(team));
    return true;
}

Result<bool> EventReader::task(const RecordView& record, LiveEvent& event) {
    if (record.headers.find(header::kType) != schemas::TaskState::kType) return false;
    VITALOG_TRY(const auto head, schemas::decode<TaskHead>(record.value, decoder_));
    event.kind = "task";
    event.person = head.person;
    event.data = data_of({head.task, head.person, head.rule, schemas::name_of_enum(head.priority),
                          schemas::name_of_enum(head.status), to_rfc3339(head.changed)});
    event.teams.emplace_back(head.team);
    if (head.version > 1) VITALOG_CHECK(add_former_team(head.task, head.version - 1, event));
    return true;
}

/// A team that hands a task over sees it go.
Result<void> EventReader::add_former_team(std::string_view task, std::int64_t version,
                                          LiveEvent& event) {
    VITALOG_TRY(const auto row, views_.task_version(std::string(task), version));
    if (!row) return {};
    VITALOG_TRY(const auto head, schemas::decode<TaskHead>(row->body, rows_));
    if (head.team != event.teams.front()) event.teams.emplace_back(head.team);
    return {};
}

Result<bool> EventReader::message(const RecordView& record, LiveEvent& event) {
    if (record.headers.find(header::kType) != schemas::Delivery::kType) return false;
    VITALOG_TRY(const auto head, schemas::decode<MessageHead>(record.value, decoder_));
    event.kind = "message";
    event.person = head.person;
    std::string team;
    if (!head.task.empty()) {
        std::string person;
        VITALOG_TRY(team, team_of_task(head.task, &person));
        if (event.person.empty()) event.person = std::move(person);
    }
    if (team.empty() && !event.person.empty()) {
        VITALOG_TRY(team, team_of_person(event.person));
    }
    event.teams.push_back(std::move(team));
    event.data =
        data_of({head.intent, event.person, head.purpose, schemas::name_of_enum(head.priority),
                 schemas::name_of_enum(head.state), to_rfc3339(head.changed)});
    return true;
}

Result<std::string> EventReader::team_of_task(std::string_view task, std::string* person) {
    views::Query query;
    query.conditions.push_back({{{"id", views::Op::In, {std::string(task)}}}});
    query.count = false;
    query.limit = 1;
    query.order = {{"id", false}};
    VITALOG_TRY(const auto page, views_.tasks(query));
    if (page.rows.empty()) return std::string();
    VITALOG_TRY(const auto head, schemas::decode<TaskHead>(page.rows.front().body, rows_));
    if (person != nullptr) *person = head.person;
    return std::string(head.team);
}

Result<std::string> EventReader::team_of_person(const std::string& person) {
    VITALOG_TRY(const auto group, views_.group_of(person));
    views::Query query;
    query.persons = std::vector<std::string>{group.front()};
    query.count = false;
    query.limit = 1;
    query.order = {{"person", false}};
    VITALOG_TRY(const auto page, views_.patients(query));
    if (page.rows.empty() || page.rows.front().team.empty()) return default_team_;
    return page.rows.front().team;
}

}  // namespace vitalog::sinks::live
