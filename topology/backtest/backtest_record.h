#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "topology/publication.h"

namespace vitalog::topology {

/// A pack that was tried.
struct BacktestedPack {
    std::string name;     ///< of the file, as it is published
    std::string version;  ///< digest of its text, as a publication has it
    std::string against;  ///< digest of the version in force at the end of the stretch; empty: none

    template <class V>
    void members(V& v) {
        v.required("name", name);
        v.required("version", version);
        v("against", against);
    }
};

/// What a back-test came to, kept as JSON: which packs it tried, over which stretch, with what
/// load.
struct BacktestRecord {
    std::string format;  ///< kBacktestFormat
    std::string program;
    std::vector<BacktestedPack> packs;
    std::string from;          ///< RFC 3339
    std::string to;            ///< RFC 3339, not held
    std::int64_t events = 0;   ///< records about persons in the stretch
    std::int64_t persons = 0;  ///< with events in it
    std::int64_t episodes_in_force = 0;
    std::int64_t episodes_draft = 0;
    std::int64_t won = 0;
    std::int64_t lost = 0;
    std::int64_t tasks_in_force = 0;
    std::int64_t tasks_draft = 0;
    double load_in_force = 0;  ///< tasks that the busiest doctor gets in one shift, on average
    double load_draft = 0;
    std::string busiest;  ///< whose, and in which shift

    template <class V>
    void members(V& v) {
        v.required("format", format);
        v("program", program);
        v.required("packs", packs);
        v.required("from", from);
        v.required("to", to);
        v.required("events", events);
        v.required("persons", persons);
        v.required("episodes_in_force", episodes_in_force);
        v.required("episodes_draft", episodes_draft);
        v.required("won", won);
        v.required("lost", lost);
        v.required("tasks_in_force", tasks_in_force);
        v.required("tasks_draft", tasks_draft);
        v.required("load_in_force", load_in_force);
        v.required("load_draft", load_draft);
        v("busiest", busiest);
    }

    /// Malformed where the text is no such record.
    static Result<BacktestRecord> parse(std::string_view json);
    std::string to_json() const;
    /// One line, which travels with the publication.
    std::string summary() const;
};
inline constexpr std::string_view kBacktestFormat = "vitalog-backtest/1";

/// Whether the rule packs among the files were tried as they are, beside what is in force now, and
/// bring no more load than is allowed; 0: no limit. Conflict: says what is missing and what to do.
Result<void> check_backtest(const BacktestRecord& record, const std::vector<Publication>& files,
                            const std::vector<Published>& standing, std::int64_t load_max);

}  // namespace vitalog::topology
