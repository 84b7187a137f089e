#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "topology/cli/site_client.h"

// What `publish` and `rules` share: files to be put in force, and what a site says of them.

namespace vitalog::topology::cli {

/// A file as it is to be published.
struct PublishFile {
    std::string kind;
    std::string name;
    std::string body;
};

/// The file itself, or every *.yaml below a folder, by name. NotFound, Io.
Result<std::vector<std::filesystem::path>> yaml_files(const std::string& word);
Result<std::string> read_text(const std::filesystem::path& path);
Result<PublishFile> file_to_publish(std::string kind, const std::filesystem::path& path);

/// Puts the files in force and prints what came of it. `backtest`: the record of a back-test, as
/// JSON; empty: none is asked for.
Result<void> publish_files(SiteClient& site, const std::vector<PublishFile>& files,
                           std::string_view backtest);
/// Puts an earlier version in force once more and prints what came of it; `to` empty: the one
/// before.
Result<void> roll_back(SiteClient& site, std::string_view kind, std::string_view name,
                       std::string_view to);

/// A version of a file, as the site's log has it.
struct PublishedFile {
    std::string kind;
    std::string name;
    std::string version;  ///< digest of the body
    std::string since;
    std::string by;
    std::string state;     ///< "in force", "superseded", "retired"
    std::string backtest;  ///< what its back-test came to; empty: none was asked for
    std::string body;      ///< only where asked for
};
/// The oldest first; of every kind where `kind` is empty.
Result<std::vector<PublishedFile>> published_files(SiteClient& site, std::string_view kind,
                                                   bool bodies);

}  // namespace vitalog::topology::cli
