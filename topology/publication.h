#pragma once

#include <map>
#include <string>
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
};

/// Settings, code tables, rule packs and templates as the configuration names them; the built-in ones where it names
/// no folder. Each is checked by the processors that will use it. Configuration: names file, line and what to write.
Result<std::vector<Publication>> collect_publications(const Config& config);

/// What was last published, by (kind, name): version, read from feed.control.
Result<std::map<std::pair<std::string, std::string>, std::string>> published(const Log& log, const schemas::TopicNames& topics);

/// Appends what differs from what was last published; retires files that are gone. Returns how many records, once
/// they are durable.
Result<std::size_t> publish(Log& log, const schemas::TopicNames& topics, LogTime now, const std::vector<Publication>& wanted);

/// Appends one control record, durably.
Result<void> publish_one(Log& log, const schemas::TopicNames& topics, LogTime now, const Publication& publication);

/// The time that a clock set by hand last stood at.
Result<LogTime> published_clock(const Log& log, const schemas::TopicNames& topics);

}  // namespace vitalog::topology
