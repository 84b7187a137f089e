#include <fmt/format.h>

#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "ingest/http/deflate.h"
#include "ingest/wearable/apple_export.h"
#include "ingest/wearable/wearable_decoder.h"
#include "schemas/embed.h"
#include "schemas/json_decode.h"
#include "schemas/tables/tables.h"
#include "sinks/http_client.h"
#include "topology/cli/cli.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog import apple-health FILE --account AUTHORITY|ID [--url U] [--quiet]

Sends the measurements of an Apple Health export (export.xml, as the Health app writes it) through a site's own door,
POST /ingest/wearable, in gzipped batches. The file is read in pieces, however long it is. What the site refuses as busy
is sent again; what it has already is a duplicate, so that an import that was broken off is just started again. Types of
records that the built-in table of measures does not know are left out and counted.

  --account A|ID   whose data it is: an account that the directory binds to a patient, or a patient's identifier
  --url U          the site (http://127.0.0.1:8080)
  --quiet          no progress bar

Exits 1 when a batch was not taken.

example:
  vitalog import apple-health export.xml --account 'APPLE|li.wei'
)";

constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::size_t kBatchPoints = 1'000;
constexpr std::chrono::seconds kWaitDefault{1};
constexpr std::int64_t kWaitMax = 60;
constexpr int kTriesMax = 10;
constexpr std::size_t kReasonsMax = 10;

struct Answer {
    struct Item {
        std::string_view status;
        std::string_view reason;
        template <class V>
        void members(V& v) {
            v("status", status);
            v("reason", reason);
        }
    };
    std::uint64_t accepted = 0;
    std::uint64_t duplicate = 0;
    std::uint64_t rejected = 0;
    std::vector<Item> items;
    template <class V>
    void members(V& v) {
        v.required("accepted", accepted);
        v.required("duplicate", duplicate);
        v.required("rejected", rejected);
        v("items", items);
    }
};

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) out += c;
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

/// Posts points in batches, and adds up the answers.
class Batches {
  public:
    Batches(std::string url, std::string_view account, std::string token)
        : url_(std::move(url) + "/ingest/wearable?account=" + percent_encoded(account)), token_(std::move(token)) {}

    Result<void> add(std::string_view point) {
        body_.append(point).append("\n");
        if (++points_ < kBatchPoints) return {};
        return flush();
    }

    Result<void> flush() {
        if (points_ == 0) return {};
        sinks::ClientRequest request;
        request.method = "POST";
        request.url = url_;
        request.headers = {{"Content-Type", "application/x-ndjson"}, {"Content-Encoding", "gzip"}};
        if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
        request.body = ingest::gzip(body_);
        body_.clear();
        points_ = 0;
        for (int tries = 1;; ++tries) {
            const auto outcome = client_.send(request);
            const bool answered = outcome.fate == sinks::HttpFate::Answered;
            if (answered && outcome.response.status == 202) return count(outcome.response.body);
            const bool later = !answered || outcome.response.status == 429 || outcome.response.status == 503;
            if (!later || tries == kTriesMax)
                return fail(Errc::Io, fmt::format("{}: {}", url_, answered ? fmt::format("{} {}", outcome.response.status,
                                                                                        outcome.response.body)
                                                                           : outcome.reason));
            wait(outcome.response);
        }
    }

    void print() const {
        fmt::print("accepted {} duplicate {} rejected {}\n", total_.accepted, total_.duplicate, total_.rejected);
        for (const auto& [reason, count] : reasons_) fmt::print("rejected {} times: {}\n", count, reason);
    }

  private:
    Result<void> count(std::string_view body) {
        VITALOG_TRY(const auto answer, schemas::decode<Answer>(body, decoder_));
        total_.accepted += answer.accepted;
        total_.duplicate += answer.duplicate;
        total_.rejected += answer.rejected;
        for (const auto& item : answer.items) {
            const std::string reason(item.reason);
            if (item.status != "rejected" || (reasons_.size() == kReasonsMax && !reasons_.contains(reason))) continue;
            ++reasons_[reason];
        }
        return {};
    }

    /// As long as the site asks for.
    static void wait(const sinks::ClientResponse& response) {
        std::chrono::seconds pause = kWaitDefault;
        if (const auto found = response.headers.find("retry-after"); found != response.headers.end())
            pause = std::chrono::seconds(
                std::min<std::int64_t>(kWaitMax, std::max(1L, std::strtol(found->second.c_str(), nullptr, 10))));
        std::mutex mutex;
        std::condition_variable never;
        std::unique_lock lock(mutex);
        never.wait_for(lock, pause, [] { return false; });
    }

    const std::string url_;
    const std::string token_;
    sinks::HttpClient client_;
    schemas::Decoder decoder_;
    std::string body_;
    std::size_t points_ = 0;
    Answer total_;
    std::map<std::string, std::uint64_t> reasons_;
};

Result<schemas::Tables> builtin_tables() {
    schemas::Tables tables;
    for (const auto& file : schemas::builtin_files())
        if (file.kind == "units" || file.kind == "codes" || file.kind == "measures")
            VITALOG_CHECK(tables.load(file.kind, file.name, file.text));
    return tables;
}

void show_progress(std::uint64_t done, std::uint64_t total, const ingest::wearable::AppleExportCounts& counts) {
    constexpr std::uint64_t kWidth = 40;
    const std::uint64_t part = total == 0 ? kWidth : std::min(kWidth, done * kWidth / total);
    fmt::print(stderr, "\r[{:=<{}}{: <{}}] {} records, {} measurements ", "", part, "", kWidth - part, counts.records,
               counts.points);
}

Result<ingest::wearable::AppleExportCounts> send_file(const std::string& path, Batches& batches, bool bar) {
    VITALOG_TRY(const auto tables, builtin_tables());
    std::error_code no_size;
    const std::uint64_t size = std::filesystem::file_size(path, no_size);
    std::ifstream file(path, std::ios::binary);
    if (!file || no_size) return fail(Errc::Configuration, path + ": can't be read");
    ingest::wearable::AppleExport reader(tables.measures(),
                                         [&](std::string_view point) { return batches.add(point); });
    std::string piece(kPieceBytes, '\0');
    std::uint64_t done = 0;
    while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
        const auto got = static_cast<std::size_t>(file.gcount());
        VITALOG_CHECK(reader.read(std::string_view(piece).substr(0, got)));
        done += got;
        if (bar) show_progress(done, size, reader.counts());
    }
    VITALOG_CHECK(reader.finish());
    VITALOG_CHECK(batches.flush());
    return reader.counts();
}

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {{"--url", "--account"}, {"--quiet"}, 2});
    if (!arguments) return report_usage("import", arguments.error());
    if (arguments->words().size() != 2 || arguments->words()[0] != "apple-health")
        return report_usage("import", Error(Errc::Configuration, "say what to import: apple-health FILE"));
    const auto account = ingest::wearable::account_key(arguments->value_or("--account", ""));
    if (!account) return report_usage("import", Error(Errc::Configuration, "--account must be AUTHORITY|ID"));
    std::string url = arguments->value_or("--url", "http://127.0.0.1:8080");
    while (url.ends_with('/')) url.pop_back();
    Batches batches(std::move(url), *account, bearer_token());
    const bool bar = !arguments->has("--quiet");
    const auto counts = send_file(arguments->words()[1], batches, bar);
    if (bar) fmt::print(stderr, "\n");
    if (!counts) return report("import", counts.error());
    fmt::print("records {} measurements {} other-types {} repeated {} unreadable {}\n", counts->records, counts->points,
               counts->others, counts->repeated, counts->unreadable);
    batches.print();
    return kStopped;
}

}  // namespace

const Command kImport{"import", "send an export of wearable data to a site", kHelp, run};

}  // namespace vitalog::topology::cli
