#include "topology/backtest/backtest_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "schemas/json_decode.h"

namespace vitalog::topology {
namespace {

constexpr std::string_view kRules = "rules";

const BacktestedPack* find(const BacktestRecord& record, std::string_view name) {
    const auto found = std::find_if(record.packs.begin(), record.packs.end(),
                                    [&](const BacktestedPack& pack) { return pack.name == name; });
    return found == record.packs.end() ? nullptr : &*found;
}

std::string_view version_of(const std::vector<Published>& standing, std::string_view name) {
    for (const Published& entry : standing)
        if (entry.publication.kind == kRules && entry.publication.name == name)
            return entry.publication.version;
    return {};
}

std::string or_none(std::string_view version) {
    return version.empty() ? "no version" : std::string(version);
}

Result<void> check_pack(const BacktestRecord& record, const Publication& file,
                        const std::vector<Published>& standing) {
    const BacktestedPack* tried = find(record, file.name);
    if (tried == nullptr)
        return fail(
            Errc::Conflict,
            fmt::format(
                "rules/{} was not back-tested: the record knows nothing of it; run vitalog rules "
                "backtest with --pack {} too",
                file.name, file.name));
    if (tried->version != file.version)
        return fail(Errc::Conflict, fmt::format("rules/{} was back-tested as {}, and what is to be "
                                                "published is {}: it changed since; "
                                                "run vitalog rules backtest again",
                                                file.name, tried->version, file.version));
    const auto now = version_of(standing, file.name);
    if (now != file.version && tried->against != now)
        return fail(
            Errc::Conflict,
            fmt::format(
                "rules/{} was back-tested beside {}, and {} is in force now; run vitalog rules "
                "backtest again",
                file.name, or_none(tried->against), or_none(now)));
    return {};
}

}  // namespace

Result<BacktestRecord> BacktestRecord::parse(std::string_view json) {
    schemas::Decoder decoder;
    VITALOG_TRY(auto record, schemas::decode<BacktestRecord>(json, decoder));
    if (record.format != kBacktestFormat)
        return fail(
            Errc::Malformed,
            fmt::format("format '{}' is none that this program reads: {}; make the record anew "
                        "with vitalog rules backtest",
                        record.format, kBacktestFormat));
    return record;
}

std::string BacktestRecord::to_json() const {
    return schemas::encode(*this);
}

std::string BacktestRecord::summary() const {
    return fmt::format("{} to {}: {} events, {} episodes ({} won, {} lost), {} tasks, load {:.2f}",
                       from, to, events, episodes_draft, won, lost, tasks_draft, load_draft);
}

Result<void> check_backtest(const BacktestRecord& record, const std::vector<Publication>& files,
                            const std::vector<Published>& standing, std::int64_t load_max) {
    for (const Publication& file : files)
        if (file.kind == kRules) VITALOG_CHECK(check_pack(record, file, standing));
    if (record.events == 0)
        return fail(
            Errc::Conflict,
            fmt::format("nothing happened from {} to {}, so the back-test says nothing; choose "
                        "a stretch with events",
                        record.from, record.to));
    if (load_max > 0 && record.load_draft > static_cast<double>(load_max))
        return fail(Errc::Conflict,
                    fmt::format("the draft brings {} {:.2f} tasks a shift on average, more than "
                                "rules.load_max = {} "
                                "(in force: {:.2f}); raise its limits, or rules.load_max",
                                record.busiest, record.load_draft, load_max, record.load_in_force));
    return {};
}

}  // namespace vitalog::topology
