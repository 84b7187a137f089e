// What a site makes of a data directory in which one byte is not what was written.
//   damage_check DATA_DIR THEN.hl7 SCRATCH [--every N --edges N | --sample N] [--seed S] [--seconds
//   N] [--part I/N]
//                [--file NAME]
// For each byte of each file: copies the directory of a stopped or killed site of one partition,
// changes the byte (one bit, drawn from its place), starts what a site starts, takes the message in
// THEN.hl7 and works until nothing is left to do, in a process of its own. What comes out is
// compared with what the whole directory gives. Allowed are: the same; the same after the end of a
// write-ahead log was dropped, and that was reported; or an error that names a file or an offset
// and says what to do. Prints "row KIND BYTES TRIED SAME DROPPED REFUSED STOPPED WRONG" for each
// kind of file; exits 1 where anything else came out. With --every N: every byte of CURRENT,
// MANIFEST, format and synced, and of the first and last --edges bytes of the others (4096); every
// Nth between; a hundred of each file that nothing reads. With --sample N: as many, drawn by lot,
// alike for each kind of file. With --seconds N: in an order drawn by lot, so long.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "ingest/hl7/time.h"
#include "ingest/mllp/admission.h"
#include "sinks/blobs/blob_store.h"
#include "sinks/views/place.h"
#include "sinks/views/view_worker.h"
#include "tests/support/no_metrics.h"
#include "topology/clock.h"
#include "topology/config.h"
#include "topology/log/embedded_log.h"
#include "topology/runtime/shard.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::int64_t kNow =
    1'795'253'400'000;  // 2026-11-21T09:30:00Z, after all that is in the directory
constexpr std::uint64_t kUnreadPlaces = 100;

/// What a look at a directory gives: lines that must be the same, or why it ended.
struct Seen {
    enum class How : char { Whole = 'w', Refused = 'r', Stopped = 's', Crashed = 'c' };
    How how = How::Crashed;
    std::string text;       // the lines, or the error
    bool reported = false;  // that the end of a write-ahead log was dropped
};

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A site without threads of its own.
class Look {
  public:
    Look(const Config& config, fs::path folder, const std::string& then)
        : folder_(std::move(folder)),
          then_(then),
          config_(config),
          names_(configured_names(config)) {}

    Seen take() {
        const auto opened = open();
        if (!opened) return {Seen::How::Refused, opened.error().to_string()};
        const auto worked = work();
        if (!worked) return {Seen::How::Stopped, worked.error().to_string()};
        return {Seen::How::Whole, std::move(lines_)};
    }

  private:
    Result<void> open() {
        EmbeddedLog::Options options;
        options.path = folder_;
        options.topics = configured_topics(config_, names_);
        options.disk_reserve_bytes = 0;
        options.block_cache_bytes = options.write_buffer_bytes = 16 << 20;
        options.background_jobs = 1;
        VITALOG_TRY(log_, EmbeddedLog::open(std::move(options)));
        VITALOG_CHECK(clock_.set(LogTime::from_millis(kNow)));
        ShardOptions shard_options;
        shard_options.commit_delay = std::chrono::microseconds(0);
        for (const Stage& stage : all_stages()) {
            if (!stage.make_processor) continue;
            for (const schemas::Topic input : stage.reads) {
                const TopicPartition tp{names_.name(input), Partition(0)};
                VITALOG_TRY(auto shard_log, log_->open_shard(stage.name, tp));
                VITALOG_TRY(
                    auto shard,
                    Shard::open({std::string(stage.name), input, Partition(0), stage.stateful},
                                std::move(shard_log), stage.make_processor(),
                                {*log_, names_, clock_, metrics_}, shard_options));
                shards_.push_back(std::move(shard));
            }
        }
        VITALOG_TRY(auto store, sinks::views::ViewStore::open((folder_ / "views.sqlite").string(),
                                                              log_->generation()));
        sinks::views::ViewWorkerOptions view_options;
        view_options.topics = names_;
        views_ = std::make_unique<sinks::views::ViewWorker>(std::move(store), *log_, view_options);
        return {};
    }

    Result<void> work() {
        VITALOG_CHECK(settle());
        VITALOG_CHECK(receive());
        VITALOG_CHECK(settle());
        for (const TopicConfig& topic : log_->topics()) VITALOG_CHECK(note_topic(topic));
        for (bool more = true; more;) {
            VITALOG_TRY(more, views_->step());
        }
        VITALOG_CHECK(note_views());
        return note_documents();
    }

    /// Steps every shard until none has anything left to do.
    Result<void> settle() {
        for (bool worked = true; worked;) {
            worked = false;
            for (const auto& shard : shards_) {
                VITALOG_TRY(const Shard::Step step, shard->step());
                if (step == Shard::Step::Reopen)
                    return fail(Errc::Io, "a commit's outcome is unknown");
                worked |= step == Shard::Step::Worked;
            }
        }
        return {};
    }

    Result<void> receive() {
        const ingest::mllp::EndpointSettings settings;
        VITALOG_TRY(const auto zone, ingest::hl7::SiteZone::named("Asia/Shanghai"));
        ingest::hl7::ControlIds ids(1);
        ingest::mllp::Admission admission(settings, zone, ids, clock_);
        ingest::mllp::Frame frame;
        frame.content = then_;
        frame.size = then_.size();
        auto judged = admission.judge(frame);
        if (!judged.record) return fail(Errc::Malformed, "the message is refused");
        std::promise<Result<AppendReceipt>> answered;
        log_->append(*std::move(judged.record), [&](Result<AppendReceipt> receipt) {
            answered.set_value(std::move(receipt));
        });
        VITALOG_CHECK(answered.get_future().get());
        return {};
    }

    /// What it holds by key, in order; append times are of the run that wrote them, and so are
    /// ticks.
    Result<void> note_topic(const TopicConfig& topic) {
        const TopicPartition tp{topic.name, Partition(0)};
        std::map<std::string, std::string> by_key;
        RecordBatch batch;
        VITALOG_TRY(Offset at, log_->begin_offset(tp));
        VITALOG_TRY(const Offset end, log_->end_offset(tp));
        for (; at < end; at = batch.next) {
            batch.clear();
            VITALOG_CHECK(log_->read(tp, at, kReadBytes, batch));
            for (const RecordView& record : batch.records) {
                if (record.headers.find(header::kType) == schemas::Tick::kType) continue;
                by_key[std::string(record.key)] +=
                    fmt::format("{} {}\n", hash64(record.headers.encoded()), hash64(record.value));
            }
        }
        for (const auto& [key, content] : by_key)
            lines_ += fmt::format("{} {} {}\n", topic.name, key, hash64(content));
        return {};
    }

    Result<void> note_views() {
        VITALOG_TRY(auto views,
                    sinks::sql::open((folder_ / "views.sqlite").string(), sinks::sql::Mode::Read));
        for (const std::string table : {"person", "identifier", "link", "encounter", "report",
                                        "observation", "risk", "alert", "task", "delivery"}) {
            VITALOG_TRY(const auto rows, views->number("SELECT count(*) FROM " + table));
            VITALOG_TRY(auto all, views->prepare("SELECT * FROM " + table));
            std::string content;
            for (;;) {
                VITALOG_TRY(const bool more, all.next());
                if (!more) break;
                for (int i = 0; i < all.columns(); ++i) content += all.string(i) + "|";
            }
            lines_ += fmt::format("views {} {}\n", table, rows);
            lines_ += fmt::format("content {} {}\n", table, hash64(content));
        }
        return {};
    }

    Result<void> note_documents() {
        if (!fs::exists(folder_ / "blobs")) return {};
        VITALOG_TRY(const auto store, sinks::BlobStore::open(folder_ / "blobs"));
        for (const auto& entry : fs::recursive_directory_iterator(folder_ / "blobs")) {
            if (!entry.is_regular_file()) continue;
            VITALOG_TRY(const auto bytes, store.read(entry.path().filename().string()));
            lines_ += fmt::format("document {}\n", bytes ? hash64(*bytes) : 0);
        }
        return {};
    }

    const fs::path folder_;
    const std::string& then_;
    const Config& config_;
    const schemas::TopicNames names_;
    ManualClock clock_;
    tests::NoMetrics metrics_;
    std::unique_ptr<EmbeddedLog> log_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<sinks::views::ViewWorker> views_;
    std::string lines_;
};

std::string contents(int file) {
    std::string bytes;
    char buffer[65536];
    for (ssize_t n = 0;
         (n = ::pread(file, buffer, sizeof buffer, static_cast<off_t>(bytes.size()))) > 0;)
        bytes.append(buffer, static_cast<std::size_t>(n));
    ::close(file);
    return bytes;
}

/// Looks in a process of its own, so that a crash is one.
Seen look(const Config& config, const fs::path& folder, const std::string& then) {
    const int found = ::memfd_create("found", 0);
    const int log = ::memfd_create("log", 0);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(log, 2);
        const Seen seen = Look(config, folder, then).take();
        const std::string bytes = static_cast<char>(seen.how) + seen.text;
        _exit(::write(found, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) ? 0
                                                                                               : 2);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const std::string bytes = contents(found);
    const std::string said = contents(log);
    if (status != 0 || bytes.empty()) {
        const std::size_t from = said.size() > 300 ? said.size() - 300 : 0;
        return {Seen::How::Crashed, fmt::format("status {}: {}", status, said.substr(from))};
    }
    return {static_cast<Seen::How>(bytes[0]), bytes.substr(1),
            said.find("log-end-dropped") != said.npos};
}

/// The kind of a file, for the table: numbers in its name don't matter.
std::string kind_of(const fs::path& file) {
    std::string kind = file.string();
    if (kind.starts_with("blobs")) return "blobs/*";
    std::string out;
    for (const char c : kind)
        if (c < '0' || c > '9') out += c;
    return out;
}

/// Rows say when a record was appended: what was dropped from the log's end is appended again,
/// later.
std::string without_content(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at) + 1;
        if (!text.substr(at, end - at).starts_with("content ")) out += text.substr(at, end - at);
        at = end;
    }
    return out;
}

struct Place {
    fs::path file;
    std::uint64_t at = 0;
};

struct Options {
    fs::path data;
    std::string then;
    fs::path scratch;
    std::uint64_t every = 1;
    std::uint64_t edges = 4096;
    std::uint64_t seconds = 0;  // 0: as long as it takes
    std::size_t sample = 0;
    std::uint64_t seed = 1;
    std::uint64_t part = 0;
    std::uint64_t parts = 1;
    std::string file;
};

class Check {
  public:
    explicit Check(Options options) : options_(std::move(options)) {
        Config::Sources sources;
        sources.flags = {{"log.partitions", "1"}, {"log.disk_reserve", "0"}};
        config_ = *Config::load(sources);
        // Tables, rules and templates are parsed once for all processes.
        for (const Stage& stage : all_stages())
            if (stage.make_processor) (void)stage.make_processor();
    }

    int run() {
        const Seen whole = fresh_look({});
        if (whole.how != Seen::How::Whole) {
            fmt::print("the whole directory can't be used: {}\n", whole.text);
            return 2;
        }
        expected_ = whole.text;
        if (expected_.find("\nalert ") == std::string::npos) {
            fmt::print("there is no alert in it\n");
            return 2;
        }
        const auto begin = std::chrono::steady_clock::now();
        for (const Place& place : places()) {
            try_one(place);
            if (options_.seconds > 0 &&
                std::chrono::steady_clock::now() - begin >= std::chrono::seconds(options_.seconds))
                break;
        }
        for (const auto& [kind, row] : rows_)
            fmt::print("row {} {} {} {} {} {} {} {}\n", kind, row.bytes, row.tried, row.same,
                       row.dropped, row.refused, row.stopped, row.wrong);
        return wrong_ == 0 ? 0 : 1;
    }

  private:
    struct Row {
        std::uint64_t bytes = 0, tried = 0, same = 0, dropped = 0, refused = 0, stopped = 0,
                      wrong = 0;
    };

    /// Files that say something to people, or are written anew at each start.
    static bool unread(const fs::path& file) {
        const std::string name = file.filename().string();
        return name.starts_with("OPTIONS") || name.starts_with("LOG") || name == "IDENTITY" ||
               name == "LOCK" || name == "lock" || name == "run.json" || name.ends_with("-shm");
    }

    /// Which bytes of a file are tried, by --every.
    bool wanted(const fs::path& file, std::uint64_t size, std::uint64_t at) const {
        if (options_.sample > 0) return true;
        if (unread(file)) return at % std::max<std::uint64_t>(1, size / kUnreadPlaces) == 0;
        const std::string name = file.filename().string();
        if (name == "CURRENT" || name.starts_with("MANIFEST") || name == "format" ||
            name == "synced")
            return true;
        return at < options_.edges || at + options_.edges >= size || at % options_.every == 0;
    }

    std::vector<Place> places() {
        std::map<std::string, std::vector<Place>> by_kind;
        for (const auto& entry : fs::recursive_directory_iterator(options_.data)) {
            if (!entry.is_regular_file()) continue;
            const fs::path file = fs::relative(entry.path(), options_.data);
            if (!options_.file.empty() && file != options_.file) continue;
            rows_[kind_of(file)].bytes += entry.file_size();
            for (std::uint64_t at = 0; at < entry.file_size(); ++at)
                if (wanted(file, entry.file_size(), at))
                    by_kind[kind_of(file)].push_back({file, at});
        }
        std::vector<Place> chosen;
        std::mt19937_64 chance(options_.seed);
        const std::size_t each = options_.sample / std::max<std::size_t>(1, by_kind.size());
        for (auto& [kind, all] : by_kind) {
            if (options_.sample > 0) {
                std::ranges::shuffle(all, chance);
                all.resize(std::min(all.size(), each));
            }
            for (std::size_t i = 0; i < all.size(); ++i)
                if (i % options_.parts == options_.part) chosen.push_back(all[i]);
        }
        if (options_.seconds > 0) std::ranges::shuffle(chosen, chance);
        return chosen;
    }

    /// Tables and documents are never written to: links will do for those that are left as they
    /// are.
    void copy_directory(const fs::path& changed) const {
        fs::remove_all(options_.scratch);
        fs::create_directories(options_.scratch);
        for (const auto& entry : fs::recursive_directory_iterator(options_.data)) {
            const fs::path file = fs::relative(entry.path(), options_.data);
            const fs::path to = options_.scratch / file;
            if (entry.is_directory())
                fs::create_directories(to);
            else if (file != changed &&
                     (file.extension() == ".sst" || file.string().starts_with("blobs")))
                fs::create_hard_link(entry.path(), to);
            else
                fs::copy_file(entry.path(), to);
        }
    }

    Seen fresh_look(const std::optional<Place>& place) {
        copy_directory(place ? place->file : fs::path());
        if (place) {
            std::fstream file(options_.scratch / place->file,
                              std::ios::in | std::ios::out | std::ios::binary);
            file.seekg(static_cast<std::streamoff>(place->at));
            const int byte = file.get();
            file.seekp(static_cast<std::streamoff>(place->at));
            const std::uint64_t lot = hash64(fmt::format("{} {}", place->file.string(), place->at));
            file.put(static_cast<char>(byte ^ (1 << (lot % 8))));
        }
        return look(config_, options_.scratch, options_.then);
    }

    /// Whether a person who reads it knows where, and what to do.
    static bool helps(const std::string& error, const std::string& folder) {
        const bool where =
            error.find(folder) != std::string::npos || error.find("/0/") != std::string::npos;
        const bool what = std::ranges::any_of(
            std::array{"estore", "rebuild", "run the version", "choose another", "name "},
            [&](const char* word) { return error.find(word) != std::string::npos; });
        return where && what;
    }

    void try_one(const Place& place) {
        const Seen seen = fresh_look(place);
        Row& row = rows_[kind_of(place.file)];
        ++row.tried;
        const bool ended = seen.how == Seen::How::Refused || seen.how == Seen::How::Stopped;
        const bool of_the_views = place.file.string().starts_with("views");
        if (seen.how == Seen::How::Whole &&
            (seen.text == expected_ ||
             (!of_the_views && without_content(seen.text) == without_content(expected_)))) {
            ++(seen.reported ? row.dropped : row.same);
        } else if (ended && helps(seen.text, options_.scratch.string())) {
            ++(seen.how == Seen::How::Refused ? row.refused : row.stopped);
        } else {
            ++row.wrong;
            complain(place, seen);
        }
    }

    void complain(const Place& place, const Seen& seen) {
        if (++wrong_ > 40) return;
        std::string text = seen.text;
        if (seen.how == Seen::How::Whole) text = "other output: " + first_difference(seen.text);
        fmt::print("WRONG {} byte {} ({}): {}\n", place.file.string(), place.at,
                   static_cast<char>(seen.how), text);
        std::fflush(stdout);
    }

    std::string first_difference(const std::string& text) const {
        const auto [mine, other] = std::ranges::mismatch(expected_, text);
        const auto line = [](const std::string& of, auto at) {
            const auto from = static_cast<std::size_t>(at - of.begin());
            const std::size_t begin = from == 0 ? 0 : of.rfind('\n', from - 1) + 1;
            return of.substr(begin, of.find('\n', from) - begin);
        };
        return fmt::format("'{}' for '{}'", line(text, other), line(expected_, mine));
    }

    const Options options_;
    Config config_;
    std::string expected_;
    std::map<std::string, Row> rows_;
    std::uint64_t wrong_ = 0;
};

std::uint64_t number(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

int main_of(const std::vector<std::string>& words) {
    if (words.size() < 3) return 2;
    Options options;
    options.data = words[0];
    options.then = bytes_of(words[1]);
    options.scratch = words[2];
    for (std::size_t i = 3; i + 1 < words.size(); i += 2) {
        if (words[i] == "--every") options.every = std::max<std::uint64_t>(1, number(words[i + 1]));
        if (words[i] == "--edges") options.edges = number(words[i + 1]);
        if (words[i] == "--seconds") options.seconds = number(words[i + 1]);
        if (words[i] == "--sample") options.sample = number(words[i + 1]);
        if (words[i] == "--seed") options.seed = number(words[i + 1]);
        if (words[i] == "--file") options.file = words[i + 1];
        if (words[i] == "--part") {
            options.part = number(words[i + 1]);
            options.parts = number(words[i + 1].substr(words[i + 1].find('/') + 1));
        }
    }
    return Check(std::move(options)).run();
}

}  // namespace
}  // namespace vitalog::topology

int main(int argc, char** argv) {
    return vitalog::topology::main_of({argv + 1, argv + argc});
}
