#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "topology/cli/cli.h"

namespace vitalog::topology::cli {

/// A record as one JSON line, decoded. Owns its text.
struct RecordLine {
    std::string topic;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    std::string timestamp;
    std::string key;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string value;
    std::string json;  ///< the line itself

    std::string header(std::string_view name) const;
};

/// Reads topics of a running site over HTTP, or of a stopped one from its data directory.
class RecordLines {
  public:
    struct Topic {
        std::string name;
        std::uint32_t partitions = 0;
        std::string standard;  ///< its name where sites do not rename it
    };
    virtual ~RecordLines() = default;
    virtual Result<std::vector<Topic>> topics() = 0;
    /// Up to `max` lines from offset `from` on.
    virtual Result<std::vector<RecordLine>> read(const std::string& topic, std::uint32_t partition,
                                                 std::int64_t from, std::int64_t max) = 0;
};

/// The flags --url, --data-dir and those of the configuration say which.
std::vector<std::string_view> source_flags(std::vector<std::string_view> more);
Result<std::unique_ptr<RecordLines>> open_record_lines(const Arguments& arguments);

/// The topic of that name, the site's own or the standard one. NotFound.
Result<RecordLines::Topic> find_topic(RecordLines& source, const std::string& name);
/// Prints it for a person to read, or as its JSON line.
void print_record(const RecordLine& line, bool json);
/// The partitions asked for: one by --partition, else all of the topic.
Result<std::vector<std::uint32_t>> chosen_partitions(RecordLines& source,
                                                     const Arguments& arguments,
                                                     const std::string& topic);

}  // namespace vitalog::topology::cli
