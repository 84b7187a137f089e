// What no tool knows: include edges, third-party fences, sizes, banned calls. The rules are data; read them as the
// design's table.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Source {
    std::string path;    // from the root
    std::string folder;  // its first part
    std::vector<std::string> lines;
    bool header;
};

std::vector<Source> sources() {
    std::vector<Source> all;
    const fs::path root(VITALOG_SOURCE_DIR);
    for (const char* folder : {"schemas", "state", "processors", "ingest", "sinks", "topology"})
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            const auto extension = entry.path().extension();
            if (extension != ".cc" && extension != ".h") continue;
            Source source{fs::relative(entry.path(), root).string(), folder, {}, extension == ".h"};
            std::ifstream file(entry.path());
            for (std::string line; std::getline(file, line);) source.lines.push_back(line);
            all.push_back(std::move(source));
        }
    return all;
}

/// Calls back for each include: the path, and whether it is in quotes.
template <class Visit>
void for_each_include(const Source& source, Visit visit) {
    static const std::regex pattern(R"(^\s*#include ([<"])([^>"]+)[>"])");
    for (const auto& line : source.lines) {
        std::smatch match;
        if (std::regex_search(line, match, pattern)) visit(match[2].str(), match[1].str() == "\"");
    }
}

TEST(Tidy, FoldersIncludeOnlyWhatTheDesignAllows) {
    const std::map<std::string, std::set<std::string>> allowed{
        {"schemas", {"schemas"}},
        {"state", {"schemas", "state"}},
        {"processors", {"schemas", "state", "processors"}},
        {"ingest", {"schemas", "ingest"}},
        {"sinks", {"schemas", "sinks"}},
        {"topology", {"schemas", "state", "processors", "ingest", "sinks", "topology"}}};
    for (const auto& source : sources())
        for_each_include(source, [&](const std::string& include, bool quoted) {
            if (!quoted) return;
            const std::string folder = include.substr(0, include.find('/'));
            // Intake is a stage whose logic is decoding: it implements the processor interface where the decoders are.
            const bool intake = source.path.starts_with("ingest/intake/") && include == "processors/processor.h";
            EXPECT_TRUE(intake || allowed.at(source.folder).contains(folder)) << source.path << " includes " << include;
        });
}

TEST(Tidy, WhatComputesThePastAnewHasNoWayToAProvider) {
    for (const auto& source : sources()) {
        if (!source.path.starts_with("topology/audit/") && !source.path.starts_with("topology/backtest/")) continue;
        for_each_include(source, [&](const std::string& include, bool) {
            const bool sends = include.starts_with("sinks/") && include != "sinks/blobs/file_digest.h";
            EXPECT_FALSE(sends || include.starts_with("ingest/") || include == "topology/senders.h" || include == "topology/site.h")
                << source.path << " includes " << include;
        });
    }
}

TEST(Tidy, ThirdPartyHeadersStayBehindTheirFences) {
    struct Fence {
        const char* include;              // prefix
        std::vector<std::string> places;  // path prefixes that may
        bool in_headers;
    };
    const std::vector<Fence> fences{
        {"rocksdb/", {"state/", "topology/log/"}, true},
        {"librdkafka", {"topology/log/kafka/"}, true},
        {"boost/asio", {"ingest/", "sinks/"}, true},
        {"boost/beast", {"ingest/", "sinks/"}, true},
        {"sqlite3", {"sinks/views/"}, false},
        {"pqxx/", {"sinks/views/"}, false},
        {"simdjson", {"schemas/json_decode.h", "sinks/", "ingest/", "topology/"}, true},
        {"yaml-cpp", {"schemas/", "topology/"}, false},
        {"lz4", {"topology/log/"}, false},
        {"expat", {"ingest/wearable/"}, false},
        {"openssl/", {"sinks/", "ingest/", "topology/log/"}, true}};
    for (const auto& source : sources())
        for_each_include(source, [&](const std::string& include, bool) {
            for (const auto& fence : fences) {
                if (!include.starts_with(fence.include)) continue;
                const bool inside = std::any_of(fence.places.begin(), fence.places.end(),
                                                [&](const auto& place) { return source.path.starts_with(place); });
                EXPECT_TRUE(inside) << source.path << " includes " << include;
                EXPECT_TRUE(!source.header || fence.in_headers) << source.path << " shows " << include << " in a header";
            }
        });
}

TEST(Tidy, ProcessorsIncludeOnlyStdAndOurOwn) {
    for (const auto& source : sources()) {
        if (source.folder != "processors") continue;
        for_each_include(source, [&](const std::string& include, bool quoted) {
            EXPECT_TRUE(quoted || include.find('/') == std::string::npos) << source.path << " includes " << include;
            EXPECT_FALSE(!quoted && include.ends_with(".h")) << source.path << " includes " << include;
        });
    }
}

TEST(Tidy, NoFileHoldsTwoConceptsByItsLength) {
    for (const auto& source : sources()) EXPECT_LE(source.lines.size(), 600U) << source.path;
}

TEST(Tidy, NoFunctionIsLongerThanASecondScreen) {
    // A function body begins with a line that ends in "{" at the margin and ends with "}" at the margin.
    // The catalogue is a table, written as one function because its rows are types.
    const std::set<std::string> tables{"schemas/catalogue.h"};
    for (const auto& source : sources()) {
        if (tables.contains(source.path)) continue;
        std::size_t begin = 0;
        bool inside = false;
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            const std::string& line = source.lines[i];
            const bool at_margin = !line.empty() && line[0] != ' ' && line[0] != '#' && line[0] != '/' && line[0] != '}';
            const bool type = std::regex_search(line, std::regex(R"(^(template|class|struct|enum|namespace|union|constexpr|const|static const|inline constexpr)\b)"));
            if (!inside && at_margin && line.ends_with("{") && line.find('(') != std::string::npos && !type) {
                inside = true;
                begin = i;
            } else if (inside && line == "}") {
                inside = false;
                EXPECT_LE(i - begin + 1, 70U) << source.path << ":" << begin + 1;
            }
        }
    }
}

TEST(Tidy, BannedCallsHaveTheirReplacement) {
    struct Ban {
        const char* text;
        const char* instead;
        std::vector<std::string> except;
    };
    const std::vector<Ban> bans{
        {"system_clock::now", "Clock::now()", {"topology/clock.cc"}},
        // Between two calls of a loop that ends by itself within the limit of a call to the cluster.
        {"sleep_for", "a condition variable or a timer that stop() ends", {"topology/log/kafka/client.cc"}},
        {"std::rand", "nothing: what decides is in the log", {}},
        {"random_device", "nothing: what decides is in the log", {}},
        {"getenv", "Config", {}},
        {"using namespace std;", "std::", {}},
        {"DeleteRange", "single deletions: iterators ignore deleted ranges (iterating(), topology/log/rocks.h)", {}},
        // One member list serves both directions of a codec; zlib, iconv and librdkafka take char* for what they only read.
        {"const_cast", "a type that says what is meant",
         {"schemas/json.h", "processors/stored_form.h", "ingest/http/inflate.cc", "ingest/hl7/charset.cc",
          "topology/log/kafka/producer.cc"}},
        {"TODO", "the work, or a line in the closing note", {}},
        {"FIXME", "the work, or a line in the closing note", {}}};
    for (const auto& source : sources())
        for (std::size_t i = 0; i < source.lines.size(); ++i)
            for (const auto& ban : bans) {
                if (source.lines[i].find(ban.text) == std::string::npos) continue;
                const bool excepted = std::find(ban.except.begin(), ban.except.end(), source.path) != ban.except.end();
                EXPECT_TRUE(excepted) << source.path << ":" << i + 1 << " " << ban.text << "; use " << ban.instead;
            }
}

/// The first argument of the call that begins behind `at` of line `i`; it may be on the next line.
std::string first_argument(const Source& source, std::size_t i, std::size_t at) {
    std::string rest = source.lines[i].substr(at);
    if (rest.find_first_not_of(' ') == std::string::npos && i + 1 < source.lines.size()) rest = source.lines[i + 1];
    const std::size_t begin = rest.find_first_not_of(' ');
    return begin == std::string::npos ? "" : rest.substr(begin, rest.find(',', begin) - begin);
}

/// Whether the nearest declaration before line `i` makes it with iterating().
bool declared_iterating(const Source& source, std::size_t i, const std::string& name) {
    while (i-- > 0) {
        const std::size_t at = source.lines[i].find("rocksdb::ReadOptions " + name);
        if (at != std::string::npos) return source.lines[i].find(name + " = iterating();", at) != std::string::npos;
    }
    return false;
}

TEST(Tidy, EveryIteratorOverADatabaseIsMadeWithIterating) {
    // See iterating() in topology/log/rocks.h: with other options a damaged table is passed over without an error.
    constexpr std::string_view kCall = "NewIterator(";
    std::size_t seen = 0;
    for (const auto& source : sources())
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            const std::size_t at = source.lines[i].find(kCall);
            EXPECT_EQ(source.lines[i].find("NewIterators("), std::string::npos) << source.path << ":" << i + 1;
            if (at == std::string::npos) continue;
            ++seen;
            const std::string options = first_argument(source, i, at + kCall.size());
            EXPECT_TRUE(options == "iterating()" || declared_iterating(source, i, options))
                << source.path << ":" << i + 1 << " iterates with '" << options << "', which is not made by iterating()";
        }
    EXPECT_GT(seen, 0U);
}

TEST(Tidy, ProcessorsReadNoClockNoFileAndNoEnvironment) {
    for (const auto& source : sources()) {
        if (source.folder != "processors") continue;
        for_each_include(source, [&](const std::string& include, bool) {
            for (const char* banned : {"fstream", "filesystem", "random", "thread", "mutex", "ctime", "iostream"})
                EXPECT_NE(include, banned) << source.path;
        });
        for (std::size_t i = 0; i < source.lines.size(); ++i)
            for (const char* banned : {"steady_clock", "system_clock", "std::rand", "unordered_"})
                EXPECT_EQ(source.lines[i].find(banned), std::string::npos)
                    << source.path << ":" << i + 1 << " " << banned << " (an unordered container has an order that no record gives)";
    }
}

}  // namespace
