#include "sinks/views/place.h"

#include "sinks/views/sqlite.h"

namespace vitalog::sinks::sql {
namespace {

std::string beside(const std::string& path) {
    return path + ".next";
}

}  // namespace

Result<std::unique_ptr<Connection>> open(const std::string& place, Mode mode, Tables tables) {
    return open_sqlite(tables == Tables::Live ? place : beside(place), mode);
}

Result<void> drop_next(const std::string& place) {
    return drop_sqlite(beside(place));
}

Result<void> switch_to_next(const std::string& place) {
    return move_sqlite(beside(place), place);
}

}  // namespace vitalog::sinks::sql
