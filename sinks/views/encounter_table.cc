#include "sinks/views/encounter_table.h"

#include <algorithm>
#include <optional>

#include "schemas/base/ids.h"

namespace vitalog::sinks::views {
namespace {

using sql::Blob;

std::optional<std::int64_t> micros_of(const std::optional<ZonedTime>& time) {
    if (!time) return std::nullopt;
    return time->at.micros();
}

}  // namespace

std::string encounter_id(std::string_view person, std::string_view key) {
    const RecordId id = IdHash().part("encounter").part(person).part(key).finish();
    return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

Result<EncounterTable> EncounterTable::open(sql::Connection& connection) {
    EncounterTable table;
    VITALOG_TRY(table.load_,
                connection.prepare("SELECT history FROM encounter WHERE person=?1 AND id=?2",
                                   {"encounter", 2}));
    if (connection.remote()) {
        VITALOG_TRY(table.load_many_,
                    connection.prepare("SELECT e.id,e.history FROM unnest(?1::bytea[],?2::bytea[]) "
                                       "AS k(person,id) JOIN encounter e ON e.person=k.person AND "
                                       "e.id=k.id",
                                       {"encounter"}));
    }
    VITALOG_TRY(
        table.save_,
        connection.prepare(sql::Upsert{
            "encounter",
            "person,id,visit,status,class,start_us,end_us,history,hidden,updated_us,record",
            "person,id",
            "UPDATE SET status=excluded.status,class=excluded.class,start_us=excluded.start_us,"
            "end_us=excluded.end_us,history=excluded.history,updated_us=excluded.updated_us,"
            "record=excluded.record"}));
    VITALOG_TRY(
        table.settle_,
        connection.prepare(
            "UPDATE encounter SET status=?3,class=?4,start_us=?5,end_us=?6,merged=?7,hidden=?8 "
            "WHERE person=?1 AND id=?2",
            {"encounter", 2}));
    VITALOG_TRY(table.keys_, connection.prepare("SELECT visit FROM encounter WHERE person=?1",
                                                {"encounter", 1}));
    return table;
}

Result<std::string> EncounterTable::add(const std::string& person,
                                        const schemas::EncounterEvent& event,
                                        const Source& source) {
    std::string key = schemas::encounter_key(event);
    if (key.empty()) return std::string();
    std::string id = encounter_id(person, key);
    VITALOG_TRY(Open* const open, open_row({person, std::move(key)}));
    if (open->history.add(event)) {
        open->changed = true;
        open->at_us = std::max(open->at_us, source.at_us);
        open->record = source.record();
    }
    return id;
}

void EncounterTable::expect(const std::string& person, const schemas::EncounterEvent& event) {
    std::string key = schemas::encounter_key(event);
    if (key.empty()) return;
    std::string id = encounter_id(person, key);
    expected_.emplace(std::move(id), Place{person, std::move(key)});
}

Result<void> EncounterTable::fetch() {
    if (expected_.empty()) return {};
    std::vector<std::string> persons, ids;
    for (const auto& [id, place] : expected_) {
        persons.push_back(place.first);
        ids.push_back(id);
        rows_.try_emplace(place);
    }
    const std::string all_persons = sql::array_of(persons), all_ids = sql::array_of(ids);
    load_many_.bind(all_persons, all_ids);
    for (;;) {
        VITALOG_TRY(const bool more, load_many_.next());
        if (!more) break;
        VITALOG_TRY(rows_[expected_[std::string(load_many_.blob(0))]].history,
                    schemas::EncounterHistory::decode(load_many_.text(1), decoder_));
    }
    expected_.clear();
    return {};
}

Result<EncounterTable::Open*> EncounterTable::open_row(const Place& place) {
    const auto found = rows_.find(place);
    if (found != rows_.end()) return &found->second;
    Open open;
    const std::string id = encounter_id(place.first, place.second);
    load_.bind(Blob{place.first}, Blob{id});
    VITALOG_TRY(const bool known, load_.next());
    if (known) {
        VITALOG_TRY(open.history, schemas::EncounterHistory::decode(load_.text(0), decoder_));
        load_.reset();
    }
    return &rows_.emplace(place, std::move(open)).first->second;
}

Result<void> EncounterTable::finish(LinkTable& links) {
    for (const auto& [place, open] : rows_)
        if (open.changed) VITALOG_CHECK(write(place, open, links));
    rows_.clear();
    return {};
}

void EncounterTable::forget() {
    rows_.clear();
    expected_.clear();
}

Result<void> EncounterTable::write(const Place& place, const Open& open, LinkTable& links) {
    const auto state = open.history.state();
    const std::string id = encounter_id(place.first, place.second);
    const std::string history = open.history.encode();
    VITALOG_CHECK(save_.run(Blob{place.first}, Blob{id}, place.second, state.status,
                            state.class_code, micros_of(state.start), micros_of(state.end), history,
                            0, open.at_us, open.record));
    if (!links.linked(place.first)) return {};
    VITALOG_TRY(const auto group, links.group_of(place.first));
    return settle(group, place.second);
}

Result<void> EncounterTable::settle(const std::vector<std::string>& group) {
    std::vector<std::string> keys;
    for (const auto& person : group) {
        keys_.bind(Blob{person});
        for (;;) {
            VITALOG_TRY(const bool more, keys_.next());
            if (!more) break;
            keys.push_back(keys_.string(0));
        }
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (const auto& key : keys) VITALOG_CHECK(settle(group, key));
    return {};
}

Result<void> EncounterTable::settle(const std::vector<std::string>& group, const std::string& key) {
    schemas::EncounterHistory all;
    std::vector<std::string> told;  // those of the group who have it, the survivor first
    for (const auto& person : group) {
        const std::string id = encounter_id(person, key);
        load_.bind(Blob{person}, Blob{id});
        VITALOG_TRY(const bool known, load_.next());
        if (!known) continue;
        VITALOG_TRY(const auto history, schemas::EncounterHistory::decode(load_.text(0), decoder_));
        load_.reset();
        all.merge(history);
        told.push_back(person);
    }
    if (told.size() < 2) return {};
    const auto state = all.state();
    const std::string merged = all.encode();
    for (const auto& person : told)
        VITALOG_CHECK(settle_.run(Blob{person}, Blob{encounter_id(person, key)}, state.status,
                                  state.class_code, micros_of(state.start), micros_of(state.end),
                                  merged, person != told.front()));
    return {};
}

}  // namespace vitalog::sinks::views
