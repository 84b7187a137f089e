#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "topology/cli/audit_source.h"
#include "topology/cli/cli.h"
#include "topology/cli/huge_pages.h"
#include "topology/cli/rules.h"

namespace {

using vitalog::topology::cli::Command;
namespace cli = vitalog::topology::cli;

const std::array kCommands{&cli::kRun,     &cli::kDescribe, &cli::kExplain, &cli::kAudit, &cli::kReplay, &cli::kSendHl7, &cli::kShadow,
                           &cli::kSimulate, &cli::kTopic,    &cli::kDeadLetter, &cli::kStatus,  &cli::kPublish,
                           &cli::kRules,
                           &cli::kBackup,  &cli::kRestore,  &cli::kMigrate,    &cli::kGatewaySim, &cli::kImport,
                           &cli::kViews,   &cli::kConfig,   &cli::kVersion};

void print_help() {
    fmt::print("Vitalog keeps watch over people's health as events arrive.\n\nusage: vitalog COMMAND [FLAGS]\n\ncommands:\n");
    for (const Command* command : kCommands) fmt::print("  {:<12} {}\n", command->name, command->summary);
    fmt::print("\nvitalog COMMAND --help shows flags and examples.\n"
               "exit codes: 0 stopped as asked, 1 failed, 2 usage or configuration, 3 data directory in use, damaged\n"
               "or not usable. VITALOG_TOKEN in the environment is the token for a site that asks for one.\n");
}

/// Where files, threads or memory run out, the libraries throw, in whatever thread, and nothing can go on. The process
/// ends as if it were killed, and says what to do; the next start finds everything that was acknowledged.
[[noreturn]] void end_without_resources() {
    const auto say = [](const char* what) {
        std::fprintf(stderr, "vitalog: %s: if files (ulimit -n), threads or memory of this process or its container have run out, "
                             "raise that limit; then start again\n", what);
    };
    try {
        if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
    } catch (const std::bad_alloc& thrown) {
        say(thrown.what());
        _exit(cli::kFailed);
    } catch (const std::system_error& thrown) {
        say(thrown.what());
        _exit(cli::kFailed);
    } catch (const std::exception& thrown) {
        say(thrown.what());
    } catch (...) {
        say("unknown exception");
    }
    std::abort();
}

}  // namespace

int main(int argc, char** argv) {
    std::set_terminate(end_without_resources);
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.empty() || words[0] == "--help" || words[0] == "help") {
        print_help();
        return words.empty() ? cli::kUsage : cli::kStopped;
    }
    if (words[0] == "--version") return cli::kVersion.run({});
    for (const Command* command : kCommands) {
        if (command->name != words[0]) continue;
        const std::vector<std::string> rest(words.begin() + 1, words.end());
        for (const auto& word : rest) {
            if (word != "--help") continue;
            fmt::print("{}", command->help);
            return cli::kStopped;
        }
        const bool backtest = command == &cli::kRules && !rest.empty() && rest[0] == "backtest";
        if (command == &cli::kRun || backtest) cli::restart_with_huge_pages(argv);
        return command->run(rest);
    }
    fmt::print(stderr, "vitalog: there is no command '{}'; vitalog --help lists them\n", words[0]);
    return cli::kUsage;
}
