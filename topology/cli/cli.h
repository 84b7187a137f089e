#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::topology::cli {

/// Exit codes of the contract.
enum Exit : int { kStopped = 0, kFailed = 1, kUsage = 2, kDataDirectory = 3 };

/// The words after the command. Long flags only: "--name value" or "--name=value"; switches take no value.
class Arguments {
  public:
    struct Known {
        std::vector<std::string_view> values;    ///< flags that take a value
        std::vector<std::string_view> switches;  ///< flags that take none
        std::size_t words_max = 0;               ///< plain words
    };
    /// Configuration: names the word that is not known and what is.
    static Result<Arguments> parse(const std::vector<std::string>& words, const Known& known);

    std::optional<std::string> value(std::string_view flag) const;
    std::string value_or(std::string_view flag, std::string_view otherwise) const;
    std::vector<std::string> all(std::string_view flag) const;
    bool has(std::string_view flag) const;
    const std::vector<std::string>& words() const { return words_; }

  private:
    std::vector<std::pair<std::string, std::string>> flags_;
    std::vector<std::string> words_;
};

/// One subcommand: its help is one literal block.
struct Command {
    std::string_view name;
    std::string_view summary;
    std::string_view help;
    int (*run)(const std::vector<std::string>& words);
};

extern const Command kRun, kDescribe, kExplain, kSendHl7, kShadow, kSimulate, kTopic, kDeadLetter, kGatewaySim, kImport,
    kViews, kConfig, kVersion, kPublish, kBackup, kRestore, kStatus, kMigrate;

/// Prints "vitalog COMMAND: message" and the hint at --help; gives the exit code for the error.
int report(std::string_view command, const Error& error);
int report_usage(std::string_view command, const Error& error);

/// A whole number in [least, most]. Configuration otherwise, naming the flag.
Result<std::int64_t> number_of(const Arguments& arguments, std::string_view flag, std::int64_t otherwise,
                               std::int64_t least, std::int64_t most);

/// What VITALOG_TOKEN holds, for sites that ask for a token; a flag would show it to everybody on
/// the machine.
std::string bearer_token();
/// The VITALOG_* variables of the environment.
std::map<std::string, std::string> environment();

}  // namespace vitalog::topology::cli
