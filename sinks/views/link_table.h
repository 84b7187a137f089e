#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "sinks/views/database.h"

namespace vitalog::sinks::views {

/// Which persons are one. Ids are 16 bytes. Used by one thread.
class LinkTable {
  public:
    static Result<LinkTable> open(sql::Connection& connection);

    /// True when the person takes part in any merge: spares the others the look-up. Known to
    /// writers only.
    bool linked(const std::string& person) const { return linked_.contains(person); }
    Result<void> add(const std::string& loser, const std::string& survivor, std::string_view reason,
                     std::int64_t at_us);
    /// After a rollback.
    Result<void> reload();
    /// Learns what other writers have added.
    Result<void> refresh();

    /// The one who stands for all of them.
    Result<std::string> survivor_of(const std::string& person);
    /// The survivor first, then everybody merged into them, in the order of their ids.
    Result<std::vector<std::string>> group_of(const std::string& person);

  private:
    sql::Connection* connection_ = nullptr;
    std::int64_t changes_ = -1;  ///< that `linked_` knows of
    sql::Statement insert_;
    sql::Statement all_;
    sql::Statement survivor_;
    sql::Statement losers_;
    std::unordered_set<std::string> linked_;
};

}  // namespace vitalog::sinks::views
