// What a site makes of a data directory in which one byte is not what was written.
//   damage_check DATA_DIR THEN.hl7 SCRATCH [--every N --edges N | --sample N] [--seed S]
//                [--seconds N] [--part I/N] [--file NAME]
// For each byte of each file: copies the directory of a stopped or killed site of one partition,
// changes the byte (one bit, drawn from its place), starts what a site starts, takes the message in
// THEN.hl7 and works until nothing is left to do (damage_look.h), in another process. What comes
// out is compared with what the whole directory gives. Allowed are: the same; the same after the
// end of a write-ahead log was dropped, and that was reported; or an error that names the file and
// says what to do. Prints "row KIND BYTES TRIED SAME DROPPED REFUSED STOPPED WRONG" for
// each kind of file; exits 1 where anything else came out. With --every N: every byte of CURRENT,
// MANIFEST, format and synced, and of the first and last --edges bytes of the others (4096); every
// Nth between; all bytes at once of each file that nothing reads. With --sample N: as many, drawn
// by lot, alike for each kind of file. With --seconds N: in an order drawn by lot, so long. Bytes
// of the views are tried in copies of the views alone, behind one log that has been worked off.

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "schemas/base/ids.h"
#include "tests/crash/damage_look.h"
#include "topology/config.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
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

/// Bytes of a file that are changed; none: the directory is whole.
struct Place {
    fs::path file;
    std::uint64_t at = 0;
    std::uint64_t bytes = 1;

    bool of_views() const { return file.string().starts_with("views"); }
};

/// Copies of a directory in which a place is changed.
class Copies {
  public:
    Copies(fs::path data, fs::path scratch)
        : data_(std::move(data)), scratch_(std::move(scratch)) {}

    fs::path site(const Place& changed, const char* name) const {
        return copy(changed, name, [](const fs::path&) { return true; });
    }
    fs::path views(const Place& changed) const {
        return copy(changed, "views",
                    [](const fs::path& file) { return file.string().starts_with("views"); });
    }

  private:
    fs::path copy(const Place& changed, const char* name,
                  const std::function<bool(const fs::path&)>& wanted) const {
        const fs::path folder = scratch_ / name;
        fs::remove_all(folder);
        fs::create_directories(folder);
        for (const auto& entry : fs::recursive_directory_iterator(data_)) {
            const fs::path file = fs::relative(entry.path(), data_);
            if (!wanted(file)) continue;
            // Tables and documents are never written to: links will do for those left as they are.
            if (entry.is_directory())
                fs::create_directories(folder / file);
            else if (file != changed.file &&
                     (file.extension() == ".sst" || file.string().starts_with("blobs")))
                fs::create_hard_link(entry.path(), folder / file);
            else
                fs::copy_file(entry.path(), folder / file);
        }
        change(folder / changed.file, changed);
        return folder;
    }

    static void change(const fs::path& path, const Place& place) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        for (std::uint64_t at = place.at; at < place.at + place.bytes; ++at) {
            file.seekg(static_cast<std::streamoff>(at));
            const int byte = file.get();
            file.seekp(static_cast<std::streamoff>(at));
            const std::uint64_t lot = hash64(fmt::format("{} {}", place.file.string(), at));
            file.put(static_cast<char>(byte ^ (1 << (lot % 8))));
        }
    }

    const fs::path data_;
    const fs::path scratch_;
};

/// Looks at one place after another in a process of its own, so that a crash is one: the next look
/// is in a new one.
class Looker {
  public:
    explicit Looker(std::function<Seen(std::size_t place)> look) : look_(std::move(look)) {}
    ~Looker() {
        end();
        if (said_ >= 0) ::close(said_);
    }
    Looker(const Looker&) = delete;
    Looker& operator=(const Looker&) = delete;

    Seen at(std::size_t place) {
        if (child_ < 0) begin();
        Answer answer;
        Seen seen;
        if (!send(&place, sizeof place) || !receive(&answer, sizeof answer)) return crashed();
        seen.text.resize(answer.bytes);
        if (!receive(seen.text.data(), seen.text.size())) return crashed();
        seen.how = answer.how;
        seen.reported = answer.reported;
        return seen;
    }

  private:
    struct Answer {
        Seen::How how = Seen::How::Crashed;
        bool reported = false;
        std::size_t bytes = 0;
    };

    void begin() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
        if (said_ < 0) said_ = ::memfd_create("said", 0);
        std::fflush(nullptr);
        child_ = ::fork();
        if (child_ < 0) std::abort();
        socket_ = ends[child_ == 0 ? 1 : 0];
        ::close(ends[child_ == 0 ? 0 : 1]);
        if (child_ == 0) serve();
    }

    [[noreturn]] void serve() {
        ::dup2(said_, 2);
        for (std::size_t place = 0; receive(&place, sizeof place);) {
            if (::ftruncate(said_, 0) != 0) break;
            ::lseek(said_, 0, SEEK_SET);
            const Seen seen = look_(place);
            const bool reported = said().find("log-end-dropped") != std::string::npos;
            const Answer answer{seen.how, reported, seen.text.size()};
            if (!send(&answer, sizeof answer) || !send(seen.text.data(), seen.text.size())) break;
        }
        ::_exit(0);
    }

    Seen crashed() {
        const int status = end();
        const std::string text = said();
        const std::size_t from = text.size() > 300 ? text.size() - 300 : 0;
        return {Seen::How::Crashed, fmt::format("status {}: {}", status, text.substr(from))};
    }

    int end() {
        int status = 0;
        if (child_ < 0) return status;
        ::close(socket_);
        ::waitpid(child_, &status, 0);
        child_ = -1;
        return status;
    }

    /// What the process wrote to its standard error during the last look.
    std::string said() const {
        std::string bytes;
        std::array<char, 65536> buffer{};
        for (ssize_t n = 0; (n = ::pread(said_, buffer.data(), buffer.size(),
                                         static_cast<off_t>(bytes.size()))) > 0;)
            bytes.append(buffer.data(), static_cast<std::size_t>(n));
        return bytes;
    }

    bool send(const void* from, std::size_t bytes) const {
        for (const char* at = static_cast<const char*>(from); bytes > 0;) {
            const ssize_t n = ::send(socket_, at, bytes, MSG_NOSIGNAL);
            if (n <= 0) return false;
            at += n;
            bytes -= static_cast<std::size_t>(n);
        }
        return true;
    }

    bool receive(void* to, std::size_t bytes) const {
        for (char* at = static_cast<char*>(to); bytes > 0;) {
            const ssize_t n = ::recv(socket_, at, bytes, 0);
            if (n <= 0) return false;
            at += n;
            bytes -= static_cast<std::size_t>(n);
        }
        return true;
    }

    const std::function<Seen(std::size_t place)> look_;
    pid_t child_ = -1;
    int socket_ = -1;
    int said_ = -1;
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
    explicit Check(Options options)
        : options_(std::move(options)),
          copies_(options_.data, options_.scratch),
          looker_([this](std::size_t place) { return look(places_[place]); }) {
        Config::Sources sources;
        sources.flags = {{"log.partitions", "1"}, {"log.disk_reserve", "0"}};
        config_ = *Config::load(sources);
        // Tables, rules and templates are parsed once for all processes.
        for (const Stage& stage : all_stages())
            if (stage.make_processor) (void)stage.make_processor();
        places_ = {{"format", 0, 0}, {"views.sqlite", 0, 0}};
        std::ranges::copy(places(), std::back_inserter(places_));
    }

    int run() {
        for (const std::size_t whole : {kWholeSite, kWholeViews}) {
            const Seen seen = looker_.at(whole);
            if (seen.how != Seen::How::Whole) {
                fmt::print("the whole directory can't be used: {}\n", seen.text);
                return 2;
            }
            expected_[whole] = seen.text;
        }
        if (expected_[kWholeSite].find("\nalert ") == std::string::npos) {
            fmt::print("there is no alert in it\n");
            return 2;
        }
        const auto begin = std::chrono::steady_clock::now();
        for (std::size_t place = kWholeViews + 1; place < places_.size(); ++place) {
            judge(places_[place], looker_.at(place));
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
    static constexpr std::size_t kWholeSite = 0, kWholeViews = 1;

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
        const std::string name = file.filename().string();
        if (options_.sample > 0 || name == "CURRENT" || name.starts_with("MANIFEST") ||
            name == "format" || name == "synced")
            return true;
        return at < options_.edges || at + options_.edges >= size || at % options_.every == 0;
    }

    std::vector<Place> places() {
        std::map<std::string, std::vector<Place>> by_kind;
        for (const auto& entry : fs::recursive_directory_iterator(options_.data)) {
            if (!entry.is_regular_file()) continue;
            const fs::path file = fs::relative(entry.path(), options_.data);
            const std::uint64_t size = entry.file_size();
            if (!options_.file.empty() && file != options_.file) continue;
            rows_[kind_of(file)].bytes += size;
            auto& found = by_kind[kind_of(file)];
            if (options_.sample == 0 && unread(file))
                found.push_back({file, 0, size});
            else
                for (std::uint64_t at = 0; at < size; ++at)
                    if (wanted(file, size, at)) found.push_back({file, at});
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

    /// In the process that looks.
    Seen look(const Place& place) {
        if (!place.of_views())
            return SiteLook(config_, copies_.site(place, "site")).take(options_.then);
        if (!behind_) {
            behind_.emplace(config_, copies_.site({place.file, 0, 0}, "behind"));
            if (Seen seen = behind_->take(options_.then); seen.how != Seen::How::Whole) return seen;
        }
        return behind_->views_in(copies_.views(place));
    }

    /// Whether a person who reads it knows which file, and what to do. What lies beside the views
    /// is part of them.
    static bool helps(const std::string& error, const Place& place) {
        const std::string file =
            place.of_views() ? "views.sqlite" : "/" + place.file.filename().string();
        const bool what = std::ranges::any_of(
            std::array{"estore", "rebuild", "run the version", "choose another"},
            [&](const char* word) { return error.find(word) != std::string::npos; });
        return error.find(file) != std::string::npos && what;
    }

    void judge(const Place& place, const Seen& seen) {
        Row& row = rows_[kind_of(place.file)];
        row.tried += place.bytes;
        const bool ended = seen.how == Seen::How::Refused || seen.how == Seen::How::Stopped;
        const std::string& expected = expected_[place.of_views() ? kWholeViews : kWholeSite];
        if (seen.how == Seen::How::Whole &&
            (seen.text == expected ||
             (seen.reported && without_content(seen.text) == without_content(expected)))) {
            (seen.reported ? row.dropped : row.same) += place.bytes;
        } else if (ended && helps(seen.text, place)) {
            (seen.how == Seen::How::Refused ? row.refused : row.stopped) += place.bytes;
        } else {
            row.wrong += place.bytes;
            if (++wrong_ <= kComplaints) complain(place, seen, expected);
        }
    }

    static void complain(const Place& place, const Seen& seen, const std::string& expected) {
        std::string text = seen.text;
        if (seen.how == Seen::How::Whole)
            text = "other output: " + first_difference(expected, seen.text);
        fmt::print("WRONG {} byte {} ({}): {}\n", place.file.string(), place.at,
                   static_cast<char>(seen.how), text);
        std::fflush(stdout);
    }

    static std::string first_difference(const std::string& expected, const std::string& text) {
        const auto [mine, other] = std::ranges::mismatch(expected, text);
        const auto line = [](const std::string& of, auto at) {
            const auto from = static_cast<std::size_t>(at - of.begin());
            const std::size_t begin = from == 0 ? 0 : of.rfind('\n', from - 1) + 1;
            return of.substr(begin, of.find('\n', from) - begin);
        };
        return fmt::format("'{}' for '{}'", line(text, other), line(expected, mine));
    }

    static constexpr std::uint64_t kComplaints = 40;

    const Options options_;
    const Copies copies_;
    Config config_;
    std::vector<Place> places_;
    std::optional<SiteLook> behind_;  // the views; in the process that looks
    Looker looker_;
    std::array<std::string, 2> expected_;
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
