#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "topology/config.h"
#include "topology/log/log.h"
#include "schemas/topic_names.h"

namespace vitalog::topology {

/// A control record that the site wants in force.
struct Publication {
    std::string kind;
    std::string name;
    std::string version;  ///< 16 hexadecimal digits over the body
    std::string body;
    std::string where;    ///< file it came from, for errors
    std::string backtest = {};  ///< what its back-test came to, in one line; empty: none was asked for
};

/// What errors call the publication: the file it came from; its name where it came from none.
std::string file_of(const Publication& publication);

/// Settings, code tables, rule packs and templates as the configuration names them; the built-in ones where it names
/// no folder. Each is checked by the processors that will use it. Configuration: names file, line and what to write.
Result<std::vector<Publication>> collect_publications(const Config& config);

/// The code tables alone of those.
Result<std::vector<Publication>> configured_tables(const Config& config);

/// What the processors say of these, in this order, as their only ones, and whether the rules among them know the codes
/// and units of the tables among them. Configuration: names `where` and what to write.
Result<void> check_publications(const std::vector<Publication>& publications);

/// One control record of feed.control that came from a file. An empty body retires the name.
struct Published {
    Publication publication;
    LogTime since;
    std::string by;  ///< a user; "run": published at a start, as configured
};
inline constexpr std::string_view kPublishedByRun = "run";
/// Name of the header that says who published a control record.
inline constexpr std::string_view kPublishedBy = "published_by";
/// Name of the header that says what the back-test of a rule pack came to.
inline constexpr std::string_view kBacktestHeader = "backtest";

/// Every settings, table, rule and template record that was ever published, the oldest first.
Result<std::vector<Published>> publication_history(const Log& log, const schemas::TopicNames& topics);
/// Those in force, in the order in which they may be published anew.
std::vector<Published> in_force(const std::vector<Published>& history);

/// Appends what differs from what a start last published, and retires what was published by a start and is gone:
/// what an operator published since stays in force until its file in the configured folder changes. Returns how many
/// records, once they are durable. Configuration: a rule pack among them names a band that its index does not have.
Result<std::size_t> publish(Log& log, const schemas::TopicNames& topics, LogTime now, const std::vector<Publication>& wanted);

/// Appends one control record, durably.
Result<void> publish_one(Log& log, const schemas::TopicNames& topics, LogTime now, const Publication& publication,
                         std::string_view by = kPublishedByRun);

/// A publication of that body; its version is the body's hash.
Publication make_publication(std::string kind, std::string name, std::string body, std::string where);

/// The time that a clock set by hand last stood at.
Result<LogTime> published_clock(const Log& log, const schemas::TopicNames& topics);

}  // namespace vitalog::topology
