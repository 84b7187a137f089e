#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/base/ports.h"
#include "schemas/events/clinical.h"
#include "schemas/events/identity.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/topics.h"
#include "sinks/views/place.h"
#include "sinks/views/view_reader.h"
#include "sinks/views/view_store.h"

namespace vitalog::tests {

inline std::string hex_id(std::string_view name) {
    return IdHash().part(name).finish().to_string();
}
inline ZonedTime at(std::string_view text) {
    return *parse_zoned_time(text);
}

/// A member of a JSON text by JSON pointer: strings as they are, the rest as JSON; "" where there
/// is none.
inline std::string member(const std::string& json, const std::string& pointer) {
    simdjson::dom::parser parser;
    simdjson::dom::element element;
    if (parser.parse(json).get(element) != simdjson::SUCCESS) return "not JSON";
    if (element.at_pointer(pointer).get(element) != simdjson::SUCCESS) return "";
    std::string_view text;
    if (element.get(text) == simdjson::SUCCESS) return std::string(text);
    return simdjson::minify(element);
}
/// The extension of a URL in an array of extensions at `pointer`, as JSON.
inline std::string extension(const std::string& json, const std::string& url,
                             const std::string& pointer = "") {
    for (int i = 0;; ++i) {
        const std::string one = member(json, pointer + "/extension/" + std::to_string(i));
        if (one.empty() || member(one, "/url") == url) return one;
    }
}

/// A folder that goes away with the test.
class Folder {
  public:
    Folder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "vitalog-views-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

/// Where the views of a test are, until it ends: a file or, where VITALOG_TEST_POSTGRES says on
/// which server (tests/support/with_postgres.py), a database of its own.
class ViewsPlace {
  public:
    enum class Kind { AsTested, Sqlite };
    ViewsPlace() : ViewsPlace(Kind::AsTested) {}
    explicit ViewsPlace(Kind kind) : name_(folder_.file("views.db")) {
        if (kind == Kind::Sqlite || server() == nullptr) return;
        static int count = 0;
        database_ = "test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
        on_server("CREATE DATABASE " + database_ + " TEMPLATE template0 ENCODING 'UTF8'");
        name_ = url(database_);
    }
    ~ViewsPlace() {
        if (!database_.empty()) on_server("DROP DATABASE " + database_ + " WITH (FORCE)");
    }
    ViewsPlace(const ViewsPlace&) = delete;
    ViewsPlace& operator=(const ViewsPlace&) = delete;

    const std::string& name() const { return name_; }
    operator const std::string&() const { return name_; }

    /// "postgresql://..." with @ for the name of a database; null: SQLite is tested.
    static const char* server() { return std::getenv("VITALOG_TEST_POSTGRES"); }
    static std::string url(const std::string& database) {
        std::string url = server();
        return url.replace(url.find('@'), 1, database);
    }
    static void on_server(const std::string& statement) {
        auto server = sinks::sql::open(url("postgres"), sinks::sql::Mode::Read);
        VITALOG_ASSERT(server.has_value(), server ? "" : server.error().to_string());
        const auto done = (*server)->execute(statement);
        VITALOG_ASSERT(done.has_value(), done ? "" : done.error().to_string());
    }

  private:
    Folder folder_;
    std::string name_;
    std::string database_;
};

inline std::vector<unsigned char> bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

/// Every row of the tables as text, alike from either store.
inline std::string dump_of(const std::string& place) {
    auto db = *sinks::sql::open(place, sinks::sql::Mode::Read);
    std::vector<std::string> lines;
    for (const std::string table :
         {"person", "identifier", "link", "encounter", "report", "observation", "risk", "alert",
          "task", "task_version", "delivery", "clash", "sample_series", "sample_hour"}) {
        auto rows = *db->prepare("SELECT * FROM " + table);
        for (;;) {
            const auto more = rows.next();
            VITALOG_ASSERT(more.has_value(), more ? "" : more.error().to_string());
            if (!*more) break;
            std::string line = table + ":";
            for (int i = 0; i < rows.columns(); ++i) {
                const auto kind = rows.kind(i);
                line += kind == sinks::sql::Kind::Nothing  ? " -"
                        : kind == sinks::sql::Kind::Number ? " " + fmt::format("{}", rows.real(i))
                        : kind == sinks::sql::Kind::Text
                            ? " '" + rows.string(i) + "'"
                            : " x" + fmt::format("{:02x}", fmt::join(bytes_of(rows.blob(i)), ""));
            }
            lines.push_back(std::move(line));
        }
    }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    return text;
}

/// Records as a log would give them, kept alive.
class Records {
  public:
    template <class E>
    Records& add(const E& event, std::string_view key = "k", std::int64_t log_us = 0) {
        auto& kept = *kept_.emplace_back(std::make_unique<Kept>());
        kept.value = schemas::encode(event);
        kept.key = key;
        Headers::append(kept.headers, header::kType, E::kType);
        const auto n = static_cast<std::int64_t>(kept_.size());
        views_.push_back({Offset(n - 1), LogTime(log_us == 0 ? n * 1000 : log_us), kept.key,
                          kept.value, Headers(kept.headers)});
        return *this;
    }
    sinks::views::ViewBatch batch(std::string topic, std::uint32_t partition = 0) const {
        return {{std::move(topic), Partition(partition)},
                views_,
                Offset(static_cast<std::int64_t>(views_.size()))};
    }

  private:
    struct Kept {
        std::string key, value, headers;
    };
    std::vector<std::unique_ptr<Kept>> kept_;
    std::vector<RecordView> views_;
};

/// A clinical message in the words of a test.
struct Message {
    std::string person;
    std::string said = "2020-05-01T14:00:00+08:00";
    std::optional<schemas::EncounterEvent> encounter;
    std::optional<schemas::Patient> patient;
    std::vector<schemas::Observation> results;
    std::string report = hex_id("report");

    schemas::PersonClinical event() const {
        schemas::PersonClinical clinical;
        clinical.person = person;
        clinical.event.identifiers = {{"HOSP", "1", "MR"}};
        clinical.event.trigger = "ORU^R01";
        clinical.event.occurred = at(said);
        clinical.event.encounter = encounter;
        clinical.event.patient = patient;
        if (!results.empty()) {
            schemas::Report one;
            one.id = report;
            one.filler = "F1";
            one.code = {"WinPath", "us-0003", "UREA AND ELECTROLYTES"};
            one.status = "final";
            one.effective = results.front().effective;
            one.observations = results;
            clinical.event.reports.push_back(one);
        }
        return clinical;
    }
};

/// `id` must outlive the observation.
inline schemas::Observation creatinine(const std::string& id, std::string_view when, double value) {
    schemas::Observation o;
    o.id = id;
    o.loinc = "14682-9";
    o.code = {"WinPath", "tt-0003-01", "Creatinine"};
    o.effective = at(when);
    o.kind = schemas::ValueKind::Quantity;
    o.value = value;
    o.unit = "umol/L";
    o.raw_value = "98.00";
    o.raw_unit = "UMOLL";
    o.low = 49;
    o.high = 92;
    o.range = "49 - 92";
    o.flags = "H";
    return o;
}

inline schemas::TaskState open_task(const std::string& task, const std::string& alert,
                                    const std::string& person) {
    schemas::TaskState state;
    state.task = task;
    state.version = 1;
    state.alert = alert;
    state.person = person;
    state.rule = "aki-3";
    state.rule_version = "1.0";
    state.team = "renal";
    state.priority = schemas::Priority::High;
    state.problem = "Acute kidney injury stage 3";
    state.since = at("2020-05-01T14:00:00+08:00");
    state.opened = ReceivedTime(1'000'000);
    state.deadline = ReceivedTime(3'601'000'000);
    state.changed = ReceivedTime(1'000'000);
    return state;
}

/// A store and a reader over one place.
class Archive {
  public:
    explicit Archive(ViewsPlace::Kind kind = ViewsPlace::Kind::AsTested)
        : place_(kind),
          store(*sinks::views::ViewStore::open(place_, Generation(1))),
          reader(*sinks::views::ViewReader::open(place_, 2)) {}

    void apply(const std::vector<sinks::views::ViewBatch>& batches) {
        const auto applied = store.apply(batches);
        VITALOG_ASSERT(applied.has_value() && applied->refused == 0,
                       applied ? applied->refusal : applied.error().to_string());
    }
    std::string dump() const { return dump_of(place_); }
    std::vector<sinks::views::ObservationRow> results_of(const std::string& person,
                                                         bool all = false) {
        sinks::views::Query query;
        query.persons = *reader.group_of(person);
        query.order = {{"effective_us", false}};
        if (!all)
            query.conditions.push_back({{{"hidden", sinks::views::Op::In, {std::int64_t{0}}}}});
        return reader.observations(query)->rows;
    }
    const std::string& place() const { return place_; }

  private:
    ViewsPlace place_;

  public:
    sinks::views::ViewStore store;
    sinks::views::ViewReader reader;
};

}  // namespace vitalog::tests
