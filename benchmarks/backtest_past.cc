// A recorded past to try rules on: the data directory of a site that is stopped, and a draft of the
// built-in pack with other limits. `vitalog rules backtest` tells how long it takes over it.
//   backtest_past FOLDER [events] [persons] [seed]
// writes FOLDER/data and FOLDER/acute-core.yaml. Each event is a message of five results, every
// three days one for each person; one person in twenty is ill, and gives alerts.

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/care_records.h"
#include "schemas/embed.h"
#include "schemas/events/control.h"
#include "schemas/events/directory.h"
#include "topology/publication.h"
#include "topology/site_log.h"
#include "topology/topics.h"

namespace {

using namespace vitalog;
using namespace vitalog::benchmarks;
using namespace vitalog::topology;
using schemas::Topic;

constexpr std::string_view kTeam =
    R"({"team":"general","members":[{"user":"dr.li"},{"user":"dr.wu"}],"shifts":[)"
    R"({"from":"08:00","to":"20:00","doctor":"dr.day"},{"from":"20:00","to":"08:00","doctor":"dr.night"}]})";
constexpr std::size_t kMoments = 1000;  // of one round, as Records::taken has it
constexpr std::size_t kIllOneIn = 20;
constexpr double kIllScatter = 3;
constexpr auto kLaboratory = std::chrono::minutes(40);  // from taken to received

template <class T>
T must(Result<T> result) {
    if (!result) {
        fmt::print(stderr, "{}\n", result.error().to_string());
        std::exit(1);
    }
    return *std::move(result);
}
void must(Result<void> result) {
    if (!result) {
        fmt::print(stderr, "{}\n", result.error().to_string());
        std::exit(1);
    }
}

Config site_config() {
    Config::Sources sources;
    sources.flags.emplace_back("desk.default_team", "general");
    return must(Config::load(sources));
}

/// Appends to one topic as the stage before it does.
class Writer {
  public:
    Writer(Log& log, const schemas::TopicNames& names, Topic topic)
        : name_(names.name(topic)), partitions_(names.partitions(topic)) {
        for (std::uint32_t p = 0; p < partitions_; ++p)
            parts_.push_back({must(log.open_shard("past", {name_, Partition(p)})), {}});
    }
    void control(const schemas::Control& control, LogTime at) {
        for (auto& part : parts_)
            add(part, "", schemas::Control::kType, schemas::encode(control), at);
    }
    void event(std::string_view key, std::string_view type, std::string_view value, LogTime at) {
        add(parts_[partition_of(key, partitions_).value()], key, type, value, at);
    }
    void flush() {
        for (std::uint32_t p = 0; p < partitions_; ++p) flush(parts_[p], Partition(p));
    }

  private:
    struct Part {
        std::unique_ptr<ShardLog> shard;
        RecordBlockBuilder block;
    };
    void add(Part& part, std::string_view key, std::string_view type, std::string_view value,
             LogTime at) {
        const std::string id = IdHash().part(name_).part(written_++).finish().to_string();
        headers_.clear();
        for (const auto& [header, text] :
             {std::pair<std::string_view, std::string_view>{header::kId, id},
              {header::kType, type},
              {header::kRoot, id},
              {header::kCause, id}})
            Headers::append(headers_, header, text);
        Headers::append(headers_, header::kReceived, std::to_string(at.micros()));
        part.block.add(at, key, headers_, value);
        if (part.block.bytes() >= (1U << 20))
            flush(part, Partition(static_cast<std::uint32_t>(&part - parts_.data())));
    }
    void flush(Part& part, Partition partition) {
        if (part.block.empty()) return;
        Commit commit;
        commit.outputs.push_back({{name_, partition}, std::move(part.block)});
        part.block = {};
        std::optional<Error> error;
        if (part.shard->commit(commit, error) != CommitOutcome::Committed) std::exit(1);
    }

    const std::string name_;
    const std::uint32_t partitions_;
    std::vector<Part> parts_;
    std::string headers_;
    std::int64_t written_ = 0;
};

void write_past(Log& log, const schemas::TopicNames& names, const Config& config,
                std::size_t events, std::size_t persons, std::uint64_t seed) {
    const LogTime begin = Records::taken(0, 0).as<LogTime>();
    Writer person(log, names, Topic::Person), task(log, names, Topic::Task);
    for (const auto& publication : must(collect_publications(config))) {
        must(publish_one(log, names, begin, publication));
        const schemas::Control control{publication.kind, publication.name, publication.version,
                                       publication.body};
        person.control(control, begin);
        task.control(control, begin);
    }
    task.control({schemas::TeamEntry::kControlKind, "general", "1", kTeam}, begin);
    Records records(seed);
    std::size_t written = 0;
    for (std::size_t round = 0; written < events; ++round)
        for (std::size_t moment = 0; moment < kMoments; ++moment)
            for (std::size_t who = moment; who < persons && written < events; who += kMoments) {
                const double scatter = who % kIllOneIn == 0 ? kIllScatter : 1;
                const LogTime at = Records::taken(who, round).as<LogTime>() + kLaboratory;
                person.event(Records::person_id(who), schemas::PersonClinical::kType,
                             records.make(who, round, scatter), at);
                ++written;
            }
    person.flush();
    task.flush();
    fmt::print(
        "{} events of {} persons from {} to {}\n", written, persons, to_rfc3339(begin),
        to_rfc3339(Records::taken(kMoments - 1, written / persons).as<LogTime>() + kLaboratory));
}

void write_draft(const std::filesystem::path& path) {
    for (const auto& file : schemas::builtin_files()) {
        if (file.kind != "rules" || file.name != "acute-core.yaml") continue;
        std::string text(file.text);
        const std::string_view limit = "high: 6.2\n";
        text.replace(text.find(limit), limit.size(), "high: 6.5\n");
        std::ofstream(path) << text;
    }
}

}  // namespace

int main(int count, char** words) {
    if (count < 2) {
        fmt::print(stderr, "usage: backtest_past FOLDER [events] [persons] [seed]\n");
        return 2;
    }
    const auto number = [&](int at, std::uint64_t otherwise) {
        return count > at ? std::strtoull(words[at], nullptr, 10) : otherwise;
    };
    const std::filesystem::path folder = words[1];
    std::filesystem::create_directories(folder);
    const Config config = site_config();
    const auto names = configured_names(config);
    SiteLog::Options options;
    options.data_dir = folder / "data";
    const auto site = must(SiteLog::open(config, names, options));
    write_past(site.log(), names, config, number(2, 1'000'000), number(3, 100'000), number(4, 1));
    must(site.embedded()->sync());
    write_draft(folder / "acute-core.yaml");
    return 0;
}
