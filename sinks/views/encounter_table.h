#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "schemas/clinical/encounter_state.h"
#include "schemas/events/clinical.h"
#include "sinks/views/database.h"
#include "sinks/views/link_table.h"
#include "sinks/views/source.h"

namespace vitalog::sinks::views {

/// Visits: the rows of `encounter`, each read and written once in a transaction. Ids are 16 bytes.
/// Used by the store's thread.
class EncounterTable {
  public:
    static Result<EncounterTable> open(sql::Connection& connection);

    /// Takes in an event of a visit; gives its id, or nothing where the event names no visit.
    Result<std::string> add(const std::string& person, const schemas::EncounterEvent& event,
                            const Source& source);
    /// Rows that add() will ask for, read at once by fetch(): for a database far away.
    void expect(const std::string& person, const schemas::EncounterEvent& event);
    Result<void> fetch();

    /// Writes what has changed. Before every commit.
    Result<void> finish(LinkTable& links);
    /// Visits told under several of those who are one: each is told once, by all that is known of
    /// it. After finish().
    Result<void> settle(const std::vector<std::string>& group);
    /// After a rollback.
    void forget();

  private:
    using Place = std::pair<std::string, std::string>;  // person, key of the visit
    struct Open {
        schemas::EncounterHistory history;
        bool changed = false;
        std::int64_t at_us = 0;
        std::int64_t record = 0;
    };

    Result<Open*> open_row(const Place& place);
    Result<void> write(const Place& place, const Open& open, LinkTable& links);
    Result<void> settle(const std::vector<std::string>& group, const std::string& key);

    schemas::Decoder decoder_;
    std::map<Place, Open> rows_;             ///< of the transaction
    std::map<std::string, Place> expected_;  ///< by id
    sql::Statement load_, load_many_, save_, settle_, keys_;
};

/// Id of an encounter: 16 bytes over person and key.
std::string encounter_id(std::string_view person, std::string_view key);

}  // namespace vitalog::sinks::views
