#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::schemas {

/// Where a message about a table file points to.
struct TablePlace {
    std::string file;
    int line = 0;
};

/// A factor as a table writes it: a number, or a fraction where a decimal is not exact.
struct Ratio {
    double numerator = 1;
    double denominator = 1;
};

/// Configuration: "file:line: what".
tl::unexpected<Error> wrong_table(const TablePlace& place, const std::string& what);

/// "'text'".
std::string in_quotes(std::string_view text);

/// One mapping of a table file (YAML), read member by member; finish() refuses members nobody asked
/// for, so that a misspelt one does not pass unseen. Errors are Configuration and name file, line
/// and what to write. A value; used by one thread.
class TableEntry {
  public:
    /// The whole file, which begins with "format: FORMAT".
    static Result<TableEntry> parse(const std::string& file, const std::string& text,
                                    std::string_view format);

    TablePlace place() const;

    /// Empty when the member is not there.
    Result<std::string> text(const char* name);
    Result<std::string> required_text(const char* name);
    Result<std::optional<double>> number(const char* name);
    /// A number above 0, or a fraction of two.
    Result<Ratio> ratio(const char* name);
    Result<bool> flag(const char* name);
    /// "5m", "24h".
    Result<std::optional<std::chrono::microseconds>> duration(const char* name);
    /// A list of texts, or one text.
    Result<std::vector<std::string>> texts(const char* name);
    /// The entries of a list of mappings; empty when the member is not there.
    Result<std::vector<TableEntry>> entries(const char* name);
    /// A mapping; nothing when the member is not there.
    Result<std::optional<TableEntry>> entry(const char* name);
    bool has(const char* name) const;
    Result<void> finish() const;

  private:
    struct Node;  // hides the YAML library
    TableEntry(std::string file, std::shared_ptr<const Node> node);
    Result<void> check_is_map() const;

    std::string file_;
    std::shared_ptr<const Node> node_;  // shared: entries of one file are handed around by value
    std::set<std::string> seen_;
};

}  // namespace vitalog::schemas
