#include "sinks/views/place.h"

#include "sinks/views/postgres.h"
#include "sinks/views/sqlite.h"

namespace vitalog::sinks::sql {
namespace {

std::string beside(const std::string& path) {
    return path + ".next";
}

}  // namespace

bool is_postgres(std::string_view place) {
    return place.starts_with("postgresql://");
}

Result<std::unique_ptr<Connection>> open(const std::string& place, Mode mode, Tables tables) {
    if (is_postgres(place)) return open_postgres(place, mode, tables);
    return open_sqlite(tables == Tables::Live ? place : beside(place), mode);
}

Result<void> drop_next(const std::string& place) {
    return is_postgres(place) ? drop_postgres_next(place) : drop_sqlite(beside(place));
}

Result<void> switch_to_next(const std::string& place) {
    return is_postgres(place) ? switch_postgres(place) : move_sqlite(beside(place), place);
}

}  // namespace vitalog::sinks::sql
